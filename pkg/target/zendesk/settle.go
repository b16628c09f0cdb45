package zendesk

import (
	"context"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Settle implements target.Target. A job that the account does not show counts as over once it stays away for half
// a minute of looks: a job just queued may not be visible yet (zendesk.md 3.3). So does one that has no end after
// Config.JobLife: every record of it is read, and sent again where it differs (failures.md Z13).
func (t *Target) Settle(ctx context.Context, _ tenant.ID, jobs []string) error {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(id string) bool { return !jobID(id) })
	began, absent := time.Now(), map[string]int{}
	for len(jobs) > 0 {
		got, err := t.fetchJobs(ctx, jobs[:min(len(jobs), perCall)])
		if err != nil {
			return err
		}
		asked := jobs[:min(len(jobs), perCall)]
		over := func(id string) bool {
			if !slices.Contains(asked, id) {
				return false
			}
			at := slices.IndexFunc(got, func(j wireJob) bool { return j.ID == id })
			if at < 0 {
				absent[id]++
			}
			return at >= 0 && got[at].ended() || at < 0 && absent[id] > 5
		}
		jobs = slices.DeleteFunc(slices.Clone(jobs), over)
		if len(jobs) == 0 {
			break
		}
		if time.Since(began) > t.cfg.JobLife {
			t.cfg.Log.Warn("bulk jobs did not end: their records are looked up and sent again", "jobs", len(jobs), "after", t.cfg.JobLife, "code", string(fault.TargetJobUnknown))
			return nil
		}
		if err := pause(ctx, min(t.cfg.Poll*time.Duration(1+len(absent)), 10*time.Second)); err != nil {
			return err
		}
	}
	return nil
}
