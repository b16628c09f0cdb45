package natsbus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// stream is the handle of a tenant's stream; handles name the stream only, so they are kept.
func (b *Bus) stream(ctx context.Context, t tenant.ID, s bus.Stream) (jetstream.Stream, error) {
	if err := checkTenant(t); err != nil {
		return nil, err
	}
	name := streamName(t, s)
	if st, ok := b.known.Load(name); ok {
		return st.(jetstream.Stream), nil //nolint:forcetypeassert // only stored here
	}
	ctx, cancel := b.call(ctx)
	defer cancel()
	st, err := b.js.Stream(ctx, name)
	if err != nil {
		return nil, classify("open stream "+name, err)
	}
	b.known.Store(name, st)
	return st, nil
}

// last is the newest message of a subject; nil when there is none.
func (b *Bus) last(ctx context.Context, t tenant.ID, s bus.Stream, subj string) (*jetstream.RawStreamMsg, error) {
	st, err := b.stream(ctx, t, s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := b.call(ctx)
	defer cancel()
	m, err := st.GetLastMsgForSubject(ctx, subj)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	return m, classify("read "+subj, err)
}

// lastOf is last for many subjects in one request; subjects without a message are missing in the answer. At most 1000
// subjects (broker.md 2.1, direct get multi).
func (b *Bus) lastOf(ctx context.Context, t tenant.ID, s bus.Stream, subjects []string) (map[string]*jetstream.RawStreamMsg, error) {
	found := make(map[string]*jetstream.RawStreamMsg, len(subjects))
	ctx, cancel := b.call(ctx)
	defer cancel()
	all, err := jetstreamext.GetLastMsgsFor(ctx, b.js, streamName(t, s), subjects)
	if err != nil {
		return nil, classify("read "+streamName(t, s), err)
	}
	for m, err := range all {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			break
		}
		if err != nil {
			return nil, classify("read "+streamName(t, s), err)
		}
		found[m.Subject] = m
	}
	return found, nil
}

func (b *Bus) publish(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) error {
	_, err := b.publishAt(ctx, m, opts...)
	return err
}

// publishAt stores m and answers its sequence; of a repeat that was dropped, the sequence of the first.
func (b *Bus) publishAt(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (uint64, error) {
	ctx, cancel := b.call(ctx)
	defer cancel()
	ack, err := b.js.PublishMsg(ctx, m, opts...)
	if err != nil {
		return 0, err //nolint:wrapcheck // callers look at the broker's code and classify
	}
	return ack.Sequence, nil
}
