package transform

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// A person rejected a swap; then one of the two leaves. The other one gets the address, which is parked for it.
// Found by the model: a_leaver_of_a_rejected_ring_gives_the_address_up.
func TestWhoWaitsBehindARejectedRingMovesOnWhenTheOtherLeaves(t *testing.T) {
	g := office(t, 3)
	g.mails(t, "01", map[int]string{1: mailbox(2), 2: mailbox(1)})
	g.turn(t)
	g.decide(t, false)
	for range 3 {
		g.turn(t)
	}
	if g.mustHold(t, mailbox(0), mailbox(1), mailbox(2)); len(g.holding(t)) > 0 {
		t.Fatalf("a rejected plan is asked for again: %+v", g.holding(t))
	}
	g.facts(t, from("ib/left", left(t, "02", 1)...)...)
	for range 4 {
		g.turn(t)
	}
	g.mustHold(t, mailbox(0), "psft-emp-0000001@former.example.com", mailbox(1))
	if got := g.waits(t, fault.EmailCycle) + g.waits(t, fault.EmailWait); got != "" {
		t.Errorf("%q still wait", got)
	}
}

// A rejection by mistake is answered by another decision: a change of the new number's address that is taken back asks
// a person again.
func TestARejectedRelinkIsAskedForAgainWhenTheAddressComesBack(t *testing.T) {
	g := office(t, 2)
	g.facts(t, from("ib/left0", left(t, "01", 0)...)...)
	g.turn(t)
	g.join(t, 3, "Kit Numbera", mailbox(0))
	g.turn(t)
	first := g.holding(t)
	if len(first) != 1 || first[0].Group.Change != store.Relink {
		t.Fatalf("holds %+v", first)
	}
	g.decide(t, false)
	for range 3 {
		g.turn(t)
	}
	if len(g.holding(t)) > 0 {
		t.Fatalf("asked again without a reason: %+v", g.holding(t))
	}
	g.mails(t, "03", map[int]string{3: ""})
	g.turn(t)
	g.mails(t, "04", map[int]string{3: mailbox(0)})
	for range 3 {
		g.turn(t)
	}
	if h := g.holding(t); len(h) != 1 || h[0].Group.Change != store.Relink || h[0].ID == first[0].ID {
		t.Fatalf("holds %+v", h)
	}
	g.decide(t, true)
	g.judge(t)
	if g.wanted(t, nth(3)).User.Takes != EmployeeID(nth(0).Key) {
		t.Errorf("wanted %+v", g.wanted(t, nth(3)).User)
	}
}
