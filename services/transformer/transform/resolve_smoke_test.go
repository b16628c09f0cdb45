package transform

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func TestSmoke(t *testing.T) {
	facts := []erp.Fact{
		{Facet: erp.Job, Row: "0", EffDate: "2026-04-01", Action: erp.Set, Fields: map[erp.Field]string{erp.HRStatus: "A", erp.EmplStatus: "A"}},
		{Facet: erp.Job, Row: "0", EffDate: "2026-01-16", EffSeq: 1, Action: erp.Set, Fields: map[erp.Field]string{erp.HRStatus: "I", erp.EmplStatus: "T"}},
		{Facet: erp.Name, Row: "PRI", Action: erp.Set, Fields: map[erp.Field]string{erp.DisplayName: "Dana"}},
	}
	m := Merge(nil, facts, "")
	for day, want := range map[erp.Date]directory.State{"2026-03-02": directory.Suspended, "2026-04-01": directory.Active} {
		d := Resolve(record.Ref{Kind: record.Employee, Key: "0004711"}, m.Facts, day, Default())
		if d.Entry.State() != want {
			t.Errorf("%s: %s, want %s: %q", day, d.Entry.State(), want, d.Explain)
		}
		t.Log(d.Flags, d.Explain, d.Next, *d.Entry.User)
	}
}
