package writer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// span is a batch of this process: running, or ended without a commit, and then when its calls can have no further
// effect.
type span struct {
	running bool
	over    time.Time
}

// claim takes a record for a batch; false when another batch of this process has it.
func (w *Writer) claim(ref record.Ref, b *batch) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.held[ref]; o != nil && o != b {
		return false
	}
	w.held[ref] = b
	b.claimed = append(b.claimed, ref)
	return true
}

// release lets go of the records of a batch.
func (w *Writer) release(b *batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range b.claimed {
		delete(w.held, ref)
	}
}

func (w *Writer) hold(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mine[id] = &span{running: true}
}

// ended gives a batch that could not be committed to whoever tidies up.
func (w *Writer) ended(id string, life time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mine[id] = &span{over: w.now().Add(life)}
}

func (w *Writer) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.mine, id)
}

// busy lists the records of unfinished batches: a record is never in two. another tells that the batch is not one that
// this process is working on, so that its end may be far.
func (w *Writer) busy(ctx context.Context, t tenant.ID) (another map[record.Ref]bool, err error) {
	open, err := w.store.OpenBatches(ctx, t)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	another = map[record.Ref]bool{}
	for _, o := range open {
		s := w.mine[o.ID]
		for _, it := range o.Items {
			another[it.Ref] = s == nil || !s.running
		}
	}
	return another, nil
}

// tidyUp ends what others left, beside the lanes: a job that hangs must not keep other records waiting.
func (w *Writer) tidyUp(ctx context.Context, t tenant.ID) {
	for failed := 0; ctx.Err() == nil; {
		pause := w.opt.Busy
		if err := w.tidy(ctx, t); err != nil {
			pause = max(pause, doubled(w.opt.Backoff, failed, time.Minute))
			failed++
			if ctx.Err() == nil {
				w.log.Warn("unfinished batches stay", "tenant", t, "err", err)
			}
		} else {
			failed = 0
		}
		wait(ctx, pause)
	}
}

func (w *Writer) tidy(ctx context.Context, t tenant.ID) error {
	done := w.unfinished()
	open, err := w.store.OpenBatches(ctx, t)
	if err != nil {
		return err
	}
	w.prune(done, open)
	lives, err := w.lives(ctx, t)
	if err != nil {
		return err
	}
	errs := make([]error, len(open), len(open)+1)
	var all sync.WaitGroup
	for i, b := range open {
		over, ended := w.over(b, lives)
		if !ended {
			continue
		}
		all.Go(func() { // a job that hangs keeps no other batch waiting
			call, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			errs[i] = w.takeOver(call, t, b, over)
		})
	}
	all.Wait()
	return errors.Join(append(errs, w.recall(ctx, t))...)
}

// unfinished lists the batches of this process that ended without a known commit.
func (w *Writer) unfinished() (ids []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, s := range w.mine {
		if !s.running {
			ids = append(ids, id)
		}
	}
	return ids
}

// prune forgets batches that ended after all: their commit was stored and only its answer lost. done had ended before
// the open ones were listed: one that began and failed meanwhile is not in the list and must not be forgotten.
func (w *Writer) prune(done []string, open []store.Batch) {
	listed := map[string]bool{}
	for _, b := range open {
		listed[b.ID] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range done {
		if !listed[id] {
			delete(w.mine, id)
		}
	}
	maps.DeleteFunc(w.dead, func(id string, _ time.Time) bool { return !listed[id] })
}

// over is when no single call of the batch can land any more; ended tells that none is begun any more. A writer that
// died made its last call before it was seen to be silent for Options.Life, or, if no other runs beside this one, before
// this one began. The wall clock of the dead writer counts nowhere: it may have been wrong, or have jumped (failures.md I11).
func (w *Writer) over(b store.Batch, lives map[string]time.Duration) (over time.Time, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, now := w.mine[b.ID], w.now()
	left, known := lives[b.Epoch]
	switch {
	case s != nil && s.running:
		return over, false
	case s != nil:
		return s.over, true
	case w.opt.Alone && b.Epoch != w.life.epoch:
		return w.begun.Add(w.target.CallLife()), true
	case known && left > 0 && b.Epoch != w.life.epoch:
		delete(w.dead, b.ID)
		return over, false
	}
	seen, was := w.dead[b.ID]
	if !was {
		seen = now
		w.dead[b.ID] = seen
	}
	last := seen
	if !known || b.Epoch == w.life.epoch { // nobody knows of its writer's end, or it is ours and unknown here: its working time bounds it
		last = earlier(b.Started, seen).Add(w.opt.Work)
	}
	return last.Add(w.target.CallLife()), !last.After(now)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// takeOver ends a batch that nobody works on any more: it waits for its jobs, forgets what was believed to be applied,
// and touches its records, so that the target is read (broker.md 3.3, point 5). A record about which
// nothing was sent, or a job that is over by now, can be written at once; any other is quarantined until no call of it
// can land. A crash before the
// touch loses nothing: none of its messages was acknowledged.
func (w *Writer) takeOver(ctx context.Context, t tenant.ID, b store.Batch, over time.Time) error {
	if len(b.Jobs) > 0 {
		if err := w.target.Settle(ctx, t, b.Jobs); err != nil {
			return err
		}
	}
	c := store.Commit{Quarantine: map[record.Ref]time.Time{}, Entries: []audit.Entry{w.taken(b)}}
	refs := make([]record.Ref, len(b.Items))
	for i, it := range b.Items {
		refs[i] = it.Ref
		c.Quarantine[it.Ref] = over
		if it.Job != store.Calls {
			c.Quarantine[it.Ref] = earlier(over, w.now()) // it clears the digest and marks the next outcome as verified
		}
	}
	mine, err := w.store.CommitBatch(ctx, t, b.ID, c)
	if err != nil || !mine {
		return err
	}
	w.forget(b.ID)
	w.barred(c.Quarantine)
	w.log.Info("took over an unfinished batch", "tenant", t, "batch", b.ID, "records", len(refs), "jobs", len(b.Jobs))
	return w.bus.Touch(ctx, t, "takeover/"+b.ID, refs)
}

func (w *Writer) taken(b store.Batch) audit.Entry {
	e := audit.Entry{ID: audit.ID(stage, connection(), 0, "takeover", b.ID), At: w.now(), Stage: stage, Verb: "takeover",
		Outcome: audit.Finished, Cause: "epoch/" + w.life.epoch,
		Detail: fmt.Sprintf("a batch of %d records did not end: they are read and written again where they differ", len(b.Items))}
	if len(b.Jobs) > 0 {
		e.Code, e.Request = string(fault.TargetJobUnknown), fmt.Sprintf("jobs %v", b.Jobs)
	}
	return e
}
