package writer

import (
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// row is one fetched record on its way through the batch.
type row struct {
	d      bus.Delivery
	msg    bus.Message // of the wanted state, also when the delivery was an urgent announcement
	ref    record.Ref
	wanted directory.Entry
	digest string
	link   store.Link
	fresh  bool        // was in quarantine or taken over: an outcome was unknown before
	back   bool        // the record whose object is to be taken over works again
	old    *store.Link // of the record whose object is taken over, when it still has it
}

// result is how one row ended.
type result struct {
	row
	outcome target.Outcome
	end     audit.Outcome // set when the link answered the row and the target was not asked
	later   bool          // given back for the next batch to take along: nothing was sent and nothing is told
	refused bool          // the account took nothing at all: its finding tells, not one entry for each record
}

var errNoState = errors.New("no wanted state for this announcement")

// open decodes a delivery. An urgent announcement is exchanged for the record's state in the table. The row names its
// record also when it could not be opened.
func (b *batch) open(ctx context.Context, d bus.Delivery) (row, error) {
	m := d.Message()
	r := row{d: d, msg: m, ref: m.Ref}
	if m.Event.Type == event.UrgentV1 {
		state, err := b.w.bus.Wanted(ctx, b.t, m.Ref)
		if errors.Is(err, bus.ErrNone) {
			return r, errNoState
		}
		if err != nil {
			return r, err
		}
		r.msg.Event = state
	}
	payload, err := event.Payload[event.Wanted](r.msg.Event, event.WantedV1)
	if err != nil {
		return r, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "not a wanted state")
	}
	r.wanted, err = payload.Entry()
	if err != nil || payload.Ref() != m.Ref || r.msg.Event.Tenant != b.t {
		return r, fault.Wrap(err, fault.Invalid, fault.BadEnvelope,
			fmt.Sprintf("wanted state of %s of tenant %s on the subject of %s", payload.Ref(), r.msg.Event.Tenant, m.Ref))
	}
	r.digest = r.wanted.Digest()
	return r, nil
}

// answered tells how the link already answers the row; "" means that the target must see it. A version below the
// link's is never written, whatever else is true: the newer one was, or is on its way again (failures.md O5).
func (r row) answered() audit.Outcome {
	switch {
	case r.link.Version > r.msg.Event.Version:
		return audit.Superseded
	case r.msg.Event.Force, r.link.Digest == "":
		return ""
	case r.link.Version == r.msg.Event.Version, r.link.Digest == r.digest:
		return audit.Unchanged
	}
	return ""
}

func refs(rows []row) []record.Ref {
	out := make([]record.Ref, len(rows))
	for i, r := range rows {
		out[i] = r.ref
	}
	return out
}

func deliveries(rows []row) []bus.Delivery {
	out := make([]bus.Delivery, len(rows))
	for i, r := range rows {
		out[i] = r.d
	}
	return out
}

func rowsOf(rs []result) []row {
	out := make([]row, len(rs))
	for i, r := range rs {
		out[i] = r.row
	}
	return out
}
