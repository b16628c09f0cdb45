package writer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// errLapsed ends a life: others may have taken over, nothing of it is sent any more (failures.md I12).
var errLapsed = errors.New("this writer was silent for too long: another one may have taken over")

// leaseLost is errLapsed as the fault of a record that was not sent.
func leaseLost() error {
	return fault.Wrap(errLapsed, fault.Transient, fault.LeaseLost, errLapsed.Error())
}

// presence is one life of a writer as others see it: an epoch that beats in the store. No call is begun after its end,
// which this process counts from before the beat and the store from within it, so that the store's end is never earlier.
type presence struct {
	epoch string

	mu    sync.Mutex
	until time.Time // on the monotonic clock; zero: it cannot end (Options.Alone)
	end   context.CancelCauseFunc
	over  bool
}

// lapsed tells whether the life is over, and ends it when it is.
func (p *presence) lapsed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over && !p.until.IsZero() && !time.Now().Before(p.until) {
		p.over = true
		p.end(errLapsed)
	}
	return p.over
}

// renewed lengthens the life, unless its end came while the store was asked: somebody may have seen it.
func (p *presence) renewed(until time.Time) bool {
	if p.lapsed() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = until
	return true
}

// left is how long the life lasts without another beat.
func (p *presence) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

// alive runs work as one life. Its calls run under the context of the life, which ends when the life does; ctx only
// ends the fetching of new work. A life that lapsed answers errLapsed.
func (w *Writer) alive(ctx context.Context, t tenant.ID, work func(ctx, life context.Context) error) error {
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	w.life = &presence{epoch: uuid.NewString(), end: end}
	if w.opt.Alone {
		w.leads.Store(true)
		return work(ctx, life)
	}
	if err := w.appear(ctx, t); err != nil {
		return err
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(life, stop)()
	rest, done := context.WithCancel(life)
	var keeper sync.WaitGroup
	keeper.Go(func() { w.keepBeating(rest, t) })
	err := work(run, life)
	done()
	keeper.Wait()
	w.leads.Store(false)
	if w.life.lapsed() {
		return errors.Join(errLapsed, err)
	}
	book, cancel := context.WithTimeout(context.WithoutCancel(ctx), ownTrouble)
	defer cancel()
	if err := w.store.Leave(book, t, w.life.epoch); err != nil { // it ends by itself
		w.log.Debug("not signed off", "tenant", t, "err", err)
	}
	return err
}

// appear begins the life in the store; a store that does not answer is asked again.
func (w *Writer) appear(ctx context.Context, t tenant.ID) error {
	for failed := 0; ; failed++ {
		began := time.Now()
		lives, err := w.store.Beat(ctx, t, w.life.epoch, true, w.opt.Life)
		if err == nil && lives {
			w.life.until = began.Add(w.opt.Life)
			w.rank(ctx, t)
			return nil
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to stop
		}
		w.log.Warn("this writer cannot sign on", "tenant", t, "err", err)
		w.life.epoch = uuid.NewString() // the beat may be stored although its answer was lost
		wait(ctx, doubled(w.opt.Backoff, failed, ownTrouble))
	}
}

// keepBeating renews the life until ctx ends, and looks who else lives. Whoever cannot reach the store in time lapses.
func (w *Writer) keepBeating(ctx context.Context, t tenant.ID) {
	for ctx.Err() == nil {
		wait(ctx, min(w.opt.Life/4, max(w.life.left(), 0)))
		if ctx.Err() != nil || w.life.lapsed() {
			return
		}
		began := time.Now()
		call, cancel := context.WithTimeout(ctx, max(w.life.left(), time.Millisecond))
		lives, err := w.store.Beat(call, t, w.life.epoch, false, w.opt.Life)
		if err == nil && lives && w.life.renewed(began.Add(w.opt.Life)) {
			w.rank(call, t)
		}
		cancel()
		switch {
		case err == nil && !lives:
			w.life.end(errLapsed)
			return
		case err != nil && ctx.Err() == nil:
			w.log.Warn("no beat", "tenant", t, "left_ms", w.life.left().Milliseconds(), "err", err)
		}
	}
}

// rank decides whether this writer is the one that pulls for the tenant: of those that live the first by epoch, which
// is drawn by lot for each tenant and process, so that tenants spread over writers, and one that comes or goes moves
// only its own share. Where views differ for a moment, two pull: the journal makes that harmless.
func (w *Writer) rank(ctx context.Context, t tenant.ID) {
	list, err := w.store.Writers(ctx, t)
	if err != nil {
		return // the last view holds
	}
	first := w.life.epoch
	for _, o := range list {
		if o.Left > 0 && o.Epoch < first {
			first = o.Epoch
		}
	}
	leads := first == w.life.epoch
	if w.leads.Swap(leads) != leads {
		w.log.Info("tenant moves", "tenant", t, "ours", leads)
	}
}

// lives tells, of every epoch that is or was there, how long its life lasts; a negative time is how long it is over.
func (w *Writer) lives(ctx context.Context, t tenant.ID) (map[string]time.Duration, error) {
	out := map[string]time.Duration{}
	if w.opt.Alone {
		return out, nil
	}
	list, err := w.store.Writers(ctx, t)
	for _, o := range list {
		out[o.Epoch] = o.Left
	}
	return out, err
}
