package peoplesoft_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

func key(r row) string {
	return r.text("EMPLID") + "/" + fmt.Sprintf("%03s", r.text("EMPL_RCD")) + "/" + r.text("EFFDT") + "/" + fmt.Sprintf("%03s", r.text("EFFSEQ"))
}

func TestKeysetPagingGivesEachRowOnceInOrder(t *testing.T) {
	for _, mode := range []peoplesoft.Rows{peoplesoft.Current, peoplesoft.History, peoplesoft.All} {
		for _, size := range []int{13, 50, 333, 5000} {
			t.Run(fmt.Sprintf("%s rows in pages of %d", mode, size), func(t *testing.T) {
				w := start(t, peoplesoft.Options{Seed: 5, Employees: 300, Rows: mode})
				var got []string
				for _, r := range w.pages(people, "EMPLID", "LAST_EMPLID", size) {
					got = append(got, key(r))
				}
				var want []string
				for _, r := range w.call(people, 0) {
					want = append(want, key(r))
				}
				if !slices.Equal(got, want) || !slices.IsSorted(got) || len(got) < 290 {
					t.Errorf("%d rows in pages, %d in one call, sorted %v", len(got), len(want), slices.IsSorted(got))
				}
			})
		}
	}
}

func TestVendorIDUnderTwoSetIDsIsTwoVendors(t *testing.T) {
	w := start(t, peoplesoft.Options{Vendors: 60})
	rows := w.pages(vendors, "VENDOR_ID", "LAST_VENDOR_ID", 7)
	seen, ids := map[string]bool{}, map[string]int{}
	for _, r := range rows {
		seen[r.text("SETID")+"/"+r.text("VENDOR_ID")] = true
		ids[r.text("VENDOR_ID")]++
	}
	if len(seen) != 60 || len(ids) >= 60 {
		t.Errorf("%d keys and %d ids: want 60 keys and fewer ids", len(seen), len(ids))
	}
}

func TestWindowPromptsAreInclusiveAndReadEveryForm(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 10, Vendors: 3})
	w.Advance(25*time.Hour + 250*time.Millisecond) // 13:00:00.25 in Chicago, when nothing else is stamped that day
	w.must(w.ChangeEmail("0001004", "new@example.com"))
	tests := map[string]struct {
		prompts []string
		rows    int
	}{
		"from the very instant":                  {[]string{"FROM_DTTM=2026-03-03T13:00:00.250000"}, 1},
		"from a microsecond later":               {[]string{"FROM_DTTM=2026-03-03T13:00:00.250001"}, 0},
		"from the truncated second":              {[]string{"FROM_DTTM=2026-03-03T13:00:00"}, 1},
		"from with a space":                      {[]string{"FROM_DTTM=2026-03-03 13:00:00"}, 1},
		"from in the database's form":            {[]string{"FROM_DTTM=2026-03-03-13.00.00.250000"}, 1},
		"from in the database's form, too late":  {[]string{"FROM_DTTM=2026-03-03-13.00.00.250001"}, 0},
		"from with an offset":                    {[]string{"FROM_DTTM=2026-03-03T19:00:00.25Z"}, 1},
		"from with an offset of the zone":        {[]string{"FROM_DTTM=2026-03-03T13:00:00.250000-0600"}, 1},
		"from with an offset, too late":          {[]string{"FROM_DTTM=2026-03-03T20:00:00.26%2B0100"}, 0},
		"a bare date is its midnight":            {[]string{"FROM_DTTM=2026-03-03"}, 1},
		"a bare date as the end is its midnight": {[]string{"FROM_DTTM=2026-03-03", "TO_DTTM=2026-03-03"}, 0},
		"to the very instant":                    {[]string{"FROM_DTTM=2026-03-03", "TO_DTTM=2026-03-03T13:00:00.250000"}, 1},
		"to the truncated second":                {[]string{"FROM_DTTM=2026-03-03", "TO_DTTM=2026-03-03T13:00:00"}, 0},
		"an empty slot is no bound":              {[]string{"FROM_DTTM=2026-03-03", "TO_DTTM=", "LAST_EMPLID="}, 1},
		"after the employee":                     {[]string{"FROM_DTTM=2026-03-03", "LAST_EMPLID=0001004"}, 0},
		"before the employee":                    {[]string{"LAST_EMPLID=0001003", "FROM_DTTM=2026-03-03"}, 1},
		"one employee":                           {[]string{"EMPLID=0001004"}, 1},
		"one employee by KEY":                    {[]string{"KEY=0001004"}, 1},
		"an employee nobody knows":               {[]string{"EMPLID=1004"}, 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := w.call(people, 0, tc.prompts...); len(got) != tc.rows {
				t.Errorf("%v: %d rows, want %d", tc.prompts, len(got), tc.rows)
			}
		})
	}
}

func TestCallsThatAreWrongAreErrorsNotRows(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 10})
	tests := map[string]struct {
		params string
		want   string
	}{
		"encoded commas in the values are one value": {"prompt_uniquepromptname=FROM_DTTM,TO_DTTM&prompt_fieldvalue=2026-03-01%2C2026-03-02", "2 prompt names and 1 prompt values"},
		"encoded commas in both are one name":        {"prompt_uniquepromptname=FROM_DTTM%2CTO_DTTM&prompt_fieldvalue=2026-03-01%2C2026-03-02", "unknown for query"},
		"encoded commas with one name are no date":   {"prompt_uniquepromptname=FROM_DTTM&prompt_fieldvalue=2026-03-01%2C2026-03-02", "unknown form"},
		"prompt names are case-sensitive":            {"prompt_uniquepromptname=from_dttm&prompt_fieldvalue=2026-03-01", "unknown for query"},
		"a prompt of the other query":                {"prompt_uniquepromptname=LAST_VENDOR_ID&prompt_fieldvalue=1", "unknown for query"},
		"a date that is none":                        {"prompt_uniquepromptname=TO_DTTM&prompt_fieldvalue=02-MAR-26", "unknown form"},
		"maxrows that is no number":                  {"maxrows=many", "not a number"},
		"a column that is none":                      {"filterfields=A.NATIONAL_ID", "no such column"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := w.get(people + "?json_resp=true&" + tc.params)
			if got.status != http.StatusOK || !strings.Contains(got.body, `"status":"error"`) || !strings.Contains(got.body, tc.want) {
				t.Errorf("with json_resp: %d %s, want 200, an error status and %q", got.status, got.body, tc.want)
			}
			got = w.get(people + "?" + tc.params)
			if got.status != http.StatusInternalServerError || !strings.Contains(got.body, `type="error"`) {
				t.Errorf("without json_resp: %d %s, want 500 and an IBResponse", got.status, got.body)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	w := start(t, peoplesoft.Options{Prefix: "/hr", NodeOptional: false})
	rest := "/hr/PSIGW/RESTListeningConnector/"
	tests := map[string]struct {
		path   string
		status int
		want   string
	}{
		"the gateway page":                  {"/hr/PSIGW/PeopleSoftListeningConnector", 200, "Status: ACTIVE"},
		"the prefix is needed":              {people, 404, "404"},
		"the query":                         {strings.Replace(people, "/PSIGW", "/hr/PSIGW", 1), 200, "ML_EMPLOYEES"},
		"owner in lower case":               {rest + "PSFT_HR/ExecuteQuery.v1/public/ML_EMPLOYEES/JSON/NONFILE", 200, "ML_EMPLOYEES"},
		"an unknown node":                   {rest + "PSFT_CS/ExecuteQuery.v1/PUBLIC/ML_EMPLOYEES/JSON/NONFILE", 404, "404"},
		"no node":                           {rest + "ExecuteQuery.v1/PUBLIC/ML_EMPLOYEES/JSON/NONFILE", 404, "404"},
		"vendors are not on the HR node":    {rest + "PSFT_HR/ExecuteQuery.v1/PUBLIC/ML_VENDORS/JSON/NONFILE", 500, "not found"},
		"an unknown query":                  {rest + "PSFT_HR/ExecuteQuery.v1/PUBLIC/ML_PAY/JSON/NONFILE", 500, "not found"},
		"an unknown service":                {rest + "PSFT_HR/CI_PERSONAL.v1", 404, "404"},
		"an output type it does not have":   {rest + "PSFT_HR/ExecuteQuery.v1/PUBLIC/ML_EMPLOYEES/EXCEL/NONFILE", 500, "not supported"},
		"filterfields keeps what is asked":  {rest + "PSFT_HR/ExecuteQuery.v1/PUBLIC/ML_EMPLOYEES/JSON/NONFILE?maxrows=1&filterfields=A.EMPLID,B.DESCR", 200, `"EMPLID":"0001001","DEPT_DESCR"`},
		"a path that is nothing":            {"/", 404, "404"},
		"the generic vendors, nested":       {rest + "PSFT_EP/ML_VENDORS_REST.v1?limit=1", 200, `{"data":{"items":[{"setId":"SHARE","supplierId":"0000000011"`},
		"the generic people, a plain array": {rest + "PSFT_HR/ML_EMPLOYEES_REST.v1/-/-/0001010?limit=1", 200, `[{"personNumber":"0001011"`},
		"the generic window as parameters":  {rest + "PSFT_EP/ML_VENDORS_REST.v1?from=2027-01-01", 200, `{"data":{"items":[],"count":0}}`},
		"the generic window in the path":    {rest + "PSFT_EP/ML_VENDORS_REST.v1/2027-01-01/-/-", 200, `"count":0`},
		"a generic window that is none":     {rest + "PSFT_EP/ML_VENDORS_REST.v1?from=soon", 400, `type="error"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := w.get(tc.path); got.status != tc.status || !strings.Contains(got.body, tc.want) {
				t.Errorf("%s: %d %.300s, want %d and %q", tc.path, got.status, got.body, tc.status, tc.want)
			}
		})
	}
}

func TestRowThatBecomesEffectiveIsFoundByItsDateOnly(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 10})
	w.must(w.ChangeDepartment("0001003", "0010500", "2026-03-03"))
	w.Advance(24 * time.Hour)
	if got := w.call(people, 0, "FROM_DTTM=2026-03-03"); len(got) != 0 {
		t.Errorf("%d rows by date range: the row was stamped yesterday", len(got))
	}
	got := w.call(people, 0, "EFFDT_FROM=2026-03-03", "EFFDT_TO=2026-03-03")
	if len(got) != 1 || got[0].text("EMPLID") != "0001003" || got[0].text("DEPTID") != "0010500" {
		t.Errorf("rows by EFFDT: %v, want the change of 0001003", got)
	}
}

func TestServerCapIsSilent(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 50, Cap: 20})
	for _, max := range []int{0, 10, 20, 30} {
		want := 20
		if max == 10 {
			want = 10
		}
		if got := w.call(people, max); len(got) != want {
			t.Errorf("maxrows %d: %d rows, want %d", max, len(got), want)
		}
	}
}

func TestRowModesShowMoreAndMore(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 200})
	var sizes []int
	for _, mode := range []peoplesoft.Rows{peoplesoft.Current, peoplesoft.History, peoplesoft.All} {
		if err := w.SetRows(mode); err != nil {
			t.Fatal(err)
		}
		rows, once := w.call(people, 0), map[string]int{}
		sizes = append(sizes, len(rows))
		for _, r := range rows {
			once[r.text("EMPLID")+"/"+r.text("EMPL_RCD")]++
			if mode != peoplesoft.All && r.text("EFFDT") > w.Today() {
				t.Errorf("%s: %s shows a row of the future", mode, key(r))
			}
		}
		if mode == peoplesoft.Current && len(once) != len(rows) {
			t.Errorf("%d rows for %d jobs", len(rows), len(once))
		}
	}
	if sizes[0] >= sizes[1] || sizes[1] >= sizes[2] {
		t.Errorf("rows %v: want more in every mode", sizes)
	}
}
