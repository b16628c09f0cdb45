package writer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func TestRefusingAccountIsProbedByOneRecord(t *testing.T) {
	cases := map[string]struct {
		err   error
		code  fault.Code
		most  int // deliveries of one message over ten minutes
		state string
	}{
		"a refused sign-in":   {fault.New(fault.Auth, fault.TargetAuth, "401"), fault.TargetAuth, 12, "open"},
		"a withdrawn consent": {fault.New(fault.Auth, fault.TargetReauth, "consent"), fault.TargetReauth, 1, "open"},
		"a rate limit":        {&fault.Error{Kind: fault.RateLimited, Code: fault.TargetRate, After: 30 * time.Second}, fault.TargetRate, 21, "closed"},
		"an outage":           {fault.New(fault.Transient, fault.TargetDown, "503"), fault.TargetDown, 27, "open"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			refuses := true
			play(t, Options{}, func(s *stand) {
				for i := range 100 {
					s.w.put(emp(i), 1, "x")
				}
				s.d.plan = func([]target.Item) error {
					if refuses {
						return c.err
					}
					return nil
				}
			}, func(s *stand) {
				pass(10 * time.Minute)
				if plans, _, _ := s.d.count(); plans > c.most {
					t.Errorf("%d calls in ten minutes", plans)
				}
				if s.w.last != 1 && c.most > 1 {
					t.Errorf("probed with %d records", s.w.last)
				}
				retries := 0
				for _, l := range s.w.log {
					if l[:5] == "retry" {
						retries++
					}
				}
				if retries > 100+c.most {
					t.Errorf("%d messages were given back", retries)
				}
				if f := s.w.findings[connection()]; len(f) != 1 || f[0].Code != c.code || !f[0].Hold {
					t.Errorf("finding %+v", f)
				}
				if got := s.wr.Breaker(); got != c.state && (c.state != "open" || got != "half-open") {
					t.Errorf("breaker %s", s.wr.Breaker())
				}
				refuses = false
				s.until(2*time.Hour, "settled", s.w.idle)
				if len(s.w.findings[connection()]) > 0 || s.d.title(emp(99)) != "x" {
					t.Error("the finding is still open")
				}
				s.wantOutcomes(record.Ref{}, audit.Failed, audit.Finished)
				s.wantOutcomes(emp(5), audit.Applied)
			})
		})
	}
}

// failures.md Z05: every call is refused for ten minutes while as many batches as there can be are in flight. Refusals for
// rate never open the breaker, few calls find out, and no message goes round in a loop.
func TestAStormOfRefusalsWithManyBatchesInFlight(t *testing.T) {
	const records, batches = 60, 50
	refuses := true
	play(t, Options{Batch: 1, Depth: batches}, func(s *stand) {
		for i := range records {
			s.w.put(emp(i), 1, "x")
		}
		s.d.apply = func(context.Context, []target.Change, target.Journal) error {
			if !refuses {
				return nil
			}
			wait(context.Background(), 5*time.Second) // all of them are asked at once
			return &fault.Error{Kind: fault.RateLimited, Code: fault.TargetRate, After: 30 * time.Second}
		}
	}, func(s *stand) {
		for range 600 {
			pass(time.Second)
			if got := s.wr.Breaker(); got != "closed" {
				t.Fatalf("the breaker is %s", got)
			}
		}
		_, calls, _ := s.d.count()
		if calls < batches*9/10 || calls > batches+20 {
			t.Errorf("%d calls, want all that were in flight and one each half minute", calls)
		}
		given := map[string]int{}
		s.w.ask(func() {
			for _, l := range s.w.log {
				if f := strings.Fields(l); f[0] == "retry" {
					given[f[1]]++
				}
			}
		})
		total, often := 0, 0
		for _, n := range given {
			if total += n; n > 3 {
				often++
			}
		}
		if often > 1 { // this table gives the oldest that is due: it finds out each time
			t.Errorf("%d records were given back more than three times: %v", often, given)
		}
		if total > calls+records {
			t.Errorf("%d messages were given back with %d calls", total, calls)
		}
		refuses = false
		s.until(2*time.Hour, "settled", s.w.idle)
		if s.d.title(emp(records-1)) != "x" {
			t.Error("the last record was not written")
		}
	})
}

func TestOpenBreakerPullsNothing(t *testing.T) {
	play(t, Options{Idle: time.Second}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		s.d.plan = func([]target.Item) error { return fault.New(fault.Transient, fault.TargetDown, "503") }
	}, func(s *stand) {
		s.until(10*time.Minute, "breaker open", func() bool { return s.wr.Breaker() == "open" })
		pass(5 * time.Second)
		before := s.w.asked
		pass(20 * time.Second)
		if s.w.asked != before {
			t.Errorf("%d fetches while the breaker is open", s.w.asked-before)
		}
	})
}

func TestFindingOfAnEarlierProcessCloses(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.findings[connection()] = []store.Finding{{Ref: connection(), Stage: audit.Writer, Code: fault.TargetAuth, Hold: true}}
		s.w.put(emp(1), 1, "x")
	}, func(s *stand) {
		pass(3 * time.Second)
		s.w.put(emp(2), 1, "x")
		s.until(time.Minute, "closed", func() bool { n := 1; s.w.ask(func() { n = len(s.w.findings[connection()]) }); return n == 0 })
	})
}

func TestRefusedVendorsKeepUsersFromBeingTried(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(ven(1), 1, "x")
		s.w.put(emp(1), 1, "x")
		s.d.plan = func([]target.Item) error { return fault.New(fault.Auth, fault.TargetAuth, "401") }
	}, func(s *stand) {
		pass(30 * time.Second)
		if plans, _, _ := s.d.count(); plans != 1 {
			t.Errorf("%d sign-ins were refused, want one", plans)
		}
	})
}

func TestOneRecordThatTripsABugDoesNotTakeTheOthersAlong(t *testing.T) {
	poison := func(refs []record.Ref) bool { return slices.Contains(refs, emp(7)) }
	cases := map[string]func(d *desk){
		"in the plan": func(d *desk) {
			d.plan = func(items []target.Item) error {
				if poison(refsOf(items, func(it target.Item) record.Ref { return it.Ref })) {
					panic("poison")
				}
				return nil
			}
		},
		"in a change": func(d *desk) {
			d.apply = func(_ context.Context, c []target.Change, _ target.Journal) error {
				if poison(refsOf(c, func(x target.Change) record.Ref { return x.Ref })) {
					panic("poison")
				}
				return nil
			}
		},
	}
	for name, prepare := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, Options{}, func(s *stand) {
				for i := range 20 {
					s.w.put(emp(i), 1, "x")
				}
				prepare(s.d)
			}, func(s *stand) {
				s.until(2*time.Hour, "settled", s.w.idle)
				if len(s.w.dead) != 1 || s.w.dead[0].Key != "7" || s.d.title(emp(8)) != "x" {
					t.Errorf("dead letters %+v", s.w.dead)
				}
			})
		})
	}
}

func TestShutdownSettlesTheBatchInFlight(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		s.d.apply = func(ctx context.Context, _ []target.Change, _ target.Journal) error {
			wait(ctx, 5*time.Second)
			return ctx.Err()
		}
	}, func(s *stand) {
		pass(time.Second)
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if !s.w.idle() || s.w.settled("ack employee/1 v1") != 1 {
			t.Errorf("settled %v", s.w.log)
		}
		s.stop = func() error { return nil }
	})
}

func TestShutdownIsBoundedAndSaysNothingAboutTheAccount(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		s.d.apply = func(ctx context.Context, _ []target.Change, _ target.Journal) error {
			<-ctx.Done()
			return lost()
		}
	}, func(s *stand) {
		pass(time.Second)
		began := time.Now()
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("it took %s to stop", took)
		}
		if len(s.w.findings[connection()]) > 0 || s.w.quarantine[emp(1)].IsZero() {
			t.Errorf("findings %v, quarantine %v", s.w.findings, s.w.quarantine)
		}
		s.stop = func() error { return nil }
	})
}

func TestWorkIsBoundedAndTheBrokerHearsThatItGoesOn(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		first := true
		s.d.apply = func(ctx context.Context, _ []target.Change, _ target.Journal) error {
			if !first {
				return nil
			}
			first = false
			<-ctx.Done()
			return lost()
		}
	}, func(s *stand) {
		pass(time.Minute)
		if s.w.beats < 11 {
			t.Errorf("%d heartbeats in a minute", s.w.beats)
		}
		s.until(10*time.Minute, "settled", s.w.idle)
	})
}

func TestHeldRecordsAreLookedAtAgain(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.put(emp(1), 1, "x")
		day := time.Now().Add(23 * time.Hour)
		s.d.change = func(target.Change) (*target.Outcome, time.Duration) {
			if time.Now().Before(day) {
				return fails(fault.Held, fault.EmailTaken), -1
			}
			return nil, 0
		}
		of := record.Ref{Kind: record.Employee, Key: "transformer's"}
		s.w.findings[of] = []store.Finding{{Ref: of, Stage: audit.Transformer, Hold: true}}
		s.w.table[of] = wantedEvent(of, 1, person(of, "x"))
	}, func(s *stand) {
		pass(23 * time.Hour)
		if s.w.settled("touch employee/1") != 0 {
			t.Error("touched before its day")
		}
		s.until(3*time.Hour, "written", func() bool { return s.d.title(emp(1)) == "x" })
		if len(s.w.findings[emp(1)]) != 0 || s.w.settled("touch employee/transformer's") != 0 {
			t.Errorf("findings %+v", s.w.findings)
		}
	})
}

func TestStalePullIsGivenBack(t *testing.T) {
	play(t, Options{}, func(s *stand) {
		s.w.lease = time.Minute
		s.w.put(emp(1), 1, "x")
		s.w.slow = func() { <-time.After(40 * time.Second) }
	}, func(s *stand) {
		s.until(5*time.Minute, "settled", s.w.idle)
		if s.w.settled("retry employee/1 0s") != 1 {
			t.Errorf("settled %v", s.w.log)
		}
	})
}

func TestLostConsumerEndsRun(t *testing.T) {
	w := newWorld()
	wr := New(gone{w}, w, newDesk(), quiet(), nil, Options{})
	if err := wr.Run(t.Context(), acme); !errors.Is(err, errGone) {
		t.Errorf("run: %v", err)
	}
}

var errGone = errors.New("consumer is gone")

type gone struct{ *world }

func (gone) Puller(context.Context, tenant.ID, bus.Consumer) (bus.Puller, error) { return nil, errGone }
