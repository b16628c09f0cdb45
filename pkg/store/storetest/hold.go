package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func holdTests() map[string]test {
	return map[string]test{
		"a hold gathers items and is bound to the hash of its content": holdGathers,
		"an approval grants every item and nothing else":               holdApproved,
		"a part of a hold is decided and the rest waits in a new one":  holdPart,
		"a stale approval grants nothing":                              holdStale,
		"a hold is decided once, also by two people at once":           holdOnce,
		"judgements of one tenant follow each other":                   holdSerial,
		"a void hold waits for nobody":                                 holdVoid,
		"a judgement brings items of its own":                          holdBrings,
	}
}

// book reads the tenant's book and changes nothing.
func book(t *testing.T, s store.Store, id tenant.ID) (b store.Book) {
	t.Helper()
	ok(t, s.Judge(t.Context(), id, time.Time{}, func(now store.Book) store.Judgement {
		b = now
		return store.Judgement{}
	}))
	return b
}

func judged(t *testing.T, s store.Store, id tenant.ID, j store.Judgement) {
	t.Helper()
	ok(t, s.Judge(t.Context(), id, time.Time{}, func(store.Book) store.Judgement { return j }))
}

func newHold() store.Hold {
	return store.Hold{ID: "suspend-1", Group: store.Group{Change: store.Suspension, Kind: record.Employee}, Cause: "cycle/c1",
		State: store.HoldWaiting, Limit: 3, Passed: 2, Created: utc(noon())}
}

// hold stages and holds employees 1 and 2; employee 3 stays staged.
func hold(t *testing.T, s store.Store, id tenant.ID) store.Hold {
	t.Helper()
	stage(t, s, id, 1, 2, 3)
	judged(t, s, id, store.Judgement{Holds: []store.Hold{newHold()}, Entries: []audit.Entry{entry("held", record.Ref{})},
		Rulings:      []store.Ruling{{Ref: employee(2), State: store.ItemHeld, Hold: "suspend-1"}, {Ref: employee(1), State: store.ItemHeld, Hold: "suspend-1"}},
		Observations: []store.Observation{{Ref: employee(9), Findings: []store.Finding{{Code: "GUARD_SUSPEND", Hold: true, At: noon()}}}}})
	return must[store.Hold](t)(s.Hold(t.Context(), id, "suspend-1"))
}

func decide(t *testing.T, s store.Store, id tenant.ID, d store.Decision) (store.Hold, error) {
	t.Helper()
	return s.DecideHold(t.Context(), id, "suspend-1", d, func(h store.Hold, items []store.GuardItem) []audit.Entry {
		return []audit.Entry{entry("decided "+h.By, items[0].Ref)}
	})
}

func trailLength(t *testing.T, s store.Store, id tenant.ID) int {
	t.Helper()
	return len(must[[]audit.Stored](t)(s.Trail(t.Context(), id, audit.Query{})))
}

func holdGathers(t *testing.T, s store.Store) {
	got := hold(t, s, acme)
	want := newHold()
	want.Items, want.Hash = 2, store.HashItems([]store.GuardItem{item(2, noon()), item(1, noon())})
	want.Decided = time.Time{}
	equal(t, "hold", got, want)
	equal(t, "listed", must[[]store.Hold](t)(s.Holds(t.Context(), acme, 0)), []store.Hold{want})
	b := book(t, s, acme)
	equal(t, "book", []any{len(b.Items), len(b.Holds), b.Holds[0].ID, b.Next}, []any{3, 1, "suspend-1", 2})
	first := item(1, noon())
	first.State, first.Hold = store.ItemHeld, "suspend-1"
	equal(t, "item", must[[]store.GuardItem](t)(s.HoldItems(t.Context(), acme, "suspend-1", 1)), []store.GuardItem{first})
	equal(t, "finding", len(must[[]store.Finding](t)(s.Findings(t.Context(), acme, store.FindingQuery{Code: "GUARD_SUSPEND"}))), 1)
	_, err := s.Hold(t.Context(), globex, "suspend-1")
	equal(t, "other tenant's", []any{errors.Is(err, store.ErrNotFound), len(book(t, s, globex).Items)}, []any{true, 0})
}

func holdApproved(t *testing.T, s store.Store) {
	h, entries := hold(t, s, acme), trailLength(t, s, acme)
	done := must[store.Hold](t)(decide(t, s, acme, store.Decision{Approve: true, Hash: h.Hash, By: "kim", Reason: "plant closed", At: noon()}))
	h.State, h.By, h.Reason, h.Decided = store.HoldApproved, "kim", "plant closed", utc(noon())
	equal(t, "answer", done, h)
	equal(t, "hold", must[store.Hold](t)(s.Hold(t.Context(), acme, h.ID)), h)
	granted := guardList(t, s, acme, store.ItemGranted)
	equal(t, "granted", []any{len(granted), granted[0].Granted, len(guardList(t, s, acme, store.ItemStaged))}, []any{2, "suspended", 1})
	equal(t, "audit", trailLength(t, s, acme), entries+1)
	_, err := s.DecideHold(t.Context(), acme, "no-such", store.Decision{}, nil)
	equal(t, "unknown", errors.Is(err, store.ErrNotFound), true)
}

func holdPart(t *testing.T, s store.Store) {
	h, entries := hold(t, s, acme), trailLength(t, s, acme)
	one := []store.GuardItem{item(2, noon())}
	d := store.Decision{Approve: true, Hash: h.Hash, Only: []record.Ref{employee(2)}, By: "kim", Reason: "left", At: noon()}
	now, err := decide(t, s, acme, d)
	equal(t, "the hash of all is not that of the part", []any{errors.Is(err, store.ErrConflict), now.State, now.Hash, now.Items}, []any{true, store.HoldWaiting, h.Hash, 2})
	nobody := d
	nobody.Hash, nobody.Only = store.HashItems(nil), []record.Ref{employee(3)}
	_, err = decide(t, s, acme, nobody)
	equal(t, "who is not in it", []any{errors.Is(err, store.ErrConflict), trailLength(t, s, acme)}, []any{true, entries})
	d.Hash = store.HashItems(one)
	done := must[store.Hold](t)(decide(t, s, acme, d))
	equal(t, "decided", []any{done.State, done.Items, done.Hash, done.Rest}, []any{store.HoldApproved, 1, d.Hash, "suspend-2"})
	rest := newHold()
	rest.ID, rest.Items, rest.Hash, rest.Cause = "suspend-2", 1, store.HashItems([]store.GuardItem{item(1, noon())}), item(1, noon()).Cause
	equal(t, "the rest", must[store.Hold](t)(s.Hold(t.Context(), acme, "suspend-2")), rest)
	granted, held := guardList(t, s, acme, store.ItemGranted), guardList(t, s, acme, store.ItemHeld)
	equal(t, "items", []any{len(granted), granted[0].Ref, granted[0].Hold, len(held), held[0].Ref, held[0].Hold},
		[]any{1, employee(2), "suspend-1", 1, employee(1), "suspend-2"})
	b := book(t, s, acme)
	equal(t, "book", []any{len(b.Holds), b.Holds[0].ID, b.Next}, []any{1, "suspend-2", 3})
}

func holdStale(t *testing.T, s store.Store) {
	h := hold(t, s, acme)
	guarded(t, s, acme, store.GuardMove{Item: item(1, noon()), Drop: true})
	entries := trailLength(t, s, acme)
	now, err := decide(t, s, acme, store.Decision{Approve: true, Hash: h.Hash, By: "kim", At: noon()})
	equal(t, "refused", []any{errors.Is(err, store.ErrConflict), now.State, now.Items, now.Hash != h.Hash}, []any{true, store.HoldWaiting, 1, true})
	equal(t, "nothing stored", []any{len(guardList(t, s, acme, store.ItemGranted)), trailLength(t, s, acme)}, []any{0, entries})
	done := must[store.Hold](t)(decide(t, s, acme, store.Decision{Hash: now.Hash, By: "kim", At: noon()}))
	equal(t, "rejected", []any{done.State, len(guardList(t, s, acme, store.ItemRejected))}, []any{store.HoldRejected, 1})
}

func holdOnce(t *testing.T, s store.Store) {
	h := hold(t, s, acme)
	won := race(t, 20, func(i int) (bool, error) {
		_, err := decide(t, s, acme, store.Decision{Approve: i%2 == 0, Hash: h.Hash, By: "kim", At: noon()})
		if errors.Is(err, store.ErrConflict) {
			return false, nil
		}
		return err == nil, err
	})
	equal(t, "decided", won, 1)
}

func holdSerial(t *testing.T, s store.Store) {
	const n = 20
	race(t, n, func(int) (bool, error) {
		return true, s.Judge(t.Context(), acme, time.Time{}, func(b store.Book) store.Judgement {
			h := newHold()
			h.ID = fmt.Sprintf("suspend-%d", b.Next)
			return store.Judgement{Holds: []store.Hold{h}}
		})
	})
	b := book(t, s, acme)
	equal(t, "holds", []any{len(b.Holds), b.Next, b.Holds[0].ID, b.Holds[n-1].ID}, []any{n, n + 1, "suspend-1", "suspend-20"})
}

func holdVoid(t *testing.T, s store.Store) {
	hold(t, s, acme)
	for _, n := range []int{1, 2} {
		guarded(t, s, acme, store.GuardMove{Item: item(n, noon()), Drop: true})
	}
	judged(t, s, acme, store.Judgement{Void: []string{"suspend-1"}, At: noon()})
	h := must[store.Hold](t)(s.Hold(t.Context(), acme, "suspend-1"))
	equal(t, "hold", []any{h.State, h.Items, h.Decided, len(book(t, s, acme).Holds)}, []any{store.HoldVoid, 0, utc(noon()), 0})
	_, err := decide(t, s, acme, store.Decision{Hash: h.Hash, At: noon()})
	equal(t, "refused", errors.Is(err, store.ErrConflict), true)
}

func holdBrings(t *testing.T, s store.Store) {
	stage(t, s, acme, 1)
	h := newHold()
	h.ID, h.Group.Change = "adopt-1", store.Adoption
	var items []store.GuardItem
	for _, n := range []int{2, 1} { // 1 has an item already, which leaves
		it := item(n, noon())
		it.Change, it.State, it.Hold, it.Content = store.Adoption, store.ItemHeld, h.ID, "adopt 77"
		items = append(items, it)
	}
	judged(t, s, acme, store.Judgement{Items: items, Holds: []store.Hold{h}})
	got := must[store.Hold](t)(s.Hold(t.Context(), acme, h.ID))
	equal(t, "hold", []any{got.Items, got.Hash}, []any{2, store.HashItems(items)})
	equal(t, "items", must[[]store.GuardItem](t)(s.HoldItems(t.Context(), acme, h.ID, 0)), []store.GuardItem{items[1], items[0]})
}
