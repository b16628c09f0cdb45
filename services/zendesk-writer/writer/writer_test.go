package writer

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// stand is a world, a desk and a writer that runs in the bubble's time.
type stand struct {
	t    *testing.T
	w    *world
	d    *desk
	wr   *Writer
	stop func() error
}

func (s *stand) start(o Options) {
	s.t.Helper()
	s.wr = New(s.w, s.w, s.d, quiet(), nil, o)
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.wr.Run(ctx, acme) }()
	s.stop = func() error { cancel(); return <-done }
}

// pass lets d of the bubble's time pass.
func pass(d time.Duration) { <-time.After(d); synctest.Wait() }

// play runs prepare, the writer, and then check, all in a bubble.
func play(t *testing.T, o Options, prepare, check func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stand{t: t, w: newWorld(), d: newDesk()}
		prepare(s)
		s.start(o)
		check(s)
		if err := s.stop(); err != nil {
			t.Errorf("run: %v", err)
		}
		pass(life) // calls whose answers were lost land
	})
}

// until waits at most most for the bubble to reach a condition.
func (s *stand) until(most time.Duration, what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); {
		if synctest.Wait(); ok() {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	s.w.ask(func() { s.t.Fatalf("%s: not within %s; settled: %v", what, most, s.w.log) })
}

func (s *stand) wantOutcomes(ref record.Ref, want ...audit.Outcome) {
	s.t.Helper()
	if got := s.w.outcomes(ref); !slices.Equal(got, want) {
		s.t.Errorf("audit of %s: %v, want %v", ref, got, want)
	}
}

func applied(ref record.Ref, version uint64, title string) store.Link {
	e := person(ref, title)
	known, _ := event.EncodeEntry(e)
	return store.Link{Ref: ref, TargetID: "id-" + ref.Key, Version: version, Digest: e.Digest(), Known: known, State: "active"}
}

// linked puts a record into store and desk as an earlier run would have left it.
func (s *stand) linked(ref record.Ref, version uint64, title string) {
	s.w.links[ref] = applied(ref, version, title)
	s.d.objects[ref] = person(ref, title)
}

func TestEachOutcomeHasItsCommitAuditFindingAndFate(t *testing.T) {
	old := applied(emp(1), 3, "old")
	touched := func(l store.Link) store.Link { l.State = "active"; return l }
	cases := map[string]struct {
		link    *store.Link
		force   bool
		title   string
		outcome *target.Outcome
		lands   time.Duration
		end     audit.Outcome
		verb    string
		fate    string
		digest  string // of the link afterwards: new, old, or empty
		version uint64
		finding fault.Code
		hold    bool
		waits   bool // quarantined
		calls   int
	}{
		"a new record is created":                       {title: "new", end: audit.Applied, verb: "create", fate: "ack", digest: "new", version: 5, calls: 1},
		"a changed record is updated":                   {link: &old, title: "new", end: audit.Applied, verb: "update", fate: "ack", digest: "new", version: 5, calls: 1},
		"the same state at a newer version is not sent": {link: &old, title: "old", end: audit.Unchanged, verb: "nothing", fate: "ack", digest: "old", version: 5},
		"force looks at the target and finds it right":  {link: &old, title: "old", force: true, end: audit.Verified, verb: "nothing", fate: "ack", digest: "old", version: 5},
		"a record that waits is acknowledged":           {link: &old, title: "new", outcome: fails(fault.Held, fault.EmailTaken), lands: -1, end: audit.Held, verb: "update", fate: "ack", digest: "old", version: 3, finding: fault.EmailTaken, hold: true, calls: 1},
		"a record that can never pass is buried":        {link: &old, title: "new", outcome: fails(fault.Invalid, fault.TargetInvalid), lands: -1, end: audit.Dead, verb: "update", fate: "bury", digest: "old", version: 3, finding: fault.TargetInvalid, calls: 1},
		"a passing failure is tried again":              {link: &old, title: "new", outcome: fails(fault.Transient, fault.TargetNotApplied), lands: -1, end: audit.Retried, verb: "update", fate: "retry", digest: "old", version: 3, calls: 1},
		"a conflict is tried again":                     {link: &old, title: "new", outcome: fails(fault.Conflict, fault.TargetConflict), lands: -1, end: audit.Retried, verb: "update", fate: "retry", digest: "old", version: 3, calls: 1},
		"a rate limit waits and tells nothing":          {link: &old, title: "new", outcome: limited(40 * time.Second), lands: -1, fate: "retry employee/1 40s", digest: "old", version: 3, finding: "", calls: 1},
		"an answer without outcome is looked up soon":   {link: &old, title: "new", outcome: &target.Outcome{Err: broken()}, lands: -1, end: audit.Retried, verb: "update", fate: "retry", version: 3, waits: true, calls: 1},
		"a lost answer is quarantined":                  {link: &old, title: "new", outcome: &target.Outcome{Err: lost()}, lands: -1, end: audit.Retried, verb: "update", fate: "retry employee/1 3m0s", version: 3, waits: true, calls: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, Options{}, func(s *stand) {
				if c.link != nil {
					s.w.links[emp(1)], s.d.objects[emp(1)] = touched(*c.link), person(emp(1), "old")
				}
				s.d.change = func(target.Change) (*target.Outcome, time.Duration) { return c.outcome, c.lands }
				e := wantedEvent(emp(1), 5, person(emp(1), c.title))
				e.Force = c.force
				s.w.store(e, emp(1))
			}, func(s *stand) {
				pass(500 * time.Millisecond)
				if _, n, _ := s.d.count(); n != c.calls {
					t.Errorf("%d calls, want %d", n, c.calls)
				}
				s.w.ask(func() {
					if len(s.w.log) != 1 || !strings.HasPrefix(s.w.log[0], c.fate) {
						t.Errorf("settled %v, want %s", s.w.log, c.fate)
					}
					l := s.w.links[emp(1)]
					want := map[string]string{"new": person(emp(1), "new").Digest(), "old": person(emp(1), "old").Digest()}[c.digest]
					if l.Digest != want || l.Version != c.version || l.State != "active" {
						t.Errorf("link %+v, want digest %q (%s) version %d", l, want, c.digest, c.version)
					}
					var trail []audit.Entry
					for _, e := range s.w.trail {
						if e.Ref == emp(1) {
							trail = append(trail, e)
						}
					}
					if c.end == "" && len(trail) > 0 || c.end != "" && (len(trail) != 1 || trail[0].Outcome != c.end || trail[0].Verb != c.verb || trail[0].Version != 5 || trail[0].Cause != "cycle/1") {
						t.Errorf("trail %+v, want %s %s", trail, c.end, c.verb)
					}
					if c.end == audit.Held && trail[0].Next == "" {
						t.Error("a held record says what to do")
					}
					f := s.w.findings[emp(1)]
					if (c.finding != "") != (len(f) == 1) || c.finding != "" && (f[0].Code != c.finding || f[0].Hold != c.hold) {
						t.Errorf("findings %+v", f)
					}
					if _, waits := s.w.quarantine[emp(1)]; waits != c.waits {
						t.Errorf("quarantined: %v", waits)
					}
					if len(s.w.open) != 0 {
						t.Error("the journal is not empty")
					}
				})
			})
		})
	}
}

func fails(kind fault.Kind, code fault.Code) *target.Outcome {
	return &target.Outcome{Err: fault.New(kind, code, "refused")}
}

func limited(after time.Duration) *target.Outcome {
	return &target.Outcome{Err: &fault.Error{Kind: fault.RateLimited, Code: fault.TargetRate, After: after}}
}

func TestOlderVersionsAreNeverWritten(t *testing.T) {
	cases := map[string]struct {
		version uint64
		force   bool
		end     []audit.Outcome
	}{
		"an older state is superseded":              {3, false, []audit.Outcome{audit.Superseded}},
		"an older state is superseded even forced":  {3, true, []audit.Outcome{audit.Superseded}},
		"the very state that was applied is silent": {7, false, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, Options{}, func(s *stand) {
				s.linked(emp(1), 7, "newest")
				title := "stale"
				if c.version == 7 {
					title = "newest"
				}
				e := wantedEvent(emp(1), c.version, person(emp(1), title))
				e.Force = c.force
				s.w.store(e, emp(1))
			}, func(s *stand) {
				s.until(time.Minute, "settled", s.w.idle)
				if p, a, _ := s.d.count(); p+a > 0 {
					t.Error("the target was asked")
				}
				s.wantOutcomes(emp(1), c.end...)
				if l := s.w.link(emp(1)); l.Version != 7 || l.Digest == "" {
					t.Errorf("link %+v", l)
				}
			})
		})
	}
}

func TestAnotherWriterBetweenFetchAndLinksSupersedes(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.linked(emp(1), 1, "v1")
		s.w.put(emp(1), 2, "v2")
		s.w.between = func() { s.w.ask(func() { s.linked(emp(1), 3, "v3") }) }
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		s.wantOutcomes(emp(1), audit.Superseded)
		if s.d.title(emp(1)) != "v3" {
			t.Errorf("the desk holds %q", s.d.title(emp(1)))
		}
	})
}

func TestNewestOfOneRecordIsKept(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		for v, title := range []string{"v0", "v1", "v2"} { // redeliveries of replaced messages, in the wrong order
			e := wantedEvent(emp(1), uint64([]int{2, 9, 4}[v]), person(emp(1), title))
			s.w.seq++
			s.w.table[emp(1)] = e
			s.w.queue[bus.Writer] = append(s.w.queue[bus.Writer], &delivery{w: s.w, c: bus.Writer, msg: bus.Message{Event: e, Ref: emp(1), Seq: s.w.seq}})
		}
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		if _, a, n := s.d.count(); a != 1 || n != 1 || s.d.title(emp(1)) != "v1" {
			t.Errorf("%d calls, %d effects, title %q", a, n, s.d.title(emp(1)))
		}
	})
}

func TestJournalIsWrittenBeforeAnyCallAndVendorsGoFirst(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		for i := range 3 {
			s.w.put(emp(i), 1, "x")
			s.w.put(ven(i), 1, "x")
		}
		s.d.plan = func(items []target.Item) error {
			s.w.ask(func() {
				if len(s.w.open) != 1 || len(s.w.open[0].Items) != 6 || s.w.open[0].Epoch == "" {
					t.Errorf("journal at the first call: %+v", s.w.open)
				}
			})
			return nil
		}
	}, func(s *stand) {
		s.until(time.Minute, "settled", s.w.idle)
		if s.d.applies[0][0].Kind != record.Vendor || s.d.applies[1][0].Kind != record.Employee {
			t.Errorf("order %v", s.d.applies)
		}
	})
}
