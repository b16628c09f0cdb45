package transform

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Service merges, resolves and publishes for any number of tenants; several may run beside each other, in one process
// or in many. It keeps nothing between two batches.
type Service struct {
	deps Deps
	opts Options
	log  *slog.Logger
	all  *atomic.Int32 // walks over all records that run now: what they stage is one set
}

// New makes a service. Every part of deps but Metrics must be set.
func New(deps Deps, opts Options) *Service {
	if deps.Metrics == nil {
		deps.Metrics = uncounted{}
	}
	return &Service{deps: deps, opts: opts.withDefaults(), log: deps.Log.With("component", "transformer"), all: new(atomic.Int32)}
}

type uncounted struct{}

func (uncounted) Add(tenant.ID, Counter, int) {}

// Run works for one tenant until ctx ends, then returns nil once running batches are settled. It first re-arms the
// tenant's wake-ups and publishes what an earlier process saved and could not publish. It returns an error when the
// consumers cannot go on; the caller starts it again.
func (s *Service) Run(ctx context.Context, t tenant.ID) error {
	if err := errors.Join(s.Rearm(ctx, t), s.Sweep(ctx, t), s.Recheck(ctx, t)); err != nil && ctx.Err() == nil {
		s.log.Warn("start incomplete, the sweep goes on with it", "tenant", t, "error", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	b := bus.Batch{Max: s.opts.Batch, Linger: s.opts.Linger}
	g.Go(func() error { return s.deps.Inbox.Handle(ctx, t, bus.Transformer, b, s.facts(t)) })
	g.Go(func() error { return s.deps.Inbox.Handle(ctx, t, bus.Due, b, s.due(t)) })
	if s.deps.Past != nil {
		again := bus.Batch{Max: min(replayBatch, s.opts.Batch), Linger: s.opts.Linger}
		g.Go(func() error { return s.deps.Inbox.Handle(ctx, t, bus.Replayer, again, s.replayed(t)) })
	}
	g.Go(func() error { s.keepSweeping(ctx, t); return nil })
	g.Go(func() error { s.keepJudging(ctx, t); return nil })
	return ended(ctx, g.Wait())
}

// ended turns an error that only says that ctx ended into nil.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// moment asks once for everything that a batch depends on beside its records.
func (s *Service) moment(ctx context.Context, t tenant.ID) (moment, error) {
	p, err := s.deps.Policies(ctx, t)
	if err != nil {
		return moment{}, err
	}
	now := s.deps.Now()
	return moment{t, now.UTC(), erp.Today(now, p.zone()), p}, nil
}

// keepSweeping looks for due and unpublished rows from time to time: wake-ups and redelivery are fast, this is sure.
func (s *Service) keepSweeping(ctx context.Context, t tenant.ID) {
	tick := time.NewTicker(s.opts.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := errors.Join(s.ring(ctx, t), s.Sweep(ctx, t), s.Recheck(ctx, t)); err != nil && ctx.Err() == nil {
			s.log.Warn("sweep incomplete", "tenant", t, "error", err)
		}
	}
}
