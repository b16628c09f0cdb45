package campaign

import (
	"context"
	"fmt"
	"time"

	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// shuffledResults lets every bulk update come back in another order, with some records refused: who goes by the place of
// a result tries the wrong ones again and takes the refused ones for done (zendesk.md 3.5, uncertain there).
func shuffledResults(r *rig) []string {
	r.loaded(r.file())
	r.ZD.Fault(zdsim.Fault{Path: "/api/v2/users/update_many", Times: -1, Job: &zdsim.JobFault{Shuffle: true, Refuse: 3}})
	r.work.crowd(r, 40)
	bad := r.judged()
	if r.ZD.Struck() == 0 {
		r.t.Fatal("no bulk update was asked for")
	}
	return bad
}

// withinTheBudget is O7 on an account with the limits of a real one: no call beyond the minute's budget, and none on a
// limit that said when to come back, also when the process dies and its successor knows of no earlier call. It dies while
// there is room: whoever begins in a minute that is used up can learn that by a call only.
func withinTheBudget(r *rig) []string {
	r.loaded(r.file())
	for range 3 {
		r.work.move(r, 5)
		r.ask(false)
		r.strike(0)
		r.start()
	}
	r.work.move(r, 40) // more calls than are left of the minute
	r.ask(false)
	over := func() bool { return r.ZD.Counters().OverBudget > 0 } // enough is known: without pace it never comes to rest
	if !holds(6*time.Minute, func() bool {
		quiet, _, err := r.client.Quiet(context.Background(), acme)
		return over() || err == nil && quiet
	}) {
		r.t.Fatal("O9: not quiet after 6 minutes")
	}
	var bad []string
	if over() {
		bad = effects(r.ZD)
	} else {
		bad = r.judged()
	}
	n := r.ZD.Counters()
	fmt.Printf("campaign: %d calls, %d in the busiest minute, %d over the budget, %d too soon\n", n.Requests, n.Busiest, n.OverBudget, n.TooSoon)
	return bad
}
