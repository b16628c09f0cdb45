package peoplesoft

import (
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/source/sourcetest"
)

func TestContract(t *testing.T) {
	employees := Prompts{From: "FROM_DTTM", To: "TO_DTTM", After: "LAST_EMPLID"}
	vendors := Prompts{From: "FROM_DTTM", To: "TO_DTTM", After: "LAST_VENDOR_ID", Key: "VENDOR_ID"}
	second, day := "2006-01-02T15:04:05", "2006-01-02"
	cases := map[string]struct {
		query   Query
		kind    record.Kind
		generic *Generic
		quirks  sim.Quirks
		cap     int
		twice   bool
	}{
		"employees by JSON and key":               {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 17}, kind: record.Employee},
		"employees by JSON, key and day prompts":  {query: Query{Prompts: employees, PromptLayout: day, MaxRows: 17}, kind: record.Employee},
		"employees by XMLP and key":               {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 17, Format: XMLP}, kind: record.Employee},
		"employees by XMLP inside the SOAP frame": {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 17, Format: XMLP}, kind: record.Employee, quirks: sim.Quirks{WrappedXML: true}},
		"a server that cuts in silence":           {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 1000}, kind: record.Employee, cap: 19},
		"a server that cuts and says so":          {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 1000}, kind: record.Employee, cap: 19, quirks: sim.Quirks{TotalNumRows: true}},
		"employees by time alone": {query: Query{Prompts: Prompts{From: "FROM_DTTM", To: "TO_DTTM"}, PromptLayout: second, MaxRows: 40},
			kind: record.Employee, twice: true},
		"vendors by JSON and key": {query: Query{Prompts: vendors, PromptLayout: second, MaxRows: 9}, kind: record.Vendor},
		"odd shapes": {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 17}, kind: record.Employee,
			quirks: sim.Quirks{QueryNameKey: "queryname", NoRowNumber: true, OneRowObject: true, NoRowsNull: true, Blank: sim.BlankNull, Stamp: sim.StampOffset, LeadingSpace: true, NumbersAsText: true, StatusUpperCase: true, LongNames: true}},
		"aliases": {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 17, Columns: map[string]string{"DEPT_DESCR": "B.DESCR", "JOB_TITLE": "C.DESCR"}},
			kind: record.Employee, quirks: sim.Quirks{Alias: sim.AliasAlways, Blank: sim.BlankMissing, Stamp: sim.StampDotted}},
		"keys that came as numbers": {query: Query{Prompts: employees, PromptLayout: second, MaxRows: 17, KeyLength: 7}, kind: record.Employee, quirks: sim.Quirks{KeyAsNumber: true}},
		"a custom service": {kind: record.Employee, generic: &Generic{MaxRows: 17, PromptLayout: second, Page: Keyset, EmptyPrompts: true,
			URL: "/PSIGW/RESTListeningConnector/{node}/ML_EMPLOYEES_REST.v1?from={from}&to={to}&after={after}&limit={limit}&key={key}",
			Fields: map[string]string{"personNumber": "EMPLID", "assignment": "EMPL_RCD", "validFrom": "EFFDT", "sequence": "EFFSEQ", "fullName": "NAME_DISPLAY",
				"mail": "EMAIL_ADDR", "hrStatus": "HR_STATUS", "changedAt": "LASTUPDDTTM"}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T, mark int) sourcetest.Site {
				s, c := company(t, sim.Options{Seed: uint64(mark), Employees: 60 + mark, Vendors: 45 + mark, Rows: sim.All, Cap: tc.cap, Quirks: tc.quirks})
				c.Queries, c.Generics = map[record.Kind]Query{}, map[record.Kind]Generic{}
				tc.query.Name = "ML_EMPLOYEES"
				if tc.kind == record.Vendor {
					tc.query.Name, c.Node = "ML_VENDORS", "PSFT_EP"
				}
				if c.Queries[tc.kind] = tc.query; tc.generic != nil {
					delete(c.Queries, tc.kind)
					c.Generics[tc.kind] = *tc.generic
				}
				return sourcetest.Site{Source: open(t, c), Kind: tc.kind, Keys: keysOf(t, s, tc.kind), Twice: tc.twice, Break: func(n int) {
					on := ""
					if tc.generic != nil {
						on = "rest"
					}
					if err := s.Fault(sim.Fault{Kind: sim.FaultCut, Skip: n, Times: 1, On: on}); err != nil {
						t.Fatal(err)
					}
				}}
			})
		})
	}
}

// keysOf asks the simulator itself, not through the adapter.
func keysOf(t *testing.T, s *sim.Sim, kind record.Kind) []string {
	t.Helper()
	var keys []string
	for _, p := range s.Truth("").Employees {
		if kind == record.Employee {
			keys = append(keys, p.EmplID)
		}
	}
	for _, v := range s.Truth("").Vendors {
		if kind == record.Vendor {
			keys = append(keys, v.SetID+"/"+v.VendorID)
		}
	}
	slices.Sort(keys)
	return keys
}
