// Package replay sends ranges of a stream through their handler again, from where the store says that it stopped. A
// range of ERP goes to REPLAY, and from there to the transformer; records of DIRECTORY are touched, so that the writer
// looks at Zendesk again; entries of AUDIT go to the recorder again. Everything it sends is harmless twice, so that it
// may die after any line: the place is moved after what lies before it was stored.
package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Bus is what a runner needs of the broker.
type Bus interface {
	Read(ctx context.Context, t tenant.ID, s bus.Stream, r bus.Range, limit int) (bus.Excerpt, error)
	Replay(ctx context.Context, t tenant.ID, events ...event.Event) error
	Touch(ctx context.Context, t tenant.ID, cause string, refs []record.Ref) error
	Publish(ctx context.Context, t tenant.ID, s bus.Stream, events ...event.Event) error
	State(ctx context.Context, t tenant.ID) (bus.State, error)
}

// Store is what a runner needs of the store.
type Store interface {
	Replays(ctx context.Context, t tenant.ID, limit int) ([]store.Replay, error)
	MoveReplay(ctx context.Context, t tenant.ID, r store.Replay, expect uint64, entries []audit.Entry) error
	TakeLease(ctx context.Context, t tenant.ID, name, holder string, lasts time.Duration) (store.Lease, bool, error)
	EndLease(ctx context.Context, t tenant.ID, l store.Lease) error
}

// Options tune a runner; zero values take the defaults in brackets.
type Options struct {
	Look    time.Duration // between two looks for a replay [1s]
	Page    int           // messages read and sent together [200]
	Backlog uint64        // of sent messages that are not handled yet; more wait [1000]
	Now     func() time.Time
}

const (
	leaseName = "replay"
	leaseTime = 30 * time.Second
)

// Runner advances the replays of a tenant. Several may run beside each other: one at a time has the lease, and the
// place moves by compare-and-set.
type Runner struct {
	bus    Bus
	store  Store
	log    *slog.Logger
	opt    Options
	holder string
}

// New makes a runner.
func New(b Bus, s Store, log *slog.Logger, o Options) *Runner {
	if o.Look <= 0 {
		o.Look = time.Second
	}
	if o.Page <= 0 {
		o.Page = 200
	}
	if o.Backlog == 0 {
		o.Backlog = 1000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Runner{b, s, log.With("component", "replay"), o, uuid.NewString()}
}

// Run advances replays until ctx ends, then returns nil.
func (r *Runner) Run(ctx context.Context, t tenant.ID) error {
	tick := time.NewTicker(r.opt.Look)
	defer tick.Stop()
	for {
		if err := r.advance(ctx, t); err != nil && ctx.Err() == nil {
			r.log.Warn("replay waits", "tenant", t, "fault", fault.CodeOf(err), "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// advance brings the tenant's running replay as far as it can go now.
func (r *Runner) advance(ctx context.Context, t tenant.ID) error {
	for {
		rep, ok, err := r.running(ctx, t)
		if err != nil || !ok {
			return err
		}
		lease, mine, err := r.store.TakeLease(ctx, t, leaseName, r.holder, leaseTime)
		if err != nil || !mine {
			return err
		}
		more, err := r.step(ctx, t, rep)
		if errors.Is(err, store.ErrConflict) { // stopped meanwhile, or moved by a runner whose lease went on
			continue
		}
		if err != nil || !more {
			return errors.Join(err, r.store.EndLease(ctx, t, lease))
		}
	}
}

func (r *Runner) running(ctx context.Context, t tenant.ID) (store.Replay, bool, error) {
	all, err := r.store.Replays(ctx, t, 1) // a newer one cannot begin while one runs
	if err != nil || len(all) == 0 || all[0].State != store.ReplayRunning {
		return store.Replay{}, false, err
	}
	return all[0], true, nil
}

// step sends one part, or ends the replay when everything that was sent is handled. more is false when it must wait.
func (r *Runner) step(ctx context.Context, t tenant.ID, rep store.Replay) (more bool, err error) {
	waiting, err := r.waiting(ctx, t, rep)
	if err != nil {
		return false, err
	}
	from := rep.Next
	if from > rep.To {
		if waiting > 0 {
			return false, nil
		}
		rep.State, rep.Ended = store.ReplayFinished, r.opt.Now()
		return true, r.store.MoveReplay(ctx, t, rep, from, []audit.Entry{Ended(rep)})
	}
	if waiting > r.opt.Backlog {
		return false, nil
	}
	part, err := r.bus.Read(ctx, t, bus.Stream(rep.Stream), bus.Range{From: from, To: rep.To, Ref: rep.Ref}, r.opt.Page)
	if err == nil {
		err = r.send(ctx, t, rep, part.Messages)
		crash.Point("replay.mid")
	}
	if fault.KindOf(err) == fault.Invalid { // it will never pass
		rep.State, rep.Ended, rep.Code, rep.Detail = store.ReplayStopped, r.opt.Now(), fault.CodeOf(err), err.Error()
		return true, r.store.MoveReplay(ctx, t, rep, from, []audit.Entry{Ended(rep)})
	}
	if err != nil {
		return false, err
	}
	rep.Next, rep.Moved = part.Next, r.opt.Now()
	if part.Next == 0 {
		rep.Next = rep.To + 1
	}
	rep.Events += len(part.Messages)
	rep.Skipped += len(part.Unreadable)
	return true, r.store.MoveReplay(ctx, t, rep, from, nil)
}

// waiting counts what was sent and is not handled. Touched records and audit entries need no patience: one waits in the
// table, the others are what live traffic is as well.
func (r *Runner) waiting(ctx context.Context, t tenant.ID, rep store.Replay) (uint64, error) {
	if bus.Stream(rep.Stream) != bus.ERP {
		return 0, nil
	}
	st, err := r.bus.State(ctx, t)
	if err != nil {
		return 0, err
	}
	c := st.Consumers[bus.Replayer]
	return c.Pending + uint64(max(c.InFlight, 0)), nil
}

func (r *Runner) send(ctx context.Context, t tenant.ID, rep store.Replay, ms []bus.Message) error {
	if len(ms) == 0 {
		return nil
	}
	events, refs := make([]event.Event, len(ms)), make([]record.Ref, len(ms))
	for i, m := range ms {
		events[i], refs[i] = Again(m, rep.ID), m.Ref
	}
	switch s := bus.Stream(rep.Stream); s {
	case bus.ERP:
		return r.bus.Replay(ctx, t, events...)
	case bus.Directory:
		return r.bus.Touch(ctx, t, "replay/"+rep.ID, refs)
	case bus.Audit:
		return r.bus.Publish(ctx, t, bus.Audit, events...)
	default:
		return fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("stream %s cannot be replayed", s))
	}
}

// Again is the message's event for a replay. One that came out of a letter keeps the place where it first came; its
// own sequence tells it from the message that stands there.
func Again(m bus.Message, id string) event.Event {
	place, moved := event.Place(m.Event)
	if !moved {
		return event.Again(m.Event, id, m.Seq)
	}
	e := event.Again(m.Event, id+"/"+strconv.FormatUint(m.Seq, 10), place)
	e.Cause = "replay/" + id
	return e
}
