package zendesk

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// again is another process on the same account and store.
func (a *account) again(g Grants) *account {
	a.Helper()
	cfg := Default()
	cfg.BaseURL = a.target.cfg.BaseURL
	coded(g)(&cfg)
	tg, err := assemble(cfg.filled(), direct{a.sim})
	if err != nil {
		a.Fatal(err)
	}
	return &account{T: a.T, sim: a.sim, target: tg}
}

// shortLived connects an account whose tokens are due after 80 minutes.
func shortLived(t *testing.T, g Grants) *account {
	t.Helper()
	a := inBubble(t, oauthSim(sim.Options{OAuth: sim.OAuth{AccessLife: 6000, ReuseRevokes: true}}), coded(g))
	a.connect()
	a.sync(person(1))
	return a
}

// C19 and C20: the process ends around the moment at which the new pair is stored.
func TestACrashAroundStoringTheNewPair(t *testing.T) {
	for name, tc := range map[string]struct {
		crash     func(s *safe)
		parked    bool
		refreshes int64
	}{
		"before the refresh was noted": {func(s *safe) { s.keep = func(int64, string) error { panic("crash") } }, false, 1},
		"received and not stored": {func(s *safe) {
			s.keep = func(n int64, text string) error {
				if strings.Contains(text, `"state":"live"`) {
					panic("crash")
				}
				return nil
			}
		}, true, 1},
		"stored and not used": {func(s *safe) {
			s.keep = func(n int64, text string) error {
				if strings.Contains(text, `"state":"live"`) {
					s.text, s.version = secret.New(text), n
					panic("crash")
				}
				return nil
			}
		}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kept := &safe{}
				a := shortLived(t, kept)
				time.Sleep(81 * time.Minute)
				died := a.again(fallen{kept})
				tc.crash(kept)
				func() {
					defer func() { _ = recover() }()
					_ = died.target.Renew(t.Context())
					t.Error("the process did not die")
				}()
				kept.keep = nil
				next := a.again(kept)
				for range 30 {
					time.Sleep(10 * time.Second)
					_, _ = next.target.Plan(t.Context(), acme, people(1, 1))
				}
				if tc.parked {
					next.parked()
					a.refreshed(tc.refreshes)
					next.connect()
				}
				next.quiet(person(1))
				a.refreshed(tc.refreshes)
			})
		})
	}
}

// C21: of many processes that find the tokens due at once one renews; the others wait and read again.
func TestManyProcessesRenewOnce(t *testing.T) {
	for name, latency := range map[string]int{"a quick account": 0, "a slow account": 15_000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kept := &safe{}
				a := shortLived(t, kept)
				var all []*account
				for range 8 {
					all = append(all, a.again(kept))
					_ = all[len(all)-1].target.Renew(t.Context()) // each has the old pair in memory
				}
				for round := range int64(3) {
					time.Sleep(81 * time.Minute)
					a.sim.Fault(sim.Fault{Path: "/oauth/tokens", DelayMS: latency})
					var wg sync.WaitGroup
					for _, one := range all {
						for range 4 {
							wg.Go(func() { one.quiet(person(1)) })
						}
					}
					wg.Wait()
					a.refreshed(round + 1)
				}
			})
		})
	}
}

func TestTheStoreFailsWhileTheNewPairIsKept(t *testing.T) {
	for name, fails := range map[string]func(s *safe, seen *int){
		"for a moment": func(s *safe, seen *int) {
			s.keep = func(int64, string) error {
				if *seen++; *seen > 1 && *seen < 5 {
					return errStore
				}
				return nil
			}
		},
		"for an hour": func(s *safe, seen *int) {
			down := time.Now().Add(time.Hour)
			s.keep = func(int64, string) error {
				if *seen++; *seen > 1 && time.Now().Before(down) {
					return errStore
				}
				return nil
			}
		},
		"and has stored it": func(s *safe, seen *int) {
			s.keep = func(int64, string) error {
				if *seen++; *seen == 2 {
					s.lost = true
				}
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kept, seen := &safe{}, 0
				a := shortLived(t, kept)
				time.Sleep(81 * time.Minute)
				fails(kept, &seen)
				until := time.Now().Add(62 * time.Minute)
				for time.Now().Before(until) {
					time.Sleep(30 * time.Second)
					err := a.target.Renew(t.Context())
					if err != nil && !errors.Is(err, errStore) {
						t.Fatal(err)
					}
				}
				a.quiet(person(1))
				a.refreshed(1)
			})
		})
	}
}

// A person connects while a refresh is on its way: the person's tokens stay, whatever the refresh gives.
func TestAConsentBeatsARefreshOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &safe{}
		a := shortLived(t, kept)
		time.Sleep(81 * time.Minute)
		a.sim.Fault(sim.Fault{Path: "/oauth/tokens", Contains: "refresh_token", DelayMS: 20_000, Times: 1})
		done := make(chan error)
		go func() { done <- a.again(kept).target.Renew(t.Context()) }()
		time.Sleep(5 * time.Second)
		a.connect()
		person := kept.text.Reveal()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if kept.text.Reveal() != person {
			t.Error("the refresh replaced what a person consented to")
		}
		if err := a.target.Renew(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Z08: what Zendesk refuses again and again although it has just given it needs a person; it is not asked for ever.
func TestTokensThatAreRefusedAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := shortLived(t, &safe{})
		a.sim.Fault(sim.Fault{Method: http.MethodGet, Path: "/api/v2/users/show_many", Status: 401, Body: `{"error":"invalid_token"}`, Times: -1})
		a.parked()
		if n := a.sim.Counters().Refreshes; n > maxRenewals {
			t.Errorf("%d refreshes for one call", n)
		}
		a.sim.ClearFaults()
		a.parked()
		time.Sleep(61 * time.Minute)
		a.quiet(person(1)) // it was taken again
		if n := a.sim.Counters().Reused; n != 0 {
			t.Errorf("%d tokens used twice", n)
		}
	})
}

// A pair that was given up although Zendesk still takes it comes back by itself within an hour.
func TestAGrantThatWasGivenUpWronglyComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, oauthSim(sim.Options{OAuth: sim.OAuth{AccessLife: 86_400}}), coded(&safe{}))
		a.connect()
		a.sync(person(1))
		time.Sleep(20 * time.Hour)
		a.sim.Fault(sim.Fault{Path: "/oauth/tokens", Status: 400, Body: `{"error":"invalid_grant"}`})
		a.parked()
		time.Sleep(59 * time.Minute)
		a.parked()
		time.Sleep(2 * time.Minute)
		a.quiet(person(1))
		a.refreshed(1)
	})
}

func TestAGrantOfAnotherAccountIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &safe{}
		a := shortLived(t, kept)
		other := a.again(kept)
		auth := other.target.cfg.Auth.(AuthorizationCode)
		auth.ClientID = "another"
		other.target.cfg.Auth = auth
		other.target.client.session = auth.session(other.target.client)
		calls := a.sim.Counters().Requests
		other.parked()
		if n := a.sim.Counters().Requests; n != calls {
			t.Errorf("%d calls with another client's tokens", n-calls)
		}
		if c := other.state(); c.State != NotConnected {
			t.Errorf("%+v", c)
		}
	})
}

func TestAPITokensCountDown(t *testing.T) {
	for name, tc := range map[string]struct {
		now    string
		days   int
		urgent bool
	}{
		"long before":       {"2026-11-23T12:00:00Z", 157, false},
		"31 days before":    {"2027-03-30T00:00:00Z", 31, false},
		"30 days before":    {"2027-03-31T00:00:00Z", 30, true},
		"on the day before": {"2027-04-29T12:00:00Z", 0, true},
		"on the day":        {"2027-04-30T00:00:00Z", 0, true},
		"long after":        {"2028-01-01T00:00:00Z", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			days, urgent, detail := Ending(now)
			if days != tc.days || urgent != tc.urgent || !strings.Contains(detail, "2027-04-30") {
				t.Errorf("%d days, urgent %t: %q", days, urgent, detail)
			}
			a := overHTTP(t, sim.Options{}, func(c *Config) { c.Now = func() time.Time { return now } })
			s := step(a.target.Check(t.Context(), acme), "token")
			if s.Code != string(fault.TargetTokenEnding) || (s.State == "failed") != tc.urgent {
				t.Errorf("check: %+v", s)
			}
		})
	}
}
