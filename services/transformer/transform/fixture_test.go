package transform

import (
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// today is the day of every test that does not say otherwise.
const today = erp.Date("2026-03-02")

func dana() record.Ref  { return record.Ref{Kind: record.Employee, Key: "0004711"} }
func hoses() record.Ref { return record.Ref{Kind: record.Vendor, Key: "SHARE/0000000011"} }

// set builds a Set; values are "field=value" pairs, the special key "stamp" sets the Stamp.
func set(facet erp.Facet, row string, date erp.Date, seq int, values ...string) erp.Fact {
	f := erp.Fact{Facet: facet, Row: row, EffDate: date, EffSeq: seq, Action: erp.Set, Fields: map[erp.Field]string{}}
	for _, v := range values {
		k, value, _ := strings.Cut(v, "=")
		if k == "stamp" {
			f.Stamp = erp.Stamp(value)
			continue
		}
		f.Fields[erp.Field(k)] = value
	}
	return f
}

func drop(facet erp.Facet, row string, date erp.Date, seq int, stamp erp.Stamp) erp.Fact {
	return erp.Fact{Facet: facet, Row: row, EffDate: date, EffSeq: seq, Action: erp.Drop, Stamp: stamp}
}

func jobRow(rcd string, date erp.Date, seq int, values ...string) erp.Fact {
	return set(erp.Job, rcd, date, seq, values...)
}

// person are the facets of somebody with a name, an address and nothing to complain about, beside the given facts.
func person(facts ...erp.Fact) []erp.Fact {
	return append([]erp.Fact{
		set(erp.Name, "PRI", "", 0, "display_name=Dana O'Brien"),
		set(erp.Email, "BUSN", "", 0, "email=dana.obrien@example.com"),
		set(erp.Assignment, "0", "", 0, "title=Senior Analyst"),
	}, facts...)
}

// stamped gives the i-th minute of the test day.
func stamped(minute string) erp.Stamp { return erp.Stamp("2026-03-02T08:" + minute + ":00.000000") }

func codesOf(d Decision) string {
	var list []string
	for _, c := range d.Codes() {
		list = append(list, string(c))
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func mustState(t *testing.T, d Decision, want directory.State) {
	t.Helper()
	if got := d.Entry.State(); got != want {
		t.Errorf("state %s, want %s; explained by %q", got, want, d.Explain)
	}
}

// step prepares and finishes without reference data.
func step(at moment, k *task, row store.LedgerRow, known bool) (*result, error) {
	r, err := prepare(at, k, row, known)
	if err != nil {
		return r, err
	}
	if err := r.finish(at, nil); err != nil {
		return r, err
	}
	r.advance(at)
	return r, nil
}
