package writer

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// mailed is a wanted state with an address.
func mailed(ref record.Ref, email string) directory.Entry {
	e := person(ref, "t")
	e.User.Email = email
	return e
}

// has gives a record an object and a link with an address.
func (s *stand) has(ref record.Ref, version uint64, email string) {
	e := mailed(ref, email)
	known, _ := event.EncodeEntry(e)
	s.d.objects[ref] = e
	s.w.links[ref] = store.Link{Ref: ref, TargetID: "id-" + ref.Key, Version: version, Digest: e.Digest(), Known: known, Email: emailOf(e), State: "active"}
}

// want puts a state into the table.
func (s *stand) want(ref record.Ref, version uint64, e directory.Entry) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.store(wantedEvent(ref, version, e), ref)
}

func TestWhoeverWaitedForAnAddressIsLookedAtAtOnce(t *testing.T) {
	held := fault.New(fault.Held, fault.EmailTaken, "the address belongs to user 1")
	for name, cut := range map[string]string{"": "", "also after a crash before the commit": "commit"} {
		t.Run(name, func(t *testing.T) {
			free := false
			play(t, Options{Alone: true}, func(s *stand) {
				s.has(emp(1), 1, "x@example.com")
				s.want(emp(2), 1, mailed(emp(2), "x@example.com"))
				s.w.sharing = map[string][]record.Ref{"x@example.com": {emp(2)}}
				s.d.turn = func(p *target.Planned) {
					if p.Item.Ref == emp(2) && !free {
						p.Err = held
					}
				}
			}, func(s *stand) {
				s.until(time.Minute, "held", s.w.idle)
				s.wantOutcomes(emp(2), audit.Held)
				free = true
				if cut != "" {
					once := true
					s.w.cut = func(point string) error {
						if point == cut && once {
							once = false
							return errStore
						}
						return nil
					}
				}
				s.want(emp(1), 2, mailed(emp(1), "y@example.com"))
				s.until(10*time.Minute, "written", func() bool { return s.w.idle() && s.w.link(emp(2)).Email == "x@example.com" })
				if got := s.w.outcomes(emp(2)); len(got) < 2 || got[0] != audit.Held || got[1] != audit.Applied {
					t.Errorf("audit %v: a crash may only look once more", got)
				}
			})
		})
	}
}

func TestAnObjectMovesToTheRecordThatTakesItOver(t *testing.T) {
	taking := mailed(emp(2), "x@example.com")
	taking.User.Takes = "psft:emp:1"
	play(t, Options{}, func(s *stand) {
		s.has(emp(1), 7, "x@example.com")
		s.w.links[emp(1)] = func(l store.Link) store.Link { l.Memory, l.State = []byte(`{"role":"agent"}`), "suspended"; return l }(s.w.links[emp(1)])
		s.d.change = func(c target.Change) (*target.Outcome, time.Duration) {
			return &target.Outcome{TargetID: c.TargetID, Holds: c.Wanted, Memory: c.Memory}, 0
		}
		s.d.turn = func(p *target.Planned) {
			if p.Item.TargetID != "" {
				p.Change.Verb, p.Change.TargetID = target.Restore, p.Item.TargetID
			}
		}
		s.want(emp(2), 1, taking)
	}, func(s *stand) {
		s.until(time.Minute, "written", s.w.idle)
		if l := s.w.link(emp(2)); l.TargetID != "id-1" || l.Email != "x@example.com" || string(l.Memory) != `{"role":"agent"}` || l.State != "active" {
			t.Errorf("link of the new record %+v", l)
		}
		if l := s.w.link(emp(1)); l.TargetID != "" || l.Email != "" || len(l.Memory) > 0 || l.Version != 7 {
			t.Errorf("link of the old record %+v", l)
		}
		s.wantOutcomes(emp(2), audit.Applied)
		s.wantOutcomes(emp(1), audit.Finished)
	})
}

func TestTwoRecordsOfOneObjectAreNotWrittenBesideEachOther(t *testing.T) {
	taking := mailed(emp(2), "x@example.com")
	taking.User.Takes = "psft:emp:1"
	play(t, Options{}, func(s *stand) {
		s.has(emp(1), 7, "x@example.com")
		s.want(emp(1), 8, mailed(emp(1), "z@example.com"))
		s.want(emp(2), 1, taking)
	}, func(s *stand) {
		s.until(time.Minute, "written", s.w.idle)
		for _, refs := range s.d.plans {
			if len(refs) > 1 {
				t.Errorf("planned together: %v", refs)
			}
		}
	})
}

// The leaver came back after a person approved that another record takes the object over.
func TestAnObjectIsNotTakenFromSomebodyWhoIsBack(t *testing.T) {
	taking := mailed(emp(2), "x@example.com")
	taking.User.Takes = "psft:emp:1"
	for name, first := range map[string]bool{"the return is known already": true, "the return is written before": false} {
		t.Run(name, func(t *testing.T) {
			play(t, Options{}, func(s *stand) {
				s.has(emp(1), 7, "x@example.com")
				if first {
					s.w.links[emp(1)] = func(l store.Link) store.Link { l.State = "suspended"; return l }(s.w.links[emp(1)])
				}
				s.want(emp(1), 8, mailed(emp(1), "x@example.com"))
				s.want(emp(2), 1, taking)
			}, func(s *stand) {
				s.until(time.Minute, "written", s.w.idle)
				if l := s.w.link(emp(1)); l.TargetID != "id-1" {
					t.Errorf("link of who is back %+v", l)
				}
				if l := s.w.link(emp(2)); l.TargetID == "id-1" {
					t.Errorf("link of the other record %+v", l)
				}
			})
		})
	}
}
