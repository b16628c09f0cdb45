package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

var errDead = errors.New("dead")

// desk is a broker with an ERP stream of n messages and a store with one replay, both in memory.
type desk struct {
	n       uint64
	pending uint64
	sent    map[string]int
	rep     store.Replay
	entries []audit.Entry
	free    bool // the lease can be had
	dieAt   int  // the move that fails, from 1; 0 is none
	moves   int
}

func (d *desk) Read(_ context.Context, _ tenant.ID, s bus.Stream, r bus.Range, limit int) (bus.Excerpt, error) {
	var out bus.Excerpt
	for seq := r.From; seq <= min(r.To, d.n); seq++ {
		if len(out.Messages) == limit {
			out.Next = seq
			break
		}
		out.Messages = append(out.Messages, bus.Message{Seq: seq, Stream: s, Ref: record.Ref{Kind: record.Employee, Key: fmt.Sprint(seq)}, Event: event.Event{ID: fmt.Sprint("cycle/", seq), Type: event.FactsV1}})
	}
	return out, nil
}

func (d *desk) Replay(_ context.Context, _ tenant.ID, events ...event.Event) error {
	for _, e := range events {
		d.sent[e.ID]++
	}
	return nil
}

func (d *desk) Touch(context.Context, tenant.ID, string, []record.Ref) error { return nil }

func (d *desk) Publish(context.Context, tenant.ID, bus.Stream, ...event.Event) error { return nil }

func (d *desk) State(context.Context, tenant.ID) (bus.State, error) {
	return bus.State{Consumers: map[bus.Consumer]bus.ConsumerState{bus.Replayer: {Pending: d.pending}}}, nil
}

func (d *desk) Replays(context.Context, tenant.ID, int) ([]store.Replay, error) {
	return []store.Replay{d.rep}, nil
}

func (d *desk) MoveReplay(_ context.Context, _ tenant.ID, r store.Replay, expect uint64, entries []audit.Entry) error {
	if d.moves++; d.moves == d.dieAt {
		return errDead
	}
	if d.rep.Next != expect || d.rep.State != store.ReplayRunning {
		return store.ErrConflict
	}
	d.rep, d.entries = r, append(d.entries, entries...)
	return nil
}

func (d *desk) TakeLease(context.Context, tenant.ID, string, string, time.Duration) (store.Lease, bool, error) {
	return store.Lease{}, d.free, nil
}

func (d *desk) EndLease(context.Context, tenant.ID, store.Lease) error { return nil }

func newDesk() *desk {
	return &desk{n: 1000, free: true, sent: map[string]int{}, rep: store.Replay{ID: "r", Stream: "ERP", From: 1, To: 1000, Next: 1, State: store.ReplayRunning}}
}

func (d *desk) runner() *Runner {
	return New(d, d, slog.New(slog.DiscardHandler), Options{Page: 100, Backlog: 250})
}

func TestAReplayEndsWhenEverythingIsSentAndHandled(t *testing.T) {
	d := newDesk()
	d.pending = 1
	if err := d.runner().advance(t.Context(), "acme"); err != nil || d.rep.State != store.ReplayRunning || d.rep.Next != 1001 || len(d.sent) != 1000 {
		t.Fatalf("%+v, %d sent, %v: want all sent and not ended while one is not handled", d.rep, len(d.sent), err)
	}
	d.pending = 0
	if err := d.runner().advance(t.Context(), "acme"); err != nil || d.rep.State != store.ReplayFinished || d.rep.Events != 1000 || len(d.entries) != 1 {
		t.Fatalf("%+v, %d entries, %v", d.rep, len(d.entries), err)
	}
}

func TestAReplayWaitsBehindItsBacklog(t *testing.T) {
	d := newDesk()
	d.pending = 251
	if err := d.runner().advance(t.Context(), "acme"); err != nil || len(d.sent) != 0 {
		t.Fatalf("%d sent, %v", len(d.sent), err)
	}
}

// The process dies after a page was sent and before the place was stored: the next one sends that page again with the
// same ids, and nothing else.
func TestAReplayResumesBehindItsDurablePlace(t *testing.T) {
	d := newDesk()
	d.dieAt = 4
	if err := d.runner().advance(t.Context(), "acme"); !errors.Is(err, errDead) {
		t.Fatal(err)
	}
	if d.rep.Next != 301 || len(d.sent) != 400 || d.rep.State != store.ReplayRunning {
		t.Fatalf("place %d with %d sent at the kill, want 301 with 400", d.rep.Next, len(d.sent))
	}
	if err := d.runner().advance(t.Context(), "acme"); err != nil || d.rep.State != store.ReplayFinished || len(d.sent) != 1000 {
		t.Fatalf("%+v, %d ids, %v", d.rep, len(d.sent), err)
	}
	for seq := range uint64(1000) {
		want := 1
		if seq >= 300 && seq < 400 {
			want = 2
		}
		if n := d.sent[fmt.Sprintf("replay/r/%d", seq+1)]; n != want {
			t.Fatalf("message %d was sent %d times, want %d", seq+1, n, want)
		}
	}
}

func TestAReplayBelongsToWhoHasTheLease(t *testing.T) {
	d := newDesk()
	d.free = false
	if err := d.runner().advance(t.Context(), "acme"); err != nil || len(d.sent) != 0 {
		t.Fatalf("%d sent, %v", len(d.sent), err)
	}
}

func TestWhatCameOutOfALetterKeepsItsPlace(t *testing.T) {
	m := bus.Message{Seq: 90, Event: event.Event{ID: "replay/dead-7/ib/x/1/employee/1/40"}}
	e := Again(m, "r")
	if place, ok := event.Place(e); !ok || place != 40 || e.Cause != "replay/r" {
		t.Fatalf("%+v at %d", e, place)
	}
	if other := Again(bus.Message{Seq: 40, Event: event.Event{ID: "cycle/1"}}, "r"); other.ID == e.ID {
		t.Error("it has the id of the message that stands at its place")
	}
}
