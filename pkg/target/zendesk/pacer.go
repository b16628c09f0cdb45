package zendesk

import (
	"context"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// pacer lets calls leave. It is the only judge of when: all calls of an account pass here (style.md 11).
type pacer struct {
	mu       sync.Mutex
	minute   minute
	buckets  map[string]*bucket
	changed  chan struct{} // closed and replaced whenever somebody who waits should look again
	jobsLeft int           // free job places of the account as last reported; -1 unknown
	window   time.Duration // of the buckets of one record
}

func newPacer(share float64) *pacer {
	return &pacer{window: time.Minute, minute: minute{share: share}, buckets: map[string]*bucket{}, changed: make(chan struct{}), jobsLeft: -1}
}

// pass is one call on its way; leave must be called exactly once.
type pass struct {
	p       *pacer
	route   route
	record  string
	buckets []*bucket
}

// enter waits until the call may leave. It fails as RateLimited, with the time to come back, when one wait would last
// beyond until, or when until has passed and the other side still refuses; a queue of our own is no reason to fail.
func (p *pacer) enter(ctx context.Context, r route, record string, urgent bool, until time.Time) (*pass, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ps := &pass{p: p, route: r, record: record, buckets: p.bucketsOf(r, record)}
	waiting := false
	for {
		now := time.Now()
		wait, ok := ps.ready(now, urgent)
		if ok {
			ps.take(urgent && waiting)
			return ps, nil
		}
		if now.Add(wait).After(until) && (!waiting || ps.refused()) {
			ps.unqueue(urgent && waiting)
			return nil, rateFault(wait)
		}
		if urgent && !waiting {
			ps.queue()
		}
		waiting = true
		if err := p.wait(ctx, wait); err != nil {
			ps.unqueue(urgent)
			return nil, err
		}
	}
}

// wait gives the lock away until something changes, d is over (0: never) or ctx ends.
func (p *pacer) wait(ctx context.Context, d time.Duration) error {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	var over <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-changed:
	case <-over:
	case <-ctx.Done():
		return stopped(ctx)
	}
	return nil
}

func (p *pacer) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pacer) bucketsOf(r route, record string) []*bucket {
	list := []*bucket{p.bucket(r.method + " " + r.path)}
	for _, l := range r.limits {
		name := l.name
		if l.perRecord {
			name += "/" + record
		}
		list = append(list, p.bucketAs(name, l.name))
	}
	return list
}

func (p *pacer) bucket(name string) *bucket { return p.bucketAs(name, name) }

func (p *pacer) bucketAs(name, kind string) *bucket {
	b := p.buckets[name]
	if b == nil {
		if len(p.buckets) > 4096 {
			p.forgetIdle()
		}
		b = newBucket(kind, p.window)
		p.buckets[name] = b
	}
	return b
}

func (p *pacer) forgetIdle() {
	now := time.Now()
	for name, b := range p.buckets {
		if b.idle(now) {
			delete(p.buckets, name)
		}
	}
}

// ready answers the longest of the waits; 0 without ok means until something changes.
func (ps *pass) ready(now time.Time, urgent bool) (wait time.Duration, ok bool) {
	if crash.Bug("no-pace") {
		return 0, true
	}
	wait, ok = ps.p.minute.ready(now, urgent)
	for _, b := range ps.buckets {
		d, free := b.ready(now, urgent)
		wait, ok = max(wait, d), ok && free
	}
	return wait, ok
}

// refused tells that one of the gates is shut by the other side.
func (ps *pass) refused() bool {
	shut := ps.p.minute.strikes > 0
	for _, b := range ps.buckets {
		shut = shut || b.strikes > 0
	}
	return shut
}

func (ps *pass) take(queued bool) {
	ps.unqueue(queued)
	ps.p.minute.left()
	for _, b := range ps.buckets {
		b.flying++
	}
}

func (ps *pass) queue() {
	ps.p.minute.urgent++
	for _, b := range ps.buckets {
		b.urgent++
	}
}

func (ps *pass) unqueue(queued bool) {
	if !queued {
		return
	}
	ps.p.minute.urgent--
	for _, b := range ps.buckets {
		b.urgent--
	}
	ps.p.announce()
}

func rateFault(wait time.Duration) error {
	code := fault.TargetRate
	if wait > 5*time.Minute {
		code = fault.TargetRateLong
	}
	return &fault.Error{Kind: fault.RateLimited, Code: code, Detail: "the next call may leave in " + wait.Round(time.Second).String(), After: wait}
}

func stopped(ctx context.Context) error {
	return &fault.Error{Kind: fault.Transient, Code: fault.TargetTimeout, Detail: "stopped by us", Err: ctx.Err()}
}

// ample tells that n calls more leave half of what is ours in this minute (performance.md 3c 2).
func (p *pacer) ample(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := &p.minute
	if m.limit == 0 {
		return true
	}
	if !time.Now().Before(m.end) {
		return n <= m.budget()/2
	}
	return m.used+n <= m.budget()/2 && m.remaining-m.flying-n >= m.limit/2
}

// open tells that a call on the route could leave now.
func (p *pacer) open(r route) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	ps := &pass{p: p, route: r, buckets: p.bucketsOf(r, "")}
	wait, ok := ps.ready(time.Now(), false)
	return ok && wait <= 0
}

// places is how many jobs the account still takes, as last reported; -1 unknown.
func (p *pacer) places() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.jobsLeft
}

func (p *pacer) state(jobLimit int) target.Budget {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, m := time.Now(), &p.minute
	b := target.Budget{PerMinute: m.limit, Share: m.share, Remaining: m.remaining, JobLimit: jobLimit}
	if m.limit > 0 && m.end.After(now) {
		b.Reset = m.end.Sub(now)
	}
	if m.limit > 0 && !m.end.After(now) {
		b.Remaining = m.limit
	}
	if wait, ok := m.ready(now, true); !ok {
		b.Waiting = wait
	}
	return b
}
