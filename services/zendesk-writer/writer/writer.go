package writer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
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
	store.Writers
	GuardItems(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]store.GuardItem, error)
	Rows(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.LedgerRow, error)
	Findings(ctx context.Context, t tenant.ID, q store.FindingQuery) ([]store.Finding, error)
	Sharing(ctx context.Context, t tenant.ID, emails []string, limit int) (map[string][]record.Ref, error)
}

// Options tune a writer; zero values take the defaults.
type Options struct {
	Batch     int           // records fetched at once; default 500: five bulk jobs of 100
	Linger    time.Duration // how long a fetch waits for the first record; default 2s
	Backoff   time.Duration // first delay of a retry, doubled up to 5m; default 1s
	Idle      time.Duration // pause after the account could not be reached; twelve times that, doubled up to 15m, after a refused credential; default 5s
	HoldSweep time.Duration // how often a held record is looked at again; default 24h
	Busy      time.Duration // delay of a record that another batch is writing; default 2s
	Work      time.Duration // longest time for which one batch may call the target; default 3m
	Grace     time.Duration // the same, counted from the end of Run's context; default 10s (failures.md I15: out in 25s)
	Life      time.Duration // silence of a writer after which another one takes its batches and tenants over; default 10s
	Look      time.Duration // how often the target is asked to look at earlier writes; default 10s
	Open      time.Duration // how long the breaker stays open before one record finds out; default 30s
	Depth     int           // batches in flight in a lane; default as many as fill the account's job places, and two
	Share     *Share        // of all writers of the process; nil: without a limit
	Gate      Gate          // nil: always open
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
	begun   time.Time
	life    *presence   // the present one; changed only while nothing runs
	leads   atomic.Bool // whether this writer pulls for the tenant
	breaker *gobreaker.TwoStepCircuitBreaker[any]

	mu   sync.Mutex
	mine map[string]*span      // this process's batches that are in the journal
	held map[record.Ref]*batch // records of batches that are worked on
	bugs map[record.Ref]int    // how often a record tripped over a bug of ours; its changes go alone
	dead map[string]time.Time  // when a batch of another epoch was first seen to be nobody's
	bars map[record.Ref]bar    // of records in quarantine

	account account
	gate    entrance

	halted atomic.Pointer[fault.Error] // the violation after which this writer makes no call
	alarm  chan struct{}               // closed with it
}

// New makes a writer. now may be nil.
func New(b events, s state, tg target.Target, log *slog.Logger, now func() time.Time, opt Options) *Writer {
	if now == nil {
		now = time.Now
	}
	opt = withDefaults(opt)
	return &Writer{bus: b, store: s, target: tg, log: log.With("component", "zendesk-writer"), now: now,
		opt: opt, begun: now(), breaker: newBreaker(opt.Open),
		alarm: make(chan struct{}), mine: map[string]*span{}, held: map[record.Ref]*batch{}, bugs: map[record.Ref]int{},
		dead: map[string]time.Time{}, bars: map[record.Ref]bar{}}
}

// Run writes until ctx ends. A batch in flight is brought to its end first, bounded by Options.Grace and the time for
// its bookkeeping; what cannot end by then stays in the journal. It returns an error when the consumers are gone. A
// writer that was silent for longer than Options.Life begins anew. After a violation of an assertion it stores the stop,
// ends with SAFETY_STOP, and must not run again before Await returns.
func (w *Writer) Run(ctx context.Context, t tenant.ID) error {
	for {
		err := w.alive(ctx, t, func(ctx, life context.Context) error { return w.work(ctx, life, t) })
		if !errors.Is(err, errLapsed) || ctx.Err() != nil {
			if errors.Is(err, errLapsed) {
				return nil
			}
			return err
		}
		w.log.Warn("another writer may have taken over: this one begins anew", "tenant", t, "fault", fault.LeaseLost)
	}
}

// work runs the lanes of one life.
func (w *Writer) work(ctx, life context.Context, t tenant.ID) error {
	var all sync.WaitGroup
	lanes := []bus.Consumer{bus.Writer, bus.UrgentLane}
	errs := make(chan error, len(lanes))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	told := false
	for _, c := range lanes {
		all.Go(func() {
			if err := w.lane(ctx, life, t, c); err != nil {
				errs <- err
				stop()
			}
		})
	}
	all.Go(func() { w.tidyUp(ctx, t) })
	all.Go(func() { w.sweepHolds(ctx, t) })
	all.Go(func() {
		select {
		case <-ctx.Done():
		case <-w.alarm:
			told = w.tellStop(ctx, t)
			stop()
		}
	})
	all.Wait()
	if f := w.halted.Load(); f != nil {
		if !told {
			w.tellStop(ctx, t)
		}
		return f
	}
	close(errs)
	return <-errs
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
	def(&o.Grace, 10*time.Second)
	def(&o.Life, 10*time.Second)
	def(&o.Look, 10*time.Second)
	def(&o.Open, 30*time.Second)
	return o
}
