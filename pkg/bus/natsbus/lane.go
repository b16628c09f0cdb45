package natsbus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// lane is one durable of one tenant while somebody consumes it.
type lane struct {
	bus    *Bus
	t      tenant.ID
	name   bus.Consumer
	stream bus.Stream
	cons   jetstream.Consumer
	config jetstream.ConsumerConfig
	log    *slog.Logger
	soft   soft
}

func (b *Bus) lane(ctx context.Context, t tenant.ID, c bus.Consumer) (*lane, error) {
	if err := checkTenant(t); err != nil {
		return nil, err
	}
	s, _, ok := filter(c)
	if !ok {
		return nil, classify("consume "+string(c), jetstream.ErrConsumerNotFound)
	}
	ctx, cancel := b.call(ctx)
	defer cancel()
	cons, err := b.js.Consumer(ctx, streamName(t, s), string(c))
	if err != nil {
		return nil, classify("consume "+string(c), err)
	}
	return &lane{bus: b, t: t, name: c, stream: s, cons: cons, config: cons.CachedInfo().Config,
		log: b.log.With("tenant", t, "consumer", c)}, nil
}

// carries is the only type of event on a consumer.
func carries(c bus.Consumer) event.Type {
	switch c {
	case bus.Transformer, bus.Replayer:
		return event.FactsV1
	case bus.Due:
		return event.WakeV1
	case bus.Ticks:
		return event.TickV1
	case bus.Writer:
		return event.WantedV1
	case bus.UrgentLane:
		return event.UrgentV1
	case bus.Recorder:
		return event.AuditV1
	}
	return ""
}

// stage is who gave up, in dead letters.
func stage(c bus.Consumer) audit.Stage {
	switch c {
	case bus.Transformer, bus.Due, bus.Replayer:
		return audit.Transformer
	case bus.Ticks:
		return audit.Poller
	case bus.Writer, bus.UrgentLane:
		return audit.Writer
	case bus.Recorder:
	}
	return "recorder"
}

func (l *lane) decode(m jetstream.Msg) (bus.Message, error) {
	return decode(l.t, l.stream, carries(l.name), m)
}

// fetch takes up to limit messages. It waits at most wait for the first and, with a linger, that long for more. The
// end of ctx ends the waiting, and what arrived meanwhile is returned.
func (l *lane) fetch(ctx context.Context, limit int, wait, linger time.Duration) ([]jetstream.Msg, error) {
	got, err := l.pull(ctx, limit, 0)
	if err != nil || limit == len(got) {
		return got, err
	}
	if len(got) == 0 {
		if got, err = l.pull(ctx, 1, wait); err != nil || len(got) == 0 {
			return got, err
		}
	}
	if linger <= 0 || limit == len(got) {
		return got, nil
	}
	more, err := l.pull(ctx, limit-len(got), linger)
	if err != nil {
		l.log.Debug("fetch more", "err", err)
	}
	return append(got, more...), nil
}

// uncut is how short a request must be to run to its end whatever happens: one that is given up here may still be
// answered there, and that message comes again only after AckWait.
const uncut = time.Second

// pull is one request; wait 0 takes only what is there. Only Fetch is used: the client's iterators stall with small
// batches in this process (broker.md W12).
func (l *lane) pull(ctx context.Context, n int, wait time.Duration) ([]jetstream.Msg, error) {
	if ctx.Err() != nil {
		return nil, nil
	}
	var opts []jetstream.FetchOpt
	if l.config.PriorityPolicy == jetstream.PriorityPolicyPinned {
		opts = append(opts, jetstream.FetchPriorityGroup(pinGroup))
	}
	var batch jetstream.MessageBatch
	var err error
	switch {
	case wait <= 0 && len(opts) == 0:
		batch, err = l.cons.FetchNoWait(n)
	case wait <= uncut:
		batch, err = l.cons.Fetch(n, append(opts, jetstream.FetchMaxWait(max(wait, time.Millisecond)))...)
	default:
		call, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		batch, err = l.cons.Fetch(n, append(opts, jetstream.FetchContext(call))...)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // callers look at the broker's code and classify
	}
	var got []jetstream.Msg
	for m := range batch.Messages() {
		got = append(got, m)
	}
	if err := batch.Error(); err != nil && len(got) == 0 && !quiet(err) {
		return nil, err //nolint:wrapcheck // as above
	}
	return got, nil
}

// quiet errors mean that there is nothing for us now.
func quiet(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, nats.ErrTimeout) ||
		errors.Is(err, jetstream.ErrNoMessages) || errors.Is(err, jetstream.ErrPinIDMismatch)
}

// final errors of a fetch end a Handle: nobody can consume what is gone.
func final(err error) bool {
	c := codeOf(err)
	return c == codeNoConsumer || c == codeNoStream || errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, nats.ErrConnectionClosed)
}

// keepWorking tells the broker every third of AckWait that the messages are being worked on, until stop is called.
func (l *lane) keepWorking(ms []jetstream.Msg) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(max(l.config.AckWait/3, 10*time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				for _, m := range ms {
					_ = m.InProgress() // the worst case is one more delivery
				}
			}
		}
	}()
	return func() { close(done) }
}
