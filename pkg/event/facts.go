package event

import (
	"encoding/json"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// Facts is the payload of facts.v1: what one reading of the source said about one record.
type Facts struct {
	Kind  record.Kind `json:"kind"`
	Key   string      `json:"key"`
	Facts []Fact      `json:"facts"`
	// Whole lists the facets of which these facts are all rows that the source's query shows for the record (full
	// read or single-record read). It deletes nothing by itself: absence is never evidence (design.md 1).
	Whole []erp.Facet `json:"whole,omitempty"`
}

// Fact is erp.Fact on the wire and in the ledger.
type Fact struct {
	Facet   erp.Facet            `json:"facet"`
	Row     string               `json:"row,omitempty"`
	EffDate erp.Date             `json:"effdt,omitempty"`
	EffSeq  int                  `json:"effseq,omitempty"`
	Action  erp.Action           `json:"action"`
	Stamp   erp.Stamp            `json:"stamp,omitempty"`
	Fields  map[erp.Field]string `json:"fields,omitempty"`
}

// FromERP converts facts for the wire; ToERP undoes it.
func FromERP(facts []erp.Fact) []Fact {
	out := make([]Fact, len(facts))
	for i, f := range facts {
		out[i] = Fact(f)
	}
	return out
}

// ToERP converts facts from the wire.
func ToERP(facts []Fact) []erp.Fact {
	out := make([]erp.Fact, len(facts))
	for i, f := range facts {
		out[i] = erp.Fact(f)
	}
	return out
}

// EncodeLedger writes facts as they are kept in the ledger; DecodeLedger undoes it.
func EncodeLedger(facts []erp.Fact) ([]byte, error) { return json.Marshal(FromERP(facts)) }

// DecodeLedger reads the facts of a ledger row; empty input is no facts.
func DecodeLedger(b []byte) ([]erp.Fact, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var fs []Fact
	if err := json.Unmarshal(b, &fs); err != nil {
		return nil, fmt.Errorf("decode ledger facts: %w", err)
	}
	return ToERP(fs), nil
}
