package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func recoveryTests() map[string]test {
	return map[string]test{
		"one replay of a tenant runs at a time":                replayAlone,
		"a replay moves on from where it was left":             replayMoves,
		"a dead letter is decided on once":                     letters,
		"a row that was lost is lifted above what is known":    raised,
		"the chain's end is told beside the trail's":           chainEnds,
		"rival replays: one of many calls begins a replay":     replayRace,
		"decisions on letters that are gone are forgotten":     lettersForgotten,
		"a replay that ended makes room for the next, for all": replayEnds,
	}
}

func keyHolderTests() map[string]test {
	return map[string]test{"a process's word about its keys ends": func(t *testing.T, s store.Store) {
		ctx := t.Context()
		ok(t, s.HoldKeys(ctx, "a/1", []string{"old"}, time.Hour))
		ok(t, s.HoldKeys(ctx, "a/1", []string{"old", "new"}, time.Hour))
		ok(t, s.HoldKeys(ctx, "b/2", []string{"old"}, time.Hour))
		ok(t, s.HoldKeys(ctx, "c/3", []string{"old"}, -time.Second))
		equal(t, "holders", must[map[string][]string](t)(s.KeyHolders(ctx)), map[string][]string{"a/1": {"old", "new"}, "b/2": {"old"}})
		ok(t, s.EndKeys(ctx, "b/2"))
		equal(t, "holders", len(must[map[string][]string](t)(s.KeyHolders(ctx))), 1)
	}}
}

func replay(id string) store.Replay {
	return store.Replay{ID: id, Stream: "ERP", From: 3, To: 90, Next: 3, Ref: employee(7), By: "ada", State: store.ReplayRunning, Started: noon(), Moved: noon()}
}

func inUTC(r store.Replay) store.Replay {
	r.Started, r.Moved, r.Ended = utc(r.Started), utc(r.Moved), utc(r.Ended)
	return r
}

func replayAlone(t *testing.T, s store.Store) {
	ctx := t.Context()
	ok(t, s.BeginReplay(ctx, acme, replay("r1"), entries("a", 1)))
	if err := s.BeginReplay(ctx, acme, replay("r2"), entries("b", 1)); !errors.Is(err, store.ErrBusy) {
		t.Fatalf("second: %v, want ErrBusy", err)
	}
	if err := s.BeginReplay(ctx, acme, replay("r1"), nil); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("same id: %v, want ErrConflict", err)
	}
	ok(t, s.BeginReplay(ctx, globex, replay("r1"), nil))
	equal(t, "replay", must[store.Replay](t)(s.Replay(ctx, acme, "r1")), inUTC(replay("r1")))
	equal(t, "entries", len(ids(t, s, acme)), 1)
	if _, err := s.Replay(ctx, acme, "r2"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("refused one: %v, want ErrNotFound", err)
	}
}

func replayMoves(t *testing.T, s store.Store) {
	ctx := t.Context()
	r := replay("r1")
	ok(t, s.BeginReplay(ctx, acme, r, nil))
	ok(t, s.BeginReplay(ctx, globex, replay("r1"), nil))
	r.Next, r.Events, r.Skipped, r.Moved = 50, 40, 2, noon().Add(time.Minute)
	ok(t, s.MoveReplay(ctx, acme, r, 3, nil))
	if err := s.MoveReplay(ctx, acme, r, 3, entries("x", 1)); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("from an old place: %v, want ErrConflict", err)
	}
	equal(t, "replay", must[store.Replay](t)(s.Replay(ctx, acme, "r1")), inUTC(r))
	equal(t, "entries", len(ids(t, s, acme)), 0)
	equal(t, "other tenant's", must[store.Replay](t)(s.Replay(ctx, globex, "r1")).Next, uint64(3))
}

func replayEnds(t *testing.T, s store.Store) {
	ctx := t.Context()
	r := replay("r1")
	ok(t, s.BeginReplay(ctx, acme, r, nil))
	r.State, r.Ended, r.Detail = store.ReplayStopped, noon().Add(time.Hour), "by a person"
	ok(t, s.MoveReplay(ctx, acme, r, 3, entries("a", 1)))
	if err := s.MoveReplay(ctx, acme, r, 3, nil); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("moved after its end: %v, want ErrConflict", err)
	}
	next := replay("r2")
	next.Started = next.Started.Add(2 * time.Hour)
	ok(t, s.BeginReplay(ctx, acme, next, nil))
	list := must[[]store.Replay](t)(s.Replays(ctx, acme, 0))
	equal(t, "replays, newest first", list, []store.Replay{inUTC(next), inUTC(r)})
	equal(t, "other tenant's", len(must[[]store.Replay](t)(s.Replays(ctx, globex, 0))), 0)
}

func replayRace(t *testing.T, s store.Store) {
	race(t, 8, func(i int) (bool, error) {
		r := replay(string(rune('a' + i)))
		if err := s.BeginReplay(t.Context(), acme, r, nil); err != nil && !errors.Is(err, store.ErrBusy) {
			return false, err
		}
		return true, nil
	})
	running := 0
	for _, r := range must[[]store.Replay](t)(s.Replays(t.Context(), acme, 0)) {
		if r.State == store.ReplayRunning {
			running++
		}
	}
	equal(t, "running", running, 1)
}

func letter(seq uint64, verb string) store.Letter {
	return store.Letter{Sequence: seq, Verb: verb, By: "ada", Reason: "fixed", At: utc(noon())}
}

func letters(t *testing.T, s store.Store) {
	ctx, bools := t.Context(), must[[]bool](t)
	equal(t, "first", bools(s.DecideLetters(ctx, acme, []store.Letter{letter(5, "retry"), letter(9, "drop")}, 1, entries("a", 1))), []bool{true, true})
	equal(t, "again", bools(s.DecideLetters(ctx, acme, []store.Letter{letter(7, "drop"), letter(5, "drop")}, 1, entries("b", 1))), []bool{true, false})
	equal(t, "all", must[[]store.Letter](t)(s.Letters(ctx, acme, 1, 100)), []store.Letter{letter(5, "retry"), letter(7, "drop"), letter(9, "drop")})
	equal(t, "some", must[[]store.Letter](t)(s.Letters(ctx, acme, 6, 8)), []store.Letter{letter(7, "drop")})
	equal(t, "count", must[int](t)(s.CountLetters(ctx, acme, 7)), 2)
	equal(t, "entries", len(ids(t, s, acme)), 2)
	equal(t, "other tenant's", must[int](t)(s.CountLetters(ctx, globex, 0)), 0)
	equal(t, "none", len(bools(s.DecideLetters(ctx, globex, nil, 1, nil))), 0)
}

func lettersForgotten(t *testing.T, s store.Store) {
	ctx := t.Context()
	_ = must[[]bool](t)(s.DecideLetters(ctx, acme, []store.Letter{letter(5, "retry"), letter(9, "drop")}, 1, nil))
	_ = must[[]bool](t)(s.DecideLetters(ctx, globex, []store.Letter{letter(5, "retry")}, 1, nil))
	_ = must[[]bool](t)(s.DecideLetters(ctx, acme, []store.Letter{letter(11, "drop")}, 6, nil))
	equal(t, "left", must[int](t)(s.CountLetters(ctx, acme, 0)), 2)
	equal(t, "other tenant's", must[int](t)(s.CountLetters(ctx, globex, 0)), 1)
}

func raised(t *testing.T, s store.Store) {
	ctx := t.Context()
	save := func(n int) store.LedgerSave {
		return store.LedgerSave{Row: store.LedgerRow{Ref: employee(n), Revision: 1, WantedAt: 1, Published: 1, At: noon()}}
	}
	_ = must[[]bool](t)(s.SaveLedger(ctx, acme, []store.LedgerSave{save(1), save(2)}))
	_ = must[[]bool](t)(s.SaveLedger(ctx, globex, []store.LedgerSave{save(1)}))
	ok(t, s.RaiseLedger(ctx, acme, map[record.Ref]uint64{employee(1): 9, employee(2): 1, employee(3): 5}))
	rows := must[map[record.Ref]store.LedgerRow](t)(s.Rows(ctx, acme, []record.Ref{employee(1), employee(2), employee(3)}))
	equal(t, "rows", len(rows), 2)
	equal(t, "raised", []uint64{rows[employee(1)].Revision, rows[employee(1)].WantedAt, rows[employee(1)].Published}, []uint64{9, 9, 1})
	equal(t, "as it was", []uint64{rows[employee(2)].Revision, rows[employee(2)].WantedAt}, []uint64{1, 1})
	open := must[[]store.LedgerRow](t)(s.Unpublished(ctx, acme, 10))
	equal(t, "unpublished", slices.ContainsFunc(open, func(r store.LedgerRow) bool { return r.Ref == employee(1) }) && len(open) == 1, true)
	equal(t, "other tenant's", must[map[record.Ref]store.LedgerRow](t)(s.Rows(ctx, globex, []record.Ref{employee(1)}))[employee(1)].Revision, uint64(1))
}

func chainEnds(t *testing.T, s store.Store) {
	ctx, ends := t.Context(), must[audit.Chain](t)
	equal(t, "before the first", ends(s.Chain(ctx, acme)), audit.Chain{})
	ok(t, s.Append(ctx, acme, entries("a", 3)))
	_ = must[int](t)(s.Seal(ctx, acme, 2, hash))
	c := ends(s.Chain(ctx, acme))
	two := trail(t, s, acme, audit.Query{Limit: 2})[1]
	equal(t, "ends", c, audit.Chain{Head: audit.Checkpoint{Position: 2, Hash: two.Seal}, Last: 3})
	equal(t, "other tenant's", ends(s.Chain(ctx, globex)), audit.Chain{})
	_, err := s.Trail(ctx, acme, audit.Query{})
	ok(t, err)
}
