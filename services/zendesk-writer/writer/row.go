package writer

import (
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// row is one fetched record on its way through the batch.
type row struct {
	d      bus.Delivery
	msg    bus.Message // of the wanted state, also when the delivery was an urgent announcement
	ref    record.Ref
	wanted directory.Entry
	digest string
	link   store.Link
	fresh  bool // was in quarantine or taken over: an outcome was unknown before
}

// open decodes a delivery. An urgent announcement is exchanged for the record's state in the table.
func (b *batch) open(ctx context.Context, d bus.Delivery) (row, error) {
	m := d.Message()
	e := m.Event
	if e.Type == event.UrgentV1 {
		state, err := b.w.bus.Wanted(ctx, b.t, m.Ref)
		if errors.Is(err, bus.ErrNone) {
			return row{}, errNoState
		}
		if err != nil {
			return row{}, err
		}
		e = state
	}
	payload, err := event.Payload[event.Wanted](e, event.WantedV1)
	if err != nil {
		return row{}, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "not a wanted state")
	}
	entry, err := payload.Entry()
	if err != nil || payload.Ref() != m.Ref {
		return row{}, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, fmt.Sprintf("wanted state of %s on the subject of %s", payload.Ref(), m.Ref))
	}
	m.Event = e
	return row{d: d, msg: m, ref: m.Ref, wanted: entry, digest: entry.Digest()}, nil
}

var errNoState = errors.New("no wanted state for this announcement")

// covered tells whether the link already answers the row: it holds this version or a newer one, or the same state.
func (r row) covered() bool {
	if r.msg.Event.Force || r.link.Digest == "" {
		return false
	}
	return r.link.Version >= r.msg.Event.Version || r.link.Digest == r.digest
}
