package peoplesoft_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

func TestFaultsOfTheAnswer(t *testing.T) {
	whole := start(t, peoplesoft.Options{Employees: 20}).get(people + "?json_resp=true").body
	tests := map[string]struct {
		fault  peoplesoft.Fault
		status int
		kind   string
		want   string // part of the body
		broken bool   // the client sees an error while it reads, or before
	}{
		"a JSON error with status 200":  {peoplesoft.Fault{Kind: peoplesoft.FaultErrorJSON}, 200, "application/json", `"status":"error"`, false},
		"an IBResponse with status 200": {peoplesoft.Fault{Kind: peoplesoft.FaultErrorXML}, 200, "text/xml", `<IBResponse xmlns="" type="error">`, false},
		"a SOAP fault with status 200":  {peoplesoft.Fault{Kind: peoplesoft.FaultSOAP}, 200, "text/xml", "<faultstring>null</faultstring>", false},
		"the sign-in page":              {peoplesoft.Fault{Kind: peoplesoft.FaultSignIn}, 200, "text/html", "Sign-in", false},
		"the gateway page":              {peoplesoft.Fault{Kind: peoplesoft.FaultGateway}, 200, "text/html", "Status: ACTIVE", false},
		"a web server's error page":     {peoplesoft.Fault{Kind: peoplesoft.FaultWebLogic}, 200, "text/html", "Error 500", false},
		"an empty body":                 {peoplesoft.Fault{Kind: peoplesoft.FaultEmptyBody}, 200, "application/json", "", false},
		"JSON that says it is HTML":     {peoplesoft.Fault{Kind: peoplesoft.FaultHTMLType}, 200, "text/html", `"status":"success"`, false},
		"a redirect to another host":    {peoplesoft.Fault{Kind: peoplesoft.FaultRedirect}, 302, "text/html", "moved", false},
		"401":                           {peoplesoft.Fault{Kind: peoplesoft.FaultStatus, Status: 401}, 401, "text/xml", "(158,45)", false},
		"403":                           {peoplesoft.Fault{Kind: peoplesoft.FaultStatus, Status: 403}, 403, "text/xml", "IBResponse", false},
		"404":                           {peoplesoft.Fault{Kind: peoplesoft.FaultStatus, Status: 404}, 404, "text/html", "404", false},
		"500":                           {peoplesoft.Fault{Kind: peoplesoft.FaultStatus, Status: 500}, 500, "text/xml", "Exception", false},
		"503 when no status is given":   {peoplesoft.Fault{Kind: peoplesoft.FaultStatus}, 503, "text/html", "503", false},
		"a wrong node":                  {peoplesoft.Fault{Kind: peoplesoft.FaultWrongNode}, 404, "text/html", "404", false},
		"a short Content-Length":        {peoplesoft.Fault{Kind: peoplesoft.FaultShortLength, N: 100}, 200, "application/json", whole[:100], true},
		"a short body, by one byte":     {peoplesoft.Fault{Kind: peoplesoft.FaultShortLength, N: 1 << 30}, 200, "application/json", whole[:len(whole)-1], true},
		"a clean cut of half the body":  {peoplesoft.Fault{Kind: peoplesoft.FaultCut}, 200, "application/json", whole[:len(whole)/2], false},
		"a cut chunk":                   {peoplesoft.Fault{Kind: peoplesoft.FaultChunkCut, N: 100}, 200, "application/json", whole[:100], true},
		"a clean cut":                   {peoplesoft.Fault{Kind: peoplesoft.FaultCut, N: 100}, 200, "application/json", whole[:100], false},
		"a slow answer":                 {peoplesoft.Fault{Kind: peoplesoft.FaultSlow, Delay: time.Millisecond}, 200, "application/json", whole, false},
		"a dripping answer":             {peoplesoft.Fault{Kind: peoplesoft.FaultDrip, N: 2000, Delay: time.Millisecond}, 200, "application/json", whole, false},
		"a stalled answer":              {peoplesoft.Fault{Kind: peoplesoft.FaultStall, N: 100, Delay: time.Millisecond}, 200, "application/json", whole[:100], true},
		"a reset connection":            {peoplesoft.Fault{Kind: peoplesoft.FaultReset}, 0, "", "", true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, peoplesoft.Options{Employees: 20})
			tc.fault.Times = 1
			if err := w.Fault(tc.fault); err != nil {
				t.Fatal(err)
			}
			got := w.get(people + "?json_resp=true")
			if got.status != tc.status || !strings.HasPrefix(got.header.Get("Content-Type"), tc.kind) || !strings.Contains(got.body, tc.want) || (tc.fault.N == 1<<30 && len(got.body) != len(tc.want)) {
				t.Errorf("%d %s %.200q, want %d %s %.100q", got.status, got.header.Get("Content-Type"), got.body, tc.status, tc.kind, tc.want)
			}
			if (got.err != nil) != tc.broken {
				t.Errorf("reading: %v, want broken %v", got.err, tc.broken)
			}
			if again := w.get(people + "?json_resp=true"); again.body != whole {
				t.Errorf("after the fault: %d %.200q, want the whole answer", again.status, again.body)
			}
			if log := w.Requests(); len(log) != 2 || !slices.Equal(log[0].Faults, []string{string(tc.fault.Kind)}) || log[1].Faults != nil {
				t.Errorf("log %+v: want the fault on the first request only", log)
			}
		})
	}
}

func TestCutAtEveryByteIsNeverAWholeDocument(t *testing.T) {
	xmlPath := strings.Replace(people, "/JSON/", "/XMLP/", 1)
	w := start(t, peoplesoft.Options{Employees: 1})
	for _, path := range []string{people, xmlPath} {
		whole := len(w.get(path).body)
		for n := 1; n < whole; n += 7 {
			if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultCut, N: n, Times: 1}); err != nil {
				t.Fatal(err)
			}
			got := w.get(path)
			if len(got.body) != n || json.Valid([]byte(got.body)) || wellFormed(got.body) {
				t.Fatalf("%s cut at %d: %d bytes, valid %q", path, n, len(got.body), got.body)
			}
		}
	}
}

// wellFormed tells whether a text is one whole XML document.
func wellFormed(text string) bool {
	d, elements := xml.NewDecoder(strings.NewReader(text)), 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elements > 0
		}
		if err != nil {
			return false
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
}

func TestFaultsOfTheRows(t *testing.T) {
	tests := map[string]struct {
		fault peoplesoft.Fault
		check func(all, got []row) bool
	}{
		"a silent cap": {peoplesoft.Fault{Kind: peoplesoft.FaultCap, N: 30}, func(all, got []row) bool {
			return len(got) == 30 && key(got[29]) == key(all[29])
		}},
		"silently no rows": {peoplesoft.Fault{Kind: peoplesoft.FaultZeroRows}, func(_, got []row) bool { return len(got) == 0 }},
		"half of the people": {peoplesoft.Fault{Kind: peoplesoft.FaultHalfRows}, func(all, got []row) bool {
			return len(got) > len(all)/4 && len(got) < 3*len(all)/4
		}},
		"the own department only": {peoplesoft.Fault{Kind: peoplesoft.FaultDepartment, Value: "0010300"}, func(all, got []row) bool {
			own := slices.DeleteFunc(slices.Clone(all), func(r row) bool { return r.text("DEPTID") != "0010300" })
			return len(own) > 0 && len(own) == len(got)
		}},
		"duplicates": {peoplesoft.Fault{Kind: peoplesoft.FaultDuplicates, N: 10}, func(all, got []row) bool {
			return len(got) == len(all)+len(all)/10 && key(got[9]) == key(got[10])
		}},
		"no order": {peoplesoft.Fault{Kind: peoplesoft.FaultUnsorted}, func(all, got []row) bool {
			keys := func(rows []row) (k []string) {
				for _, r := range rows {
					k = append(k, key(r))
				}
				return k
			}
			was, is := keys(all), keys(got)
			sorted := slices.IsSorted(is)
			slices.Sort(is)
			return !sorted && slices.Equal(was, is)
		}},
		"a date in another form": {peoplesoft.Fault{Kind: peoplesoft.FaultDrift}, func(_, got []row) bool {
			_, err := time.Parse("02-Jan-06", got[0].text("LASTUPDDTTM"))
			return err == nil
		}},
		"a number where text belongs, in 20 of 100 rows": {peoplesoft.Fault{Kind: peoplesoft.FaultDrift, Column: "DEPTID", N: 20}, func(_, got []row) bool {
			n := 0
			for _, r := range got[:100] {
				if _, number := r["DEPTID"].(float64); number {
					n++
				}
			}
			return n == 20
		}},
		"text where a number belongs": {peoplesoft.Fault{Kind: peoplesoft.FaultDrift, Column: "EMPL_RCD"}, func(_, got []row) bool {
			return got[0]["EMPL_RCD"] == "n/a"
		}},
		"a column that is gone": {peoplesoft.Fault{Kind: peoplesoft.FaultDropColumn, Column: "EMAIL_ADDR"}, func(_, got []row) bool {
			_, there := got[0]["EMAIL_ADDR"]
			return !there && len(got[0]) == 25
		}},
		"a clock five hours ahead": {peoplesoft.Fault{Kind: peoplesoft.FaultClock, Delay: 5 * time.Hour}, func(all, got []row) bool {
			was, err1 := time.Parse(peoplesoft.StampMicros, all[0].text("LASTUPDDTTM"))
			is, err2 := time.Parse(peoplesoft.StampMicros, got[0].text("LASTUPDDTTM"))
			return err1 == nil && err2 == nil && is.Sub(was) == 5*time.Hour
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, peoplesoft.Options{Employees: 250})
			all := w.call(people, 0)
			if err := w.Fault(tc.fault); err != nil {
				t.Fatal(err)
			}
			if got := w.call(people, 1000); !tc.check(all, got) {
				t.Errorf("%d rows without, %d with the fault; first %v", len(all), len(got), got[:min(1, len(got))])
			}
			w.ClearFaults()
			if got := w.call(people, 1000); len(got) != len(all) {
				t.Errorf("after clearing: %d rows, want %d", len(got), len(all))
			}
		})
	}
}

func TestClockFaultMovesTheWindowToo(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 10})
	if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultClock, Delay: 5 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	w.must(w.ChangePhone("0001002", "555/555-0199"))
	if got := w.call(people, 0, "FROM_DTTM=2026-03-02T17:00:00"); len(got) != 1 {
		t.Errorf("%d rows from 17:00, want the one stamped at 12:00 by a clock five hours ahead", len(got))
	}
}

func TestScriptSkipsCountsAndAims(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 5, Vendors: 5})
	for _, f := range []peoplesoft.Fault{
		{Kind: peoplesoft.FaultStatus, Status: 500, Query: "ml_employees", Skip: 2, Times: 2},
		{Kind: peoplesoft.FaultStatus, Status: 503, On: "gateway"},
	} {
		if err := w.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []int
	for _, path := range []string{vendors, people, people, people, vendors, people, people, "/PSIGW/PeopleSoftListeningConnector"} {
		got = append(got, w.get(path).status)
	}
	if want := []int{200, 200, 200, 500, 200, 500, 200, 503}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
	if err := w.Fault(peoplesoft.Fault{Kind: "gremlins"}); err == nil {
		t.Error("an unknown kind was taken")
	}
}

func TestLateCommitsAppearLateWithTheirEarlyStamp(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 50})
	if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultLate, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	hired := w.must(w.Apply(peoplesoft.Event{Type: "hire", Count: 30})).Keys
	seen := func() int { return len(w.call(people, 0, "LAST_EMPLID=0001050")) }
	first := seen()
	w.Advance(30 * time.Minute)
	half := seen()
	w.Advance(30 * time.Minute)
	if last := seen(); last != len(hired) || half >= last || first >= half || len(w.Truth("").Employees) != 80 {
		t.Errorf("seen %d at once, %d after half an hour, %d after an hour: want more and more up to %d", first, half, last, len(hired))
	}
	if got := w.call(people, 0, "LAST_EMPLID=0001050", "TO_DTTM=2026-03-02T12:00:00"); len(got) != len(hired) {
		t.Errorf("%d rows are stamped at the time of entry, want %d", len(got), len(hired))
	}
	late := w.must(w.Apply(peoplesoft.Event{Type: "change-email", EmplID: "0001001", Email: "late@example.com", LateSeconds: 60}))
	if got := w.call(people, 0, "EMPLID="+late.Key()); got[0].text("EMAIL_ADDR") == "late@example.com" {
		t.Error("a change that commits in a minute is visible already")
	}
}

func TestStaleServesTheStateOfBefore(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 10, Vendors: 5})
	before := w.get(people).body
	w.Advance(time.Hour)
	w.must(w.ChangeEmail("0001002", "new@example.com"))
	w.must(w.Hire(peoplesoft.NewHire{}, ""))
	w.must(w.VendorRename("SHARE", "0000000011", "Renamed"))
	fresh := w.get(people).body
	if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultStale}); err != nil {
		t.Fatal(err)
	}
	if got := w.get(people).body; got != before || fresh == before {
		t.Errorf("the stale answer differs from the one before the changes: %v", fresh == before)
	}
	if got := w.call(vendors, 1); got[0].text("NAME1") == "Renamed" {
		t.Error("a stale vendor shows its new name")
	}
}

func TestStallWithoutDelayLastsUntilTheClientLeaves(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 5})
	if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultStall, N: 10, Times: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+people, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 10)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != `{"status":` {
		t.Errorf("first bytes %q: %v", first, err)
	}
	leave()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("after leaving: %v", err)
	}
}

func TestRowSecurityNarrowsVendorsToo(t *testing.T) {
	tests := map[string]struct {
		fault peoplesoft.Fault
		check func(all, got []row) bool
	}{
		"half": {peoplesoft.Fault{Kind: peoplesoft.FaultHalfRows}, func(all, got []row) bool {
			return len(got) > len(all)/4 && len(got) < 3*len(all)/4
		}},
		"none": {peoplesoft.Fault{Kind: peoplesoft.FaultZeroRows}, func(_, got []row) bool { return len(got) == 0 }},
		"one SETID": {peoplesoft.Fault{Kind: peoplesoft.FaultDepartment, Value: "EMEA1"}, func(_, got []row) bool {
			return len(got) == 5 && got[0].text("SETID") == "EMEA1"
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, peoplesoft.Options{Vendors: 100})
			all := w.call(vendors, 0)
			if err := w.Fault(tc.fault); err != nil {
				t.Fatal(err)
			}
			if got := w.call(vendors, 0); !tc.check(all, got) {
				t.Errorf("%d of %d vendors", len(got), len(all))
			}
		})
	}
}

func TestChangeNeverCommitsBeforeTheOneItBuildsOn(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 3})
	w.must(w.Apply(peoplesoft.Event{Type: "change-email", EmplID: "0001002", Email: "one@example.com", LateSeconds: 600}))
	w.must(w.Apply(peoplesoft.Event{Type: "change-phone", EmplID: "0001002", Phone: "555/555-0142"}))
	now := func() row { return w.call(people, 0, "EMPLID=0001002")[0] }
	if r := now(); r.text("EMAIL_ADDR") == "one@example.com" || r.text("PHONE") == "555/555-0142" {
		t.Errorf("visible before the commit: %v", r)
	}
	w.Advance(10 * time.Minute)
	if r := now(); r.text("EMAIL_ADDR") != "one@example.com" || r.text("PHONE") != "555/555-0142" {
		t.Errorf("not visible after the commit: %v", r)
	}
}
