package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
)

// subscriber is a Watermill subscriber on an existing durable. The subscribers of watermill-nats lose messages, panic
// at shutdown and delete durables (broker.md 1.2). Here the next group is fetched when the last is settled, so that
// AckWait starts with the work; the broker hears every third of AckWait that the work goes on; handlers outlive the
// end of the subscription by grace; and how a message is settled is the error's decision.
type subscriber struct {
	open func(ctx context.Context, topic string) (*lane, error)
	read func(p *parcel) error                               // fills in what the router gets
	bad  func(ctx context.Context, p *parcel, err error)     // settles what read refused
	end  func(ctx context.Context, p *parcel, err error)     // settles what the handler ended
	run  func(ctx context.Context, ms []bus.Message) []error // handles a group; see joint

	batch bus.Batch // of one group; with Max 1 the order of the stream is kept
	grace time.Duration

	once    sync.Once
	closing chan struct{}
	wg      sync.WaitGroup
	mu      sync.Mutex
	closed  bool
}

// parcel is one message on its way through the router. It travels in the message's context.
type parcel struct {
	m     jetstream.Msg
	wm    *message.Message
	bm    bus.Message
	joint *joint
	at    int   // its place in the joint
	err   error // the handler's: the router tells the subscriber only that there was one
}

type parcelKey struct{}

func parcelOf(wm *message.Message) *parcel {
	p, _ := wm.Context().Value(parcelKey{}).(*parcel)
	return p
}

var (
	errNacked = errors.New("message was not accepted")
	errClosed = errors.New("subscriber is closed")
)

// Subscribe delivers messages of the topic until ctx ends or Close.
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	l, err := s.open(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	pulling, stop := context.WithCancel(ctx)
	work, cancel := outlive(pulling, s.grace)
	s.wg.Go(func() {
		defer close(out)
		defer cancel()
		defer stop()
		s.loop(pulling, work, l, out)
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

func (s *subscriber) loop(pulling, work context.Context, l *lane, out chan<- *message.Message) {
	for pulling.Err() == nil {
		ms, err := l.fetch(pulling, max(s.batch.Max, 1), fetchWait, s.batch.Linger)
		switch {
		case err == nil:
			s.group(pulling, work, l, ms, out)
		case final(err):
			l.log.Error("fetch: consumer is gone", "err", err)
			return
		default:
			l.log.Warn("fetch", "err", err)
			_ = pause(pulling, fetchPause)
		}
	}
}

// group hands fetched messages to the router and settles them in order.
func (s *subscriber) group(pulling, work context.Context, l *lane, ms []jetstream.Msg, out chan<- *message.Message) {
	if len(ms) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(work)
	defer cancel()
	defer l.keepWorking(ms)()
	ps := s.parcels(ctx, ms)
	for i, p := range ps {
		if !hand(pulling, p.wm, out) {
			ps[0].joint.shrink(i)
			for _, late := range ps[i:] {
				_ = late.m.Nak()
			}
			ps = ps[:i]
			break
		}
	}
	for _, p := range ps {
		select {
		case <-p.wm.Acked():
			s.end(work, p, nil)
		case <-p.wm.Nacked():
			s.end(work, p, p.err)
		case <-work.Done():
			_ = p.m.Nak()
		}
	}
}

func (s *subscriber) parcels(ctx context.Context, ms []jetstream.Msg) []*parcel {
	ps := make([]*parcel, 0, len(ms))
	list := make([]bus.Message, 0, len(ms))
	for _, m := range ms {
		p := &parcel{m: m, at: len(ps), err: errNacked}
		if err := s.read(p); err != nil {
			s.bad(ctx, p, err)
			continue
		}
		p.wm.SetContext(context.WithValue(ctx, parcelKey{}, p))
		ps, list = append(ps, p), append(list, p.bm)
	}
	j := &joint{ctx: ctx, run: s.run, list: list, done: make(chan struct{})}
	for _, p := range ps {
		p.joint = j
	}
	return ps
}

// hand gives the message to the router, unless the subscription ends before it takes it.
func hand(pulling context.Context, wm *message.Message, out chan<- *message.Message) bool {
	if pulling.Err() != nil { // asked first: select takes any case that is ready
		return false
	}
	select {
	case <-pulling.Done():
		return false
	case out <- wm:
		return true
	}
}

// readWatermill reads the wire format of watermill-nats without the headers that belong to the broker.
func readWatermill(m jetstream.Msg) (*message.Message, error) {
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
	return wm, nil
}
