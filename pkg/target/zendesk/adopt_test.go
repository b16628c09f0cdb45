package zendesk

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// Several batches are in flight at once: two of them may plan to adopt one user while it is nobody's. Only one may.
func TestTwoPlansNeverAdoptOneUser(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	a.sim.SeedUser(sim.NewUser{Name: "Somebody", Email: "shared@example.com"})
	share := func(n int) target.Item {
		it := person(n)
		u := *it.Wanted.User
		u.Email = "shared@example.com"
		it.Wanted = directory.Entry{User: &u}
		return it
	}
	p1, p2 := a.plan(share(1))[0], a.plan(share(2))[0]
	if !p1.Change.Adopted || !p2.Change.Adopted || p1.Change.TargetID != p2.Change.TargetID {
		t.Fatalf("not the case that is meant: %+v, %+v", p1.Change, p2.Change)
	}
	o1, o2 := a.apply(p1.Change)[0], a.apply(p2.Change)[0]
	if o1.Err != nil || fault.CodeOf(o2.Err) != fault.EmailTaken || fault.KindOf(o2.Err) != fault.Held {
		t.Fatalf("%v, %v", o1.Err, o2.Err)
	}
	if u := a.user(o1.TargetID); *u.ExternalID != p1.Item.Wanted.ExternalID() {
		t.Errorf("the user belongs to %s now", *u.ExternalID)
	}
	if again := a.apply(p1.Change)[0]; again.Err != nil {
		t.Errorf("who adopted it may write it again: %v", again.Err)
	}
}
