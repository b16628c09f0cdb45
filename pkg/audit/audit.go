// Package audit is the contract of the audit trail: one entry for each decision of each stage, with before, after,
// cause and outcome. Entries are append-only; their ids are derived from what happened, so that repeats are harmless.
package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
)

// Stage names who decided.
type Stage string

// The stages that write entries.
const (
	Poller      Stage = "poller"
	Listener    Stage = "ib-listener"
	Transformer Stage = "transformer"
	Writer      Stage = "zendesk-writer"
	Operator    Stage = "operator"
)

// Outcome is how the decision ended. The last seven are terminal for a record (failures.md 2.1).
type Outcome string

// The outcomes.
const (
	Received   Outcome = "received"   // facts arrived and were stored
	Resolved   Outcome = "resolved"   // a wanted state was computed and handed on
	Retried    Outcome = "retried"    // an attempt did not end it; it is tried again
	Applied    Outcome = "applied"    // the target was changed
	Verified   Outcome = "verified"   // after an unknown outcome the target was read and holds what was wanted
	Unchanged  Outcome = "unchanged"  // nothing to do
	Superseded Outcome = "superseded" // older than what is known
	Held       Outcome = "held"       // waits for a person or another record
	Rejected   Outcome = "rejected"   // a person said no
	Dead       Outcome = "dead"       // dead letter
	Started    Outcome = "started"    // a cycle or command began
	Finished   Outcome = "finished"   // a cycle or command ended well
	Failed     Outcome = "failed"     // a cycle or command ended badly
)

// Change is one field's old and new value, as shown to people.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Entry is one decision. Values in it are the managed fields of the record and never a secret.
type Entry struct {
	ID      string     // derived from what happened, see ID
	Ref     record.Ref // zero for entries about a cycle or a command
	At      time.Time
	Stage   Stage
	Verb    string // nothing, create, update, suspend, restore; or read, apply, sync, …
	Outcome Outcome
	Code    string // reason code of package fault; "" when there is nothing to explain
	Detail  string // one sentence for a person
	Next    string // what to do about it, if anything
	Cause   string // what set it off: cycle/<id>, person/<name>, wake/<date>, replay/<id>
	Event   string // id of the event it is about
	Version uint64 // of the wanted state; 0 when there is none
	Changes []Change
	Explain []string // the decision's reasons, in order: "active because EMPL_RCD 1 is A since 2026-02-01"
	Request string   // method, path and job or request id of the target; never a body
}

// ID derives an entry's id from what happened: stage, record, version and anything that tells attempts apart. The
// same happening gives the same id after a crash; the clock must not be among the parts.
func ID(stage Stage, ref record.Ref, version uint64, parts ...string) string {
	h := sha256.New()
	for _, p := range append([]string{string(stage), string(ref.Kind), ref.Key, strconv.FormatUint(version, 10)}, parts...) {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Query selects entries; zero fields do not restrict.
type Query struct {
	Ref     record.Ref // Kind alone, or Kind and Key; Key alone selects that key of any kind
	Stage   Stage
	Outcome Outcome
	Cause   string
	Since   time.Time
	Until   time.Time
	After   int64 // entries stored behind this position, for paging
	Limit   int   // 0 means 1000
	Newest  bool  // newest first; else in the order stored
}

// Stored is an entry with its position in the tenant's trail.
type Stored struct {
	Position int64
	Entry
	Seal string // hash of the chain up to here; "" until the recorder sealed it
}
