// Package event is the contract of what travels on the streams: a CloudEvents 1.0 envelope in structured JSON with
// our extension attributes, and one payload type for each schema in schemas/events. The schema comes first; tests
// hold types and schemas together in both directions.
package event

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Type names a payload and its major version; the schema of facts.v1 is schemas/events/facts.v1.json.
type Type string

// The payload types.
const (
	FactsV1  Type = "facts.v1"  // ERP: what the source says about one record
	CursorV1 Type = "cursor.v1" // ERP: where the poller stopped
	WantedV1 Type = "wanted.v1" // DIRECTORY: what the target should hold
	UrgentV1 Type = "urgent.v1" // DIRECTORY: this record goes first
	WakeV1   Type = "wake.v1"   // DIRECTORY: look at this record on this day
	TickV1   Type = "tick.v1"   // DIRECTORY: poll now
	AuditV1  Type = "audit.v1"  // AUDIT: an entry on its way to the store
	DeadV1   Type = "dead.v1"   // DEAD: an event that is not tried again by itself
)

// Types lists every payload type.
func Types() []Type {
	return []Type{FactsV1, CursorV1, WantedV1, UrgentV1, WakeV1, TickV1, AuditV1, DeadV1}
}

// MaxSize is the largest encoded event, in bytes; larger payloads are split per record (design.md 4).
const MaxSize = 900 << 10

// SchemaBase is what dataschema starts with; the rest is the type and ".json".
const SchemaBase = "https://ml-connector.example/schemas/events/"

// Event is the envelope with its payload still encoded.
type Event struct {
	ID      string    // derived from what happened: the same happening has the same id
	Source  string    // which part of which program: "poller", "transformer"
	Type    Type      // payload type
	Subject string    // the record as kind/key, or the kind
	Time    time.Time // when it happened, UTC
	Tenant  tenant.ID
	Version uint64 // orders events about one record: ledger revision; 0 where there is no order
	Cause   string // cycle/<id>, ib/<transaction>, webhook/<id>, replay/<id>, person/<name>, wake/<date>
	Trace   string // W3C traceparent; "" when there is none
	Force   bool   // write again although the target is believed to hold it (touch)
	Data    json.RawMessage
}

type wire struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            Type            `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	DataSchema      string          `json:"dataschema"`
	Tenant          tenant.ID       `json:"tenant"`
	Version         uint64          `json:"version,omitempty"`
	Cause           string          `json:"cause,omitempty"`
	Trace           string          `json:"traceparent,omitempty"`
	Force           bool            `json:"force,omitempty"`
	Data            json.RawMessage `json:"data"`
}

// Encode writes the event as structured CloudEvents JSON. It fails on a payload that is not JSON.
func Encode(e Event) ([]byte, error) {
	b, err := json.Marshal(wire{"1.0", e.ID, e.Source, e.Type, e.Subject, e.Time.UTC(), "application/json",
		SchemaBase + string(e.Type) + ".json", e.Tenant, e.Version, e.Cause, e.Trace, e.Force, e.Data})
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return b, nil
}

// Decode reads an event and checks the envelope: version of the specification, id, type and tenant must be there.
func Decode(b []byte) (Event, error) {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return Event{}, fmt.Errorf("decode event: %w", err)
	}
	if w.SpecVersion != "1.0" || w.ID == "" || w.Type == "" {
		return Event{}, fmt.Errorf("decode event: not a CloudEvents 1.0 envelope of ours (specversion %q, id %q, type %q)", w.SpecVersion, w.ID, w.Type)
	}
	if _, err := tenant.Parse(string(w.Tenant)); err != nil {
		return Event{}, fmt.Errorf("decode event %s: tenant %q: %w", w.ID, w.Tenant, err)
	}
	return Event{w.ID, w.Source, w.Type, w.Subject, w.Time, w.Tenant, w.Version, w.Cause, w.Trace, w.Force, w.Data}, nil
}

// Payload decodes the payload into T after checking that the event has the type want.
func Payload[T any](e Event, want Type) (T, error) {
	var v T
	if e.Type != want {
		return v, fmt.Errorf("event %s: type %q, want %q", e.ID, e.Type, want)
	}
	if err := json.Unmarshal(e.Data, &v); err != nil {
		return v, fmt.Errorf("event %s: payload %s: %w", e.ID, want, err)
	}
	return v, nil
}

// With encodes v as the payload of e.
func With(e Event, v any) (Event, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return Event{}, fmt.Errorf("event %s: payload %s: %w", e.ID, e.Type, err)
	}
	e.Data = b
	return e, nil
}
