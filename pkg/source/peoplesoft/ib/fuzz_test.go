package ib

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// FuzzEnvelope reads any bytes under any Content-Type.
func FuzzEnvelope(f *testing.F) {
	for _, s := range seeds() {
		if len(s.body) < 4000 {
			f.Add(s.body, s.header["Content-Type"], s.header["ExternalOperationName"])
		}
	}
	f.Fuzz(func(t *testing.T, body, kind, name string) {
		s := sent{method: http.MethodPost, header: map[string]string{"Content-Type": kind, "ExternalOperationName": name}, body: body}
		if why := judge(s); why != "" {
			t.Fatal(why)
		}
	})
}

// FuzzRowset reads any rows: every fact is one that the ledger accepts, in whatever order and nesting the rows came.
func FuzzRowset(f *testing.F) {
	for _, g := range goldens() {
		_, rows, _ := strings.Cut(g.body, "<MsgData>")
		rows, _, _ = strings.Cut(rows, "</MsgData>")
		f.Add(rows, "PERSON_BASIC_SYNC")
	}
	f.Add(tx(`<PSCAMA class="R"><AUDIT_ACTN>D</AUDIT_ACTN></PSCAMA><JOB><EMPLID>1</EMPLID><EFFDT>2026-01-01</EFFDT></JOB>`), "WORKFORCE_SYNC")
	f.Fuzz(func(t *testing.T, rows, name string) {
		m, err := Open(delivery(name, message(name, rows)), Options{})
		if err != nil {
			return
		}
		_, _ = m.Each(func(r source.Record) error {
			if why := misfit(r); why != "" {
				t.Fatalf("%s: %q", why, rows)
			}
			return nil
		})
	})
}

// misfit says what the event schema and the ledger would refuse (schemas/events/facts.v1.json).
func misfit(r source.Record) string {
	seen := map[erp.ID]bool{}
	if r.Ref.Key == "" || len(r.Ref.Key) > 64 || len(r.Facts) == 0 || len(r.Facts) > 5000 {
		return "key or number of facts"
	}
	for _, f := range r.Facts {
		if seen[f.ID()] {
			return "the same row twice in one record"
		}
		seen[f.ID()] = true
		if _, err := f.Stamp.Wall(); err != nil && f.Stamp != "" {
			return "stamp"
		}
		if _, err := erp.ParseDate(string(f.EffDate)); err != nil && f.EffDate != "" {
			return "date"
		}
		if len(f.Row) > 40 || f.EffSeq < 0 || f.EffSeq > 9999 || f.Action == erp.Set && len(f.Fields) == 0 || f.Action == erp.Drop && len(f.Fields) > 0 {
			return "row, sequence or fields"
		}
		for k, v := range f.Fields {
			allowed := false
			for _, a := range erp.Allowed(f.Facet) {
				allowed = allowed || a == k
			}
			if !allowed || len(v) > 4000 {
				return "field"
			}
		}
	}
	return ""
}
