package writer

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func (w *world) Links(_ context.Context, _ tenant.ID, refs []record.Ref) (map[record.Ref]store.Link, error) {
	if f := w.between; f != nil {
		w.between = nil
		f()
	}
	out := map[record.Ref]store.Link{}
	return out, w.around("links", func() error {
		for _, r := range refs {
			if l, ok := w.links[r]; ok {
				out[r] = l
			}
		}
		return nil
	})
}

func (w *world) GuardItems(_ context.Context, _ tenant.ID, of []record.Ref) (map[record.Ref]store.GuardItem, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[record.Ref]store.GuardItem{}
	for _, r := range of {
		if it, ok := w.items[r]; ok {
			out[r] = it
		}
	}
	return out, nil
}

func (w *world) Rows(_ context.Context, _ tenant.ID, refs []record.Ref) (map[record.Ref]store.LedgerRow, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[record.Ref]store.LedgerRow{}
	for _, r := range refs {
		if row, ok := w.rows[r]; ok {
			out[r] = row
		}
	}
	return out, nil
}

func (w *world) BeginBatch(_ context.Context, _ tenant.ID, b store.Batch) error {
	return w.around("begin", func() error {
		for _, o := range w.open {
			for _, it := range o.Items {
				if slices.ContainsFunc(b.Items, func(x store.BatchItem) bool { return x.Ref == it.Ref }) {
					return store.ErrBusy
				}
			}
		}
		w.open = append(w.open, b)
		return nil
	})
}

func (w *world) AddJob(_ context.Context, _ tenant.ID, batch, job string, refs []record.Ref) error {
	return w.around("job", func() error {
		for i := range w.open {
			if w.open[i].ID == batch {
				w.open[i].Jobs = append(w.open[i].Jobs, job)
				w.tie(i, job, refs)
				return nil
			}
		}
		return store.ErrNotFound
	})
}

func (w *world) tie(i int, job string, refs []record.Ref) {
	w.open[i].Items = slices.Clone(w.open[i].Items)
	for n, it := range w.open[i].Items {
		if slices.Contains(refs, it.Ref) {
			w.open[i].Items[n].Job = job
		}
	}
}

func (w *world) Sending(_ context.Context, _ tenant.ID, batch string, refs []record.Ref) error {
	return w.around("sending", func() error {
		i := slices.IndexFunc(w.open, func(b store.Batch) bool { return b.ID == batch })
		if i < 0 {
			return store.ErrNotFound
		}
		w.tie(i, store.Calls, refs)
		return nil
	})
}

func (w *world) CommitBatch(_ context.Context, _ tenant.ID, batch string, c store.Commit) (mine bool, err error) {
	err = w.around("commit", func() error {
		i := slices.IndexFunc(w.open, func(b store.Batch) bool { return b.ID == batch })
		if batch != "" && i < 0 {
			return nil
		}
		if mine = true; batch != "" {
			w.open = slices.Delete(slices.Clone(w.open), i, i+1)
		}
		w.commit(c)
		return nil
	})
	return mine && err == nil, err
}

func (w *world) commit(c store.Commit) {
	for _, l := range c.Links {
		w.links[l.Ref] = l
	}
	for _, ref := range c.Release {
		delete(w.quarantine, ref)
	}
	for ref, until := range c.Quarantine {
		if until.After(w.quarantine[ref]) {
			w.quarantine[ref] = until
		}
		if l, ok := w.links[ref]; ok {
			l.Digest = ""
			w.links[ref] = l
		}
	}
	for _, o := range c.Observations {
		w.findings[o.Ref] = o.Findings
	}
	for _, e := range c.Entries {
		if !slices.ContainsFunc(w.trail, func(x audit.Entry) bool { return x.ID == e.ID }) {
			w.trail = append(w.trail, e)
		}
	}
}

func (w *world) Beat(_ context.Context, _ tenant.ID, epoch string, first bool, life time.Duration) (lives bool, err error) {
	err = w.around("beat", func() error {
		until, known := w.lives[epoch]
		if lives = first && !known || !first && known && until.After(time.Now()); lives {
			w.lives[epoch] = time.Now().Add(life)
		}
		return nil
	})
	return lives && err == nil, err
}

func (w *world) Leave(_ context.Context, _ tenant.ID, epoch string) error {
	return w.around("leave", func() error { w.lives[epoch] = time.Now(); return nil })
}

func (w *world) Writers(context.Context, tenant.ID) (out []store.Writer, err error) {
	err = w.around("writers", func() error {
		for epoch, until := range w.lives {
			out = append(out, store.Writer{Epoch: epoch, Left: time.Until(until)})
		}
		return nil
	})
	return out, err
}

func (w *world) OpenBatches(context.Context, tenant.ID) (out []store.Batch, err error) {
	err = w.around("open", func() error { out = slices.Clone(w.open); return nil })
	return out, err
}

func (w *world) Quarantined(context.Context, tenant.ID) (out map[record.Ref]time.Time, err error) {
	if f := w.slow; f != nil {
		w.slow = nil
		f()
	}
	err = w.around("quarantined", func() error { out = maps.Clone(w.quarantine); return nil })
	return out, err
}

// Sharing answers who wants an email, as a test set it.
func (w *world) Sharing(_ context.Context, _ tenant.ID, emails []string, _ int) (map[string][]record.Ref, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string][]record.Ref{}
	for _, e := range emails {
		if refs := w.sharing[e]; len(refs) > 0 {
			out[e] = refs
		}
	}
	return out, nil
}

func (w *world) Findings(_ context.Context, _ tenant.ID, q store.FindingQuery) (out []store.Finding, err error) {
	err = w.around("findings", func() error {
		for ref, list := range w.findings {
			for _, f := range list {
				if (q.Kind == "" || ref.Kind == q.Kind) && (q.Key == "" || ref.Key == q.Key) && (!q.Holds || f.Hold) && (q.Code == "" || f.Code == q.Code) {
					out = append(out, f)
				}
			}
		}
		slices.SortFunc(out, func(a, b store.Finding) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
		out = out[min(q.After, len(out)):]
		out = out[:min(len(out), cmp.Or(q.Limit, 1000))]
		return nil
	})
	return out, err
}

// ask runs f on the world at rest.
func (w *world) ask(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) settled(what string) (n int) {
	w.ask(func() {
		for _, l := range w.log {
			if l == what {
				n++
			}
		}
	})
	return n
}

func (w *world) outcomes(ref record.Ref) (list []audit.Outcome) {
	w.ask(func() {
		for _, e := range w.trail {
			if e.Ref == ref {
				list = append(list, e.Outcome)
			}
		}
	})
	return list
}

func (w *world) link(ref record.Ref) (l store.Link) {
	w.ask(func() { l = w.links[ref] })
	return l
}

func (w *world) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue[bus.Writer])+len(w.queue[bus.UrgentLane])+len(w.open) == 0
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
