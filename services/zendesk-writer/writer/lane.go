package writer

import (
	"context"
	"math/rand/v2"
	"sync"
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

// lane is one consumer on its way through this writer: it fetches, and several batches are in flight at a time, each
// with records of its own.
type lane struct {
	w       *Writer
	t       tenant.ID
	c       bus.Consumer
	life    context.Context
	slots   chan struct{} // one for each batch in flight
	running sync.WaitGroup
	claimed time.Time // when the pin was last asked for; only the loop that pulls touches it

	mu     sync.Mutex
	failed int       // batches in a row that were not brought to an end
	until  time.Time // nothing is pulled before
}

// run pulls while this writer leads, until ctx ends. What was begun is brought to its end.
func (w *Writer) lane(ctx, life context.Context, t tenant.ID, c bus.Consumer) error {
	l := &lane{w: w, t: t, c: c, life: life, slots: make(chan struct{}, w.depth(ctx, t, c))}
	for ctx.Err() == nil {
		if !w.leads.Load() {
			wait(ctx, min(w.opt.Life/8, w.opt.Busy))
			continue
		}
		if err := l.lead(ctx); err != nil {
			return err
		}
	}
	return nil
}

// urgentDepth is how many urgent batches are in flight: one that became a bulk job must not keep the next waiting.
const urgentDepth = 4

// depth is how many batches may be in flight: as many as fill the account's job places, one that is planned meanwhile
// and one that is committed.
func (w *Writer) depth(ctx context.Context, t tenant.ID, c bus.Consumer) int {
	if w.opt.Depth > 0 {
		return w.opt.Depth
	}
	if c == bus.UrgentLane {
		return urgentDepth
	}
	const least, most = 2, 8
	return min(max(w.target.Budget(ctx, t).JobLimit*perJob/w.opt.Batch+2, least), most)
}

// lead fetches until ctx ends or another writer leads.
func (l *lane) lead(ctx context.Context) error {
	p, err := l.w.bus.Puller(ctx, l.t, l.c)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer func() { _ = p.Close() }() // a pin that was not given back ends by itself
	l.claim(ctx, p)
	defer l.running.Wait()
	for ctx.Err() == nil && l.w.leads.Load() {
		if pause := max(l.w.rest(), l.pause()); pause > 0 {
			wait(ctx, pause)
			continue
		}
		if l.closed(ctx) {
			continue
		}
		if l.w.account.refuses() {
			l.probe(ctx, p)
			continue
		}
		select {
		case l.slots <- struct{}{}:
			l.next(ctx, p)
		case <-ctx.Done():
		}
	}
	return nil
}

// claim takes the pin from whoever has it. Once is not enough: a request that the former leader had waiting at the
// broker may get the pin after it was taken away, and a leader that dies with it would keep it for its whole time.
func (l *lane) claim(ctx context.Context, p bus.Puller) {
	l.claimed = time.Now()
	c, ok := p.(bus.Claimer)
	if !ok || l.w.opt.Alone {
		return
	}
	if err := c.Claim(ctx, l.t); err != nil && ctx.Err() == nil {
		l.w.log.Warn("the pin was not taken over", "tenant", l.t, "lane", l.c, "err", err)
	}
}

// next fetches a batch and lets it run beside the others. It has a slot, which the batch gives back.
func (l *lane) next(ctx context.Context, p bus.Puller) {
	b, got := l.fetch(ctx, p, l.w.opt.Batch)
	if len(got) > 0 && l.w.account.refuses() { // since the fetch began
		b, got = l.single(ctx, b, got)
	}
	if len(got) == 0 {
		<-l.slots
		if time.Since(l.claimed) > l.w.opt.Life/2 {
			l.claim(ctx, p)
		}
		return
	}
	l.running.Go(func() {
		defer func() { <-l.slots }()
		l.handle(ctx, b, got)
	})
}

// single keeps one delivery of a batch as a probe, when the account may be asked soon, and gives the others back.
func (l *lane) single(ctx context.Context, b *batch, got []bus.Delivery) (*batch, []bus.Delivery) {
	pause := l.w.rest()
	keep := 0
	if pause <= ownTrouble {
		keep = 1
	}
	giveBack(ctx, got[keep:], max(pause, l.w.opt.Backoff))
	if keep == 0 {
		return b, nil
	}
	wait(ctx, pause)
	b.gen = l.w.account.generation()
	return b, got[:keep]
}

// probe lets one record find out whether the account still refuses (failures.md Z05): alone, behind what is in flight,
// and in one lane at a time; the other lane's record then goes by its answer.
func (l *lane) probe(ctx context.Context, p bus.Puller) {
	l.running.Wait()
	if b, got := l.fetch(ctx, p, 1); len(got) > 0 {
		defer heartbeat(got)() // the other lane's probe may take its time
		l.w.account.probing.Lock()
		defer l.w.account.probing.Unlock()
		l.handle(ctx, b, got)
	}
}

func (l *lane) fetch(ctx context.Context, p bus.Puller, limit int) (*batch, []bus.Delivery) {
	gen := l.w.account.generation()
	pulled := time.Now()
	got, err := l.fill(ctx, p, limit)
	if err != nil {
		l.ended(ctx, err)
		return nil, nil
	}
	b := &batch{w: l.w, t: l.t, urgent: l.c == bus.UrgentLane, pulled: pulled, lease: p.Lease(), gen: gen, more: l.more(got)}
	if ctx.Err() != nil {
		giveBack(context.WithoutCancel(ctx), got, 0)
		return nil, nil
	}
	return b, got
}

// handle brings a batch to its end. What was begun is brought to its end also when the process is told to stop.
func (l *lane) handle(ctx context.Context, b *batch, got []bus.Delivery) {
	defer heartbeat(got)()
	give, err := l.w.opt.Share.take(ctx, l.t, len(got), b.urgent)
	if err != nil {
		giveBack(context.WithoutCancel(ctx), got, 0)
		return
	}
	defer give()
	work, cancel := outlive(ctx, l.life, l.w.opt.Work, l.w.opt.Grace)
	defer cancel()
	l.ended(ctx, b.run(work, got))
}

// ended remembers how a fetch or a batch ended.
func (l *lane) ended(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil || ctx.Err() != nil {
		l.failed = 0
		return
	}
	l.w.log.Warn("batch not brought to an end", "tenant", l.t, "lane", l.c, "err", err)
	l.until = time.Now().Add(doubled(l.w.opt.Backoff, l.failed, ownTrouble))
	l.failed++
}

func (l *lane) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until)
}

// rest is how long nothing may be pulled. While the account refuses, nothing is: nacking would only spin.
func (w *Writer) rest() time.Duration {
	pause := w.account.pause()
	if w.breaker.State() == gobreaker.StateOpen {
		pause = max(pause, w.opt.Idle)
	}
	return pause
}

// outlive is life with two bounds of its own: most from now, and grace from the end of ctx.
func outlive(ctx, life context.Context, most, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithTimeout(life, most)
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
