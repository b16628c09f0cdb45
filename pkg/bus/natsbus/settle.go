package natsbus

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// settle acts on how a message ended. Errors of settling are logged only: the message comes again.
func (l *lane) settle(ctx context.Context, m jetstream.Msg, bm bus.Message, err error) {
	kind := fault.KindOf(err)
	var serr error
	switch {
	case err == nil:
		l.soft.forget(bm.Seq)
		serr = m.Ack()
	case kind == fault.Invalid, kind == fault.Internal && bm.Attempt-l.soft.count(bm.Seq) >= bus.MaxAttempts:
		serr = l.buryOrRetry(ctx, m, bm, l.letter(bm, err))
	default:
		if kind != fault.Internal {
			l.soft.add(bm.Seq)
		}
		wait := fault.AfterOf(err)
		if wait <= 0 {
			wait = l.bus.opts.Backoff(bm.Attempt)
		}
		l.log.Info("message is tried again", "source_key", bm.Ref.Key, "kind", bm.Ref.Kind, "event_id", bm.Event.ID,
			"attempt", bm.Attempt, "fault", kind, "code", fault.CodeOf(err), "wait_ms", wait.Milliseconds(), "err", err)
		serr = m.NakWithDelay(wait)
	}
	if serr != nil {
		l.log.Warn("settle", "event_id", bm.Event.ID, "err", serr)
	}
}

// refuse settles a message that cannot be decoded.
func (l *lane) refuse(ctx context.Context, m jetstream.Msg, bm bus.Message, err error) {
	d := l.letter(bm, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "cannot be decoded"))
	original(&d, m.Data())
	if serr := l.buryOrRetry(ctx, m, bm, d); serr != nil {
		l.log.Warn("settle", "err", serr)
	}
}

// buryOrRetry never ends a message whose dead letter is not stored (failures.md M09).
func (l *lane) buryOrRetry(ctx context.Context, m jetstream.Msg, bm bus.Message, d event.Dead) error {
	err := l.bury(ctx, m, bm, d)
	if err == nil {
		l.soft.forget(bm.Seq)
		return nil
	}
	l.log.Error("DLQ_UNAVAILABLE: dead letter not stored, the message stays", "source_key", bm.Ref.Key, "err", err)
	return m.NakWithDelay(l.bus.opts.Backoff(bm.Attempt)) //nolint:wrapcheck // logged by the callers
}

// soft counts, per message, the tries that did not fail by our own fault, so that an outage does not use up the
// attempts of a message. It forgets with the process: after a restart all tries count.
type soft struct {
	mu sync.Mutex
	n  map[uint64]int
}

const softMax = 2 * maxPending // messages that were replaced never come back to be forgotten

func (s *soft) count(seq uint64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n[seq]
}

func (s *soft) add(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == nil || len(s.n) >= softMax {
		s.n = map[uint64]int{}
	}
	s.n[seq]++
}

func (s *soft) forget(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.n, seq)
}

// settling gives bookkeeping its own time: a handler's end must be recorded also when its context has ended.
func (l *lane) settling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 2*l.bus.opts.Timeout+time.Second)
}
