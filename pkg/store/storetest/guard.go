package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func guardTests() map[string]test {
	return map[string]test{
		"a guarded change comes and goes with the save of its row":       guardComesAndGoes,
		"a save that was refused moves no guarded change":                guardRefused,
		"a change that goes on keeps its state unless it begins anew":    guardKeepsState,
		"a passed change counts once and is forgotten after the horizon": guardCounts,
		"a first load begins once and ends once":                         guardLoads,
	}
}

func item(n int, at time.Time) store.GuardItem {
	before, after := []byte("{\"user\": \"🦉\"}\n"), fmt.Appendf(nil, `{"n":%d}`, n)
	return store.GuardItem{Ref: employee(n), Change: store.Suspension, Cause: "cycle/c1", State: store.ItemStaged, Content: "suspended",
		Digest: store.DigestItem(before, after), Before: before, After: after, Revision: 1, At: utc(at)}
}

func light(it store.GuardItem) store.GuardItem {
	it.Before, it.After = nil, nil
	return it
}

// guarded is the next save of the item's record with the move.
func guarded(t *testing.T, s store.Store, id tenant.ID, m store.GuardMove) {
	t.Helper()
	now := rows(t, s, id, m.Item.Ref)[m.Item.Ref].Revision
	next := save(m.Item.Ref, now, fmt.Sprintf("%s-%d", m.Item.Ref, now))
	next.Guard = &m
	equal(t, "stored", saved(t, s, id, next), []bool{true})
}

func stage(t *testing.T, s store.Store, id tenant.ID, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		guarded(t, s, id, store.GuardMove{Item: item(n, noon()), Fresh: true})
	}
}

func guardItems(t *testing.T, s store.Store, id tenant.ID, refs ...record.Ref) map[record.Ref]store.GuardItem {
	t.Helper()
	return must[map[record.Ref]store.GuardItem](t)(s.GuardItems(t.Context(), id, refs))
}

func guardList(t *testing.T, s store.Store, id tenant.ID, state store.ItemState) []store.GuardItem {
	t.Helper()
	return must[[]store.GuardItem](t)(s.GuardList(t.Context(), id, state, 0))
}

func guardComesAndGoes(t *testing.T, s store.Store) {
	stage(t, s, acme, 2, 1)
	equal(t, "items", guardItems(t, s, acme, employee(1), employee(3)), map[record.Ref]store.GuardItem{employee(1): item(1, noon())})
	equal(t, "list", guardList(t, s, acme, store.ItemStaged), []store.GuardItem{light(item(1, noon())), light(item(2, noon()))})
	equal(t, "other state", len(guardList(t, s, acme, store.ItemHeld)), 0)
	equal(t, "other tenant's", len(guardItems(t, s, globex, employee(1)))+len(guardList(t, s, globex, "")), 0)
	guarded(t, s, globex, store.GuardMove{Item: item(1, noon()), Drop: true})
	guarded(t, s, acme, store.GuardMove{Item: item(2, noon()), Drop: true})
	equal(t, "left", guardList(t, s, acme, ""), []store.GuardItem{light(item(1, noon()))})
}

func guardRefused(t *testing.T, s store.Store) {
	stage(t, s, acme, 1)
	stale := save(employee(1), 0, "late")
	stale.Guard = &store.GuardMove{Item: item(1, noon()), Drop: true, Count: true}
	equal(t, "stored", saved(t, s, acme, stale), []bool{false})
	equal(t, "left", len(guardList(t, s, acme, "")), 1)
	equal(t, "passed", book(t, s, acme).Passed, map[store.Group]int{})
}

func guardKeepsState(t *testing.T, s store.Store) {
	stage(t, s, acme, 1)
	judged(t, s, acme, store.Judgement{Rulings: []store.Ruling{{Ref: employee(1), State: store.ItemHeld, Hold: "suspend-1"}}})
	next := item(1, noon().Add(time.Hour))
	next.Content, next.Digest, next.Revision, next.After = "x", "d2", 2, []byte("{}")
	guarded(t, s, acme, store.GuardMove{Item: next})
	want := next
	want.State, want.Hold, want.At = store.ItemHeld, "suspend-1", utc(noon())
	equal(t, "goes on", guardItems(t, s, acme, employee(1))[employee(1)], want)
	judged(t, s, acme, store.Judgement{Rulings: []store.Ruling{{Ref: employee(1), State: store.ItemGranted, Hold: "suspend-1"}}})
	want.State, want.Granted = store.ItemGranted, "x"
	equal(t, "granted for what it was", guardItems(t, s, acme, employee(1))[employee(1)], want)
	guarded(t, s, acme, store.GuardMove{Item: next, Fresh: true})
	equal(t, "begins anew", guardItems(t, s, acme, employee(1))[employee(1)], next)
}

func guardCounts(t *testing.T, s store.Store) {
	stage(t, s, acme, 1, 2, 3)
	for _, m := range []store.GuardMove{{Item: item(1, noon()), Drop: true, Count: true}, {Item: item(2, noon().Add(-time.Hour)), Drop: true, Count: true}, {Item: item(3, noon()), Drop: true}} {
		guarded(t, s, acme, m)
	}
	group := store.Group{Change: store.Suspension, Kind: record.Employee}
	equal(t, "passed", book(t, s, acme).Passed, map[store.Group]int{group: 2})
	equal(t, "other tenant's", book(t, s, globex).Passed, map[store.Group]int{})
	later := func(b store.Book) store.Judgement {
		equal(t, "after the horizon", b.Passed, map[store.Group]int{group: 1})
		return store.Judgement{}
	}
	ok(t, s.Judge(t.Context(), acme, noon().Add(-time.Minute), later))
}

func guardLoads(t *testing.T, s store.Store) {
	ok(t, s.BeginLoad(t.Context(), acme, record.Employee, store.Load{Began: noon()}))
	ok(t, s.BeginLoad(t.Context(), acme, record.Employee, store.Load{Began: noon().Add(time.Hour), Ended: noon()}))
	loads := func(id tenant.ID) map[record.Kind]store.Load {
		return must[map[record.Kind]store.Load](t)(s.Loads(t.Context(), id))
	}
	equal(t, "lasts", loads(acme), map[record.Kind]store.Load{record.Employee: {Began: utc(noon())}})
	for _, at := range []time.Time{noon().Add(time.Hour), noon().Add(2 * time.Hour)} {
		ok(t, s.EndLoad(t.Context(), acme, record.Employee, at))
		ok(t, s.EndLoad(t.Context(), globex, record.Employee, at))
	}
	equal(t, "ended", loads(acme), map[record.Kind]store.Load{record.Employee: {Began: utc(noon()), Ended: utc(noon().Add(time.Hour))}})
	equal(t, "other tenant's", len(loads(globex)), 0)
}
