package zendesk

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// A batch whose time ends says of no record that it is written when it is not, wherever its end meets it. The campaign
// found addresses that were audited as applied and never sent (no-pace, with a limit of 60 calls a minute).
func TestWhatABatchHadNoTimeForIsNoSuccess(t *testing.T) {
	for name, edit := range map[string]func(*directory.User){
		"addresses, singly":                      func(u *directory.User) { u.Email = "new." + u.Email },
		"fields in bulk":                         func(u *directory.User) { u.Fields = map[string]string{"user_fields.job_title": "Lead"} },
		"fields in bulk, then addresses":         func(u *directory.User) { u.Email, u.Name = "new."+u.Email, "New "+u.Name },
		"suspensions, which are read afterwards": func(u *directory.User) { u.State = directory.Suspended },
	} {
		t.Run(name, func(t *testing.T) {
			for _, left := range []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					a := inBubble(t, sim.Options{JobDuration: func(int) time.Duration { return 500 * time.Millisecond }})
					items := a.sync(people(1, 40)...)
					for i := range items {
						items[i] = with(items[i], edit)
					}
					var cs []target.Change
					for _, p := range a.plan(items...) {
						cs = append(cs, p.Change)
					}
					ctx, cancel := context.WithTimeout(t.Context(), left)
					defer cancel()
					out, err := a.target.Apply(ctx, acme, cs, &a.journal)
					if err != nil {
						return // nothing at all is said to be written
					}
					for i, o := range out {
						u, want := a.user(o.TargetID), items[i].Wanted.User
						written := *u.Email == want.Email && u.Name == want.Name && u.UserFields["job_title"] == want.Fields["user_fields.job_title"]
						if want.State == directory.Suspended {
							written = u.Suspended
						}
						if o.Err == nil && !written {
							t.Errorf("after %v: %s is said to be written and is not", left, o.Change.Ref)
						}
					}
				})
			}
		})
	}
}
