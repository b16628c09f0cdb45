package zendesk

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// What was known of the account is minutes old when strangers get the addresses of people who are then hired: none of
// them may be written, whenever they appear (failures.md O6).
func TestNoCreateWritesToAStrangerThatAppearedSinceTheLastLook(t *testing.T) {
	for name, o := range map[string]sim.Options{
		"as documented":            {},
		"the address chooses":      {Quirks: sim.Quirks{UpsertPrefersEmail: true}},
		"results name their place": {Quirks: sim.Quirks{ResultIndex: true}},
		"imports are switched off": {ImportGate: true},
	} {
		for when, before := range map[string]bool{"before the plan": true, "between plan and write": false} {
			t.Run(name+", "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o.JobDuration = realJob
					a := inBubble(t, o)
					a.sync(people(1, 40)...)
					time.Sleep(5 * time.Minute)
					var strangers []int64
					seed := func() {
						for n, u := range []sim.NewUser{{ExternalID: "crm:1"}, {Role: "agent"}, {Role: "admin", ExternalID: "crm:2"}, {}} {
							u.Name, u.Email = "Stranger", fmt.Sprintf("person%d@corp.example", 41+n)
							strangers = append(strangers, a.sim.SeedUser(u))
						}
					}
					items := people(41, 52)
					if before {
						seed()
					}
					cs := a.changes(items...)
					if !before {
						seed()
					}
					for i, o := range a.apply(cs...) {
						switch {
						case i < 3 && fault.CodeOf(o.Err) != fault.EmailOwned:
							t.Errorf("%s: %v", items[i].Ref, o.Err)
						case i == 3 && codeOf(o.Err) != "conflict ZD_CONFLICT": // to be planned again, and adopted then
							t.Errorf("%s: %v", items[i].Ref, o.Err)
						case i > 3 && o.Err != nil:
							t.Errorf("%s: %v", items[i].Ref, o.Err)
						}
					}
					for _, id := range strangers {
						if u := a.user(idText(id)); u.Name != "Stranger" || u.ExternalID != nil && (*u.ExternalID)[:3] != "crm" {
							t.Errorf("user %d was written: %+v", id, u)
						}
					}
				})
			})
		}
	}
}
