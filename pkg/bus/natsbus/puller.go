package natsbus

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const hdrPin = "Nats-Pin-Id"

// puller hands out deliveries of one durable. On a pinned one the client remembers the pin, so a puller must be kept
// and not made anew for each fetch.
type puller struct {
	*lane
	pin atomic.Value // string: the pin of the newest delivery
}

// Puller gives batches to a caller that settles each message itself.
func (b *Bus) Puller(ctx context.Context, t tenant.ID, c bus.Consumer) (bus.Puller, error) {
	l, err := b.lane(ctx, t, c)
	if err != nil {
		return nil, err
	}
	return &puller{lane: l}, nil
}

// Lease is the time after which a pin without pull requests passes on; without a pin it is AckWait, which Working
// renews. Only pull requests renew the pin (broker.md 2.1).
func (p *puller) Lease() time.Duration {
	if p.config.PriorityPolicy == jetstream.PriorityPolicyPinned {
		return p.config.PinnedTTL
	}
	return p.config.AckWait
}

// Fetch returns up to limit deliveries. wait is cut to a quarter of the lease: whoever waits longer loses the pin.
// What cannot be decoded becomes a dead letter here and is not returned.
func (p *puller) Fetch(ctx context.Context, limit int, wait time.Duration) ([]bus.Delivery, error) {
	ms, err := p.fetchPinned(ctx, max(limit, 1), min(wait, p.Lease()/4))
	if err != nil {
		return nil, classify("fetch "+string(p.name), err)
	}
	out := make([]bus.Delivery, 0, len(ms))
	for _, m := range ms {
		if id := m.Headers().Get(hdrPin); id != "" {
			p.pin.Store(id)
		}
		bm, err := p.decode(m)
		if err != nil {
			book, cancel := p.settling(ctx)
			p.refuse(book, m, bm, err)
			cancel()
			continue
		}
		out = append(out, &delivery{lane: p.lane, m: m, bm: bm})
	}
	return out, nil
}

const shortest = 20 * time.Millisecond // of a request on a pinned consumer: it must reach the server and come back

func (p *puller) fetchPinned(ctx context.Context, limit int, wait time.Duration) ([]jetstream.Msg, error) {
	if p.config.PriorityPolicy != jetstream.PriorityPolicyPinned {
		return p.fetch(ctx, limit, wait, 0)
	}
	first, err := p.pull(ctx, 1, max(wait, shortest))
	if err != nil || len(first) == 0 || limit == 1 {
		return first, err
	}
	more, err := p.pull(ctx, limit-1, shortest)
	if err != nil {
		p.log.Debug("fetch more", "err", err)
	}
	return append(first, more...), nil
}

// Close gives the pin back when it is ours, so that the next writer need not wait for the lease to end.
func (p *puller) Close() error {
	id, _ := p.pin.Load().(string)
	if id == "" {
		return nil
	}
	ctx, cancel := p.bus.call(context.Background())
	defer cancel()
	return classify("close "+string(p.name), p.unpin(ctx, func(holder string) bool { return holder == id }))
}

// Claim implements bus.Claimer: the pin of a client that is not this puller ends, and the next fetch gets it.
func (p *puller) Claim(ctx context.Context, t tenant.ID) error {
	if t != p.t {
		return fault.New(fault.Internal, fault.Unclassified, "claim: a puller of another tenant")
	}
	id, _ := p.pin.Load().(string)
	ctx, cancel := p.bus.call(ctx)
	defer cancel()
	return classify("claim "+string(p.name), p.unpin(ctx, func(holder string) bool { return holder != "" && holder != id }))
}

// unpin ends the pin if its holder is one to be unpinned.
func (p *puller) unpin(ctx context.Context, of func(holder string) bool) error {
	info, err := p.cons.Info(ctx)
	if err != nil {
		return err //nolint:wrapcheck // callers classify
	}
	for _, g := range info.PriorityGroups {
		if g.Group != pinGroup || !of(g.PinnedClientID) {
			continue
		}
		st, err := p.bus.stream(ctx, p.t, p.stream)
		if err != nil {
			return err
		}
		return st.UnpinConsumer(ctx, string(p.name), pinGroup) //nolint:wrapcheck // callers classify
	}
	return nil
}

type delivery struct {
	lane *lane
	m    jetstream.Msg
	bm   bus.Message
}

func (d *delivery) Message() bus.Message { return d.bm }

// Ack is a plain acknowledgement: a confirmed one would not be on disk either (broker.md 5).
func (d *delivery) Ack(context.Context) error { return classify("ack", d.m.Ack()) }

func (d *delivery) Retry(_ context.Context, after time.Duration) error {
	if after <= 0 {
		return classify("retry", d.m.Nak())
	}
	return classify("retry", d.m.NakWithDelay(after))
}

func (d *delivery) Bury(ctx context.Context, dead event.Dead) error {
	return d.lane.bury(ctx, d.m, d.bm, dead)
}

func (d *delivery) Working() error { return classify("working", d.m.InProgress()) }
