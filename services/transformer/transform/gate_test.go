package transform

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// gate is a world whose ledger and guard are a real store. Every call of the store that writes has a crash point
// before and behind it.
type gate struct {
	*world
	store *ledgerWithCrashes
	state bus.State
}

type ledgerWithCrashes struct {
	*sqlitestore.Store
	w *world
}

func (l *ledgerWithCrashes) SaveLedger(ctx context.Context, t tenant.ID, saves []store.LedgerSave) (stored []bool, err error) {
	if err := l.w.cut("save"); err != nil {
		return nil, err
	}
	if stored, err = l.Store.SaveLedger(ctx, t, saves); err != nil {
		return nil, err
	}
	return stored, l.w.cut("save done")
}

func (l *ledgerWithCrashes) MarkPublished(ctx context.Context, t tenant.ID, upTo map[record.Ref]uint64) error {
	return l.between("mark", func() error { return l.Store.MarkPublished(ctx, t, upTo) })
}

func (l *ledgerWithCrashes) Judge(ctx context.Context, t tenant.ID, since time.Time, judge func(store.Book) store.Judgement) error {
	return l.between("judge", func() error { return l.Store.Judge(ctx, t, since, judge) })
}

func (l *ledgerWithCrashes) EndLoad(ctx context.Context, t tenant.ID, kind record.Kind, at time.Time) error {
	return l.between("end load", func() error { return l.Store.EndLoad(ctx, t, kind, at) })
}

func (l *ledgerWithCrashes) BeginLoad(ctx context.Context, t tenant.ID, kind record.Kind, load store.Load) error {
	return l.between("begin load", func() error { return l.Store.BeginLoad(ctx, t, kind, load) })
}

func (l *ledgerWithCrashes) between(point string, effect func() error) error {
	if err := l.w.cut(point); err != nil {
		return err
	}
	if err := effect(); err != nil {
		return err
	}
	return l.w.cut(point + " done")
}

// State implements Flow.
func (g *gate) State(context.Context, tenant.ID) (bus.State, error) {
	return g.state, g.cut("state")
}

func (g *gate) guarded() *Service {
	s := g.service()
	s.deps.Ledger, s.deps.Guard, s.deps.Flow = g.store, g.store, g
	return s
}

func nth(i int) record.Ref { return record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%07d", i)} }

// newGate is a company of active linked people whose first load is over.
func newGate(t *testing.T, people int) *gate {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	g := &gate{world: newWorld(t)}
	g.store = &ledgerWithCrashes{st, g.world}
	var refs []record.Ref
	for i := range people {
		refs = append(refs, nth(i))
	}
	g.cycle(t, "load", store.Running)
	mustPass(t, g.guarded().facts(acme)(t.Context(), from("cycle/load", hired(t, refs...)...)))
	g.link(t, refs...)
	g.cycle(t, "load", store.Complete)
	if err := g.guarded().Judge(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *gate) cycle(t *testing.T, id string, s store.CycleState) {
	t.Helper()
	c := store.Cycle{ID: id, Kind: record.Employee, Mode: string(event.ModeWindow), State: s, Started: g.now}
	if s != store.Running {
		c.Ended = g.now.Add(time.Second)
	}
	if err := g.store.PutCycle(t.Context(), acme, c); err != nil {
		t.Fatal(err)
	}
}

// link is what the writer leaves behind.
func (g *gate) link(t *testing.T, refs ...record.Ref) {
	t.Helper()
	var links []store.Link
	for _, ref := range refs {
		entry, err := g.wanted(t, ref).Entry()
		if err != nil {
			t.Fatal(err)
		}
		known, err := event.EncodeEntry(entry)
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, store.Link{Ref: ref, TargetID: "7" + ref.Key, Known: known, State: string(entry.State()), At: g.now})
	}
	if _, err := g.store.CommitBatch(t.Context(), acme, "", store.Commit{Links: links}); err != nil {
		t.Fatal(err)
	}
}

func hired(t *testing.T, refs ...record.Ref) (ms []bus.Message) {
	for _, ref := range refs {
		ms = append(ms, message(t, "hired "+ref.Key, ref, person(hire("2026-01-01T00:00:00.000000"))...))
	}
	return ms
}

func left(t *testing.T, minute string, numbers ...int) (ms []bus.Message) {
	for _, i := range numbers {
		ms = append(ms, message(t, "left "+minute+nth(i).Key, nth(i), leave("2026-03-01", string(stamped(minute)))))
	}
	return ms
}

func from(cause string, ms ...bus.Message) []bus.Message {
	for i := range ms {
		ms[i].Event.Cause = cause
	}
	return ms
}

// gone are the people whom the table of wanted states suspends.
func (g *gate) gone(t *testing.T, people int) (list []int) {
	t.Helper()
	for i := range people {
		if _, there := g.table[nth(i)]; there && g.wanted(t, nth(i)).User.State == directory.Suspended {
			list = append(list, i)
		}
	}
	return list
}

func (g *gate) mustBeGone(t *testing.T, people int, want ...int) {
	t.Helper()
	if got := g.gone(t, people); !slices.Equal(got, want) {
		t.Fatalf("suspended %v, want %v", got, want)
	}
}

func (g *gate) judge(t *testing.T) {
	t.Helper()
	if err := g.guarded().Judge(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
}

func (g *gate) facts(t *testing.T, ms ...bus.Message) {
	t.Helper()
	mustPass(t, g.guarded().facts(acme)(t.Context(), ms))
}

func (g *gate) holding(t *testing.T) []store.Hold {
	t.Helper()
	holds, err := g.store.Holds(t.Context(), acme, 0)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(holds, func(h store.Hold) bool { return h.State != store.HoldWaiting })
}

func (g *gate) decide(t *testing.T, approve bool) {
	t.Helper()
	h := g.holding(t)[0]
	if _, err := g.store.DecideHold(t.Context(), acme, h.ID, store.Decision{Approve: approve, Hash: h.Hash, By: "kim", At: g.now},
		func(store.Hold, []store.GuardItem) []audit.Entry { return nil }); err != nil {
		t.Fatal(err)
	}
}
