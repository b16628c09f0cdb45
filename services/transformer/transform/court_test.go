package transform

import (
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// asks are n suspensions in a state, from a cause, staged before the given time ago.
func asks(from, n int, state store.ItemState, cause, hold string, ago time.Duration) (items []store.GuardItem) {
	for i := from; i < from+n; i++ {
		items = append(items, store.GuardItem{Ref: record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%04d", i)}, Change: store.Suspension,
			Cause: cause, State: state, Hold: hold, At: noon().Add(-ago)})
	}
	return items
}

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

func both(a, b []store.GuardItem) []store.GuardItem { return append(a, b...) }

func TestJudgements(t *testing.T) {
	leavers := store.Group{Change: store.Suspension, Kind: record.Employee}
	waiting := []store.Hold{{ID: "suspend-1", Group: leavers, State: store.HoldWaiting}}
	const set, one = "cycle/c1", "ib/t1"
	for name, c := range map[string]struct {
		items         []store.GuardItem
		passed        int
		holds         []store.Hold
		open          string // detail of the open alert
		granted, held int
		news, void    int
		alerts        int // changes of alerts
	}{
		"a small set passes":                                {items: asks(0, 3, store.ItemStaged, set, "", 0), granted: 3},
		"a large set waits, all of it":                      {items: asks(0, 4, store.ItemStaged, set, "", 0), held: 4, news: 1, alerts: 1},
		"a set whose cycle runs is left alone":              {items: asks(0, 4, store.ItemStaged, "cycle/c2", "", 0)},
		"what passed in the day counts":                     {items: asks(0, 2, store.ItemStaged, set, "", 0), passed: 2, held: 2, news: 1, alerts: 1},
		"what is about to pass counts":                      {items: both(asks(0, 2, store.ItemStaged, set, "", 0), asks(5, 2, store.ItemGranted, set, "", 0)), held: 2, news: 1, alerts: 1},
		"what a person approved does not count":             {items: both(asks(0, 3, store.ItemStaged, set, "", 0), asks(5, 9, store.ItemGranted, set, "suspend-1", 0)), granted: 3},
		"what waits since today counts":                     {items: both(asks(0, 1, store.ItemStaged, set, "", 0), asks(5, 9, store.ItemHeld, set, "suspend-1", time.Hour)), holds: waiting, held: 1, alerts: 1},
		"what waits since yesterday does not count":         {items: both(asks(0, 3, store.ItemStaged, set, "", 0), asks(5, 9, store.ItemHeld, set, "suspend-1", 25*time.Hour)), holds: waiting, granted: 3, alerts: 1},
		"messages pass one by one up to the limit":          {items: asks(0, 5, store.ItemStaged, one, "", 0), granted: 3, held: 2, news: 1, alerts: 1},
		"messages after the limit wait":                     {items: asks(0, 2, store.ItemStaged, one, "", 0), passed: 3, held: 2, news: 1, alerts: 1},
		"a hold that nothing is left of closes":             {holds: waiting, open: "hold suspend-1: 1 suspensions wait, the limit is 3 in 24 hours", void: 1, alerts: 1},
		"a hold that waits as before changes nothing":       {items: asks(0, 4, store.ItemHeld, set, "suspend-1", 0), holds: waiting, open: "hold suspend-1: 4 suspensions wait, the limit is 3 in 24 hours"},
		"an alert whose hold was decided closes":            {open: "hold suspend-1: 4 suspensions wait, the limit is 3 in 24 hours", alerts: 1},
		"messages and a set share the limit, the set waits": {items: both(asks(0, 2, store.ItemStaged, one, "", 0), asks(5, 2, store.ItemStaged, set, "", 0)), granted: 2, held: 2, news: 1, alerts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			at := moment{tenant: acme, now: noon(), policy: Default()}
			alerts := map[fault.Code]string{}
			if c.open != "" {
				alerts[fault.GuardSuspend] = c.open
			}
			j := court{at: at, ready: map[string]bool{set: true, one: true}, active: map[record.Kind]int{record.Employee: 100}, alerts: alerts}.judge(
				store.Book{Items: c.items, Holds: c.holds, Passed: map[store.Group]int{leavers: c.passed}, Next: 2})
			granted, held := 0, 0
			for _, r := range j.Rulings {
				switch r.State {
				case store.ItemGranted:
					granted++
				case store.ItemHeld:
					held++
				}
			}
			if granted != c.granted || held != c.held || len(j.Holds) != c.news || len(j.Void) != c.void || len(j.Observations) != c.alerts {
				t.Errorf("%d granted, %d held, %d new holds, %d void, alerts %+v", granted, held, len(j.Holds), len(j.Void), j.Observations)
			}
		})
	}
}
