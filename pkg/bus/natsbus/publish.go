package natsbus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Publish appends events to DESK, AUDIT or DEAD. Several events are stored in batches; on an error some of them may
// be stored, and repeating the call within ten minutes doubles none.
func (b *Bus) Publish(ctx context.Context, t tenant.ID, s bus.Stream, events ...event.Event) error {
	return b.appendAll(ctx, t, fmt.Sprintf("publish %s", streamName(t, s)), events, func(e event.Event) (*nats.Msg, error) {
		subj, err := logSubject(t, s, e)
		if err != nil {
			return nil, err
		}
		return encode(t, subj, e)
	})
}

// PublishFacts appends facts outside a page.
func (b *Bus) PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error {
	return b.appendAll(ctx, t, fmt.Sprintf("publish facts %s", t), events, func(e event.Event) (*nats.Msg, error) {
		return factsMessage(t, e)
	})
}

func logSubject(t tenant.ID, s bus.Stream, e event.Event) (string, error) {
	switch s {
	case bus.Desk:
		ref, err := named(e)
		return refSubject(wordDesk, t, ref), err
	case bus.Audit:
		ref := about(e)
		return subject(wordAudit, t, orNone(string(ref.Kind)), orNone(ref.Key)), nil
	case bus.Dead:
		d, err := event.Payload[event.Dead](e, event.DeadV1)
		if err != nil {
			return "", fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "dead letter")
		}
		return deadSubject(t, d), nil
	case bus.ERP, bus.Directory, bus.Replay:
	}
	return "", fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("stream %s does not take events this way", s))
}

func deadSubject(t tenant.ID, d event.Dead) string {
	return subject(wordDead, t, orNone(string(d.Stage)), orNone(string(d.Kind)), orNone(d.Key))
}

func (b *Bus) appendAll(ctx context.Context, t tenant.ID, op string, events []event.Event, build func(event.Event) (*nats.Msg, error)) error {
	if err := checkTenant(t); err != nil {
		return err
	}
	msgs := make([]*nats.Msg, 0, len(events))
	seen := make(map[string]bool, len(events))
	for _, e := range events {
		if seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		m, err := build(e)
		if err != nil {
			return classify(op, err)
		}
		m.Header.Set(jetstream.MsgIDHeader, string(t)+"/"+e.ID)
		msgs = append(msgs, m)
	}
	return classify(op, b.append(ctx, msgs))
}

func (b *Bus) append(ctx context.Context, msgs []*nats.Msg) error {
	for _, c := range chunks(len(msgs), func(i int) int { return len(msgs[i].Data) }) {
		part := msgs[c[0]:c[1]]
		if len(part) > 1 {
			_, err := b.atomic(ctx, part)
			if err == nil {
				continue
			}
			if codeOf(err) != codeBatchRepeats {
				return err
			}
		}
		for _, m := range part { // one of them is there already: the broker drops it alone, not in a batch
			if err := b.publish(ctx, plain(m)); err != nil {
				return err
			}
		}
	}
	return nil
}

// plain is m without what a batch wrote on it.
func plain(m *nats.Msg) *nats.Msg {
	out := &nats.Msg{Subject: m.Subject, Data: m.Data, Header: nats.Header{}}
	for k, v := range m.Header {
		if k == jetstream.MsgIDHeader || len(k) < len(brokerHeaders) || k[:len(brokerHeaders)] != brokerHeaders {
			out.Header[k] = v
		}
	}
	return out
}

// Urge announces records that go first. A second announcement replaces the first while that waits.
func (b *Bus) Urge(ctx context.Context, t tenant.ID, refs []record.Ref) error {
	if err := checkTenant(t); err != nil {
		return err
	}
	msgs := make([]*nats.Msg, 0, len(refs))
	for _, ref := range unique(refs) {
		m, err := control(t, refSubject(wordUrgent, t, ref), event.UrgentV1, "urgent/"+ref.String(), ref.String(), "", event.Urgent{Kind: ref.Kind, Key: ref.Key})
		if err != nil {
			return err
		}
		msgs = append(msgs, m)
	}
	return classify(fmt.Sprintf("urge %s", t), b.append(ctx, msgs))
}
