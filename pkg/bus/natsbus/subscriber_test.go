package natsbus

import (
	"context"
	"testing"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/event"
)

// TestWatermillSuite runs Watermill's own Pub/Sub tests over our subscriber and its wire format. Subscribers that share
// a durable compete, so order is promised to a single one.
func TestWatermillSuite(t *testing.T) {
	srv := serve(t, t.TempDir())
	b := connect(t, testOptions(srv))
	outer := t
	group := func(t *testing.T, name string) (message.Publisher, message.Subscriber) {
		t.Helper()
		sub := &subscriber{
			open: func(ctx context.Context, topic string) (*lane, error) {
				if err := makeTopic(ctx, b, topic); err != nil {
					return nil, err
				}
				cons, err := b.js.CreateOrUpdateConsumer(ctx, topic, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 2 * time.Second, MaxDeliver: -1})
				if err != nil {
					return nil, err
				}
				return &lane{bus: b, cons: cons, config: cons.CachedInfo().Config, log: b.log}, nil
			},
			read: func(p *parcel) (err error) { p.wm, err = readWatermill(p.m); return err },
			bad:  func(_ context.Context, p *parcel, _ error) { _ = p.m.Term() },
			end: func(ctx context.Context, p *parcel, err error) {
				if err != nil {
					_ = p.m.Nak()
					return
				}
				_ = p.m.DoubleAck(context.WithoutCancel(ctx))
			},
			grace: time.Second, closing: make(chan struct{}),
		}
		closeAfter(outer, sub) // the suite forgets some
		return &topics{b: b, t: t}, sub
	}
	tests.TestPubSub(t, tests.Features{ConsumerGroups: true, GuaranteedOrder: true, GuaranteedOrderWithSingleSubscriber: true, Persistent: true, ForceShort: true},
		func(t *testing.T) (message.Publisher, message.Subscriber) { return group(t, "default") }, group)
}

func closeAfter(t *testing.T, sub *subscriber) {
	t.Helper()
	t.Cleanup(func() {
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
}

// topics publishes as any Watermill program with the wire format of watermill-nats would.
type topics struct {
	b *Bus
	t *testing.T
}

func makeTopic(ctx context.Context, b *Bus, topic string) error {
	_, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: topic, Subjects: []string{topic}})
	return err
}

func (p *topics) Publish(topic string, list ...*message.Message) error {
	if err := makeTopic(p.t.Context(), p.b, topic); err != nil {
		return err
	}
	for _, wm := range list {
		m, err := (&wmnats.NATSMarshaler{}).Marshal(topic, wm)
		if err != nil {
			return err
		}
		if _, err := p.b.js.PublishMsg(p.t.Context(), m); err != nil {
			return err
		}
	}
	return nil
}

func (*topics) Close() error { return nil }

func TestWatermillToolsReadOurMessages(t *testing.T) {
	b, _ := ready(t)
	want := bustest.Facts(bustest.Acme, "0001", 7)
	if err := b.PublishFacts(t.Context(), bustest.Acme, want); err != nil {
		t.Fatal(err)
	}
	m := rawLast(t, b, bus.ERP, refSubject(wordFacts, bustest.Acme, about(want)))
	wm, err := (&wmnats.NATSMarshaler{}).Unmarshal(m)
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.Decode(wm.Payload)
	if err != nil || wm.UUID != want.ID || e.Version != 7 {
		t.Fatalf("uuid %q, version %d, %v", wm.UUID, e.Version, err)
	}
	for k, v := range map[string]string{hdrVersion: "00000000000000000007", hdrType: "facts.v1"} {
		if wm.Metadata.Get(k) != v {
			t.Errorf("metadata %s = %q, want %q", k, wm.Metadata.Get(k), v)
		}
	}
}
