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
}

// Recorder records one tenant's trail.
type Recorder struct {
	bus   events
	trail trail
	log   *slog.Logger
	every time.Duration
}

// New makes a recorder that seals every so often; 0 means each second.
func New(b events, s trail, log *slog.Logger, every time.Duration) *Recorder {
	if every == 0 {
		every = time.Second
	}
	return &Recorder{b, s, log.With("component", "recorder"), every}
}

var _ trail = store.Trail(nil)

// Run records until ctx ends; what is sealed last is sealed before it returns.
func (r *Recorder) Run(ctx context.Context, t tenant.ID) error {
	var sealing sync.WaitGroup
	sealing.Go(func() { r.seal(ctx, t) })
	err := r.bus.Handle(ctx, t, bus.Recorder, bus.Batch{Max: 500, Linger: 20 * time.Millisecond}, func(ctx context.Context, ms []bus.Message) []error {
		return r.record(ctx, t, ms)
	})
	sealing.Wait()
	return err
}

func (r *Recorder) record(ctx context.Context, t tenant.ID, ms []bus.Message) []error {
	errs := make([]error, len(ms))
	entries := make([]audit.Entry, 0, len(ms))
	for i, m := range ms {
		a, err := event.Payload[event.Audit](m.Event, event.AuditV1)
		if err != nil || a.ID == "" {
			errs[i] = fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "not an audit entry")
			continue
		}
		entries = append(entries, a.Entry())
	}
	if err := r.trail.Append(ctx, t, entries); err != nil {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = err
			}
		}
	}
	return errs
}

const sealAtOnce = 1000

func (r *Recorder) seal(ctx context.Context, t tenant.ID) {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		n, err := r.trail.Seal(ctx, t, sealAtOnce, audit.Link)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("trail not sealed", "tenant", t, "err", err)
		}
		if n == sealAtOnce && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
