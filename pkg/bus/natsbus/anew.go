package natsbus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// beginAnew makes a consumer anew that was given messages which its stream does not hold any more, because a damaged
// file was cut. The server would withhold every new message up to there (nats-server 2.15.2, seen). The new one is
// given all that the stream holds, which changes nothing that was done. done tells that it was made anew.
func (b *Bus) beginAnew(ctx context.Context, t tenant.ID, s bus.Stream, have *jetstream.ConsumerInfo, want jetstream.ConsumerConfig) (done bool, err error) {
	st, err := b.js.Stream(ctx, streamName(t, s)) // asked after the consumer: a stream in use only grows
	if err != nil {
		return false, err
	}
	last := st.CachedInfo().State.LastSeq
	if max(have.Delivered.Stream, have.AckFloor.Stream) <= last {
		return false, nil
	}
	b.log.Error("consumer stands behind the end of its stream, which lost messages: it begins anew", "tenant", t,
		"fault", fault.StreamBehind, "consumer", want.Name, "delivered", have.Delivered.Stream, "last", last)
	if err := b.js.DeleteConsumer(ctx, streamName(t, s), want.Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return false, err
	}
	_, err = b.js.CreateConsumer(ctx, streamName(t, s), want)
	return err == nil, err
}
