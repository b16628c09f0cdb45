package row

import (
	"encoding/json"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// pass holds the fields of a cycle that are not columns.
type pass struct {
	Mode    string     `json:"mode,omitempty"`
	Cause   string     `json:"cause,omitempty"`
	Ended   int64      `json:"ended"`
	From    string     `json:"from,omitempty"`
	To      string     `json:"to,omitempty"`
	Before  string     `json:"before,omitempty"`
	After   string     `json:"after,omitempty"`
	Pages   int        `json:"pages"`
	Rows    int        `json:"rows"`
	Records int        `json:"records"`
	Code    fault.Code `json:"code,omitempty"`
	Detail  string     `json:"detail,omitempty"`
	Next    string     `json:"next,omitempty"`
}

// EncodeCycle writes the part of c that is not in columns (id, kind, state, started).
func EncodeCycle(c store.Cycle) string {
	b, err := json.Marshal(pass{
		Mode: c.Mode, Cause: c.Cause, Ended: Micros(c.Ended), From: c.From, To: c.To, Before: c.Before, After: c.After,
		Pages: c.Pages, Rows: c.Rows, Records: c.Records, Code: c.Code, Detail: c.Detail, Next: c.Next,
	})
	if err != nil { // strings and numbers only: json cannot fail on them
		panic(err)
	}
	return string(b)
}

// DecodeCycle fills c with what EncodeCycle wrote.
func DecodeCycle(doc []byte, c *store.Cycle) error {
	var p pass
	if err := json.Unmarshal(doc, &p); err != nil {
		return fmt.Errorf("decode cycle: %w", err)
	}
	c.Mode, c.Cause, c.Ended, c.From, c.To = p.Mode, p.Cause, Time(p.Ended), p.From, p.To
	c.Before, c.After, c.Pages, c.Rows, c.Records = p.Before, p.After, p.Pages, p.Rows, p.Records
	c.Code, c.Detail, c.Next = p.Code, p.Detail, p.Next
	return nil
}
