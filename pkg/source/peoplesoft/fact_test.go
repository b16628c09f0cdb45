package peoplesoft

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// pageOf runs rows of text columns through a reading.
func pageOf(r *reading, rows ...map[string]string) (source.Page, []source.Note, error) {
	t := table{total: -1}
	for _, from := range rows {
		cells := map[string]cell{}
		for name, text := range from {
			cells[name] = cell{text: text}
		}
		t.rows = append(t.rows, cells)
	}
	lines, notes, err := r.lines(t)
	if err != nil {
		return source.Page{}, notes, err
	}
	page, err := r.page(lines, true)
	return page, notes, err
}

func person(key string, more ...string) map[string]string {
	row := map[string]string{"EMPLID": key, "EFFDT": "2026-01-01"}
	for i := 0; i+1 < len(more); i += 2 {
		row[more[i]] = more[i+1]
	}
	return row
}

func find(t *testing.T, page source.Page, f erp.Facet, row string) erp.Fact {
	t.Helper()
	for _, r := range page.Records {
		for _, fact := range r.Facts {
			if fact.Facet == f && fact.Row == row {
				return fact
			}
		}
	}
	t.Fatalf("no %s %q in %+v", f, row, page.Records)
	return erp.Fact{}
}

func TestFacetsOfAnEmployee(t *testing.T) {
	page, _, err := pageOf(reader(JSON), person("0004711", "EMPL_RCD", "1", "EFFSEQ", "2", "NAME_TYPE", "PRF", "NAME_DISPLAY", "Dee  ", "E_ADDR_TYPE", "HOME",
		"EMAIL_ADDR", " Dee@Acme.example ", "PREF_EMAIL_FLAG", "Y", "PHONE", " ", "BUSINESS_TITLE", "Analyst", "PER_ORG", "EMP", "DEPTID", "0010200",
		"DT_OF_DEATH", " ", "TERMINATION_DT", "2026-02-01T00:00:00", "LASTUPDDTTM", "2026-03-02T08:15:30.5-0500"))
	if err != nil {
		t.Fatal(err)
	}
	if f := find(t, page, erp.Name, "PRF"); f.Fields[erp.DisplayName] != "Dee" || f.Stamp != "2026-03-02T08:15:30.500000" || f.EffDate != "" {
		t.Errorf("name %+v", f)
	}
	if f := find(t, page, erp.Email, "HOME"); f.Fields[erp.MailAddress] != " Dee@Acme.example" || f.Fields[erp.Preferred] != "Y" {
		t.Errorf("email %+v", f)
	}
	if v, there := find(t, page, erp.Phone, "BUSN").Fields[erp.PhoneNumber]; v != "" || !there {
		t.Error("a blank phone is present and blank")
	}
	if f := find(t, page, erp.Assignment, "1"); f.Fields[erp.Title] != "Analyst" || f.Fields[erp.PerOrg] != "EMP" {
		t.Errorf("assignment %+v", f)
	}
	if f := find(t, page, erp.Job, "1"); f.EffSeq != 2 || f.Fields[erp.Dept] != "0010200" || f.Fields[erp.Terminated] != "2026-02-01" || f.Fields[erp.PerOrg] != "EMP" {
		t.Errorf("job %+v", f)
	}
	if v, there := find(t, page, erp.Person, "").Fields[erp.Deceased]; v != "" || !there {
		t.Error("a blank date of death is present and blank")
	}
}

func TestFacetOfAVendor(t *testing.T) {
	r := Query{Name: "V", Columns: map[string]string{"SCOPE_FLAG": "X.TOP50"}}.reading(record.Vendor, "https://x.example", "N", nil)
	page, notes, err := pageOf(r, map[string]string{"A.SETID": "SHARE", "A.VENDOR_ID": "0000000011", "NAME1": "4 Star Hoses", "B.EMAILID": "ar@4star.example", "X.TOP50": "Y", "BANK_ACCOUNT_NUM": "1"})
	if err != nil || len(page.Records) != 1 || page.Records[0].Ref.Key != "SHARE/0000000011" {
		t.Fatalf("%+v, %v", page, err)
	}
	if f := find(t, page, erp.Vendor, ""); f.Fields[erp.VendorName] != "4 Star Hoses" || f.Fields[erp.MailAddress] != "ar@4star.example" || f.Fields[erp.ScopeFlag] != "Y" || len(f.Fields) != 3 {
		t.Errorf("vendor %+v", f)
	}
	if len(notes) != 1 || !strings.Contains(notes[0].Detail, "BANK_ACCOUNT_NUM") {
		t.Errorf("notes %+v", notes)
	}
}

func TestNothingButTheAllowListIsTaken(t *testing.T) {
	const ssn = "canary-123-45-6789"
	page, notes, err := pageOf(reader(JSON), person("1", "NATIONAL_ID", ssn, "A.BIRTHDATE", ssn, "COMPRATE", ssn, "EXPR67_67", ssn, "EFF_STATUS", ssn))
	if err != nil || len(notes) != 3 {
		t.Errorf("%d notes, %v", len(notes), err)
	}
	if strings.Contains(fmt.Sprintf("%+v %+v", page, notes), ssn) {
		t.Errorf("a value that has no name here came in: %+v %+v", page, notes)
	}
}

func TestRowsThatCannotBeReadAreNoted(t *testing.T) {
	cases := map[string]struct {
		row    map[string]string
		detail string
	}{
		"no key":                {person(" "), "column EMPLID: no key"},
		"a key with a slash":    {person("1/2"), "column EMPLID: not a key"},
		"no date":               {person("1", "EFFDT", ""), "column EFFDT"},
		"another date form":     {person("1", "EFFDT", "02-MAR-26"), "column EFFDT"},
		"year one":              {person("1", "EFFDT", "0001-01-01"), "column EFFDT"},
		"a sequence of letters": {person("1", "EFFSEQ", "n/a"), "column EFFSEQ: not a number"},
		"a job number below 0":  {person("1", "EMPL_RCD", "-1"), "column EMPL_RCD: not a number"},
		"a change time of text": {person("1", "LASTUPDDTTM", "yesterday"), "column LASTUPDDTTM"},
		"a bad hire date":       {person("1", "LAST_HIRE_DT", "31.12.2020"), "column LAST_HIRE_DT: not a date"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			good := person("2", "EFFSEQ", "0", "EMPL_RCD", "0", "LASTUPDDTTM", "", "LAST_HIRE_DT", "9999-12-31")
			page, _, err := pageOf(reader(JSON), tc.row, good, person("3"), person("4"), person("5"))
			if err != nil || len(page.Records) != 4 || len(page.Notes) != 1 || page.Rows != 5 {
				t.Fatalf("%+v, %v", page, err)
			}
			if n := page.Notes[0]; !strings.HasPrefix(n.Detail, tc.detail) || n.Code != string(fault.SourceSchema) || n.Ref.Kind != record.Employee {
				t.Errorf("note %+v, want %q", n, tc.detail)
			}
		})
	}
	if _, _, err := pageOf(reader(JSON), person("1", "EFFDT", "x"), person("2", "EFFDT", "x"), person("3"), person("4"), person("5")); fault.CodeOf(err) != fault.SourceSchema {
		t.Errorf("two of five bad rows: %v", err)
	}
	page, _, err := pageOf(reader(JSON), person("1"), person("1", "EFFDT", "x"), person("2"))
	if err != nil || page.Records[0].Whole != nil || len(page.Records[1].Whole) != 0 {
		t.Errorf("a record with an unreadable row counts as whole: %+v, %v", page.Records, err)
	}
}

func TestColumnsAreMatched(t *testing.T) {
	cases := map[string]struct {
		actual  []string
		mapping map[string]string
		column  string
		want    string
		code    fault.Code
	}{
		"exactly":                        {[]string{"EMPLID", "A.EMPLID", "emplid"}, nil, "EMPLID", "EMPLID", ""},
		"without case":                   {[]string{"Emplid", "A.EMPLID"}, nil, "EMPLID", "Emplid", ""},
		"without alias":                  {[]string{"AB.EMPLID"}, nil, "EMPLID", "AB.EMPLID", ""},
		"an alias is one or two letters": {[]string{"ABC.EMPLID"}, nil, "EMPLID", "", ""},
		"by mapping":                     {[]string{"A.EMPLID", "B.EMPLID"}, map[string]string{"EMPLID": "B.EMPLID"}, "EMPLID", "B.EMPLID", ""},
		"two of one rank":                {[]string{"A.EMPLID", "B.EMPLID"}, nil, "EMPLID", "", fault.SourceSchema},
		"two that nobody reads":          {[]string{"A.DESCR", "B.DESCR", "EMPLID"}, nil, "DEPT_DESCR", "", ""},
		"by the other usual name":        {[]string{"EMAILID"}, nil, "EMAIL_ADDR", "EMAILID", ""},
		"a mapping that hits nothing":    {[]string{"EMPLID"}, map[string]string{"EMPLID": "ID"}, "EMPLID", "", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			found, err := match(record.Employee, tc.actual, tc.mapping)
			if tc.code != "" {
				if fault.CodeOf(err) != tc.code {
					t.Errorf("got %v, want %s", err, tc.code)
				}
				return
			}
			if err != nil || found[tc.column] != tc.want {
				t.Errorf("got %q, %v, want %q", found[tc.column], err, tc.want)
			}
		})
	}
}

func TestEveryColumnBecomesAnAllowedField(t *testing.T) {
	for _, kind := range record.Kinds() {
		for _, c := range columns(kind) {
			if c.field == "" {
				continue
			}
			ok := false
			for _, f := range erp.Allowed(c.facet) {
				ok = ok || f == c.field
			}
			if !ok {
				t.Errorf("column %s becomes %s, which facet %s may not carry", c.name, c.field, c.facet)
			}
		}
	}
}

func TestSeveralRowsOfOneFactAreSettled(t *testing.T) {
	r := reader(JSON)
	page, _, err := pageOf(r, person("1", "EMAIL_ADDR", "a@x.example", "PREF_EMAIL_FLAG", "N", "LASTUPDDTTM", "2026-01-02T00:00:00"),
		person("1", "EMAIL_ADDR", "b@x.example", "PREF_EMAIL_FLAG", "Y", "LASTUPDDTTM", "2026-01-01T00:00:00"), person("1", "EMAIL_ADDR", "b@x.example", "PREF_EMAIL_FLAG", "Y"))
	if err != nil || len(page.Records) != 1 {
		t.Fatal(page, err)
	}
	if f := find(t, page, erp.Email, "BUSN"); f.Fields[erp.MailAddress] != "b@x.example" || f.Stamp != "2026-01-02T00:00:00.000000" {
		t.Errorf("email %+v", f)
	}
	if len(page.Notes) != 1 {
		t.Errorf("notes %+v", page.Notes)
	}
}

func TestNumericKeysAreRefusedOrPadded(t *testing.T) {
	number := table{total: -1, rows: []map[string]cell{{"EMPLID": {text: "4711", number: true}, "EFFDT": {text: "2026-01-01"}}}}
	r := reader(JSON)
	if _, _, err := r.lines(number); fault.CodeOf(err) != fault.SourceSchema {
		t.Errorf("got %v", err)
	}
	r.keyLength = 7
	lines, notes, err := r.lines(number)
	if err != nil || lines[0].key != "0004711" || len(notes) != 1 {
		t.Errorf("%+v, %+v, %v", lines, notes, err)
	}
}

func FuzzRow(f *testing.F) {
	f.Add("0004711", "2026-01-01", "0", "0", "2026-03-02T08:15:30.000000", "x")
	f.Fuzz(func(t *testing.T, key, date, rcd, seq, stamp, text string) {
		row := map[string]string{"EMPLID": key, "EFFDT": date, "EMPL_RCD": rcd, "EFFSEQ": seq, "LASTUPDDTTM": stamp, "NAME_DISPLAY": text}
		page, _, err := pageOf(reader(JSON), row)
		if err != nil || len(page.Records)+len(page.Notes) == 0 {
			t.Fatalf("%+v is neither a record nor a note: %v", row, err)
		}
	})
}

func FuzzStamp(f *testing.F) {
	f.Add("2026-03-02T08:15:30.000000-0500")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := row{"LASTUPDDTTM": text}.stamp()
		if err != nil || s == "" {
			return
		}
		if again, err := erp.ParseStamp(string(s)); err != nil || again != s || len(s) != len(erp.StampLayout) {
			t.Fatalf("%q became %q", text, s)
		}
	})
}
