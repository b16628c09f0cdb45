package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// look previews everybody, and fails the test when anything was stored for it.
func (g *gate) look(t *testing.T) []Preview {
	t.Helper()
	before := g.stored(t)
	rows, err := g.store.WalkLedger(t.Context(), acme, record.Employee, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	list, err := g.guarded().Preview(t.Context(), acme, rows)
	if err != nil || len(list) != len(rows) {
		t.Fatalf("%+v, %v", list, err)
	}
	if after := g.stored(t); after != before {
		t.Fatalf("a preview stored something: before %s, after %s", before, after)
	}
	return list
}

// stored is everything that a preview could have moved.
func (g *gate) stored(t *testing.T) string {
	t.Helper()
	rows, err := g.store.WalkLedger(t.Context(), acme, record.Employee, "", 100)
	items, err2 := g.store.GuardList(t.Context(), acme, "", 100)
	trail, err3 := g.store.Trail(t.Context(), acme, audit.Query{})
	loads, err4 := g.store.Loads(t.Context(), acme)
	if err := errors.Join(err, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	revisions := uint64(0)
	for _, r := range rows {
		revisions += r.Revision
	}
	return fmt.Sprint(len(rows), revisions, len(items), len(trail), len(loads), g.puts, len(g.wakes))
}

func TestAPreviewTellsWhatTodaySaysAndStoresNothing(t *testing.T) {
	g := newGate(t, 8)
	for i := range 5 {
		g.facts(t, message(t, fmt.Sprintf("future %d", i), nth(i), leave("2026-04-01", string(stamped("01")))))
	}
	for _, p := range g.look(t) {
		if p.Waits || len(p.Changes) != 0 {
			t.Errorf("before the day: %+v", p)
		}
	}
	g.now = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC) // nobody rang
	leavers := 0
	for _, p := range g.look(t) {
		if p.Counts != store.Suspension {
			continue
		}
		leavers++
		if !p.Waits || !p.Fresh || p.Code != fault.GuardSuspend || p.Day != "2026-04-01" || len(p.Changes) == 0 ||
			!slices.ContainsFunc(p.Explain, func(s string) bool { return strings.HasPrefix(s, "suspended: ") }) {
			t.Errorf("on the day: %+v", p)
		}
	}
	if leavers != 5 {
		t.Errorf("%d leavers", leavers)
	}
	for name, c := range map[string]struct {
		fresh int
		waits bool
	}{
		"as many as the limit pass": {3, false},
		"one more waits":            {4, true},
	} {
		t.Run(name, func(t *testing.T) {
			group := store.Group{Change: store.Suspension, Kind: record.Employee}
			list, err := g.guarded().Forecast(t.Context(), acme, map[store.Group]int{group: c.fresh})
			if err != nil || len(list) != 1 || list[0].Waits != c.waits || list[0].Asking != c.fresh || list[0].Limit != 3 {
				t.Errorf("%+v, %v", list, err)
			}
		})
	}
}

func TestAPreviewKnowsWhatWaitsAlready(t *testing.T) {
	g := newGate(t, 8)
	g.cycle(t, "c1", store.Complete)
	g.facts(t, from("cycle/c1", left(t, "01", 0, 1, 2, 3, 4)...)...)
	g.judge(t)
	held := 0
	for _, p := range g.look(t) {
		if p.Waits && !p.Fresh && p.Hold == g.holding(t)[0].ID && p.Note != "" {
			held++
		}
	}
	list, err := g.guarded().Forecast(t.Context(), acme, nil)
	if held != 5 || err != nil || len(list) != 1 || list[0].Held != 5 || list[0].Asking != 0 || list[0].Waits {
		t.Errorf("%d held, %+v, %v", held, list, err)
	}
	g.decide(t, false)
	for _, p := range g.look(t) {
		if p.Waits && p.Code != fault.GuardRejected {
			t.Errorf("rejected: %+v", p)
		}
	}
}
