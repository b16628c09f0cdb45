package natsbus

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	pageTries = 3
	pageWait  = 100 * time.Millisecond
)

func cursorSubject(t tenant.ID, kind record.Kind) string {
	return subject(wordCursor, t, record.Token(string(kind)))
}

// Cursor returns the newest cursor event of the kind and its sequence.
func (b *Bus) Cursor(ctx context.Context, t tenant.ID, kind record.Kind) (event.Event, uint64, error) {
	m, err := b.last(ctx, t, bus.ERP, cursorSubject(t, kind))
	if err != nil {
		return event.Event{}, 0, err
	}
	if m == nil {
		return event.Event{}, 0, bus.ErrNone
	}
	e, err := event.Decode(m.Data)
	if err != nil {
		return event.Event{}, 0, fault.Wrap(err, fault.Config, fault.BadEnvelope, "cursor of "+string(kind))
	}
	return e, m.Sequence, nil
}

// AppendPage stores events and cursor whole or not at all. When the answer is unclear, the cursor is read back: it
// carries the name of the call that stored it.
func (b *Bus) AppendPage(ctx context.Context, t tenant.ID, kind record.Kind, p bus.Page) (uint64, error) {
	op := fmt.Sprintf("append page %s/%s", t, kind)
	call := nuid.Next()
	msgs, err := pageMessages(t, kind, p, call)
	if err != nil {
		return 0, classify(op, err)
	}
	for try := 1; ; try++ {
		crash.Point("poller.before_watermark") // rows and cursor are one batch
		seq, err := b.atomic(ctx, msgs)
		if err == nil {
			return seq, nil
		}
		lostRace := isConflict(err)
		if lostRace && try == 1 {
			return 0, fmt.Errorf("%s: %w", op, bus.ErrConflict)
		}
		if !lostRace && !unclear(err) {
			return 0, classify(op, err)
		}
		cur, rerr := b.last(ctx, t, bus.ERP, cursorSubject(t, kind))
		switch {
		case rerr != nil: // still unclear
			return 0, classify(op, err)
		case cur != nil && cur.Header.Get(hdrBatch) == call:
			return cur.Sequence, nil
		case lostRace || sequence(cur) != p.Prev:
			return 0, fmt.Errorf("%s: %w", op, bus.ErrConflict)
		case try == pageTries || pause(ctx, pageWait<<try) != nil:
			return 0, classify(op, err)
		}
	}
}

func sequence(m *jetstream.RawStreamMsg) uint64 {
	if m == nil {
		return 0
	}
	return m.Sequence
}

func pageMessages(t tenant.ID, kind record.Kind, p bus.Page, call string) ([]*nats.Msg, error) {
	if err := checkTenant(t); err != nil {
		return nil, err
	}
	if len(p.Events) > bus.MaxPage {
		return nil, fault.New(fault.Invalid, fault.TooLarge, fmt.Sprintf("%d events, at most %d", len(p.Events), bus.MaxPage))
	}
	msgs := make([]*nats.Msg, 0, len(p.Events)+1)
	for _, e := range p.Events {
		m, err := factsMessage(t, e)
		if err != nil {
			return nil, err
		}
		msgs = append(msgs, m)
	}
	if p.Cursor.Type != event.CursorV1 {
		return nil, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("cursor of type %q", p.Cursor.Type))
	}
	c, err := encode(t, cursorSubject(t, kind), p.Cursor)
	if err != nil {
		return nil, err
	}
	c.Header.Set(hdrBatch, call)
	c.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(p.Prev, 10))
	c.Header.Set(jetstream.MsgTTLHeader, "never")
	c.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	return append(msgs, c), nil
}

func factsMessage(t tenant.ID, e event.Event) (*nats.Msg, error) {
	ref, err := named(e)
	if err != nil {
		return nil, err
	}
	if e.Type != event.FactsV1 {
		return nil, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("event %s: type %q, want %q", e.ID, e.Type, event.FactsV1))
	}
	return encode(t, refSubject(wordFacts, t, ref), e)
}
