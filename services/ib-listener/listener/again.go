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
// settings. The handler's clock must stand at the letter's time, so that statements keep their age. The ids are those of the delivery, so that a second call doubles
// nothing. It fails when the message still cannot be used; nothing is stored then, and the letter is what it was.
func (h *Handler) Again(ctx context.Context, door *Door, unseal Unseal, id, cause string, doc json.RawMessage) error {
	raw, o, err := opened(ctx, unseal, door.Tenant, id, doc)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/ib/"+string(door.Tenant), nil)
	if err != nil {
		return err
	}
	for name, v := range map[string]string{"Content-Type": o.ContentType, "ExternalOperationName": o.Message, "From": o.From, "TransactionID": o.Transaction, "Content-Encoding": coding(raw)} {
		if v != "" {
			r.Header.Set(name, v)
		}
	}
	m, err := door.open(r, raw)
	if err != nil {
		return err
	}
	d := &delivery{h: h, door: door, m: m, who: identity{strings.TrimPrefix(id, "dead/"+string(audit.Listener)+"/"), cause}, raw: raw, kind: o.ContentType,
		open: func() (Message, error) { return door.open(r, raw) }}
	return d.restore(ctx)
}

// coding tells a packed body by its first bytes: the letter keeps the body as it came, without its headers.
func coding(raw []byte) string {
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		return "gzip"
	case len(raw) > 1 && raw[0] == 0x78 && (int(raw[0])<<8|int(raw[1]))%31 == 0:
		return "deflate"
	}
	return ""
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
