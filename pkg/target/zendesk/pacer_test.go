package zendesk

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// hammer reads users with many at once until the time is over, and answers how many calls went through.
func (a *account) hammer(workers int, d time.Duration) (n int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	until := time.Now().Add(d)
	for range workers {
		wg.Go(func() {
			for time.Now().Before(until) {
				if _, err := a.target.me(context.Background()); err == nil {
					mu.Lock()
					n++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return n
}

func TestTheAccountsMinuteIsUsedExactlyAndNeverExceeded(t *testing.T) {
	for name, tc := range map[string]struct {
		rpm, foreign int
		share        float64
		least, most  int64 // calls in the busiest minute
		refused      int64
	}{
		"four fifths of the Team plan":                 {200, 0, 0.8, 158, 160, 0},
		"all of the Team plan":                         {200, 0, 1, 197, 200, 0},
		"half of Enterprise Plus":                      {2500, 0, 0.5, 1240, 1250, 0},
		"a tenth of the smallest plan":                 {10, 0, 0.1, 1, 1, 0},
		"others take half of it while we may take all": {200, 100, 1, 90, 200, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(17*time.Second + 300*time.Millisecond) // somewhere within a clock minute
				a := inBubble(t, sim.Options{RequestsPerMinute: tc.rpm, ForeignPerMinute: tc.foreign}, func(c *Config) { c.Share = tc.share })
				n := a.hammer(20, 5*time.Minute)
				c := a.sim.Counters()
				t.Logf("%d calls, busiest minute %d, 429s %d", n, c.Busiest, c.TooMany)
				if c.Busiest < tc.least || c.Busiest > tc.most || c.TooMany > tc.refused {
					t.Errorf("busiest minute %d, want %d to %d; refused %d, want at most %d", c.Busiest, tc.least, tc.most, c.TooMany, tc.refused)
				}
			})
		})
	}
}

func TestEndpointLimitsAreKept(t *testing.T) {
	for name, separate := range map[string]bool{"one bucket": false, "a bucket each": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := inBubble(t, sim.Options{RequestsPerMinute: 700, Quirks: sim.Quirks{SeparateUpsertBuckets: separate}})
				var cs []target.Change
				for _, it := range a.sync(people(1, 30)...) {
					it.Urgent = true // singly
					cs = append(cs, a.planOne(with(it, func(u *directory.User) { u.Name += " II" })))
				}
				began := time.Now()
				for _, c := range cs { // a crowd of them would go as a job
					if o := a.apply(c)[0]; o.Err != nil {
						t.Fatal(o.Err)
					}
				}
				if took := time.Since(began); took < 29*time.Second || took > 33*time.Second {
					t.Errorf("30 single updates took %s, want about a second each", took)
				}
				it := a.sync(person(1))[0]
				began = time.Now()
				for n := range 7 {
					c := a.planOne(with(it, func(u *directory.User) { u.Name = fmt.Sprint("Name ", n) }))
					if o := a.apply(c)[0]; o.Err != nil {
						t.Fatal(o.Err)
					}
				}
				if took := time.Since(began); took < 55*time.Second {
					t.Errorf("7 updates of one user took %s, want over a minute for the sixth", took)
				}
				a.unharmed()
			})
		})
	}
}

func TestARefusalPausesTheRightBucketAndOneProbeFollows(t *testing.T) {
	const me, show = "/api/v2/users/me", "/api/v2/users/show_many"
	account := map[string]string{"Retry-After": "20", "X-Rate-Limit": "400", "X-Rate-Limit-Remaining": "0"}
	endpoint := map[string]string{"Retry-After": "20", "X-Rate-Limit": "400", "X-Rate-Limit-Remaining": "300"}
	for name, tc := range map[string]struct {
		fault   sim.Fault
		blocked bool // whether other paths wait as well
	}{
		"account: remaining 0":            {sim.Fault{Path: me, Status: 429, Header: account}, true},
		"account: no headers, plain text": {sim.Fault{Path: me, Status: 429, Header: map[string]string{"Retry-After": "20"}, Body: "slow down"}, true},
		"endpoint: remaining left":        {sim.Fault{Path: me, Status: 429, Header: endpoint, Body: "<html>429</html>"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := inBubble(t, sim.Options{})
				tc.fault.Times = 1
				a.sim.Fault(tc.fault)
				began := time.Now()
				done := make(chan time.Duration, 8)
				for range 8 {
					go func() {
						if _, err := a.target.me(t.Context()); err != nil {
							t.Error(err)
						}
						done <- time.Since(began)
					}()
				}
				time.Sleep(time.Second)
				if _, err := a.target.usersByID(t.Context(), []string{"1"}, false); err != nil {
					t.Error(err)
				}
				if other := time.Since(began); (other > 19*time.Second) != tc.blocked {
					t.Errorf("another path went after %s", other)
				}
				for range 8 {
					if d := <-done; d < 20*time.Second || d > 25*time.Second {
						t.Errorf("call went after %s, want after 20 s and up to a tenth more", d)
					}
				}
				if n := a.sim.Counters().TooMany; n != 1 {
					t.Errorf("%d refusals, want one", n)
				}
				_ = show
			})
		})
	}
}

func TestAStormOfRefusalsMakesFewCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{})
		a.sim.Fault(sim.Fault{Path: "*", Status: 429, Times: -1})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				until := time.Now().Add(10 * time.Minute)
				for time.Now().Before(until) {
					_, err := a.target.me(t.Context())
					if fault.KindOf(err) != fault.RateLimited || fault.AfterOf(err) <= 0 {
						t.Errorf("%v after %s", err, fault.AfterOf(err))
						return
					}
					time.Sleep(fault.AfterOf(err))
				}
			})
		}
		wg.Wait()
		if n := a.sim.Counters().Requests; n > 60 {
			t.Errorf("%d calls in ten minutes of refusals by 50 workers, want one probe per interval", n)
		}
	})
}

func TestUrgentCallsGoFirstWhenTheMinuteIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 10}, func(c *Config) { c.Share = 1 })
		a.hammer(1, 2*time.Second) // nine or ten calls, and the minute is over
		var wg sync.WaitGroup
		var mu sync.Mutex
		took := map[bool][]time.Duration{}
		began := time.Now()
		ask := func(urgent bool) {
			var out usersAnswer
			_, err := a.target.client.do(t.Context(), get("/api/v2/users/show_many", "ids", "1", urgent, &out))
			mu.Lock()
			defer mu.Unlock()
			took[urgent] = append(took[urgent], time.Since(began))
			if err != nil {
				t.Error(err)
			}
		}
		for range 15 {
			wg.Go(func() { ask(false) })
		}
		time.Sleep(time.Second)
		for range 5 {
			wg.Go(func() { ask(true) })
		}
		wg.Wait()
		if slow := slices.Max(took[true]); slow > 65*time.Second {
			t.Errorf("an urgent call waited %s behind normal ones", slow)
		}
		if slow := slices.Max(took[false]); slow < 90*time.Second {
			t.Errorf("the last normal call went after %s: there was room for all, the test proves nothing", slow)
		}
	})
}

func TestWaitsOfRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string][2]time.Duration{ // least and most
		"27":                            {27 * time.Second, 30 * time.Second},
		"0":                             {time.Second, 2 * time.Second},
		"-5":                            {time.Second, 2 * time.Second},
		"1.5":                           {time.Second, 2 * time.Second},
		"soon":                          {time.Second, 2 * time.Second},
		"":                              {time.Second, 2 * time.Second},
		"1000000000":                    {maxRetryAfter, maxRetryAfter},
		"99999999999999999999999":       {maxRetryAfter, maxRetryAfter},
		"00000000000000":                {time.Second, 2 * time.Second},
		"Mon, 23 Nov 2026 10:00:30 GMT": {30 * time.Second, 33 * time.Second},
		"Mon, 23 Nov 2026 09:00:00 GMT": {time.Second, 1100 * time.Millisecond},
		"Mon, 23 Nov 2099 09:00:00 GMT": {maxRetryAfter, maxRetryAfter},
	} {
		h := http.Header{}
		if text != "" {
			h.Set("Retry-After", text)
		}
		for range 50 {
			if d := retryAfter(h, now, 1); d < want[0] || d > want[1] {
				t.Errorf("%q: %s, want %s to %s", text, d, want[0], want[1])
				break
			}
		}
	}
	for strike, most := range map[int]time.Duration{1: 2 * time.Second, 3: 8 * time.Second, 6: time.Minute, 1000: time.Minute} {
		if d := backoff(time.Second, strike); d < time.Second || d > most {
			t.Errorf("strike %d: %s", strike, d)
		}
	}
}

func TestBudgetTellsTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 400})
		if b := a.target.Budget(t.Context(), acme); b.PerMinute != 0 || b.Share != 0.8 || b.JobLimit != 5 {
			t.Errorf("before the first call: %+v", b)
		}
		a.hammer(1, time.Second)
		if b := a.target.Budget(t.Context(), acme); b.PerMinute != 400 || b.Remaining <= 0 || b.Remaining >= 400 || b.Reset <= 0 || b.Waiting != 0 {
			t.Errorf("after some calls: %+v", b)
		}
	})
}
