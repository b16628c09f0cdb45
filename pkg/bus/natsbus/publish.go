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
	_, err := b.appendAll(ctx, t, fmt.Sprintf("publish %s", streamName(t, s)), events, func(e event.Event) (*nats.Msg, error) {
		subj, err := logSubject(t, s, e)
		if err != nil {
			return nil, err
		}
		return encode(t, subj, e)
	})
	return err
}

// PublishFacts appends facts outside a page, and announces few of them that a backlog keeps waiting.
func (b *Bus) PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error {
	first, err := b.appendAll(ctx, t, fmt.Sprintf("publish facts %s", t), events, func(e event.Event) (*nats.Msg, error) {
		return factsMessage(t, e)
	})
	if err == nil && len(events) > 0 {
		b.hasten(ctx, t, first, events)
	}
	return err
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

// appendAll appends events that are made into messages by build, and answers the lowest sequence that one of them has.
func (b *Bus) appendAll(ctx context.Context, t tenant.ID, op string, events []event.Event, build func(event.Event) (*nats.Msg, error)) (uint64, error) {
	if err := checkTenant(t); err != nil {
		return 0, err
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
			return 0, classify(op, err)
		}
		m.Header.Set(jetstream.MsgIDHeader, string(t)+"/"+e.ID)
		msgs = append(msgs, m)
	}
	first, err := b.append(ctx, msgs)
	return first, classify(op, err)
}

// append answers the lowest sequence that one of the messages has.
func (b *Bus) append(ctx context.Context, msgs []*nats.Msg) (first uint64, err error) {
	lowest := func(seq uint64) {
		if first == 0 || seq < first {
			first = seq
		}
	}
	for _, c := range chunks(len(msgs), func(i int) int { return len(msgs[i].Data) }) {
		part := msgs[c[0]:c[1]]
		if len(part) > 1 {
			last, err := b.atomic(ctx, part)
			if err == nil {
				lowest(last + 1 - uint64(len(part)))
				continue
			}
			if codeOf(err) != codeBatchRepeats {
				return 0, err
			}
		}
		for _, m := range part { // one of them is there already: the broker drops it alone, not in a batch
			seq, err := b.publishAt(ctx, plain(m))
			if err != nil {
				return 0, err
			}
			lowest(seq)
		}
	}
	return first, nil
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
	_, err := b.append(ctx, msgs)
	return classify(fmt.Sprintf("urge %s", t), err)
}
