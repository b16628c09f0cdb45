package zendesk

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func TestPlacesOfJobsThatAreOverAsExpectedAreUsedBeforeALook(t *testing.T) {
	cases := map[string]struct {
		later   time.Duration // how long the jobs after the first twenty take
		mostAll int64         // jobs the account had at a time
		looks   int64         // at 40 jobs
	}{
		"jobs that take what they took share their looks":       {10 * time.Second, 5, 16},
		"jobs that became slower never fill more than ten":      {40 * time.Second, mostOpen, 60},
		"jobs that became faster are only looked at more often": {time.Second, 5, 60},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var jobs atomic.Int64
				a := inBubble(t, sim.Options{RequestsPerMinute: 400, JobDuration: func(int) time.Duration {
					if jobs.Add(1) <= 20 {
						return 10 * time.Second
					}
					return c.later
				}})
				a.target.Check(t.Context(), acme)
				items := a.load(people(1, 4000), lot500, 3)
				got := a.sim.Counters()
				if got.MostJobs > c.mostAll {
					t.Errorf("%d jobs at a time, want at most %d", got.MostJobs, c.mostAll)
				}
				if n := got.Calls["GET /api/v2/job_statuses/show_many"]; n > c.looks {
					t.Errorf("%d looks at 40 jobs, want at most %d", n, c.looks)
				}
				a.unharmed()
				a.quiet(items[:200]...)
			})
		})
	}
}
