package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/fault"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// agreeTo approves a hold that PeopleSoft contradicts meanwhile: it is refused, or nothing of it is left.
func (p *mailing) agreeTo(t *testing.T, h adminapi.Hold) {
	t.Helper()
	done, err := p.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "asked both"})
	if f, ok := errors.AsType[*fault.Error](err); err != nil && (!ok || f.Code != fault.HoldChanged) {
		t.Fatalf("%+v, %v", done, err)
	}
}

// One of two who swap got the old address back after the hold was made, and no cycle ran since.
func TestAnApprovalOfASwapReadsPeopleSoftAgain(t *testing.T) {
	t.Parallel()
	p, k := mailroom(t, replacing, 2)
	p.email(t, k[0], mover(1))
	p.email(t, k[1], mover(0))
	p.sync(t, adminapi.Sync{})
	h := p.hold(t, "ring", 2)
	p.email(t, k[0], "other@example.com")
	p.agreeTo(t, h)
	until(t, time.Minute, "both have what PeopleSoft says now", func() bool {
		return p.holds(k[0], "other@example.com") && p.holds(k[1], mover(0))
	})
	p.calm(t)
	p.agree(t)
	if list := p.stopped(t); len(list) > 0 {
		t.Errorf("holds are left: %+v", list)
	}
}

// The leaver came back after the hold was made: the Zendesk user stays with the number that works again.
func TestAnApprovalOfATakeoverAlsoReadsTheLeaverAgain(t *testing.T) {
	t.Parallel()
	p, k := mailroom(t, replacing, 1)
	old, _ := p.ZD.UserByExternalID(ext(k[0]))
	p.terminate(t, k[0])
	p.sync(t, adminapi.Sync{})
	e, err := p.PS.Hire(pssim.NewHire{First: "Kit", Last: "Movera", Email: mover(0)}, p.PS.Today())
	if err != nil {
		t.Fatal(err)
	}
	p.told()
	p.sync(t, adminapi.Sync{})
	h := p.hold(t, "relink", 1)
	if _, err := p.PS.Rehire(k[0], p.PS.Today()); err != nil {
		t.Fatal(err)
	}
	p.agreeTo(t, h)
	until(t, time.Minute, "the leaver is back", func() bool {
		u, ok := p.ZD.UserByExternalID(ext(k[0]))
		return ok && u.ID == old.ID && !u.Suspended
	})
	p.sync(t, adminapi.Sync{Full: true})
	if u, ok := p.ZD.UserByExternalID(ext(k[0])); !ok || u.ID != old.ID || u.Suspended || value(u.Email) != mover(0) {
		t.Errorf("the user of who is back: %+v", u)
	}
	if u, ok := p.ZD.UserByExternalID(ext(e.Key())); ok && u.ID == old.ID {
		t.Errorf("taken over: %+v", u)
	}
	until(t, 30*time.Second, "the other number waits", func() bool {
		f, open := p.finding(t, e.Key(), "EMAIL_TAKEN", "EMAIL_OWNED")
		return open && f.Hold
	})
	p.pure(t)
}
