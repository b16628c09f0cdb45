package transform

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// arrival is what one message says about a record.
type arrival struct {
	event event.Event
	facts []erp.Fact
	whole []erp.Facet
}

// task is one record that a batch touches, with everything that the batch says about it, in order.
type task struct {
	ref      record.Ref
	arrivals []arrival
	told     []stated // by a replay; recall makes the arrivals from it
	stand    []stated // the arrivals with their places on ERP
	moved    bool     // one of them belongs to an older place: all are told
	from     uint64   // recall makes the arrivals from what ERP holds from here on: the record overtakes a backlog
	cause    string
	again    bool   // earlier work on it may have been cut off: arm its wake-up although it seems armed
	ring     bool   // its wake-up fired
	waits    bool   // the guard keeps its state back
	order    bool   // its place in the order of addresses may have changed
	park     bool   // its address must be free for somebody else
	left     string // email that it no longer wants, seen on a try that was repeated
	messages []int
}

// facts handles messages of the ERP stream.
func (s *Service) facts(t tenant.ID) bus.Handler {
	return func(ctx context.Context, ms []bus.Message) []error {
		errs := make([]error, len(ms))
		var tasks batch
		for i, m := range ms {
			p, facts, err := readFacts(t, m)
			if err != nil {
				s.deps.Metrics.Add(t, CountRefused, 1)
				errs[i] = err
				continue
			}
			k := tasks.of(record.Ref{Kind: p.Kind, Key: p.Key})
			a := stated{m.Seq, arrival{m.Event, facts, p.Whole}}
			if place, again := event.Place(m.Event); again && s.deps.Past != nil { // from a letter that was retried
				a.place, k.moved = place, true
			}
			k.arrivals, k.stand = append(k.arrivals, a.arrival), append(k.stand, a)
			k.cause, k.again = m.Event.Cause, k.again || m.Attempt > 1
			k.messages = append(k.messages, i)
			s.deps.Metrics.Add(t, CountFacts, len(facts))
		}
		for _, k := range tasks.list {
			if k.moved {
				k.told = k.stand
			}
		}
		s.settle(ctx, t, tasks.list, errs)
		s.judgeNow(ctx, t, tasks.list)
		crash.Point("tr.before_ack")
		return errs
	}
}

// due handles wake-ups that fired. They carry only a key: the record is looked at as of now, so that one that was
// moved or withdrawn meanwhile does nothing. Announcements of facts that a backlog keeps waiting come the same way.
func (s *Service) due(t tenant.ID) bus.Handler {
	return func(ctx context.Context, ms []bus.Message) []error {
		errs := make([]error, len(ms))
		var tasks batch
		policy, err := s.deps.Policies(ctx, t)
		for i, m := range ms {
			w, bad := readWake(t, m)
			switch {
			case bad != nil:
				errs[i] = bad
				continue
			case err != nil:
				errs[i] = err
				continue
			}
			if w.From > 0 {
				k := tasks.of(record.Ref{Kind: w.Kind, Key: w.Key})
				k.cause, k.again, k.from = m.Event.Cause, true, s.recallable(w.From)
				k.messages = append(k.messages, i)
				continue
			}
			if wait := s.early(w, policy.zone()); wait > 0 {
				errs[i] = &fault.Error{Kind: fault.RateLimited, Code: fault.NotStarted, Detail: "the broker's clock is ahead of ours", After: wait}
				continue
			}
			k := tasks.of(record.Ref{Kind: w.Kind, Key: w.Key})
			k.cause, k.again, k.ring = "wake/"+string(w.Date), true, true
			k.messages = append(k.messages, i)
		}
		crash.Point("sched.before_enqueue")
		s.settle(ctx, t, tasks.list, errs)
		s.judgeNow(ctx, t, tasks.list)
		return errs
	}
}

// skew is how far the broker's clock may be ahead of ours before a wake-up is armed anew in place of being waited for:
// arming it again would make it fire at once, again and again, until our clock gets there.
const skew = time.Hour

// early is how long it still takes until the wake-up's time comes, when that is so soon that waiting is simplest.
func (s *Service) early(w event.Wake, zone *time.Location) time.Duration {
	at, err := w.At, error(nil)
	if at.IsZero() {
		at, err = start(w.Date, zone)
	}
	if err != nil {
		return 0
	}
	if wait := at.Sub(s.deps.Now()); wait > 0 && wait <= skew {
		return wait + time.Second
	}
	return 0
}

// settle applies the tasks and gives each of their messages the task's error.
func (s *Service) settle(ctx context.Context, t tenant.ID, tasks []*task, errs []error) {
	if len(tasks) == 0 {
		return
	}
	failed := s.apply(ctx, t, tasks)
	for _, k := range tasks {
		for _, i := range k.messages {
			errs[i] = failed[k.ref]
		}
	}
}

// batch collects tasks, one for each record, in the order of first mention.
type batch struct {
	list  []*task
	byRef map[record.Ref]*task
}

func (b *batch) of(ref record.Ref) *task {
	if b.byRef == nil {
		b.byRef = map[record.Ref]*task{}
	}
	k := b.byRef[ref]
	if k == nil {
		k = &task{ref: ref}
		b.byRef[ref], b.list = k, append(b.list, k)
	}
	return k
}
