package writer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Gate is asked before a writer pulls its first record; open is not asked for again. An error of the account must be
// wrapped with Refusal: it sets the pause, and is told, as if a record had met it. Any other is the store's.
type Gate func(ctx context.Context) (open bool, err error)

// Refusal marks an error of a Gate as the account's.
func Refusal(err error) error {
	if err == nil {
		return nil
	}
	return refusal{err}
}

type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// entrance is whether the gate was found open.
type entrance struct {
	asking sync.Mutex // held by the lane that asks
	open   atomic.Bool
}

// entered asks the gate, behind the breaker. While it is closed nothing is pulled, so that nothing is written.
func (w *Writer) entered(ctx context.Context, t tenant.ID) bool {
	if w.opt.Gate == nil || w.gate.open.Load() {
		return true
	}
	w.gate.asking.Lock()
	defer w.gate.asking.Unlock()
	if w.gate.open.Load() {
		return true
	}
	gen := w.account.generation()
	done, err := w.breaker.Allow()
	if err != nil {
		return false
	}
	open, err := w.opt.Gate(ctx)
	var refused refusal
	isRefusal := errors.As(err, &refused)
	health := context.Canceled // the breaker learns nothing
	if isRefusal && ctx.Err() == nil {
		health = refused.error
	} else if err == nil {
		health = nil
	}
	done(health)
	switch {
	case ctx.Err() != nil:
		return false
	case isRefusal:
		w.judgeAccount(ctx, t, gen, refused.error)
	case err != nil:
		w.log.Warn("not known whether the first load may write", "tenant", t, "err", err)
	default:
		w.judgeAccount(ctx, t, gen, nil)
		w.gate.open.Store(open)
		return open
	}
	return false
}

// undecided keeps back what the adoption report of the first load left to a person (ADR 0024): it takes over an object
// that was there before, or makes one beside it. Like every record that waits it is told, acknowledged, and looked at
// again daily or when it is handed on once more.
func (b *batch) undecided(ctx context.Context, results []result) error {
	var refs []record.Ref
	for _, r := range results {
		if fresh(r) {
			refs = append(refs, r.ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	items, err := b.w.store.GuardItems(ctx, b.t, refs)
	if err != nil {
		return err
	}
	for i, r := range results {
		it, has := items[r.ref]
		if !has || !fresh(r) || it.Change != store.Adoption || it.State == store.ItemGranted {
			continue
		}
		code, detail := fault.AdoptionReview, "a person must decide with hold "+it.Hold+": "+it.Content
		if it.State == store.ItemRejected {
			code, detail = fault.GuardRejected, "a person rejected this with hold "+it.Hold+": "+it.Content
		}
		results[i].outcome.Err = fault.New(fault.Held, code, detail)
		results[i].outcome.TargetID, results[i].outcome.Memory = r.link.TargetID, r.link.Memory
	}
	return nil
}

// fresh tells whether a result is about to be tied to an object for the first time.
func fresh(r result) bool {
	return r.outcome.Err == nil && r.wanted.State() == directory.Active && (r.outcome.Change.Verb == target.Create || r.outcome.Change.Adopted)
}

// closed waits a moment while the gate is closed.
func (l *lane) closed(ctx context.Context) bool {
	if l.w.entered(ctx, l.t) {
		return false
	}
	wait(ctx, max(l.w.rest(), l.w.opt.Linger/2))
	return true
}
