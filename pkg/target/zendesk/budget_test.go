package zendesk

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// usable is what a share of a plan allows in whole minutes.
func usable(rpm int, share float64, minutes int) int { return int(float64(rpm)*share+1e-9) * minutes }

// TestTenMinutesOfEveryPlanAreUsedToTheLastCall is issue 5's exact accounting: endless work for ten clock minutes that
// begin anywhere in the account's minute.
func TestTenMinutesOfEveryPlanAreUsedToTheLastCall(t *testing.T) {
	for _, rpm := range []int{200, 400, 700, 2500} {
		for _, share := range []float64{0.8, 1} {
			t.Run(fmt.Sprintf("%d a minute, share %v", rpm, share), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					a := inBubble(t, sim.Options{RequestsPerMinute: rpm}, func(c *Config) { c.Share = share })
					n := a.hammer(25, 10*time.Minute) // the bubble's clock begins at :00
					c := a.sim.Counters()
					allowed := usable(rpm, share, 10)
					t.Logf("%d calls of %d allowed (%.1f %%), over budget %d, 429s %d", n, allowed, 100*float64(n)/float64(allowed), c.OverBudget, c.TooMany)
					if c.OverBudget != 0 || c.TooMany != 0 || c.Busiest > int64(usable(rpm, share, 1)) {
						t.Errorf("over budget %d, 429s %d, busiest minute %d", c.OverBudget, c.TooMany, c.Busiest)
					}
					if float64(n) < 0.95*float64(allowed) {
						t.Errorf("%d calls, want at least 95 %% of %d", n, allowed)
					}
				})
			})
		}
	}
}

// TestOthersTrafficIsSeenInTheHeaders: what remaining loses beyond our own calls is other integrations' and is left to
// them.
func TestOthersTrafficIsSeenInTheHeaders(t *testing.T) {
	for _, rpm := range []int{200, 400, 700, 2500} {
		for _, share := range []float64{0.8, 1} {
			t.Run(fmt.Sprintf("%d a minute, 30 %% foreign, share %v", rpm, share), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					foreign := rpm * 3 / 10
					a := inBubble(t, sim.Options{RequestsPerMinute: rpm, ForeignPerMinute: foreign}, func(c *Config) { c.Share = share })
					minutes := max(10, 12_000/(rpm-foreign)) // enough calls to speak of one in 10,000
					n := a.hammer(25, time.Duration(minutes)*time.Minute)
					c := a.sim.Counters()
					allowed := min(usable(rpm, share, minutes), (rpm-foreign)*minutes)
					t.Logf("%d calls of %d (%.1f %%) in %d minutes, 429s %d", n, allowed, 100*float64(n)/float64(allowed), minutes, c.TooMany)
					if c.TooMany*10_000 > c.Requests {
						t.Errorf("%d refusals in %d calls, want at most 1 in 10,000", c.TooMany, c.Requests)
					}
					if float64(n) < 0.90*float64(allowed) {
						t.Errorf("%d calls, want at least 90 %% of %d", n, allowed)
					}
				})
			})
		}
	}
}

// TestReplicasOnOneAccountShareItThroughTheHeaders: four writers that know nothing of each other. What holds: a tenant is
// pinned to one writer, whose two lanes share one pacer, so that the share is kept exactly; while one takes over from
// another, two work on the account for seconds. Each then sees the other as foreign traffic: the account's limit is
// kept, four fifths of it are not.
func TestReplicasOnOneAccountShareItThroughTheHeaders(t *testing.T) {
	for name, tc := range map[string]struct {
		share float64
		rpm   int
	}{"with a share": {0.8, 400}, "without": {1, 400}, "on the smallest plan": {1, 200}, "on the largest": {0.8, 2500}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const minutes = 20
				own := func(c *Config) { c.Share = tc.share }
				a := inBubble(t, sim.Options{RequestsPerMinute: tc.rpm}, own)
				var wg sync.WaitGroup
				var mu sync.Mutex
				n := 0
				for range 4 {
					b := a.beside(own)
					wg.Go(func() {
						got := b.hammer(8, minutes*time.Minute)
						mu.Lock()
						defer mu.Unlock()
						n += got
					})
				}
				wg.Wait()
				c := a.sim.Counters()
				allowed := usable(tc.rpm, tc.share, minutes)
				t.Logf("%d calls of %d (%.1f %%), busiest minute %d, 429s %d", n, allowed, 100*float64(n)/float64(allowed), c.Busiest, c.TooMany)
				if c.TooMany*2000 > c.Requests {
					t.Errorf("%d refusals in %d calls", c.TooMany, c.Requests)
				}
				if float64(n) < 0.95*float64(allowed) {
					t.Errorf("%d calls, want at least 95 %% of %d", n, allowed)
				}
			})
		})
	}
}
