package writer

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

func TestUnknownOutcomeEndsVerifiedOrWritten(t *testing.T) {
	cases := map[string]struct {
		lands time.Duration
		end   audit.Outcome
	}{
		"it had landed at once":    {time.Nanosecond, audit.Verified},
		"it landed before the end": {life - time.Second, audit.Verified},
		"it never landed":          {-1, audit.Applied},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, Options{}, func(s *stand) {
				s.w.put(emp(1), 1, "x")
				first := true
				s.d.change = func(target.Change) (*target.Outcome, time.Duration) {
					if !first {
						return nil, 0
					}
					first = false
					return &target.Outcome{Err: lost()}, c.lands
				}
			}, func(s *stand) {
				pass(life - time.Second)
				if p, _, _ := s.d.count(); p != 1 {
					t.Errorf("%d plans in quarantine", p)
				}
				s.until(time.Minute, "settled", s.w.idle)
				s.wantOutcomes(emp(1), audit.Retried, c.end)
				if len(s.w.quarantine) > 0 || s.d.title(emp(1)) != "x" || s.w.link(emp(1)).Digest == "" {
					t.Errorf("quarantine %v, desk %q", s.w.quarantine, s.d.title(emp(1)))
				}
			})
		})
	}
}

func TestABAWithAnUnknownBEndsAtA(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.linked(emp(1), 1, "A")
		s.w.put(emp(1), 2, "B")
		s.d.change = func(c target.Change) (*target.Outcome, time.Duration) {
			if c.Version == 2 {
				return &target.Outcome{Err: lost()}, time.Minute
			}
			return nil, 0
		}
	}, func(s *stand) {
		pass(time.Second)
		s.w.put(emp(1), 3, "A")
		s.until(10*time.Minute, "settled", s.w.idle)
		if s.d.title(emp(1)) != "A" {
			t.Errorf("the desk holds %q", s.d.title(emp(1)))
		}
	})
}

func TestUrgentAnnouncementIsWrittenAsTheTableHoldsIt(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 4, "now")
		s.w.queue[bus.Writer] = nil // the bulk lane is far behind
		s.w.urge(emp(1), emp(2))    // nothing is known of the second
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		if s.d.title(emp(1)) != "now" || s.w.link(emp(1)).Version != 4 {
			t.Errorf("desk %q, link %+v", s.d.title(emp(1)), s.w.link(emp(1)))
		}
		if s.w.settled("ack employee/2 v0") != 1 {
			t.Error("an announcement without a state is acknowledged")
		}
	})
}

func TestUndecodableStateIsBuriedAndExplained(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		foreign := wantedEvent(emp(1), 1, person(emp(1), "x"))
		foreign.Tenant = "globex"
		s.w.store(foreign, emp(1))
		s.w.store(wantedEvent(emp(3), 1, person(emp(3), "x")), emp(2)) // another record's state
		s.w.put(emp(4), 1, "good")
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		s.wantOutcomes(emp(1), audit.Dead)
		s.wantOutcomes(emp(2), audit.Dead)
		s.wantOutcomes(emp(4), audit.Applied)
		if len(s.w.dead) != 2 || s.w.dead[0].Code != fault.BadEnvelope || len(s.w.dead[0].Original) == 0 {
			t.Errorf("dead letters %+v", s.w.dead)
		}
	})
}

func TestDeadLetterThatIsNotStoredKeepsTheMessage(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.noBury = true
		s.w.put(emp(1), 1, "x")
		s.d.change = func(target.Change) (*target.Outcome, time.Duration) {
			return fails(fault.Invalid, fault.TargetInvalid), -1
		}
	}, func(s *stand) {
		pass(time.Second)
		if s.w.idle() {
			t.Error("the message is gone")
		}
	})
}

func TestMemoryOfAStepThatWasMadeSurvivesTheFailureBehindIt(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.linked(emp(1), 1, "agent")
		s.w.put(emp(1), 2, "leaver")
		first := true
		s.d.change = func(c target.Change) (*target.Outcome, time.Duration) {
			if first {
				first = false
				return &target.Outcome{Err: fault.New(fault.Transient, fault.TargetNotApplied, "x"), TargetID: "id-1", Memory: []byte(`{"role":"agent"}`)}, -1
			}
			if string(c.Memory) != `{"role":"agent"}` {
				t.Errorf("the second try remembers %q", c.Memory)
			}
			return nil, 0
		}
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		if l := s.w.link(emp(1)); string(l.Memory) != `{"role":"agent"}` || l.Version != 2 {
			t.Errorf("link %+v", l)
		}
	})
}

// The object that a held or failed plan met may be another's: it is not linked, or the record's next state would be
// written to it.
func TestAnObjectThatDidNotBecomeOursIsNotLinked(t *testing.T) {
	cases := map[string]func(*stand){
		"the plan is held": func(s *stand) {
			s.d.turn = func(p *target.Planned) {
				p.Change.TargetID, p.Err = "id-of-another", fault.New(fault.Held, fault.EmailOwned, "x")
			}
		},
		"the adoption is refused": func(s *stand) {
			s.d.turn = func(p *target.Planned) { p.Change.TargetID, p.Change.Adopted = "id-of-another", true }
			s.d.change = func(target.Change) (*target.Outcome, time.Duration) {
				return &target.Outcome{Err: fault.New(fault.Held, fault.EmailTaken, "x"), TargetID: "id-of-another"}, -1
			}
		},
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, Options{}, func(s *stand) {
				prepare(s)
				s.w.put(emp(1), 1, "x")
			}, func(s *stand) {
				s.until(time.Minute, "settled", s.w.idle)
				s.wantOutcomes(emp(1), audit.Held)
				if l := s.w.link(emp(1)); l.TargetID != "" {
					t.Errorf("linked to %q", l.TargetID)
				}
			})
		})
	}
}

func TestUntouchedRecordKeepsWhatIsKnown(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.linked(emp(1), 1, "x")
		e := person(emp(1), "elsewhere")
		e.User.State = directory.Untouched
		s.w.store(wantedEvent(emp(1), 2, e), emp(1))
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		l := s.w.link(emp(1))
		if known, _ := event.DecodeEntry(l.Known); l.State != "active" || known.Digest() != person(emp(1), "x").Digest() || l.TargetID != "id-1" {
			t.Errorf("link %+v", l)
		}
	})
}

// A restore that fails may have given access back: until it is known, the object does not pass for a suspended one, so
// that the guard counts its next suspension (design.md 6).
func TestAFailedRestoreIsNotTakenForASuspension(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.has(emp(1), 7, "x@example.com")
		s.w.links[emp(1)] = func(l store.Link) store.Link { l.State = "suspended"; return l }(s.w.links[emp(1)])
		s.d.turn = func(p *target.Planned) { p.Change.Verb, p.Change.TargetID = target.Restore, p.Item.TargetID }
		s.d.change = func(target.Change) (*target.Outcome, time.Duration) {
			return &target.Outcome{TargetID: "id-1", Err: fault.New(fault.Held, fault.EmailTaken, "taken")}, 0
		}
		s.want(emp(1), 8, mailed(emp(1), "y@example.com"))
	}, func(s *stand) {
		s.until(time.Minute, "written", s.w.idle)
		if l := s.w.link(emp(1)); l.State != "untouched" || l.TargetID != "id-1" || l.Version != 7 || l.Digest != "" {
			t.Errorf("link %+v", l)
		}
		s.wantOutcomes(emp(1), audit.Held)
	})
}
