package assembly

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	ledgerKey = "store.ledger" // of the finding
	// before is how many facts before the last mark go through again: they may have waited when the copy was made. More
	// than may be under way at once; a longer backlog is made good by the full read.
	before = 20_000
)

// catchUp notices a store that is older than the streams (failures.md I09): the newest cursor names a cycle, which the
// store knew before anything of it was published. Then the facts that came since the copy go through once more, and
// everything is read again; what is in the table of wanted states is never overtaken by less (transform, Lift).
func (c *Core) catchUp(ctx context.Context, t tenant.ID) error {
	cycle, err := c.unknownCycle(ctx, t)
	if err != nil || cycle == "" {
		return err
	}
	ref := record.Ref{Kind: "connection", Key: ledgerKey}
	if found, err := c.Store.Findings(ctx, t, store.FindingQuery{Kind: ref.Kind, Key: ref.Key}); err != nil || len(found) > 0 {
		return err // under way
	}
	again, err := c.onceMore(ctx, t)
	if err != nil {
		return err
	}
	return c.readAgain(ctx, t, ledgerKey, fault.LedgerBehind, "the store is older than the streams: it does not know cycle "+cycle+", which was the last to read; "+again)
}

// unknownCycle is the cycle of a cursor that the store does not know; "" when it knows them all.
func (c *Core) unknownCycle(ctx context.Context, t tenant.ID) (string, error) {
	for _, kind := range record.Kinds() {
		e, _, err := c.Bus.Cursor(ctx, t, kind)
		if errors.Is(err, bus.ErrNone) {
			continue
		}
		if err != nil {
			return "", err
		}
		cur, err := event.Payload[event.Cursor](e, event.CursorV1)
		if err != nil || cur.Cycle == "" {
			continue // the poller tells about a cursor that cannot be read
		}
		if _, err := c.Store.Cycle(ctx, t, cur.Cycle); errors.Is(err, store.ErrNotFound) {
			return cur.Cycle, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", nil
}

// onceMore begins a replay of the facts since the store's last mark, and says which they are.
func (c *Core) onceMore(ctx context.Context, t tenant.ID) (string, error) {
	known, err := c.Store.KnownStreams(ctx, t)
	if err != nil {
		return "", err
	}
	state, err := c.Bus.State(ctx, t)
	if err != nil {
		return "", err
	}
	seen, erp := int64(0), state.Streams[bus.ERP]
	if at, ok := known[markName(bus.ERP)]; ok {
		seen = max(at.UnixMicro(), 0)
	}
	from := max(uint64(max(seen-before, 0)), erp.First, 1)
	if from > erp.Last {
		return "the streams hold no facts", nil
	}
	now := c.Now()
	r := store.Replay{ID: uuid.NewString(), Stream: string(bus.ERP), From: from, To: erp.Last, By: "recovery", State: store.ReplayRunning, Next: from, Started: now, Moved: now}
	e := audit.Entry{ID: audit.ID(audit.Operator, record.Ref{}, 0, string(t), "replay", r.ID), At: now.UTC(), Stage: audit.Operator, Verb: "replay", Outcome: audit.Started,
		Cause: "recovery", Code: string(fault.LedgerBehind), Detail: fmt.Sprintf("ERP %d to %d", r.From, r.To)}
	if err := c.Store.BeginReplay(ctx, t, r, []audit.Entry{e}); errors.Is(err, store.ErrBusy) {
		return "another replay runs: replay ERP from " + fmt.Sprint(r.From) + " to " + fmt.Sprint(r.To) + " after it", nil
	} else if err != nil {
		return "", err
	}
	return fmt.Sprintf("facts %d to %d of ERP go through once more", r.From, r.To), nil
}
