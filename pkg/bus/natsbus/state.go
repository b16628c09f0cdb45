package natsbus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// State describes the tenant's streams and consumers.
func (b *Bus) State(ctx context.Context, t tenant.ID) (bus.State, error) {
	out := bus.State{Streams: map[bus.Stream]bus.StreamState{}, Consumers: map[bus.Consumer]bus.ConsumerState{}}
	for _, s := range bus.Streams() {
		st, err := b.stream(ctx, t, s)
		if err != nil {
			return out, err
		}
		call, cancel := b.call(ctx)
		info, err := st.Info(call)
		cancel()
		if err != nil {
			return out, classify("state of "+streamName(t, s), err)
		}
		out.Streams[s] = bus.StreamState{Messages: info.State.Msgs, Bytes: info.State.Bytes, First: info.State.FirstSeq, Last: info.State.LastSeq}
	}
	for _, c := range bus.Consumers() {
		cs, err := b.consumerState(ctx, t, c)
		if err != nil {
			return out, err
		}
		out.Consumers[c] = cs
	}
	return out, nil
}

func (b *Bus) consumerState(ctx context.Context, t tenant.ID, c bus.Consumer) (bus.ConsumerState, error) {
	s, _, _ := filter(c)
	st, err := b.stream(ctx, t, s)
	if err != nil {
		return bus.ConsumerState{}, err
	}
	ctx, cancel := b.call(ctx)
	defer cancel()
	cons, err := b.js.Consumer(ctx, streamName(t, s), string(c))
	if err != nil {
		return bus.ConsumerState{}, classify("state of "+string(c), err)
	}
	info := cons.CachedInfo()
	out := bus.ConsumerState{Pending: info.NumPending, InFlight: info.NumAckPending, Redelivered: info.NumRedelivered}
	if out.Pending == 0 && out.InFlight == 0 {
		return out, nil
	}
	// The first message behind the ack floor is the oldest that is not settled; pending counts alone would hide one
	// that is stuck (failures.md fact 5).
	m, err := st.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(info.Config.FilterSubject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return out, nil // replaced or settled meanwhile
	}
	if err != nil {
		return out, classify("state of "+string(c), err)
	}
	out.OldestAge = max(time.Since(m.Time), 0)
	return out, nil
}

// Healthy fails when the broker cannot store messages now. The embedded server is asked for its plain health; an
// external one can be asked for its account only, and its own /healthz belongs into its supervision.
func (b *Bus) Healthy(ctx context.Context) error {
	if st := b.nc.Status(); st != nats.CONNECTED {
		return fault.New(fault.Transient, fault.BrokerDown, "connection is "+st.String())
	}
	if b.opts.InProcess != nil {
		if err := b.opts.InProcess.Healthy(ctx); err != nil {
			return classify("broker", err)
		}
	}
	ctx, cancel := b.call(ctx)
	defer cancel()
	_, err := b.js.AccountInfo(ctx)
	return classify("broker", err)
}
