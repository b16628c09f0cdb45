package natsbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	readMost  = 1000    // messages of one direct get (broker.md 2.1)
	readBytes = 8 << 20 // of their payloads
)

// shelf is what Read may read of a stream: the first word of its subjects and the only type of event there.
func shelf(s bus.Stream) (word string, typ event.Type, ok bool) {
	switch s {
	case bus.ERP:
		return wordFacts, event.FactsV1, true
	case bus.Directory:
		return wordTable, event.WantedV1, true
	case bus.Audit:
		return wordAudit, event.AuditV1, true
	case bus.Dead:
		return wordDead, event.DeadV1, true
	case bus.Replay:
		return wordReplay, event.FactsV1, true
	case bus.Desk:
	}
	return "", "", false
}

// shelfSubject is the filter for a record, or for all of them.
func shelfSubject(t tenant.ID, s bus.Stream, word string, ref record.Ref) string {
	if ref == (record.Ref{}) {
		return subject(word, t, ">")
	}
	kind, key := "*", "*"
	if ref.Kind != "" {
		kind = record.Token(string(ref.Kind))
	}
	if ref.Key != "" {
		key = record.Token(ref.Key)
	}
	if s == bus.Dead {
		return subject(word, t, "*", kind, key)
	}
	return subject(word, t, kind, key)
}

// Read returns the next part of a range.
func (b *Bus) Read(ctx context.Context, t tenant.ID, s bus.Stream, r bus.Range, limit int) (bus.Excerpt, error) {
	op := "read " + streamName(t, s)
	if err := checkTenant(t); err != nil {
		return bus.Excerpt{}, err
	}
	word, typ, ok := shelf(s)
	if !ok {
		return bus.Excerpt{}, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("stream %s cannot be read again", s))
	}
	limit = min(max(limit, 1), readMost)
	raw, err := b.direct(ctx, t, s, limit, jetstreamext.GetBatchSeq(max(r.From, 1)),
		jetstreamext.GetBatchSubject(shelfSubject(t, s, word, r.Ref)), jetstreamext.GetBatchMaxBytes(readBytes))
	if err != nil {
		return bus.Excerpt{}, classify(op, err)
	}
	var out bus.Excerpt
	for _, m := range raw {
		if r.To > 0 && m.Sequence > r.To {
			return out, nil
		}
		out.Next = m.Sequence + 1
		bm := bus.Message{Stream: s, Seq: m.Sequence, Attempt: 1, Stored: m.Time}
		if readInto(&bm, t, typ, m.Subject, m.Header, m.Data) != nil {
			out.Unreadable = append(out.Unreadable, m.Sequence)
			continue
		}
		out.Messages = append(out.Messages, bm)
	}
	if len(raw) == 0 || r.To > 0 && out.Next > r.To || raw[len(raw)-1].Header.Get("Nats-Num-Pending") == "0" {
		out.Next = 0
	}
	return out, nil
}

// direct is one direct get of several messages; none is not an error.
func (b *Bus) direct(ctx context.Context, t tenant.ID, s bus.Stream, limit int, opts ...jetstreamext.GetBatchOpt) ([]*jetstream.RawStreamMsg, error) {
	ctx, cancel := b.call(ctx)
	defer cancel()
	all, err := jetstreamext.GetBatch(ctx, b.js, streamName(t, s), limit, opts...)
	if err != nil {
		return nil, err //nolint:wrapcheck // classified by the callers
	}
	var out []*jetstream.RawStreamMsg
	for m, err := range all {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return out, nil
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // as above
		}
		out = append(out, m)
	}
	if err := ctx.Err(); err != nil { // the iterator ends in silence with its context
		return nil, err
	}
	return out, nil
}

// FirstAt is the sequence of the first message of the stream stored at or after at.
func (b *Bus) FirstAt(ctx context.Context, t tenant.ID, s bus.Stream, at time.Time) (uint64, error) {
	if err := checkTenant(t); err != nil {
		return 0, err
	}
	word, _, ok := shelf(s)
	if !ok {
		return 0, bus.ErrNone
	}
	raw, err := b.direct(ctx, t, s, 1, jetstreamext.GetBatchStartTime(at.UTC()), jetstreamext.GetBatchSubject(subject(word, t, ">")))
	if err != nil {
		return 0, classify("read "+streamName(t, s), err)
	}
	if len(raw) == 0 {
		return 0, bus.ErrNone
	}
	return raw[0].Sequence, nil
}

// Newest tells the sequence of each record's newest message.
func (b *Bus) Newest(ctx context.Context, t tenant.ID, s bus.Stream, refs []record.Ref) (map[record.Ref]uint64, error) {
	if err := checkTenant(t); err != nil {
		return nil, err
	}
	word, _, ok := shelf(s)
	if !ok || s != bus.ERP && s != bus.Directory {
		return nil, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("stream %s has no newest message of a record", s))
	}
	out := make(map[record.Ref]uint64, len(refs))
	for from := 0; from < len(refs); from += chunkCount {
		part := refs[from:min(from+chunkCount, len(refs))]
		subjects := make([]string, len(part))
		for i, ref := range part {
			subjects[i] = refSubject(word, t, ref)
		}
		found, err := b.lastOf(ctx, t, s, subjects)
		if err != nil {
			return nil, err
		}
		for i, ref := range part {
			if m := found[subjects[i]]; m != nil {
				out[ref] = m.Sequence
			}
		}
	}
	return out, nil
}

// Replay appends facts to REPLAY; repeating a call within ten minutes doubles none.
func (b *Bus) Replay(ctx context.Context, t tenant.ID, events ...event.Event) error {
	_, err := b.appendAll(ctx, t, fmt.Sprintf("replay %s", t), events, func(e event.Event) (*nats.Msg, error) {
		ref, err := named(e)
		if err != nil {
			return nil, err
		}
		if _, ok := event.Place(e); !ok || e.Type != event.FactsV1 {
			return nil, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("event %s of type %q is not a replay of facts", e.ID, e.Type))
		}
		return encode(t, refSubject(wordReplay, t, ref), e)
	})
	return err
}
