package writer

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// settleForeign ends batches that nobody works on any more: a crash, a lost pin, a commit that failed. It waits until
// their calls can have no further effect, forgets what was believed to be applied, and touches their records.
func (w *Writer) settleForeign(ctx context.Context, t tenant.ID) error {
	open, err := w.store.OpenBatches(ctx, t)
	if err != nil {
		return err
	}
	for _, b := range open {
		if w.mine(b.ID) {
			continue
		}
		if err := w.takeOver(ctx, t, b); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) mine(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inflight[id]
}

// over is when no call of the batch can land any more: its writer stopped calling at the end of its working time, or
// when its process died, which was before this one began if no other runs beside it.
func (w *Writer) over(b store.Batch) time.Time {
	last := b.Started.Add(w.opt.Work)
	if w.opt.Alone && b.Epoch != w.epoch && w.begun.Before(last) {
		last = w.begun
	}
	return last.Add(w.target.CallLife())
}

func (w *Writer) takeOver(ctx context.Context, t tenant.ID, b store.Batch) error {
	if len(b.Jobs) > 0 {
		if err := w.target.Settle(ctx, t, b.Jobs); err != nil {
			return err
		}
	}
	if w.now().Before(w.over(b)) {
		return nil // its last call may still land; its records stay busy until then
	}
	refs := make([]record.Ref, len(b.Items))
	for i, it := range b.Items {
		refs[i] = it.Ref
	}
	links, err := w.store.Links(ctx, t, refs)
	if err != nil {
		return err
	}
	c := store.Commit{Quarantine: map[record.Ref]time.Time{}}
	for _, l := range links {
		l.Digest = "" // the next write looks at the target
		c.Links = append(c.Links, l)
	}
	for _, ref := range refs {
		c.Quarantine[ref] = w.now() // over already, but it marks the next outcome as verified
	}
	mine, err := w.store.CommitBatch(ctx, t, b.ID, c)
	if err != nil || !mine {
		return err
	}
	w.log.Info("took over an unfinished batch", "tenant", t, "batch", b.ID, "records", len(refs), "jobs", len(b.Jobs))
	return w.bus.Touch(ctx, t, "takeover/"+w.epoch, refs)
}
