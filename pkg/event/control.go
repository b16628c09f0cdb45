package event

import (
	"encoding/json"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// Cursor is the payload of cursor.v1: where reading of one kind stopped. It lives in the ERP stream, stored in the
// same atomic batch as the page it stands behind, and comes from data, never from the clock.
type Cursor struct {
	Kind  record.Kind `json:"kind"`
	Since erp.Stamp   `json:"since,omitempty"` // newest change time seen in finished windows
	Open  *Window     `json:"open,omitempty"`  // the rest of the window that is being read
	Cycle string      `json:"cycle"`           // the cycle that stored this cursor
	Full  int         `json:"full,omitempty"`  // records of the last complete full read

	Effective erp.Date       `json:"effective,omitempty"` // day up to which rows were read that take effect without a new change time
	Due       *Window        `json:"due,omitempty"`       // the rest of the pass over days of effect that is being read
	Varied    map[string]int `json:"varied,omitempty"`    // of the last good full read: after how many records a field showed a second value
}

// Window is the part of the source that is still to be read, with what was seen of it so far.
type Window struct {
	From    erp.Stamp `json:"from,omitempty"`
	To      erp.Stamp `json:"to,omitempty"`
	After   string    `json:"after,omitempty"`
	Full    bool      `json:"full,omitempty"`
	Began   erp.Stamp `json:"began,omitempty"` // wall clock when its first page was asked for; the cursor never passes it
	Seen    erp.Stamp `json:"seen,omitempty"`
	Rows    int       `json:"rows,omitempty"`
	Records int       `json:"records,omitempty"`
	Pages   int       `json:"pages,omitempty"`

	EffFrom erp.Date          `json:"eff_from,omitempty"` // with EffTo: the days of effect that are read, in place of change times
	EffTo   erp.Date          `json:"eff_to,omitempty"`
	Varied  map[string]int    `json:"varied,omitempty"` // of a full read: as in Cursor
	Same    map[string]string `json:"same,omitempty"`   // of a full read: digest of a field's only value so far
}

// Urgent is the payload of urgent.v1.
type Urgent struct {
	Kind record.Kind `json:"kind"`
	Key  string      `json:"key"`
}

// Wake is the payload of wake.v1, on the schedule and, when it fires, on the due subject. It carries only the key. With
// From it asks that what the stream ERP holds of the record from that sequence on is taken now, before its turn.
type Wake struct {
	Kind record.Kind `json:"kind"`
	Key  string      `json:"key"`
	Date erp.Date    `json:"date"`
	At   time.Time   `json:"at,omitzero"` // the instant, where it is not the start of the day
	From uint64      `json:"from,omitzero"`
}

// Mode says what a poll reads.
type Mode string

// The modes of a poll.
const (
	ModeWindow Mode = "window" // what changed since the cursor
	ModeFull   Mode = "full"   // everything
	ModeKey    Mode = "key"    // one record
)

// Tick is the payload of tick.v1: poll now.
type Tick struct {
	Kind  record.Kind `json:"kind"`
	Mode  Mode        `json:"mode"`
	Key   string      `json:"key,omitempty"`   // with ModeKey
	Cycle string      `json:"cycle,omitempty"` // id the cycle must take, so that whoever asked can wait for it
}

// Audit is the payload of audit.v1.
type Audit struct {
	ID      string         `json:"id"`
	Kind    record.Kind    `json:"kind,omitempty"`
	Key     string         `json:"key,omitempty"`
	At      time.Time      `json:"at"`
	Stage   audit.Stage    `json:"stage"`
	Verb    string         `json:"verb,omitempty"`
	Outcome audit.Outcome  `json:"outcome"`
	Code    string         `json:"code,omitempty"`
	Detail  string         `json:"detail,omitempty"`
	Next    string         `json:"next,omitempty"`
	Cause   string         `json:"cause,omitempty"`
	Event   string         `json:"event,omitempty"`
	Version uint64         `json:"version,omitempty"`
	Changes []audit.Change `json:"changes,omitempty"`
	Explain []string       `json:"explain,omitempty"`
	Request string         `json:"request,omitempty"`
}

// AuditOf builds the payload for an entry; Entry undoes it.
func AuditOf(e audit.Entry) Audit {
	return Audit{e.ID, e.Ref.Kind, e.Ref.Key, e.At.UTC(), e.Stage, e.Verb, e.Outcome, e.Code, e.Detail, e.Next, e.Cause, e.Event, e.Version, e.Changes, e.Explain, e.Request}
}

// Entry is the audit entry that the payload carries.
func (a Audit) Entry() audit.Entry {
	return audit.Entry{ID: a.ID, Ref: record.Ref{Kind: a.Kind, Key: a.Key}, At: a.At, Stage: a.Stage, Verb: a.Verb, Outcome: a.Outcome,
		Code: a.Code, Detail: a.Detail, Next: a.Next, Cause: a.Cause, Event: a.Event, Version: a.Version, Changes: a.Changes, Explain: a.Explain, Request: a.Request}
}

// Dead is the payload of dead.v1: why an event is not tried again by itself, and the event.
type Dead struct {
	Stage    audit.Stage     `json:"stage"`
	Kind     record.Kind     `json:"kind,omitempty"`
	Key      string          `json:"key,omitempty"`
	Code     fault.Code      `json:"code"`
	Detail   string          `json:"detail,omitempty"` // never a personal value
	Stream   string          `json:"stream"`
	Sequence uint64          `json:"sequence"`
	Attempts int             `json:"attempts"`
	Original json.RawMessage `json:"original,omitempty"` // the event, when it is JSON
	Raw      []byte          `json:"raw,omitempty"`      // its first bytes, when it is not
}
