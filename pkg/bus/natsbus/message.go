package natsbus

import (
	"fmt"
	"slices"
	"strings"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Our headers.
const (
	hdrVersion = "Ml-Version"
	hdrType    = "Ml-Type"
	hdrBatch   = "Ml-Batch" // on cursors: which call stored it
)

// brokerHeaders is what headers of the broker start with. They are dropped on receipt: published again they would
// stage a message into a batch that never ends (broker.md W13).
const brokerHeaders = "Nats-"

func version(v uint64) string { return fmt.Sprintf("%020d", v) }

// encode makes the message of an event for a subject. It refuses events of another tenant and events that are too
// large, before anything is sent.
func encode(t tenant.ID, subj string, e event.Event) (*nats.Msg, error) {
	if e.Tenant != t {
		return nil, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("event %s: of tenant %q, published for %q", e.ID, e.Tenant, t))
	}
	if !slices.Contains(event.Types(), e.Type) {
		return nil, fault.New(fault.Invalid, fault.BadEnvelope, fmt.Sprintf("event %s: unknown type %q", e.ID, e.Type))
	}
	data, err := event.Encode(e)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, fault.BadEnvelope, "payload")
	}
	if len(data) > event.MaxSize {
		return nil, fault.New(fault.Invalid, fault.TooLarge, fmt.Sprintf("event %s: %d bytes, at most %d", e.ID, len(data), event.MaxSize))
	}
	m := nats.NewMsg(subj)
	m.Data = data
	m.Header.Set(wmnats.WatermillUUIDHdr, e.ID)
	m.Header.Set(hdrVersion, version(e.Version))
	m.Header.Set(hdrType, string(e.Type))
	return m, nil
}

// decode reads a delivery. Whatever is not exactly what we would have published is an error: another tenant's event,
// a type that does not belong on the stream, a header with two values.
func decode(t tenant.ID, s bus.Stream, want event.Type, m jetstream.Msg) (bus.Message, error) {
	md, err := m.Metadata()
	if err != nil {
		return bus.Message{}, err
	}
	out := bus.Message{Stream: s, Seq: md.Sequence.Stream, Attempt: int(md.NumDelivered), Pending: md.NumPending, Stored: md.Timestamp}
	err = readInto(&out, t, want, m.Subject(), m.Headers(), m.Data())
	return out, err
}

// readInto reads subject, headers and payload into out.
func readInto(out *bus.Message, t tenant.ID, want event.Type, subj string, headers nats.Header, data []byte) (err error) {
	if out.Ref, err = parseRef(t, subj); err != nil {
		return err
	}
	for name, values := range headers {
		if len(values) != 1 && !strings.HasPrefix(name, brokerHeaders) {
			return fmt.Errorf("header %s: %d values", name, len(values))
		}
	}
	if out.Event, err = event.Decode(data); err != nil {
		return err
	}
	if out.Event.Tenant != t {
		return fmt.Errorf("event of tenant %q on a stream of %q", out.Event.Tenant, t)
	}
	if out.Event.Type != want {
		return fmt.Errorf("type %q on this stream, want %q", out.Event.Type, want)
	}
	return nil
}
