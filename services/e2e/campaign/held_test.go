package campaign

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

const leavers = 60 // more than the guard lets pass

// A mass change that waits for a person stays untouched however often the process dies, and happens once when it is
// approved (O12).
func TestHeldMeansHeldThroughKills(t *testing.T) {
	began, kills := time.Now(), size(t, "MLC_CAMPAIGN_KILLS_HELD", 8, 20)
	r := newRig(t, build(t, "ml-connector"), 300, 40, seed(t))
	defer func() {
		report(t, step{Step: "kills while a mass change is held", N: kills, Unit: "kills", Records: 340, Seed: seed(t)}, began)
	}()
	gone := r.leave()
	r.blame("a mass change", r.untouched(gone))
	for i := range kills {
		r.work.step(r)
		if i%2 == 0 {
			r.ask(i%4 == 0)
		}
		r.strike(i)
		r.start()
	}
	r.blame("after the kills", errorOf(r.sync(false)))
	r.blame("after the kills", r.untouched(gone))
	r.approve()
	r.blame("after the approval", append(r.judged(), r.trail()...))
	if n := len(r.suspended(gone)); n != len(gone) {
		t.Errorf("O12: %d of %d are suspended after the approval", n, len(gone))
	}
}

// leave loads the company under the guard's usual limits and lets many leave in one cycle. The workload leaves them alone.
func (r *rig) leave() (gone []string) {
	r.t.Helper()
	r.loaded(r.guarded())
	gone = slices.Clone(r.work.people[:leavers])
	r.work.people = r.work.people[leavers:]
	for _, who := range gone {
		if _, err := r.PS.Terminate(who, r.PS.Today()); err != nil {
			r.t.Fatal(err)
		}
	}
	r.blame("reading", errorOf(r.sync(false)))
	return gone
}

// suspended are those of the people whom Zendesk suspended, once for each time.
func (r *rig) suspended(people []string) (who []string) {
	for _, e := range r.ZD.Effects() {
		for _, p := range people {
			if e.Verb == "suspend" && e.ExternalID == "psft:emp:"+p {
				who = append(who, p)
			}
		}
	}
	return who
}

// untouched is O12: there is a hold, and nothing of it was written.
func (r *rig) untouched(people []string) (bad []string) {
	if !holds(time.Minute, func() bool { return len(r.waiting()) == 1 }) {
		bad = append(bad, fmt.Sprintf("O12: %d holds wait", len(r.waiting())))
	}
	if who := r.suspended(people); len(who) > 0 {
		bad = append(bad, fmt.Sprintf("O12: suspended before anybody approved: %v", who))
	}
	return bad
}

func (r *rig) waiting() []adminapi.Hold {
	all, err := r.client.Holds(context.Background(), acme)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(h adminapi.Hold) bool { return h.State != "waiting" })
}

func (r *rig) approve() {
	r.t.Helper()
	for _, h := range r.waiting() {
		if _, err := r.client.Approve(context.Background(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "campaign", Reason: "a plant closed"}); err != nil {
			r.t.Fatal(err)
		}
	}
}
