package zendesk

import (
	"context"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// during calls when a job was queued and is not over yet.
type during func()

func (d during) Job(context.Context, string, []record.Ref) error { d(); return nil }

// `check --fix` makes a field while a first load runs: who was made before does not show it. A hundred single creates
// that are refused, one for each, would be the answer to that.
func TestWhoWasMadeWithoutAFieldIsUpdatedAndNotMadeAgain(t *testing.T) {
	a := overHTTP(t, sim.Options{JobDuration: func(int) time.Duration { return 0 }}, func(c *Config) { c.Fields = []string{"user_fields.badge"} })
	items := people(1, 40)
	for i := range items {
		items[i] = with(items[i], func(u *directory.User) { u.Fields = map[string]string{"user_fields.badge": "B1"} })
	}
	var changes []target.Change
	for _, p := range a.plan(items...) {
		changes = append(changes, p.Change)
	}
	outs, err := a.target.Apply(t.Context(), acme, changes, during(func() {
		if n := len(a.sim.Users()); n < 40 {
			t.Errorf("%d users were made before the field was", n)
		}
		a.sim.SeedField("user", sim.Field{Type: "text", Key: "badge", Title: "Badge"})
	}))
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, o := range outs {
		if fault.CodeOf(o.Err) == fault.TargetNotApplied && fault.KindOf(o.Err) == fault.Conflict {
			made++
		} else if o.Err != nil {
			t.Errorf("%v", o.Err)
		}
	}
	if made != 40 {
		t.Errorf("%d of 40 are to be planned again", made)
	}
	if n := a.sim.Counters().Calls["POST /api/v2/users"]; n != 0 {
		t.Errorf("%d single creates of users who are there", n)
	}
	if _, err := a.target.missingFields(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.quiet(a.sync(items...)...)
	for _, u := range a.sim.Users() {
		if u.ExternalID != nil && u.UserFields["badge"] != "B1" {
			t.Errorf("%s has the badge %v", *u.ExternalID, u.UserFields["badge"])
		}
	}
}
