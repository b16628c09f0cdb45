package natsbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// subscriber is a Watermill subscriber on existing durables. The subscribers of watermill-nats lose messages, panic
// at shutdown and delete durables (broker.md 1.2). Here nothing is fetched ahead, so that AckWait starts with the work;
// the broker hears every third of AckWait that the work goes on; a handler outlives the end of the subscription by
// grace; and how a message is settled is the error's decision.
type subscriber struct {
	open  func(ctx context.Context, topic string) (jetstream.Consumer, error)
	read  func(ctx context.Context, m jetstream.Msg) (*message.Message, error) // the message's context is ctx
	bad   func(ctx context.Context, m jetstream.Msg, err error)                // settles what read refused
	end   func(ctx context.Context, m jetstream.Msg, wm *message.Message, err error)
	slots int // messages in work at once; 1 keeps the order of the stream
	grace time.Duration
	log   *slog.Logger

	once    sync.Once
	closing chan struct{}
	wg      sync.WaitGroup
	mu      sync.Mutex
	closed  bool
}

type resultKey struct{}

// result carries a handler's error past the router, which tells the subscriber only that there was one.
type result struct{ err error }

var errNacked = errors.New("message was not accepted")

// Subscribe delivers messages of the topic until ctx ends or Close.
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("subscriber is closed")
	}
	cons, err := s.open(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	pulling, stop := context.WithCancel(ctx)
	work, cancel := outlive(pulling, s.grace)
	var slots sync.WaitGroup
	for range s.slots {
		slots.Go(func() { s.slot(pulling, work, cons, out) })
	}
	s.wg.Go(func() {
		slots.Wait()
		stop()
		cancel()
		close(out)
	})
	go func() {
		select {
		case <-s.closing:
		case <-pulling.Done():
		}
		stop()
	}()
	return out, nil
}

// Close ends all subscriptions and waits until their messages are settled.
func (s *subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.once.Do(func() { close(s.closing) })
	s.wg.Wait()
	return nil
}

func (s *subscriber) slot(pulling, work context.Context, cons jetstream.Consumer, out chan<- *message.Message) {
	for pulling.Err() == nil {
		wait, cancel := context.WithTimeout(pulling, fetchWait)
		m, err := cons.Next(jetstream.FetchContext(wait))
		cancel()
		switch {
		case err == nil:
			s.one(pulling, work, m, cons.CachedInfo().Config.AckWait, out)
		case quiet(err):
		case final(err):
			s.log.Error("fetch: consumer is gone", "err", err)
			return
		default:
			s.log.Warn("fetch", "err", err)
			_ = pause(pulling, fetchPause)
		}
	}
}

func (s *subscriber) one(pulling, work context.Context, m jetstream.Msg, ackWait time.Duration, out chan<- *message.Message) {
	res := &result{err: errNacked}
	ctx, cancel := context.WithCancel(context.WithValue(work, resultKey{}, res))
	defer cancel()
	wm, err := s.read(ctx, m)
	if err != nil {
		s.bad(work, m, err)
		return
	}
	if pulling.Err() != nil { // asked first: select takes any case that is ready
		_ = m.Nak()
		return
	}
	select {
	case <-pulling.Done():
		_ = m.Nak()
		return
	case out <- wm:
	}
	tick := time.NewTicker(max(ackWait/3, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-wm.Acked():
			s.end(work, m, wm, nil)
			return
		case <-wm.Nacked():
			s.end(work, m, wm, res.err)
			return
		case <-tick.C:
			_ = m.InProgress() // the worst case is one more delivery
		case <-work.Done():
			_ = m.Nak()
			return
		}
	}
}

// readWatermill reads the wire format of watermill-nats without the headers that belong to the broker.
func readWatermill(ctx context.Context, m jetstream.Msg) (*message.Message, error) {
	clean := nats.NewMsg(m.Subject())
	clean.Data = m.Data()
	for k, v := range m.Headers() {
		if !strings.HasPrefix(k, brokerHeaders) {
			clean.Header[k] = v
		}
	}
	wm, err := (&wmnats.NATSMarshaler{}).Unmarshal(clean)
	if err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	wm.SetContext(ctx)
	return wm, nil
}
