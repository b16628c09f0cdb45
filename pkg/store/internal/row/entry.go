package row

import (
	"encoding/json"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/audit"
)

// body holds the fields of an audit entry that are not columns, because nothing selects by them.
type body struct {
	Verb    string         `json:"verb,omitempty"`
	Code    string         `json:"code,omitempty"`
	Detail  string         `json:"detail,omitempty"`
	Next    string         `json:"next,omitempty"`
	Event   string         `json:"event,omitempty"`
	Version uint64         `json:"version,omitempty"`
	Changes []audit.Change `json:"changes,omitempty"`
	Explain []string       `json:"explain,omitempty"`
	Request string         `json:"request,omitempty"`
}

// EncodeEntry writes the part of e that is not in columns.
func EncodeEntry(e audit.Entry) string {
	b, err := json.Marshal(body{e.Verb, e.Code, e.Detail, e.Next, e.Event, e.Version, e.Changes, e.Explain, e.Request})
	if err != nil { // strings and numbers only: json cannot fail on them
		panic(err)
	}
	return string(b)
}

// DecodeEntry fills e with what EncodeEntry wrote.
func DecodeEntry(doc []byte, e *audit.Entry) error {
	var b body
	if err := json.Unmarshal(doc, &b); err != nil {
		return fmt.Errorf("decode audit entry: %w", err)
	}
	e.Verb, e.Code, e.Detail, e.Next, e.Event = b.Verb, b.Code, b.Detail, b.Next, b.Event
	e.Version, e.Changes, e.Explain, e.Request = b.Version, b.Changes, b.Explain, b.Request
	return nil
}

// Entries cleans the columns of entries and drops those whose id came before in the same call.
func Entries(entries []audit.Entry) []audit.Entry {
	seen := make(map[string]bool, len(entries))
	out := make([]audit.Entry, 0, len(entries))
	for _, e := range entries {
		if seen[e.ID] {
			continue
		}
		seen[e.ID] = true
		e.Ref.Key, e.Cause = Text(e.Ref.Key), Text(e.Cause)
		out = append(out, e)
	}
	return out
}
