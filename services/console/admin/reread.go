package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Bounds of reading the source again before an approval.
const (
	rereadTime = 150 * time.Second // for all of it; the client of the API waits three minutes
	byKey      = 50                // more records than that are read by one full read
	recent     = 15 * time.Minute  // a full read that began within it need not be repeated
	clocks     = 5 * time.Second   // by which our clock and the broker's may differ
	look       = 100 * time.Millisecond
	everyone   = 1 << 30
)

// reread has the records of a part of a hold read from the source again and waits until what it says is merged: the transformer
// then drops from the hold what is no longer true. The answer is the hash of what is left, and a sentence for the
// audit trail. What is left must have been looked at: it fails with HOLD_CHANGED when anything came to it.
func (a *API) reread(ctx context.Context, t tenant.ID, h store.Hold, p part) (hash, note string, err error) {
	ctx, cancel := context.WithTimeout(ctx, rereadTime)
	defer cancel()
	before, err := a.items(ctx, t, h.ID)
	if err != nil {
		return "", "", err
	}
	before = p.of(before)
	settings, err := a.settings(ctx, t)
	if err != nil {
		return "", "", err
	}
	kind := h.Group.Kind
	if !polled(settings)[kind] {
		return p.hash, "not read again: the tenant file has no connection for " + kind.Plural(), nil
	}
	if err := a.readAgain(ctx, t, kind, before); err != nil {
		return "", "", unread(err)
	}
	if err := a.merged(ctx, t, a.Now()); err != nil {
		return "", "", unread(err)
	}
	after, err := a.items(ctx, t, h.ID)
	if err != nil {
		return "", "", err
	}
	after = p.of(after)
	seen := map[record.Ref]store.GuardItem{}
	for _, it := range before {
		seen[it.Ref] = it
	}
	for _, it := range after {
		if was := seen[it.Ref]; was.Digest != it.Digest || was.Change != it.Change {
			detail := fmt.Sprintf("after PeopleSoft was read again, %s wants something else than what was looked at", it.Ref)
			return "", "", &fault.Error{Kind: fault.Conflict, Code: fault.HoldChanged, Detail: detail}
		}
	}
	return store.HashItems(after), fmt.Sprintf("PeopleSoft was read again: %d of %d are still true", len(after), len(before)), nil
}

// items are the records that wait in a hold, without their values.
func (a *API) items(ctx context.Context, t tenant.ID, hold string) (list []store.GuardItem, err error) {
	all, err := a.Store.GuardList(ctx, t, store.ItemHeld, everyone)
	for _, it := range all {
		if it.Hold == hold {
			list = append(list, it)
		}
	}
	return list, err
}

// readAgain reads a few records one by one, many or where the source cannot do that, all of their kind.
func (a *API) readAgain(ctx context.Context, t tenant.ID, kind record.Kind, items []store.GuardItem) error {
	if len(items) > byKey {
		return a.readAll(ctx, t, kind, items)
	}
	for _, key := range keys(kind, items) {
		c, err := a.cycleOf(ctx, t, bus.Tick{Kind: kind, Mode: event.ModeKey, Key: key})
		switch {
		case err != nil:
			return err
		case c.Code == fault.SourceNotSupported:
			return a.readAll(ctx, t, kind, items)
		case c.State != store.Complete:
			return notComplete(c)
		}
	}
	return nil
}

// keys are the records that a hold depends on: its own, and the leaver whose object one of them would take over, who may
// be back.
func keys(kind record.Kind, items []store.GuardItem) (list []string) {
	for _, it := range items {
		list = append(list, it.Ref.Key)
		if words := strings.Fields(it.Content); it.Change == store.Relink && len(words) > 1 {
			if key, ok := strings.CutPrefix(words[1], string(kind)+"/"); ok {
				list = append(list, key)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// readAll reads everything, unless a full read that began after the newest of the items did it just now: so a read
// that takes longer than somebody waits can be approved with once it has ended.
func (a *API) readAll(ctx context.Context, t tenant.ID, kind record.Kind, items []store.GuardItem) error {
	var newest time.Time
	for _, it := range items {
		if it.At.After(newest) {
			newest = it.At
		}
	}
	cycles, err := a.Store.Cycles(ctx, t, kind, 50)
	if err != nil {
		return err
	}
	for _, c := range cycles {
		if c.State == store.Complete && c.Mode == string(event.ModeFull) && c.Started.After(newest) && a.Now().Sub(c.Started) < recent {
			return nil
		}
	}
	c, err := a.cycleOf(ctx, t, bus.Tick{Kind: kind, Mode: event.ModeFull})
	if err == nil && c.State != store.Complete {
		err = notComplete(c)
	}
	return err
}

func notComplete(c store.Cycle) error {
	return fmt.Errorf("%s %s: %s", c.State, c.Code, c.Detail)
}

// cycleOf asks for a cycle and waits for its end.
func (a *API) cycleOf(ctx context.Context, t tenant.ID, k bus.Tick) (store.Cycle, error) {
	id := uuid.NewString()
	if err := a.Bus.Poke(ctx, t, k, id, "person/approval"); err != nil {
		return store.Cycle{}, err
	}
	var c store.Cycle
	err := a.until(ctx, func() (done bool, err error) {
		c, err = a.Store.Cycle(ctx, t, id)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return c.State != store.Running, err
	})
	return c, err
}

// merged waits until the transformer has settled every message from before end.
func (a *API) merged(ctx context.Context, t tenant.ID, end time.Time) error {
	return a.until(ctx, func() (bool, error) {
		state, err := a.Bus.State(ctx, t)
		c := state.Consumers[bus.Transformer]
		younger := c.OldestAge > 0 && a.Now().Add(-c.OldestAge).After(end.Add(clocks))
		return c.Pending == 0 && c.InFlight == 0 || younger, err
	})
}

// until asks again and again until done, or ctx ends.
func (a *API) until(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// unread is the refusal of an approval whose records could not be read again.
func unread(err error) error {
	detail := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		detail = "not ended in time: is the poller running, or is a long read under way?"
	}
	return &fault.Error{Kind: fault.Transient, Code: fault.HoldUnread, Detail: "nothing was decided, PeopleSoft could not be read again: " + detail, Err: err}
}
