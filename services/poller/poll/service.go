// Package poll reads the source on the customer's schedule. A cycle checks the connection, reads one window page by
// page, and stores each page together with the cursor behind it; nothing is concluded from a window that was not
// read to its end. Read cycle.go from top to bottom to see all of it.
package poll

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type events interface {
	bus.Pages
	PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error
	Publish(ctx context.Context, t tenant.ID, s bus.Stream, events ...event.Event) error
	Handle(ctx context.Context, t tenant.ID, c bus.Consumer, b bus.Batch, h bus.Handler) error
	Every(ctx context.Context, t tenant.ID, k bus.Tick, spec string, zone *time.Location) error
}

type state interface {
	PutCycle(ctx context.Context, t tenant.ID, c store.Cycle) error
	Cycles(ctx context.Context, t tenant.ID, kind record.Kind, limit int) ([]store.Cycle, error)
	SetFindings(ctx context.Context, t tenant.ID, stage audit.Stage, of store.Observation) error
}

// Feed is one kind of records that a tenant's source is polled for.
type Feed struct {
	Source  source.Source
	Name    string        // of the connection, for findings: peoplesoft.hcm
	Every   string        // Go duration or cron line of five fields; "" polls on demand only
	Full    string        // the same for full reads
	Overlap time.Duration // read again before the cursor: rows commit late (failures.md P08)
	Ahead   int           // days before a row takes effect on which it is acted on: a pass over days of effect reads so far
	Uniform bool          // a full read in which everybody has the same name, department, status or email is believed
	Jitter  time.Duration // a scheduled cycle starts up to this much later, the same for each run of a feed
}

// Options of a poller.
type Options struct {
	Zone  *time.Location // the tenant's zone, in which PeopleSoft's wall clock is read
	Feeds map[record.Kind]Feed
	Now   func() time.Time // nil means time.Now
	// Current tells whether Zone and Feeds are still what the tenant's settings and credentials say; nil means always.
	// A tick that finds them outdated waits for the poller that is made from the new ones.
	Current func(ctx context.Context) (bool, error)
	// Room is an error while nothing may be taken in, such as DISK_LOW; nil means always. Ticks wait until it is gone.
	Room func() error
}

// Poller polls one tenant. Make one per tenant and process with New and call Run once.
type Poller struct {
	bus   events
	store state
	log   *slog.Logger
	opt   Options
	lock  map[record.Kind]*sync.Mutex // never two cycles of one kind at once that move its cursor

	mu     sync.Mutex
	locked map[record.Kind]time.Time // no sign-in before this time after one was refused
}

// New makes a poller.
func New(b events, s state, log *slog.Logger, opt Options) *Poller {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	p := &Poller{bus: b, store: s, log: log.With("component", "poller"), opt: opt,
		lock: map[record.Kind]*sync.Mutex{}, locked: map[record.Kind]time.Time{}}
	for kind := range opt.Feeds {
		p.lock[kind] = &sync.Mutex{}
	}
	return p
}

// Run arms the schedules and polls when they fire or somebody asks, until ctx ends.
func (p *Poller) Run(ctx context.Context, t tenant.ID) error {
	if err := p.abortOld(ctx, t); err != nil {
		return err
	}
	if err := p.arm(ctx, t); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	errs := make(chan error, 2*len(p.opt.Feeds)+1)
	var all sync.WaitGroup
	for range cap(errs) { // a window and a full read of each feed, and a person: a long read keeps nobody else waiting
		all.Go(func() {
			err := p.bus.Handle(ctx, t, bus.Ticks, bus.Batch{Max: 1}, func(ctx context.Context, ms []bus.Message) []error {
				return []error{p.tick(ctx, t, ms[0])}
			})
			if err != nil {
				stop(err)
			}
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Poller) arm(ctx context.Context, t tenant.ID) error {
	for _, kind := range record.Kinds() {
		f := p.opt.Feeds[kind] // the zero feed disarms: its ticks would be for nobody
		if err := p.bus.Every(ctx, t, bus.Tick{Kind: kind, Mode: event.ModeWindow}, f.Every, p.opt.Zone); err != nil {
			return err
		}
		if err := p.bus.Every(ctx, t, bus.Tick{Kind: kind, Mode: event.ModeFull}, f.Full, p.opt.Zone); err != nil {
			return err
		}
	}
	return nil
}

// abortOld closes cycles that a crash left running; the next cycle goes on from the cursor. A cycle that another
// replica is still running writes its own end over it.
func (p *Poller) abortOld(ctx context.Context, t tenant.ID) error {
	old, err := p.store.Cycles(ctx, t, "", 20)
	if err != nil {
		return err
	}
	for _, c := range old {
		if c.State != store.Running {
			continue
		}
		c.State, c.Ended, c.Detail = store.Aborted, p.opt.Now(), "the process ended; the next cycle goes on from the cursor"
		if err := p.store.PutCycle(ctx, t, c); err != nil {
			return err
		}
	}
	return nil
}

// maxTries is how often a cycle that failed for a passing reason is tried before the schedule's next turn.
const maxTries = 4

func (p *Poller) tick(ctx context.Context, t tenant.ID, m bus.Message) error {
	tick, err := event.Payload[event.Tick](m.Event, event.TickV1)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "not a tick")
	}
	if tick.Mode != event.ModeWindow && tick.Mode != event.ModeFull && (tick.Mode != event.ModeKey || tick.Key == "") {
		return fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("tick with mode %q", tick.Mode))
	}
	if err := p.outdated(ctx); err != nil {
		return err
	}
	if err := p.crowded(); err != nil {
		return err
	}
	feed, ok := p.opt.Feeds[tick.Kind]
	if !ok {
		return nil // the feed was taken out of the tenant file
	}
	asked := tick.Cycle != ""
	if !asked {
		if p.keptOut(tick.Kind) {
			return nil
		}
		tick.Cycle = uuid.NewString()
		if m.Attempt <= 1 && !pause(ctx, jitter(t, tick.Kind, feed.Jitter)) {
			return ctx.Err()
		}
	}
	if tick.Mode != event.ModeKey { // one record moves no cursor: it waits for no long reading
		if !p.lock[tick.Kind].TryLock() {
			return &fault.Error{Kind: fault.RateLimited, Code: fault.SourceBusy, Detail: "a cycle of this kind is running", After: 2 * time.Second}
		}
		defer p.lock[tick.Kind].Unlock()
	}
	c := &cycle{p: p, t: t, feed: feed, tick: tick, attempt: m.Attempt, row: store.Cycle{ID: tick.Cycle, Kind: tick.Kind, Mode: string(tick.Mode),
		Cause: m.Event.Cause, State: store.Running, Started: p.opt.Now()}}
	err = c.run(ctx)
	p.remember(tick.Kind, err)
	switch {
	case errors.Is(err, errStopping):
		return fault.Wrap(err, fault.Transient, fault.SourceBusy, "cycle given back")
	case err != nil && fault.KindOf(err) == fault.Transient && m.Attempt < maxTries:
		return err // soon again, before the next turn of the schedule
	}
	return nil
}

// outdated is an error while the settings or credentials are newer than this poller: a password that was replaced must
// not be tried again, it could lock the account.
func (p *Poller) outdated(ctx context.Context) error {
	if p.opt.Current == nil {
		return nil
	}
	current, err := p.opt.Current(ctx)
	switch {
	case err != nil:
		return fault.Wrap(err, fault.Transient, fault.SourceBusy, "settings not read")
	case !current:
		return &fault.Error{Kind: fault.RateLimited, Code: fault.SourceBusy, Detail: "the settings changed: the poller starts anew", After: time.Second}
	}
	return nil
}

// crowded gives the tick back while there is no room: the cycle begins when there is.
func (p *Poller) crowded() error {
	if p.opt.Room == nil {
		return nil
	}
	if err := p.opt.Room(); err != nil {
		return &fault.Error{Kind: fault.RateLimited, Code: fault.CodeOf(err), Detail: "nothing is read while there is too little room", After: 2 * time.Second}
	}
	return nil
}

// keptOut tells whether a refused sign-in is so fresh that trying again could lock the account (failures.md P12).
func (p *Poller) keptOut(kind record.Kind) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opt.Now().Before(p.locked[kind])
}

func (p *Poller) remember(kind record.Kind, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		delete(p.locked, kind)
	case fault.KindOf(err) == fault.Auth:
		p.locked[kind] = p.opt.Now().Add(time.Hour)
	}
}

// kindOf sorts the codes with which a check fails.
func kindOf(c fault.Code) fault.Kind {
	switch c {
	case fault.SourceAuth, fault.SourceForbidden:
		return fault.Auth
	case fault.SourceDown, fault.SourceTimeout, fault.SourceUnreachable, fault.SourceTruncated, fault.SourceFault, fault.SourceBusy:
		return fault.Transient
	}
	return fault.Config
}

// jitter spreads feeds over a span, always the same for one feed.
func jitter(t tenant.ID, kind record.Kind, span time.Duration) time.Duration {
	if span <= 0 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(string(t) + "/" + string(kind)))
	return span * time.Duration(h.Sum32()%1000) / 1000
}

// pause waits; it answers false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
