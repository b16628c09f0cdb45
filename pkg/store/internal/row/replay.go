package row

import (
	"encoding/json"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// again holds the fields of a replay that are not columns.
type again struct {
	Stream  string      `json:"stream"`
	From    uint64      `json:"from"`
	To      uint64      `json:"to"`
	Kind    record.Kind `json:"kind,omitempty"`
	Key     string      `json:"key,omitempty"`
	By      string      `json:"by,omitempty"`
	Events  int         `json:"events"`
	Skipped int         `json:"skipped,omitempty"`
	Code    fault.Code  `json:"code,omitempty"`
	Detail  string      `json:"detail,omitempty"`
	Moved   int64       `json:"moved"`
	Ended   int64       `json:"ended"`
}

// EncodeReplay writes the part of r that is not in columns (id, state, next, started).
func EncodeReplay(r store.Replay) string {
	b, err := json.Marshal(again{r.Stream, r.From, r.To, r.Ref.Kind, r.Ref.Key, Text(r.By), r.Events, r.Skipped, r.Code, Text(r.Detail), Micros(r.Moved), Micros(r.Ended)})
	if err != nil { // strings and numbers only: json cannot fail on them
		panic(err)
	}
	return string(b)
}

// DecodeReplay fills r with what EncodeReplay wrote.
func DecodeReplay(doc []byte, r *store.Replay) error {
	var a again
	if err := json.Unmarshal(doc, &a); err != nil {
		return fmt.Errorf("decode replay: %w", err)
	}
	r.Stream, r.From, r.To, r.Ref, r.By = a.Stream, a.From, a.To, record.Ref{Kind: a.Kind, Key: a.Key}, a.By
	r.Events, r.Skipped, r.Code, r.Detail, r.Moved, r.Ended = a.Events, a.Skipped, a.Code, a.Detail, Time(a.Moved), Time(a.Ended)
	return nil
}
