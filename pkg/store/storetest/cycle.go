package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func cycleTests() map[string]test {
	return map[string]test{
		"a cycle is replaced as it goes on": cycleReplaced,
		"cycles are listed newest first":    cycleList,
	}
}

func cycle(id string, kind record.Kind, started time.Time) store.Cycle {
	return store.Cycle{ID: id, Kind: kind, Mode: "window", Cause: "schedule", State: store.Running, Started: utc(started)}
}

func cycleReplaced(t *testing.T, s store.Store) {
	ctx, c := t.Context(), cycle("c1", record.Employee, noon())
	ok(t, s.PutCycle(ctx, acme, c))
	got := must[store.Cycle](t)(s.Cycle(ctx, acme, "c1"))
	equal(t, "running", got, c)
	equal(t, "the end of a running cycle is zero", got.Ended.IsZero(), true)
	c.State, c.Ended, c.From, c.To, c.Before, c.After = store.Incomplete, utc(noon().Add(time.Minute)), "f", "t", "b", "a"
	c.Pages, c.Rows, c.Records, c.Code, c.Detail, c.Next = 1, 2, 3, fault.SourcePartial, "detail 🦉", "next"
	ok(t, s.PutCycle(ctx, acme, c))
	equal(t, "ended", must[store.Cycle](t)(s.Cycle(ctx, acme, "c1")), c)
	if _, err := s.Cycle(ctx, globex, "c1"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("other tenant: got %v, want ErrNotFound", err)
	}
}

func cycleList(t *testing.T, s store.Store) {
	ctx := t.Context()
	for i, id := range []string{"c1", "c2", "c3"} {
		kind := record.Kinds()[i%2]
		ok(t, s.PutCycle(ctx, acme, cycle(id, kind, noon().Add(time.Duration(i)*time.Hour))))
		ok(t, s.PutCycle(ctx, globex, cycle("g"+id, kind, noon())))
	}
	list := func(id tenant.ID, kind record.Kind, limit int) (out []string) {
		for _, c := range must[[]store.Cycle](t)(s.Cycles(ctx, id, kind, limit)) {
			out = append(out, c.ID)
		}
		return out
	}
	equal(t, "all", list(acme, "", 0), []string{"c3", "c2", "c1"})
	equal(t, "of a kind", list(acme, record.Vendor, 10), []string{"c3", "c1"})
	equal(t, "limited", list(acme, "", 1), []string{"c3"})
	equal(t, "other tenant", list(globex, "", 0), []string{"gc3", "gc2", "gc1"})
}
