package zendesk

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

func TestTheWayWithTheFewestCallsIsChosen(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for name, tc := range map[string]struct {
		lot  lot
		want bool
		why  string
	}{
		"two creates save no call as a job":                 {lot{n: 2, one: 100 * ms, job: 2 * s, ample: true}, false, "save no call"},
		"four creates are quicker singly while calls last":  {lot{n: 4, one: 100 * ms, job: 2 * s, ample: true}, false, "less time"},
		"four creates are two calls when calls are short":   {lot{n: 4, one: 100 * ms, job: 2 * s}, true, "fewest calls"},
		"five updates take five seconds, a job half of it":  {lot{n: 5, one: s, job: 2500 * ms, ample: true}, true, "fewest calls"},
		"thirty creates cost two calls in place of thirty":  {lot{n: 30, one: 100 * ms, job: 5 * s, ample: true}, true, "a job of 30"},
		"a thousand records make jobs of a hundred":         {lot{n: 1000, one: 100 * ms, job: 12 * s}, true, "a job of 100"},
		"a closed gate leaves single calls":                 {lot{n: 1000, gated: true}, false, "refuses bulk"},
		"an account without a place for jobs for 5 minutes": {lot{n: 1000, jammed: true}, false, "no place"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := choose(tc.lot); got.bulk != tc.want || !strings.Contains(got.why, tc.why) {
				t.Errorf("%+v, want bulk %t because of %q", got, tc.want, tc.why)
			}
		})
	}
}

// The other fields of a person whose address changes go in bulk: only the calls for identities are single.
func TestAddressesFollowTheFieldsThatWentInBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 400, JobDuration: realJob})
		items := a.sync(people(1, 60)...)
		moved := make([]target.Item, len(items))
		for i, it := range items {
			moved[i] = with(it, func(u *directory.User) { u.Name += " II"; u.Email = fmt.Sprintf("moved%d@corp.example", i) })
		}
		cs, before, began := a.changes(moved...), a.sim.Counters(), time.Now()
		os := a.apply(cs...)
		took, c := time.Since(began), a.sim.Counters()
		if n := c.Calls["PUT /api/v2/users/{id}"] - before.Calls["PUT /api/v2/users/{id}"]; n != 0 {
			t.Errorf("%d updates by id, which the account takes one a second", n)
		}
		if took > 30*time.Second {
			t.Errorf("60 people moved in %s", took)
		}
		for i, o := range os {
			if o.Err != nil || !has(o.Change.Diff, fieldEmail) || !has(o.Change.Diff, fieldName) || o.Holds.User.Email != moved[i].Wanted.User.Email {
				t.Fatalf("%s: %v, diff %v, holds %s", o.Change.Ref, o.Err, o.Change.Diff, o.Holds.User.Email)
			}
			if !strings.Contains(o.Request, "job V3-") || !strings.Contains(o.Request, "identities") {
				t.Fatalf("request %q", o.Request)
			}
			moved[i].Known = o.Holds
		}
		if !has(cs[0].Diff, fieldName) || !has(cs[0].Diff, fieldEmail) {
			t.Error("the caller's change was changed")
		}
		a.quiet(moved...)
		a.unharmed()
	})
}

func TestARefusedCallIsHalvedUntilTheRecordAtFaultIsAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
	}{
		"400": {400, `{"error":{"title":"Invalid attribute","message":"x"}}`},
		"413": {413, `<html>too large</html>`},
		"422": {422, `{"error":"RecordInvalid","description":"Record validation errors","details":{"name":[{"description":"Name: is invalid"}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{})
			items := people(1, 100)
			bad := items[36].Wanted.User.ExternalID
			for _, path := range []string{"/api/v2/users/create_many", "/api/v2/users"} {
				a.sim.Fault(sim.Fault{Method: "POST", Path: path, Contains: bad, Times: -1, Status: tc.status, Body: tc.body})
			}
			for i, o := range a.apply(a.changes(items...)...) {
				switch {
				case i == 36 && fault.CodeOf(o.Err) != fault.TargetInvalid:
					t.Errorf("the bad record: %v", o.Err)
				case i != 36 && (o.Err != nil || o.TargetID == ""):
					t.Errorf("%s: %v", o.Change.Ref, o.Err)
				}
			}
			if n := a.sim.Counters().Calls["POST /api/v2/users/create_many"]; n > 14 {
				t.Errorf("%d calls to find one of a hundred", n)
			}
		})
	}
}

func TestAnAccountFullOfJobsIsWrittenSinglyAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 400, JobDuration: realJob})
		a.sim.Fault(sim.Fault{Method: "POST", Path: "/api/v2/users/create_many", Times: -1, Status: 429,
			Body: `{"error":"TooManyJobs","description":"Too many jobs are currently queued or running. Try again later.","current_job_ids":[]}`})
		began := time.Now()
		for {
			o := a.apply(a.changes(people(1, 40)...)...)[0]
			if o.Err == nil {
				break
			}
			if fault.KindOf(o.Err) != fault.RateLimited || fault.CodeOf(o.Err) != fault.TargetJobs || time.Since(began) > 10*time.Minute {
				t.Fatalf("%v after %s", o.Err, time.Since(began))
			}
		}
		if took := time.Since(began); took < 5*time.Minute || took > 7*time.Minute {
			t.Errorf("single records after %s, want after five minutes", took)
		}
		a.quiet(people(1, 40)...)
	})
}

func TestJobsWaitForEachOtherWhileTheAccountIsNearlyFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 700, MaxJobs: 7, JobDuration: realJob})
		a.sync(people(1, 1000)...)
		if c := a.sim.Counters(); c.Limited["jobs"] != 0 || c.MostJobs > 5 {
			t.Errorf("%d jobs refused, %d at once", c.Limited["jobs"], c.MostJobs)
		}
	})
}
