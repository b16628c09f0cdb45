// Package record brings audit entries from the AUDIT stream into the store and seals all entries, also those that
// other stages wrote in their own transactions, into a hash chain per tenant.
package record

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type events interface {
	Handle(ctx context.Context, t tenant.ID, c bus.Consumer, b bus.Batch, h bus.Handler) error
}

type trail interface {
	Append(ctx context.Context, t tenant.ID, entries []audit.Entry) error
	Seal(ctx context.Context, t tenant.ID, limit int, link func(string, audit.Stored) string) (int, error)
	Chain(ctx context.Context, t tenant.ID) (audit.Chain, error)
}

// Recorder records one tenant's trail.
type Recorder struct {
	bus   events
	trail trail
	log   *slog.Logger
	every time.Duration
	told  map[tenant.ID]told
	mu    sync.Mutex
}

// told is the checkpoint that was written to the log last.
type told struct {
	audit.Checkpoint
	at time.Time
}

// New makes a recorder that seals every so often; 0 means each second.
func New(b events, s trail, log *slog.Logger, every time.Duration) *Recorder {
	if every == 0 {
		every = time.Second
	}
	return &Recorder{bus: b, trail: s, log: log.With("component", "recorder"), every: every, told: map[tenant.ID]told{}}
}

var _ trail = store.Trail(nil)

const (
	sealAtOnce = 1000
	lastSeal   = 5 * time.Second // for what is unsealed when Run ends
)

// Run records until ctx ends or the consumer is gone. What is stored by then is sealed before it returns, in the time
// of lastSeal; the next run goes on with the rest.
func (r *Recorder) Run(ctx context.Context, t tenant.ID) error {
	sealing, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	all.Go(func() { r.keepSealing(sealing, t) })
	err := r.bus.Handle(ctx, t, bus.Recorder, bus.Batch{Max: 500, Linger: 20 * time.Millisecond}, func(ctx context.Context, ms []bus.Message) []error {
		return r.record(ctx, t, ms)
	})
	stop()
	all.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSeal)
	defer cancel()
	r.seal(last, t)
	return err
}

func (r *Recorder) record(ctx context.Context, t tenant.ID, ms []bus.Message) []error {
	errs := make([]error, len(ms))
	entries := make([]audit.Entry, 0, len(ms))
	var at []int
	for i, m := range ms {
		a, err := event.Payload[event.Audit](m.Event, event.AuditV1)
		if err != nil || a.ID == "" || m.Event.Tenant != t {
			errs[i] = fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "not an audit entry of this tenant")
			continue
		}
		entries, at = append(entries, a.Entry()), append(at, i)
	}
	if len(entries) == 0 {
		return errs
	}
	err := r.trail.Append(ctx, t, entries)
	for n, i := range at {
		errs[i] = err
		if err != nil && fault.KindOf(err) != fault.Transient && len(entries) > 1 { // one of them: the others must not wait for it
			errs[i] = r.trail.Append(ctx, t, entries[n:n+1])
		}
	}
	return errs
}

func (r *Recorder) keepSealing(ctx context.Context, t tenant.ID) {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		r.seal(ctx, t)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// seal chains everything that is not yet.
func (r *Recorder) seal(ctx context.Context, t tenant.ID) {
	for ctx.Err() == nil {
		n, err := r.trail.Seal(ctx, t, sealAtOnce, audit.Link)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("trail not sealed", "tenant", t, "err", err)
		}
		crash.Point("audit.before_checkpoint")
		r.checkpoint(ctx, t)
		if err != nil || n < sealAtOnce {
			return
		}
	}
}

const (
	tellEntries = 1000        // entries, or
	tellEvery   = time.Minute // this time, between two checkpoints (failures.md 5.9)
)

// checkpoint writes where the chain stands to the log, which leaves this machine: what is cut off the store's end later
// shows with `audit verify --checkpoint`. The line has no level of trouble and must not be dropped by the log system.
func (r *Recorder) checkpoint(ctx context.Context, t tenant.ID) {
	c, err := r.trail.Chain(ctx, t)
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.told[t]
	due := c.Head.Position-last.Position >= tellEntries || time.Since(last.at) >= tellEvery
	if err != nil || c.Head.Position == last.Position || !due {
		return
	}
	r.told[t] = told{c.Head, time.Now()}
	r.log.Info("audit checkpoint", "tenant", t, "position", c.Head.Position, "hash", c.Head.Hash, "checkpoint", c.Head.String())
}
