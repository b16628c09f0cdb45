package writer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/sony/gobreaker/v2"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type events interface {
	Puller(ctx context.Context, t tenant.ID, c bus.Consumer) (bus.Puller, error)
	Wanted(ctx context.Context, t tenant.ID, ref record.Ref) (event.Event, error)
	Touch(ctx context.Context, t tenant.ID, cause string, refs []record.Ref) error
}

type state interface {
	Links(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.Link, error)
	store.Journal
	Findings(ctx context.Context, t tenant.ID, q store.FindingQuery) ([]store.Finding, error)
	SetFindings(ctx context.Context, t tenant.ID, stage audit.Stage, of store.Observation) error
	Append(ctx context.Context, t tenant.ID, entries []audit.Entry) error
}

// Options tune a writer; zero values take the defaults.
type Options struct {
	Batch     int           // records fetched at once; default 500: five bulk jobs of 100
	Linger    time.Duration // how long a fetch waits for the first record; default 2s
	Backoff   time.Duration // first delay of a retry, doubled up to 5m; default 1s
	Idle      time.Duration // first pause after the account refused everything, doubled up to 15m; default 5s
	HoldSweep time.Duration // how often held records are looked at again; default 24h
	Busy      time.Duration // delay of a record that another batch is writing; default 2s
	Work      time.Duration // longest time that one batch may take; default 3m
	Alone     bool          // no other process writes: batches of others are surely dead (one process, locked folder)
}

// Writer writes one tenant's account. Make one per tenant and process with New and call Run once.
type Writer struct {
	bus     events
	store   state
	target  target.Target
	log     *slog.Logger
	now     func() time.Time
	opt     Options
	epoch   string
	begun   time.Time
	breaker *gobreaker.TwoStepCircuitBreaker[any]

	mu       sync.Mutex
	inflight map[string]bool // batches this process is working on
	blocked  string          // code of the connection finding that is open; "" when none
}

// New makes a writer. now may be nil.
func New(b events, s state, tg target.Target, log *slog.Logger, now func() time.Time, opt Options) *Writer {
	if now == nil {
		now = time.Now
	}
	w := &Writer{bus: b, store: s, target: tg, log: log.With("component", "zendesk-writer"), now: now,
		opt: withDefaults(opt), epoch: uuid.NewString(), begun: now(), inflight: map[string]bool{}}
	w.breaker = newBreaker()
	return w
}

// Run writes until ctx ends. A batch in flight is brought to its end first (bounded by Options.Work).
func (w *Writer) Run(ctx context.Context, t tenant.ID) error {
	var all sync.WaitGroup
	errs := make(chan error, 2)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for _, c := range []bus.Consumer{bus.Writer, bus.UrgentLane} {
		all.Go(func() {
			if err := w.lane(ctx, t, c); err != nil {
				errs <- err
				stop(err)
			}
		})
	}
	all.Go(func() { w.sweepHolds(ctx, t) })
	all.Wait()
	close(errs)
	return <-errs
}

func (w *Writer) lane(ctx context.Context, t tenant.ID, c bus.Consumer) error {
	p, err := w.bus.Puller(ctx, t, c)
	if err != nil {
		return err
	}
	defer p.Close()
	idle := newIdle(w.opt.Idle)
	for ctx.Err() == nil {
		if w.breaker.State() == gobreaker.StateOpen { // do not pull: nacking would only spin
			wait(ctx, w.opt.Idle)
			continue
		}
		pause, err := w.once(ctx, t, c, p)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.log.Warn("batch not brought to an end", "tenant", t, "lane", c, "err", err)
			wait(ctx, idle.next())
		case pause > 0:
			wait(ctx, pause)
		default:
			idle.reset()
		}
	}
	return nil
}

// once handles one fetch. A positive pause asks the caller to stop pulling for that long.
func (w *Writer) once(ctx context.Context, t tenant.ID, c bus.Consumer, p bus.Puller) (pause time.Duration, err error) {
	pulled := time.Now()
	got, err := p.Fetch(ctx, w.opt.Batch, w.opt.Linger)
	if err != nil {
		return 0, err
	}
	if len(got) == 0 {
		return 0, w.settleForeign(ctx, t)
	}
	// What was begun is brought to its end, also when the process is told to stop.
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.opt.Work)
	defer cancel()
	defer w.heartbeat(work, got)()
	b := &batch{w: w, t: t, urgent: c == bus.UrgentLane, pulled: pulled, lease: p.Lease()}
	return b.run(work, got)
}

// heartbeat tells the broker every few seconds that the deliveries are being worked on; the answer ends it.
func (w *Writer) heartbeat(ctx context.Context, ds []bus.Delivery) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for _, d := range ds {
					_ = d.Working()
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (w *Writer) sweepHolds(ctx context.Context, t tenant.ID) {
	tick := time.NewTicker(w.opt.HoldSweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := w.touchHeld(ctx, t); err != nil && ctx.Err() == nil {
				w.log.Warn("held records not looked at again", "tenant", t, "err", err)
			}
		}
	}
}

// touchHeld has every record that waits looked at again: what it waited for may be over (failures.md Z12).
func (w *Writer) touchHeld(ctx context.Context, t tenant.ID) error {
	found, err := w.store.Findings(ctx, t, store.FindingQuery{Holds: true, Limit: 10_000})
	if err != nil {
		return err
	}
	var refs []record.Ref
	for _, f := range found {
		if f.Stage == audit.Writer && f.Ref.Kind != Connection {
			refs = append(refs, f.Ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return w.bus.Touch(ctx, t, "sweep/held", refs)
}

func withDefaults(o Options) Options {
	if o.Batch == 0 {
		o.Batch = 500
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Linger, 2*time.Second)
	def(&o.Backoff, time.Second)
	def(&o.Idle, 5*time.Second)
	def(&o.HoldSweep, 24*time.Hour)
	def(&o.Busy, 2*time.Second)
	def(&o.Work, 3*time.Minute)
	return o
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// idle grows a pause from its first value, doubling, up to 15 minutes.
type idle struct{ first, now time.Duration }

func newIdle(first time.Duration) *idle { return &idle{first, first} }

func (i *idle) next() time.Duration {
	d := i.now
	i.now = min(2*i.now, 15*time.Minute)
	return d
}

func (i *idle) reset() { i.now = i.first }

var errLease = errors.New("the pin may be gone: the batch is given back")
