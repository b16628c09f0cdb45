package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func journalTests() map[string]test {
	return map[string]test{
		"open batches are listed oldest first with items and jobs": journalOpen,
		"a record is never in two unfinished batches":              journalBusy,
		"of a hundred batches about one record one begins":         journalRace,
		"a batch that is begun again is the same or a conflict":    journalRepeat,
		"jobs belong to an unfinished batch":                       journalJobs,
	}
}

func batch(id string, refs ...record.Ref) store.Batch {
	b := store.Batch{ID: id, Epoch: "e1", Started: utc(noon())}
	for i, r := range refs {
		b.Items = append(b.Items, store.BatchItem{Ref: r, Version: uint64(i) + 1})
	}
	return b
}

func open(t *testing.T, s store.Store, id tenant.ID) []store.Batch {
	t.Helper()
	out := must[[]store.Batch](t)(s.OpenBatches(t.Context(), id))
	for i := range out {
		if len(out[i].Jobs) == 0 {
			out[i].Jobs = nil
		}
	}
	return out
}

func journalOpen(t *testing.T, s store.Store) {
	ctx := t.Context()
	young, old := batch("a", employee(2), employee(1), vendor(1)), batch("b", employee(3))
	young.Started = old.Started.Add(time.Second)
	ok(t, s.BeginBatch(ctx, acme, young))
	ok(t, s.BeginBatch(ctx, acme, old))
	ok(t, s.BeginBatch(ctx, globex, batch("a", employee(2))))
	ok(t, s.Sending(ctx, acme, "a", []record.Ref{employee(1), employee(2), employee(3)}))
	ok(t, s.AddJob(ctx, acme, "a", "j2", []record.Ref{employee(1)}))
	ok(t, s.AddJob(ctx, acme, "a", "j1", []record.Ref{vendor(1), employee(3), employee(9)}))
	ok(t, s.AddJob(ctx, acme, "a", "j2", nil))
	young.Jobs = []string{"j2", "j1"}
	for i, it := range young.Items { // of another batch's record and of one that nobody knows nothing is remembered
		young.Items[i].Job = map[record.Ref]string{employee(1): "j2", employee(2): store.Calls, vendor(1): "j1"}[it.Ref]
	}
	equal(t, "open", open(t, s, acme), []store.Batch{old, young})
	equal(t, "other tenant's", open(t, s, globex), []store.Batch{batch("a", employee(2))})
}

func journalBusy(t *testing.T, s store.Store) {
	ctx := t.Context()
	ok(t, s.BeginBatch(ctx, acme, batch("a", employee(1), employee(2))))
	if err := s.BeginBatch(ctx, acme, batch("b", employee(3), employee(2))); !errors.Is(err, store.ErrBusy) {
		t.Fatalf("got %v, want ErrBusy", err)
	}
	equal(t, "the refused batch left nothing", open(t, s, acme), []store.Batch{batch("a", employee(1), employee(2))})
	ok(t, s.BeginBatch(ctx, globex, batch("b", employee(2)))) // another tenant's record of the same name
	equal(t, "mine", commit(t, s, acme, "a", store.Commit{}), true)
	ok(t, s.BeginBatch(ctx, acme, batch("b", employee(3), employee(2))))
}

func journalRace(t *testing.T, s store.Store) {
	won := race(t, 100, func(i int) (bool, error) {
		refs := []record.Ref{employee(0), employee(i + 1), employee(i + 2)}
		if i%2 == 0 {
			refs[0], refs[2] = refs[2], refs[0]
		}
		err := s.BeginBatch(t.Context(), acme, batch(fmt.Sprint(i), refs...))
		if errors.Is(err, store.ErrBusy) {
			return false, nil
		}
		return err == nil, err
	})
	equal(t, "begun", won, 1)
	equal(t, "open", len(open(t, s, acme)), 1)
	equal(t, "other tenant's", len(open(t, s, globex)), 0)
}

func journalRepeat(t *testing.T, s store.Store) {
	ctx := t.Context()
	ok(t, s.BeginBatch(ctx, acme, batch("a", employee(1), employee(2))))
	ok(t, s.BeginBatch(ctx, acme, batch("a", employee(1), employee(2)))) // an answer was lost
	for name, other := range map[string]store.Batch{
		"other items": batch("a", employee(3)),
		"other epoch": {ID: "a", Epoch: "e2", Items: batch("a", employee(1), employee(2)).Items, Started: noon()},
	} {
		if err := s.BeginBatch(ctx, acme, other); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("%s: got %v, want ErrConflict", name, err)
		}
	}
	twice := batch("t", employee(5), employee(5), employee(6))
	ok(t, s.BeginBatch(ctx, globex, twice))
	want := []store.BatchItem{{Ref: employee(5), Version: 2}, {Ref: employee(6), Version: 3}}
	equal(t, "of two versions of a record the higher", open(t, s, globex)[0].Items, want)
}

func journalJobs(t *testing.T, s store.Store) {
	ok(t, s.BeginBatch(t.Context(), acme, batch("a", employee(1))))
	for _, id := range []tenant.ID{globex, acme} {
		name := map[tenant.ID]string{globex: "a", acme: "b"}[id]
		if err := s.AddJob(t.Context(), id, name, "j", nil); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("batch %s of %s: got %v, want ErrNotFound", name, id, err)
		}
	}
	commit(t, s, acme, "a", store.Commit{})
	if err := s.Sending(t.Context(), acme, "a", []record.Ref{employee(1)}); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("sending of an ended batch: got %v, want ErrNotFound", err)
	}
	if err := s.AddJob(t.Context(), acme, "a", "j", nil); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("ended batch: got %v, want ErrNotFound", err)
	}
	equal(t, "open", len(open(t, s, acme)), 0)
}
