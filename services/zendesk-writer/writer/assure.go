package writer

import (
	"context"
	"errors"

	"github.com/ml-connector/ml-connector/pkg/address"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// The assertions of this file stay on in production (failures.md 2.3, O6 and O12; ADR 0017). They are asked right before
// a batch's changes are handed to the target and go by what the store says at that moment, whatever was decided before.
// What never leaves on the level of calls is asserted by the target itself.

// assure looks for the last time at the results at these places. A violation stops the tenant's writer; any other error
// is the store's, and nothing was sent.
func (b *batch) assure(ctx context.Context, results []result, at []int) error {
	if err := b.w.standing(ctx, b.t); err != nil {
		return err
	}
	refs := make([]record.Ref, len(at))
	for n, i := range at {
		r := results[i]
		if refs[n] = r.ref; r.msg.Event.Tenant != b.t || r.outcome.Change.Ref != r.ref {
			return b.violated(r.ref, "is of another tenant or record than the batch says")
		}
	}
	quarantined, err := b.w.store.Quarantined(ctx, b.t)
	if err != nil {
		return err
	}
	items, err := b.w.store.GuardItems(ctx, b.t, refs)
	if err != nil {
		return err
	}
	var waiting []record.Ref
	for _, i := range at {
		r := results[i]
		if _, unknown := quarantined[r.ref]; unknown && !r.fresh {
			return b.violated(r.ref, "is in quarantine: nobody knows what an earlier call did")
		}
		if makes(r.outcome.Change, items[r.ref]) {
			waiting = append(waiting, r.ref)
		}
	}
	return b.passed(ctx, results, at, items, waiting)
}

// makes tells whether a change does what an item keeps from the target.
func makes(c target.Change, it store.GuardItem) bool {
	if it.State != store.ItemStaged && it.State != store.ItemHeld && it.State != store.ItemRejected {
		return false
	}
	switch it.Change {
	case store.Suspension:
		return c.Verb == target.Suspend
	case store.Creation:
		return c.Verb == target.Create || c.Adopted
	case store.EmailChange:
		for _, d := range c.Diff {
			if d.Field == "email" && address.Same(d.After, it.Content) {
				return true
			}
		}
	}
	return false
}

// passed tells a change that waits from an older one of the same sort that was let through: the ledger's wanted state
// is what was handed on last.
func (b *batch) passed(ctx context.Context, results []result, at []int, items map[record.Ref]store.GuardItem, waiting []record.Ref) error {
	if len(waiting) == 0 {
		return nil
	}
	rows, err := b.w.store.Rows(ctx, b.t, waiting)
	if err != nil {
		return err
	}
	for _, i := range at {
		r := results[i]
		row, ok := rows[r.ref]
		if !ok || r.msg.Event.Version < row.WantedAt { // a newer state was handed on, and follows
			continue
		}
		handed, err := event.DecodeEntry(row.Wanted)
		if len(row.Wanted) == 0 || err == nil && !holds(handed, items[r.ref]) {
			return b.violated(r.ref, "waits with hold "+items[r.ref].Hold+" ("+string(items[r.ref].Change)+") and was about to be written")
		}
	}
	return nil
}

// holds tells whether a state that was handed on holds already what the item is about.
func holds(e directory.Entry, it store.GuardItem) bool {
	switch it.Change {
	case store.Suspension:
		return e.State() == directory.Suspended
	case store.Creation:
		return e.State() == directory.Active
	}
	return e.User != nil && address.Same(e.User.Email, it.Content)
}

func (b *batch) violated(ref record.Ref, what string) error {
	return fault.New(fault.Internal, fault.SafetyStop, ref.String()+" "+what)
}

// halt stops this writer: from now on it makes no call. Run tells the store and ends.
func (b *batch) halt(err error) {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Code != fault.SafetyStop || !b.w.halted.CompareAndSwap(nil, f) {
		return
	}
	b.w.log.Error("safety stop: nothing is written to Zendesk until a person lets it go on", "tenant", b.t, "fault", f.Code,
		"detail", f.Detail, "next", fault.NextOf(f))
	close(b.w.alarm)
}
