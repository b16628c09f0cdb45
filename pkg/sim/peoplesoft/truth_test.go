package peoplesoft_test

import (
	"fmt"
	"reflect"
	"strconv"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// conclude is a reader written for this test only: from the rows it was sent it concludes, per person, the
// state on a day by the rule of peoplesoft.md 2.9.
func conclude(rows []row, day string) map[string]string {
	type at struct {
		id  string
		rcd int
	}
	best := map[at]row{}
	number := func(r row, c string) int {
		n, err := strconv.Atoi(r.text(c))
		if err != nil {
			panic(err)
		}
		return n
	}
	for _, r := range rows {
		k := at{r.text("EMPLID"), number(r, "EMPL_RCD")}
		old, seen := best[k]
		newer := !seen || r.text("EFFDT") > old.text("EFFDT") || (r.text("EFFDT") == old.text("EFFDT") && number(r, "EFFSEQ") > number(old, "EFFSEQ"))
		if r.text("EFFDT") <= day && newer {
			best[k] = r
		}
	}
	result, rank := map[string]string{}, map[string]string{}
	for k, r := range best {
		if r.text("PER_ORG") == "POI" {
			continue
		}
		active := r.text("HR_STATUS") == "A"
		order := "2" + invert(r.text("EFFDT")) // smaller is more telling
		if active && r.text("JOB_INDICATOR") == "P" {
			order = "0"
		} else if active {
			order = "1"
		}
		order += fmt.Sprintf("/%03d", k.rcd)
		if old, ok := rank[k.id]; ok && old <= order {
			continue
		}
		dept, title := r.text("DEPT_DESCR"), r.text("JOB_TITLE")
		if dept == "" {
			dept = r.text("DEPTID")
		}
		rank[k.id] = order
		result[k.id] = fmt.Sprint(r.text("NAME_DISPLAY"), "|", r.text("EMAIL_ADDR"), "|", dept, "|", title, "|", active)
	}
	return result
}

// invert turns the order of dates around.
func invert(day string) string {
	out := []byte(day)
	for i, c := range out {
		if c >= '0' && c <= '9' {
			out[i] = '9' - (c - '0')
		}
	}
	return string(out)
}

func stated(t peoplesoft.Truth) map[string]string {
	result := map[string]string{}
	for _, e := range t.Employees {
		if e.InScope {
			result[e.EmplID] = fmt.Sprint(e.Name, "|", e.Email, "|", e.Department, "|", e.Title, "|", e.Active)
		}
	}
	return result
}

func TestTruthIsWhatACorrectReaderConcludes(t *testing.T) {
	tests := map[string]struct {
		rows peoplesoft.Rows
		days []string
	}{
		"from the current rows for today":              {peoplesoft.Current, []string{"2026-03-02"}},
		"from the history for today and for last year": {peoplesoft.History, []string{"2026-03-02", "2025-03-02"}},
		"from all rows for any day":                    {peoplesoft.All, []string{"2020-01-01", "2026-03-02", "2026-03-20", "2026-06-01"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, peoplesoft.Options{Seed: 7, Employees: 500, Rows: tc.rows})
			w.must(w.AddJob("0001002", "", "2026-01-05"))
			w.must(w.Terminate("0001005", "2026-03-10"))
			w.must(w.ChangeDepartment("0001003", "0010700", "2026-01-20"))
			w.must(w.CorrectHistory("0001003", "0010300", "2026-01-10"))
			rows := w.pages(people, "EMPLID", "LAST_EMPLID", 97)
			for _, day := range tc.days {
				if got, want := conclude(rows, day), stated(w.Truth(day)); !reflect.DeepEqual(got, want) {
					t.Errorf("day %s: %d concluded, %d stated; first difference: %s", day, len(got), len(want), difference(got, want))
				}
			}
		})
	}
}

func (w *world) must(e peoplesoft.Effect, err error) peoplesoft.Effect {
	w.t.Helper()
	return must(w.t)(e, err)
}

func difference(got, want map[string]string) string {
	for id, text := range want {
		if got[id] != text {
			return fmt.Sprintf("%s: got %q, want %q", id, got[id], text)
		}
	}
	for id, text := range got {
		if want[id] != text {
			return fmt.Sprintf("%s: got %q, want %q", id, text, want[id])
		}
	}
	return "none"
}

func TestTruthOfVendorsIsWhatTheQueryShows(t *testing.T) {
	w := start(t, peoplesoft.Options{Seed: 3, Vendors: 200})
	rows := w.pages(vendors, "VENDOR_ID", "LAST_VENDOR_ID", 17)
	truth := w.Truth("")
	if len(rows) != len(truth.Vendors) {
		t.Fatalf("%d rows, %d vendors in the truth", len(rows), len(truth.Vendors))
	}
	states := map[string]int{}
	for i, v := range truth.Vendors {
		r := rows[i]
		states[v.State]++
		if r.text("SETID") != v.SetID || r.text("VENDOR_ID") != v.VendorID || r.text("NAME1") != v.Name || r.text("EMAILID") != v.Email || r.text("VENDOR_STATUS") != v.Status {
			t.Errorf("vendor %d: row %v, truth %+v", i, r, v)
		}
	}
	if states["active"] == 0 || states["inactive"] == 0 || states["held"] == 0 {
		t.Errorf("states %v: want all three", states)
	}
}

func TestEveryHundredPeopleHoldEveryCase(t *testing.T) {
	w := start(t, peoplesoft.Options{Seed: 1, Employees: 100})
	var started, active, scope, mail, future, code int
	status := map[string]bool{}
	several, sameDay := 0, 0
	for _, e := range w.Truth("").Employees {
		started += count(!e.Started)
		active += count(e.Started && !e.Active && e.InScope)
		scope += count(e.Started && !e.InScope)
		mail += count(e.Email == "")
		future += count(e.NextChange != "")
		code += count(e.Department == e.DeptID)
	}
	for _, r := range w.Records("", 1000) {
		last := r.Jobs[len(r.Jobs)-1]
		several += count(last.Rcd > 0)
		for _, j := range r.Jobs {
			status[j.EmplStatus] = true
			sameDay += count(j.Effseq > 1)
		}
	}
	for what, n := range map[string]int{
		"not started": started, "inactive": active, "out of scope": scope, "without mail": mail, "with a future row": future,
		"in a department without a name": code, "with several jobs": several, "with three rows on a day": sameDay,
	} {
		if n == 0 {
			t.Errorf("nobody is %s", what)
		}
	}
	for _, s := range []string{"A", "L", "P", "S", "W", "D", "Q", "R", "T", "U", "V", "X"} {
		if !status[s] {
			t.Errorf("nobody has EMPL_STATUS %s", s)
		}
	}
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
