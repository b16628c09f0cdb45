package zendesk

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// Results of create_many name nobody (zendesk.md 3.5). Whatever the account is like, every record ends with the id of
// its own user, and what it costs is told.
func TestEveryNewUserIsReadBeforeItsLinkIsKept(t *testing.T) {
	for name, tc := range map[string]struct {
		options sim.Options
		most    float64 // calls per 1,000
	}{
		"the export shows them at once":              {sim.Options{RequestsPerMinute: 700}, 15},
		"in another order":                           {sim.Options{RequestsPerMinute: 700, Quirks: sim.Quirks{ShuffleResults: true}}, 15},
		"some results are missing":                   {sim.Options{RequestsPerMinute: 700, Quirks: sim.Quirks{DropResults: 7, ShuffleResults: true}}, 15},
		"results name their place":                   {sim.Options{RequestsPerMinute: 700, Quirks: sim.Quirks{ResultIndex: true}}, 15},
		"the export is a minute behind":              {sim.Options{RequestsPerMinute: 700, ExportLag: time.Minute}, 24},
		"the export is five seconds behind":          {sim.Options{RequestsPerMinute: 700, ExportLag: 5 * time.Second}, 24},
		"others use the export up":                   {sim.Options{RequestsPerMinute: 700, IncrementalPerMinute: 1}, 24},
		"the account loses every fiftieth of writes": {sim.Options{RequestsPerMinute: 700, LoseEvery: 50}, 65},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.options.JobDuration = realJob
				a := inBubble(t, tc.options)
				people := some(3000, func(i int, u *directory.User) {
					if i%20 == 0 {
						u.Email = ""
					}
				})
				c := a.sim.Counters()
				before := c.Requests
				linked := a.load(people, lot500, 3)
				calls := float64(a.sim.Counters().Requests-before) / 3
				t.Logf("%.1f calls per 1,000", calls)
				if calls > tc.most {
					t.Errorf("%.1f calls per 1,000, want at most %v", calls, tc.most)
				}
				absent := 0
				for _, it := range linked {
					switch u, ok := a.sim.UserByExternalID(it.Wanted.User.ExternalID); {
					case !ok && tc.options.LoseEvery > 0:
						absent++ // its repair, a single call, was lost again: the sample of Verify may find it
					case !ok || idText(u.ID) != it.TargetID:
						t.Errorf("%s has user %s, want %d", it.Ref, it.TargetID, u.ID)
					}
				}
				if absent > 3 {
					t.Errorf("%d of 3,000 are reported and absent", absent)
				}
				a.unharmed()
			})
		})
	}
}

func TestAnExportThatShowsNewUsersLateIsLeftAloneForAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{JobDuration: realJob, ExportLag: time.Minute})
		pages := func(from int) int64 {
			before := a.sim.Counters().Calls["GET "+exportPath]
			for n := range 4 {
				a.sync(people(from+n*200, from+n*200+199)...)
			}
			return a.sim.Counters().Calls["GET "+exportPath] - before
		}
		first, second := pages(1), pages(1001) // the census reads a page now and then
		time.Sleep(time.Hour)
		if third := pages(2001); first < 2 || second > 1 || third < 2 {
			t.Errorf("%d pages, then %d, then after an hour %d", first, second, third)
		}
	})
}
