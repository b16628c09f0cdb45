package zendesk

import (
	"testing"
	"testing/synctest"
	"time"

	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// realJob takes the times recorded in zendesk.md 3.3: 8 to 12 seconds for 100 users.
func realJob(n int) time.Duration {
	return 2*time.Second + time.Duration(n)*80*time.Millisecond
}

func TestFirstLoadCosts(t *testing.T) {
	for name, tc := range map[string]struct {
		records, batch int
		most           float64 // calls per 1,000 records
		atMost         time.Duration
	}{
		"1,000 users in one batch":         {1000, 1000, 15, time.Minute},
		"3,000 users in batches of 1,000":  {3000, 1000, 14.4, 3 * time.Minute},
		"10,000 users in batches of 1,000": {10000, 1000, 13.2, 10 * time.Minute},
		"10,000 users in batches of 500":   {10000, 500, 13, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := inBubble(t, sim.Options{RequestsPerMinute: 400, JobDuration: realJob})
				a.target.Check(t.Context(), acme)
				before, began := a.sim.Counters(), time.Now()
				items := a.load(people(1, tc.records), tc.batch, 3)
				c := a.sim.Counters()
				calls := float64(c.Requests-before.Requests) * 1000 / float64(tc.records)
				t.Logf("%d records: %.2f calls per 1,000 in %s; %v", tc.records, calls, time.Since(began).Round(time.Second), c.Calls)
				if calls > tc.most {
					t.Errorf("%.2f calls per 1,000 records, want at most %.2f", calls, tc.most)
				}
				if took := time.Since(began); took > tc.atMost {
					t.Errorf("took %s", took)
				}
				a.unharmed()
				if c.MostJobs > 5 {
					t.Errorf("%d jobs in flight, want at most 5", c.MostJobs)
				}
				if users := a.sim.Users(); len(users)-1 < tc.records {
					t.Errorf("%d users, want %d", len(users)-1, tc.records)
				}
				a.quiet(items[:200]...)
			})
		})
	}
}
