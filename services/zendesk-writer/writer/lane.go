package writer

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	beat       = 5 * time.Second // how often the broker hears that deliveries are worked on
	lastTry    = 5 * time.Minute // longest delay of a retried record
	ownTrouble = 5 * time.Second // longest pause after a failure of broker or store (failures.md I06: back within 10s)
)

// lane fetches from one consumer until ctx ends. While the account refuses, it does not pull: nacking would only spin.
func (w *Writer) lane(ctx context.Context, t tenant.ID, c bus.Consumer) error {
	p, err := w.bus.Puller(ctx, t, c)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer func() { _ = p.Close() }() // a pin that was not given back ends by itself
	failed := 0
	for ctx.Err() == nil {
		if pause := w.rest(); pause > 0 {
			wait(ctx, pause)
			continue
		}
		err := w.once(ctx, t, c, p)
		if err == nil || ctx.Err() != nil {
			failed = 0
			continue
		}
		w.log.Warn("batch not brought to an end", "tenant", t, "lane", c, "err", err)
		wait(ctx, doubled(w.opt.Backoff, failed, ownTrouble))
		failed++
	}
	return nil
}

// rest is how long nothing may be pulled.
func (w *Writer) rest() time.Duration {
	pause := w.account.pause()
	if w.breaker.State() == gobreaker.StateOpen {
		pause = max(pause, w.opt.Idle)
	}
	return pause
}

// once handles one fetch. What was begun is brought to its end, also when the process is told to stop.
func (w *Writer) once(ctx context.Context, t tenant.ID, c bus.Consumer, p bus.Puller) error {
	limit := w.opt.Batch
	if w.account.refuses() {
		limit = 1 // one record finds out whether it still does (failures.md Z05)
	}
	pulled := time.Now()
	got, err := p.Fetch(ctx, limit, w.opt.Linger)
	if err != nil || len(got) == 0 {
		return err
	}
	b := &batch{w: w, t: t, urgent: c == bus.UrgentLane, pulled: pulled, lease: p.Lease()}
	if ctx.Err() != nil {
		giveBack(context.WithoutCancel(ctx), got, 0)
		return nil
	}
	defer heartbeat(got)()
	work, cancel := outlive(ctx, w.opt.Work, w.opt.Grace)
	defer cancel()
	return b.run(work, got)
}

// outlive is ctx with two bounds of its own: most from now, and grace from the end of ctx.
func outlive(ctx context.Context, most, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
	stop := context.AfterFunc(ctx, func() {
		wait(out, grace)
		cancel()
	})
	return out, func() { stop(); cancel() }
}

// heartbeat tells the broker from time to time that the deliveries are being worked on; the answer ends it.
func heartbeat(ds []bus.Delivery) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				for _, d := range ds {
					_ = d.Working() // at worst it comes once more
				}
			}
		}
	}()
	return func() { close(stop); <-done }
}

// backoff is the delay of a record's next try, with half of it random.
func (w *Writer) backoff(attempt int) time.Duration {
	d := doubled(w.opt.Backoff, attempt-1, lastTry)
	return d/2 + rand.N(d/2+1)
}

// doubled is first, doubled n times, at most most.
func doubled(first time.Duration, n int, most time.Duration) time.Duration {
	return min(first<<min(max(n, 0), 16), most)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
