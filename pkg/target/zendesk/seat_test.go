package zendesk

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

const staffRole, first, second = int64(6_000_000_000_101), int64(201), int64(202)

// agentWhoLeft is an agent with a custom role and two groups who was downgraded and suspended.
func (a *account) agentWhoLeft() target.Item {
	a.Helper()
	a.sim.SeedUser(seed(func(n *sim.NewUser) { n.Role, n.CustomRole, n.Groups = "agent", staffRole, []int64{first, second} }))
	out := a.sync(with(person(1), func(u *directory.User) { u.State, u.FreeSeat = directory.Suspended, true }))[0]
	if u := a.user(out.TargetID); u.Role != "end-user" || !u.Suspended || len(u.Groups) != 0 || u.CustomRoleID != nil {
		a.Fatalf("after leaving: %+v", u)
	}
	return out
}

func freeSeats(c *Config) { c.FreeSeats = true }

func (a *account) wantAgent(id string) {
	a.Helper()
	u := a.user(id)
	if u.Suspended || u.Role != "agent" || u.CustomRoleID == nil || *u.CustomRoleID != staffRole ||
		!slices.Equal(u.Groups, []int64{first, second}) || u.DefaultGroupID == nil || *u.DefaultGroupID != first {
		a.Errorf("role %s custom %v groups %v default %v suspended %v", u.Role, u.CustomRoleID, u.Groups, u.DefaultGroupID, u.Suspended)
	}
}

func TestAReturningAgentGetsRoleAndGroupsBack(t *testing.T) {
	a := overHTTP(t, sim.Options{Quirks: sim.Quirks{RoleWithSuspendedHalf: true}}, freeSeats)
	back := a.agentWhoLeft()
	back.Wanted = person(1).Wanted
	c := a.planOne(back)
	if c.Verb != target.Restore || !has(c.Diff, fieldRole) {
		t.Fatalf("%s %v", c.Verb, c.Diff)
	}
	again := a.sync(back)[0]
	a.wantAgent(again.TargetID)
	if len(again.Memory) != 0 {
		t.Errorf("memory %s after the role was given back", again.Memory)
	}
	a.quiet(again)
	a.unharmed()
}

func TestWithoutAFreeSeatTheReturningAgentIsAnEndUserWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{Seats: 2}, freeSeats) // the owner and one agent
		back := a.agentWhoLeft()
		taken := a.sim.SeedAgent("Somebody else", "else@corp.example")
		back.Wanted = person(1).Wanted
		for range 2 { // the daily look finds the same
			o := a.apply(a.planOne(back))[0]
			if fault.CodeOf(o.Err) != fault.TargetNoSeat || fault.KindOf(o.Err) != fault.Held {
				t.Fatalf("%v, want held as ZD_NO_SEAT", o.Err)
			}
			if u := a.user(back.TargetID); u.Suspended || u.Role != "end-user" {
				t.Errorf("suspended %v role %s: want an end user who can sign in", u.Suspended, u.Role)
			}
			back.Memory = o.Memory
		}
		a.sim.SetRole(taken, "end-user")
		a.wantAgent(a.sync(back)[0].TargetID)
	})
}

func TestGroupsAreRestoredByTheNextTryWhenTheFirstBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{}, freeSeats)
		back := a.agentWhoLeft()
		back.Wanted = person(1).Wanted
		a.sim.Fault(sim.Fault{Method: "POST", Path: "/api/v2/group_memberships", After: 1, Times: 1, Drop: "before"})
		o := a.apply(a.planOne(back))[0]
		if o.Err == nil {
			t.Fatal("want an unknown outcome")
		}
		back.Memory = o.Memory
		a.wantAgent(a.sync(back)[0].TargetID)
	})
}

func TestWhoWasMadeAnAgentByHandKeepsTheGroupsOfThatHand(t *testing.T) {
	a := overHTTP(t, sim.Options{}, freeSeats)
	back := a.agentWhoLeft()
	a.sim.SetSuspended(parseID(back.TargetID), false)
	a.sim.SetRole(parseID(back.TargetID), "agent")
	back.Wanted = person(1).Wanted
	a.quiet(back)
}
