package model

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// ackWait is how long the broker waits for a process that does not answer any more.
const ackWait = 30 * time.Second

// mail is one message of a consumer until it is acknowledged.
type mail struct {
	msg bus.Message
	due time.Time
	out *process // who has it; nil while it waits
}

// broker is streams, table and schedules of one tenant in memory, with the promises of package bus: at least once, the
// newest version in the table, one message for each record in it.
type broker struct {
	tenant tenant.ID
	mu     sync.Mutex
	seq    uint64
	queues map[bus.Consumer][]*mail
	table  map[record.Ref]event.Event
	wakes  map[record.Ref]alarm
	dead   []event.Dead
	log    []bus.Message // everything that the ERP stream ever held
	news   chan struct{} // closed and made anew when something is queued
}

type alarm struct {
	wake event.Wake
	at   time.Time
}

func newBroker(t tenant.ID) *broker {
	return &broker{tenant: t, queues: map[bus.Consumer][]*mail{}, table: map[record.Ref]event.Event{}, wakes: map[record.Ref]alarm{}, news: make(chan struct{})}
}

func (b *broker) ring() {
	close(b.news)
	b.news = make(chan struct{})
}

// enqueue adds a message. single: the consumer's stream keeps one message for each record.
func (b *broker) enqueue(c bus.Consumer, s bus.Stream, e event.Event, ref record.Ref, single bool) {
	b.seq++
	if single {
		b.queues[c] = slices.DeleteFunc(b.queues[c], func(m *mail) bool { return m.msg.Ref == ref && m.out == nil })
	}
	b.queues[c] = append(b.queues[c], &mail{msg: bus.Message{Event: e, Ref: ref, Stream: s, Seq: b.seq, Stored: time.Now()}})
	b.ring()
}

// send puts facts into the ERP stream.
func (b *broker) send(e event.Event, ref record.Ref) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.enqueue(bus.Transformer, bus.ERP, e, ref, false)
	b.log = append(b.log, bus.Message{Event: e, Ref: ref, Stream: bus.ERP, Seq: b.seq, Stored: time.Now()})
}

// again delivers the table's state of a record once more, as a broker may.
func (b *broker) again(ref record.Ref) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.table[ref]; ok {
		b.enqueue(bus.Writer, bus.Directory, e, ref, true)
	}
}

// lost gives back what a process had that is no more.
func (b *broker) lost(p *process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c, q := range b.queues {
		for _, m := range slices.Clone(q) {
			if m.out == p {
				b.retry(c, m, ackWait)
			}
		}
	}
	b.ring()
}

func (b *broker) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, q := range b.queues {
		if len(q) > 0 {
			return false
		}
	}
	for _, a := range b.wakes {
		if !a.at.After(time.Now()) {
			return false
		}
	}
	return true
}

func (b *broker) remove(c bus.Consumer, m *mail) {
	b.queues[c] = slices.DeleteFunc(b.queues[c], func(o *mail) bool { return o == m })
}

// retry gives a message back, unless its record has a newer one in a stream that keeps one for each.
func (b *broker) retry(c bus.Consumer, m *mail, after time.Duration) {
	m.out, m.due = nil, time.Now().Add(after)
	newer := func(o *mail) bool { return o != m && o.msg.Ref == m.msg.Ref && o.msg.Seq > m.msg.Seq }
	if c != bus.Transformer && c != bus.Replayer && slices.ContainsFunc(b.queues[c], newer) {
		b.remove(c, m)
	}
	b.ring()
}

// take waits for messages of a consumer, at most until end.
func (b *broker) take(ctx context.Context, p *process, c bus.Consumer, limit int, end time.Time) (got []*mail) {
	for ctx.Err() == nil && !p.gone() {
		b.mu.Lock()
		now := time.Now()
		next := end
		b.fire(now)
		for _, m := range b.queues[c] {
			switch {
			case m.out != nil || len(got) == limit:
			case m.due.After(now):
				next = sooner(next, m.due)
			default:
				m.out = p
				m.msg.Attempt++
				got = append(got, m)
			}
		}
		if c == bus.Due {
			for _, a := range b.wakes {
				next = sooner(next, a.at)
			}
		}
		news := b.news
		b.mu.Unlock()
		if len(got) > 0 || !now.Before(end) {
			return got
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-ctx.Done():
		case <-p.died:
		case <-news:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// fire queues the wakes whose time has come.
func (b *broker) fire(now time.Time) {
	for ref, a := range b.wakes {
		if a.at.After(now) {
			continue
		}
		delete(b.wakes, ref)
		e, err := event.With(event.Event{ID: fmt.Sprintf("due/%s/%s", ref, a.wake.Date), Source: "broker", Type: event.WakeV1, Tenant: b.tenant}, a.wake)
		if err != nil {
			panic(err)
		}
		b.enqueue(bus.Due, bus.Directory, e, ref, true)
	}
}

// wire is the broker as one process sees it.
type wire struct {
	*broker
	p   *process
	all map[tenant.ID]*broker // of a process that works for several customers
}

// of is the broker of one customer.
func (w wire) of(t tenant.ID) wire {
	w.broker = one(w.all, t, w.broker)
	return w
}

func (w wire) Handle(ctx context.Context, t tenant.ID, c bus.Consumer, batch bus.Batch, h bus.Handler) error {
	w = w.of(t)
	for ctx.Err() == nil {
		got := w.take(ctx, w.p, c, max(batch.Max, 1), time.Now().Add(time.Hour))
		if w.p.gone() {
			return errGone
		}
		if len(got) == 0 {
			continue
		}
		ms := make([]bus.Message, len(got))
		for i, m := range got {
			ms[i] = m.msg
		}
		errs := h(ctx, ms)
		if w.p.gone() {
			return errGone
		}
		w.settle(c, got, errs)
	}
	return nil
}

func (w wire) settle(c bus.Consumer, got []*mail, errs []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, m := range got {
		switch err := errs[i]; {
		case err == nil:
			w.remove(c, m)
		case fault.KindOf(err) == fault.Invalid:
			w.dead = append(w.dead, event.Dead{Kind: m.msg.Ref.Kind, Key: m.msg.Ref.Key, Detail: err.Error()})
			w.remove(c, m)
		default:
			w.retry(c, m, max(fault.AfterOf(err), time.Second<<min(m.msg.Attempt, 6)))
		}
	}
}

func (w wire) PutWanted(_ context.Context, t tenant.ID, events []event.Event) ([]bus.Put, error) {
	w = w.of(t)
	puts := make([]bus.Put, len(events))
	return puts, w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for i, e := range events {
			v, err := event.Payload[event.Wanted](e, event.WantedV1)
			if err != nil {
				return err
			}
			if e.Tenant != w.tenant {
				return fmt.Errorf("O6: a state of %s for %s", e.Tenant, w.tenant)
			}
			if old, ok := w.table[v.Ref()]; !ok || old.Version < e.Version {
				w.table[v.Ref()], puts[i].Stored = e, true
				w.enqueue(bus.Writer, bus.Directory, e, v.Ref(), true)
			}
		}
		return nil
	})
}

func (w wire) Wanted(_ context.Context, t tenant.ID, ref record.Ref) (e event.Event, err error) {
	w = w.of(t)
	err = w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		var ok bool
		if e, ok = w.table[ref]; !ok {
			return bus.ErrNone
		}
		return nil
	})
	return e, err
}

func (w wire) Touch(_ context.Context, t tenant.ID, cause string, refs []record.Ref) error {
	w = w.of(t)
	return w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, ref := range refs {
			if e, ok := w.table[ref]; ok {
				e.Force, e.Cause = true, cause
				w.table[ref] = e
				w.enqueue(bus.Writer, bus.Directory, e, ref, true)
			}
		}
		return nil
	})
}

func (w wire) Urge(_ context.Context, t tenant.ID, refs []record.Ref) error {
	w = w.of(t)
	return w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, ref := range refs {
			e, err := event.With(event.Event{ID: "urgent/" + ref.String(), Type: event.UrgentV1, Tenant: w.tenant, Subject: ref.String()}, event.Urgent{Kind: ref.Kind, Key: ref.Key})
			if err != nil {
				return err
			}
			w.enqueue(bus.UrgentLane, bus.Directory, e, ref, true)
		}
		return nil
	})
}

func (w wire) Wake(_ context.Context, t tenant.ID, k event.Wake, at time.Time) error {
	w = w.of(t)
	return w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wakes[record.Ref{Kind: k.Kind, Key: k.Key}] = alarm{k, at}
		w.ring()
		return nil
	})
}

func (w wire) Unwake(_ context.Context, t tenant.ID, ref record.Ref) error {
	w = w.of(t)
	return w.p.step(func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.wakes, ref)
		return nil
	})
}

func (w wire) Puller(_ context.Context, t tenant.ID, c bus.Consumer) (bus.Puller, error) {
	w = w.of(t)
	return puller{w, c}, nil
}
