package listener

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// unusable is what becomes of a message that failed with err. What may heal is asked for again; what cannot becomes a
// dead letter, and its sender is told that all is well, so that its queue goes on.
func (d *delivery) unusable(ctx context.Context, err error) answer {
	if doubtful := fault.CodeOf(err) == fault.SourceTruncated || fault.KindOf(err) == fault.Internal; doubtful && d.desk.memory.doubt(d.who.id) >= maxTries {
		err = fault.New(fault.Invalid, fault.CodeOf(err), fmt.Sprintf("%s, in each of %d deliveries", reason(err), maxTries))
	}
	if fault.KindOf(err) != fault.Invalid {
		return d.end(err, "")
	}
	if err := d.bury(ctx, err); err != nil {
		return d.end(err, "")
	}
	if d.door.Strict {
		return answer{status: http.StatusBadRequest, code: fault.CodeOf(err), detail: reason(err), form: d.m.Answer}
	}
	d.desk.memory.keep(d.who.id)
	return answer{status: http.StatusOK, code: fault.CodeOf(err), detail: "received; it cannot be used: " + reason(err), form: d.m.Answer}
}

// reason is the detail of a classified error; other texts may hold anything.
func reason(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Detail != "" {
		return f.Detail
	}
	return string(fault.CodeOf(err))
}

// original is what a dead letter keeps of the message. The bytes are sealed: they may hold anything PeopleSoft knows
// about a person.
type original struct {
	Message     string          `json:"message,omitempty"`
	From        string          `json:"from,omitempty"`
	Transaction string          `json:"transaction,omitempty"`
	ContentType string          `json:"content_type,omitempty"`
	Told        told            `json:"told"` // a retry opens the body as it was said to be: nothing is guessed
	Size        int             `json:"size"`
	SHA256      string          `json:"sha256"`
	Packed      string          `json:"packed,omitempty"` // gzip: what was sealed
	Sealed      json.RawMessage `json:"sealed,omitempty"` // as package vault made it; absent when it would not fit
}

// Place is where the sealed bytes of a delivery belong; package vault opens them with the same text.
func Place(id string) string { return "dead letter of ib-listener " + id }

// bury stores the dead letter and its audit entry.
func (d *delivery) bury(ctx context.Context, why error) error {
	ctx, cancel := context.WithTimeout(ctx, d.h.opt.Wait)
	defer cancel()
	doc, err := d.original(ctx)
	if err != nil {
		return err
	}
	id := "dead/" + string(audit.Listener) + "/" + d.who.id
	e, err := event.With(event.Event{ID: id, Source: string(audit.Listener), Type: event.DeadV1, Time: d.h.opt.Now(), Tenant: d.door.Tenant, Cause: d.who.cause},
		event.Dead{Stage: audit.Listener, Code: fault.CodeOf(why), Detail: reason(why), Stream: string(bus.ERP), Attempts: 1, Original: doc})
	if err != nil {
		return err
	}
	if err := d.h.bus.Publish(ctx, d.door.Tenant, bus.Dead, e); err != nil {
		return err
	}
	return d.tell(ctx, audit.Entry{ID: d.id("dead"), Verb: "receive", Outcome: audit.Dead, Code: string(fault.CodeOf(why)), Detail: d.about() + ": " + reason(why),
		Next: fault.NextOf(why), Event: id})
}

func (d *delivery) original(ctx context.Context) (json.RawMessage, error) {
	sum := sha256.Sum256(d.raw)
	o := original{Message: shown(d.m.Name), From: shown(d.m.From), Transaction: shown(d.m.Transaction), ContentType: shown(d.kind), Told: d.told,
		Size: len(d.raw), SHA256: hex.EncodeToString(sum[:])}
	if d.h.seal != nil {
		packed, err := pack(d.raw)
		if err != nil {
			return nil, err
		}
		if len(packed) < event.MaxSize/2 {
			if o.Sealed, err = d.h.seal(ctx, d.door.Tenant, Place(d.who.id), packed); err != nil {
				return nil, err
			}
			o.Packed = "gzip"
		}
	}
	return json.Marshal(o)
}

func pack(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

// tooLarge buries one record that no event can hold (failures.md M06).
func (d *delivery) tooLarge(ctx context.Context, e event.Event) error {
	detail := fmt.Sprintf("the record has %d bytes of facts, an event holds %d", len(e.Data), event.MaxSize-room)
	facts, err := event.Payload[event.Facts](e, event.FactsV1)
	if err != nil {
		return err
	}
	ref := record.Ref{Kind: facts.Kind, Key: facts.Key}
	l, err := event.With(event.Event{ID: e.ID + "/dead", Source: e.Source, Type: event.DeadV1, Subject: e.Subject, Time: e.Time, Tenant: e.Tenant, Cause: e.Cause},
		event.Dead{Stage: audit.Listener, Kind: ref.Kind, Key: ref.Key, Code: fault.TooLarge, Detail: detail, Stream: string(bus.ERP), Attempts: 1, Raw: e.Data[:room]})
	if err != nil {
		return err
	}
	if err := d.h.bus.Publish(ctx, d.door.Tenant, bus.Dead, l); err != nil {
		return err
	}
	return d.tell(ctx, audit.Entry{ID: audit.ID(audit.Listener, ref, 0, e.ID, "dead"), Ref: ref, Verb: "receive", Outcome: audit.Dead,
		Code: string(fault.TooLarge), Detail: detail, Next: fault.TooLarge.Next()})
}
