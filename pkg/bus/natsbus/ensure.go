package natsbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Ensure creates what is missing and verifies the rest. The maps are keyed by the stream's full name; created holds
// the creation time of each of the tenant's streams, also of those that were there. A known stream that is missing, or
// that was created anew since, is data loss and stops here with nothing created.
func (b *Bus) Ensure(ctx context.Context, t tenant.ID, known map[string]time.Time) (map[string]time.Time, error) {
	if err := checkTenant(t); err != nil {
		return nil, err
	}
	if err := b.checkSync(ctx); err != nil {
		return nil, err
	}
	have := map[bus.Stream]*jetstream.StreamInfo{}
	for _, s := range bus.Streams() {
		info, err := b.lookStream(ctx, t, s)
		if err == nil {
			err = lost(streamName(t, s), info, known)
		}
		if err != nil {
			return nil, err
		}
		have[s] = info
	}
	created := map[string]time.Time{}
	for _, s := range bus.Streams() {
		at, err := b.ensureStream(ctx, t, s, have[s])
		if err != nil {
			return created, err
		}
		created[streamName(t, s)] = at
	}
	for _, c := range bus.Consumers() {
		if err := b.ensureConsumer(ctx, t, c); err != nil {
			return created, err
		}
	}
	return created, nil
}

func (b *Bus) lookStream(ctx context.Context, t tenant.ID, s bus.Stream) (*jetstream.StreamInfo, error) {
	ctx, cancel := b.call(ctx)
	defer cancel()
	st, err := b.js.Stream(ctx, streamName(t, s))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, classify("look at stream "+streamName(t, s), err)
	}
	return st.CachedInfo(), nil
}

// lost compares with what was known. Stores keep microseconds or less, hence the second.
func lost(name string, info *jetstream.StreamInfo, known map[string]time.Time) error {
	at, ok := known[name]
	if !ok {
		return nil
	}
	f := &fault.Error{Kind: fault.Config, Code: fault.BrokerDrift,
		Next: "restore the broker's folder, or accept the loss and let every record be read again"}
	switch {
	case info == nil:
		f.Detail = fmt.Sprintf("%s: stream is gone, it was created at %s", name, at.UTC().Format(time.RFC3339))
	case at.Sub(info.Created).Abs() > time.Second:
		f.Detail = fmt.Sprintf("%s: created is %s, want %s: another stream of that name", name, info.Created.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	default:
		return nil
	}
	return f
}

func (b *Bus) ensureStream(ctx context.Context, t tenant.ID, s bus.Stream, info *jetstream.StreamInfo) (time.Time, error) {
	ctx, cancel := b.call(ctx)
	defer cancel()
	want := streamConfig(t, s, b.opts)
	op := "ensure stream " + want.Name
	if info == nil {
		st, err := b.js.CreateStream(ctx, want)
		if err != nil {
			return time.Time{}, classify(op, err)
		}
		return st.CachedInfo().Created, nil
	}
	diffs := streamDrift(want, info.Config)
	if len(diffs) == 0 {
		return info.Created, nil
	}
	fixed, err := repaired(want.Name, info.Config, diffs)
	if err != nil {
		return time.Time{}, err
	}
	b.log.Warn("stream repaired", "tenant", t, "stream", want.Name, "fields", fields(diffs))
	_, err = b.js.UpdateStream(ctx, fixed)
	return info.Created, classify(op, err)
}

func (b *Bus) ensureConsumer(ctx context.Context, t tenant.ID, c bus.Consumer) error {
	ctx, cancel := b.call(ctx)
	defer cancel()
	s, _, _ := filter(c)
	want := consumerConfig(t, c, b.opts)
	op := "ensure consumer " + want.Name + " of " + streamName(t, s)
	have, err := b.js.Consumer(ctx, streamName(t, s), want.Name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		_, err = b.js.CreateConsumer(ctx, streamName(t, s), want)
		return classify(op, err)
	}
	if err != nil {
		return classify(op, err)
	}
	if anew, err := b.beginAnew(ctx, t, s, have.CachedInfo(), want); anew || err != nil {
		return classify(op, err)
	}
	diffs := consumerDrift(want, have.CachedInfo().Config)
	if len(diffs) == 0 {
		return nil
	}
	fixed, err := repaired(streamName(t, s)+" consumer "+want.Name, have.CachedInfo().Config, diffs)
	if err != nil {
		return err
	}
	b.log.Warn("consumer repaired", "tenant", t, "consumer", want.Name, "fields", fields(diffs))
	_, err = b.js.UpdateConsumer(ctx, streamName(t, s), fixed)
	return classify(op, err)
}

func fields[C any](diffs []difference[C]) []string {
	names := make([]string, len(diffs))
	for i, d := range diffs {
		names[i] = d.field
	}
	return names
}
