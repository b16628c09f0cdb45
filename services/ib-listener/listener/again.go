package listener

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Unseal undoes Seal.
type Unseal func(ctx context.Context, t tenant.ID, place string, sealed json.RawMessage) ([]byte, error)

// maxUnpacked bounds what a letter may unpack to: more than any door lets in.
const maxUnpacked = 256 << 20

// Opened answers the bytes of the message that a dead letter with this id keeps sealed.
func Opened(ctx context.Context, unseal Unseal, t tenant.ID, id string, doc json.RawMessage) ([]byte, error) {
	raw, _, err := opened(ctx, unseal, t, id, doc)
	return raw, err
}

func opened(ctx context.Context, unseal Unseal, t tenant.ID, id string, doc json.RawMessage) ([]byte, original, error) {
	var o original
	delivery, ours := strings.CutPrefix(id, "dead/"+string(audit.Listener)+"/")
	if err := json.Unmarshal(doc, &o); err != nil || !ours {
		return nil, o, fault.New(fault.Invalid, fault.BadEnvelope, "the letter holds no message of the ingress")
	}
	if o.Sealed == nil {
		return nil, o, fault.New(fault.Invalid, fault.TooLarge, fmt.Sprintf("the message was too large to be kept: %d bytes", o.Size))
	}
	plain, err := unseal(ctx, t, Place(delivery), o.Sealed)
	if err != nil || o.Packed != "gzip" {
		return plain, o, err
	}
	z, err := gzip.NewReader(bytes.NewReader(plain))
	if err != nil {
		return nil, o, fault.New(fault.Invalid, fault.BadEnvelope, "the letter cannot be unpacked")
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
	if err != nil {
		return nil, o, fault.New(fault.Invalid, fault.BadEnvelope, "the letter cannot be unpacked")
	}
	return raw, o, nil
}

// Again takes a message out of its dead letter and stores its records as the ingress would by the door's present
// settings. The handler's clock must stand at the letter's time, so that statements keep their age, and its bus must
// say of each record where it belongs (event.Again), so that an old message is not taken for the newest. The ids are
// those of the delivery, so that a second call doubles nothing. It fails when the message still cannot be used; nothing
// is stored then, and the letter is what it was.
func (h *Handler) Again(ctx context.Context, door *Door, unseal Unseal, id, cause string, doc json.RawMessage) error {
	raw, o, err := opened(ctx, unseal, door.Tenant, id, doc)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/ib/"+string(door.Tenant), nil)
	if err != nil {
		return err
	}
	o.Told.onto(r)
	m, err := door.open(r, raw)
	if err != nil {
		return err
	}
	if !door.sends(m.From) { // who it came from may show only now that it can be opened
		return fault.New(fault.Invalid, fault.SourceForbidden, "the node that sent it may not send")
	}
	d := &delivery{h: h, door: door, m: m, who: identity{strings.TrimPrefix(id, "dead/"+string(audit.Listener)+"/"), cause}, raw: raw, kind: o.ContentType, told: o.Told,
		open: func() (Message, error) { return door.open(r, raw) }}
	return d.restore(ctx)
}

// restore stores what is in the message, or says why it cannot.
func (d *delivery) restore(ctx context.Context) error {
	events, counts, err := d.read(ctx)
	if err == nil && !counts.usable() {
		err = nothing(counts)
	}
	if err != nil {
		return err
	}
	if events == nil && counts.Records > 0 {
		err = d.storeAll(ctx)
	} else {
		err = d.store(ctx, events)
	}
	if err != nil {
		return err
	}
	return d.received(ctx, counts)
}
