package natsbus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

const rawMax = 4 << 10 // first bytes kept of what is not JSON or too large (failures.md M06)

// letter is the dead letter of a message that failed with err. Only code and detail of classified errors enter it:
// the text of an unclassified one may hold anything.
func (l *lane) letter(bm bus.Message, err error) event.Dead {
	d := event.Dead{Stage: stage(l.name), Kind: bm.Ref.Kind, Key: bm.Ref.Key, Code: fault.CodeOf(err),
		Stream: streamName(l.t, l.stream), Sequence: bm.Seq, Attempts: bm.Attempt}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		d.Detail = f.Detail
	}
	if fault.KindOf(err) == fault.Internal {
		d.Code = fault.Poison
		d.Detail = cmp.Or(d.Detail, fmt.Sprintf("failed %d times by an error of ours: see the log", bm.Attempt))
	}
	return d
}

// original puts the message into the letter.
func original(d *event.Dead, data []byte) {
	if len(data) <= event.MaxSize-2*rawMax && json.Valid(data) {
		d.Original = data
		return
	}
	d.Raw = data[:min(len(data), rawMax)]
}

// bury stores the dead letter and then terminates the message. The letter's id says which message it is about, so
// that a second burial within ten minutes is one letter.
func (l *lane) bury(ctx context.Context, m jetstream.Msg, bm bus.Message, d event.Dead) error {
	if d.Original == nil && d.Raw == nil {
		original(&d, m.Data())
	}
	e, err := event.With(event.Event{ID: fmt.Sprintf("dead/%s/%s/%d", d.Stage, streamName(l.t, l.stream), bm.Seq),
		Source: source, Type: event.DeadV1, Subject: bm.Ref.String(), Time: time.Now().UTC(), Tenant: l.t,
		Version: bm.Event.Version, Cause: bm.Event.Cause, Trace: bm.Event.Trace}, d)
	if err != nil {
		return fmt.Errorf("bury: %w", err)
	}
	if err := l.bus.Publish(ctx, l.t, bus.Dead, e); err != nil {
		return fmt.Errorf("bury: %w", err)
	}
	return classify("bury", m.TermWithReason(string(d.Code)))
}
