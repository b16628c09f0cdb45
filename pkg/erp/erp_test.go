package erp_test

import (
	"cmp"
	"regexp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/pkg/erp"
)

func TestParseDate(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a day":                            {"2026-03-02", "2026-03-02"},
		"a time behind it is cut off":      {" 2026-03-02T10:00:00 ", "2026-03-02"},
		"open end":                         {"9999-12-31", "9999-12-31"},
		"the first year":                   {"1900-01-01", "1900-01-01"},
		"the last year":                    {"2200-12-31", "2200-12-31"},
		"a year before":                    {"1899-12-31", ""},
		"a year behind":                    {"2201-01-01", ""},
		"another day of the year 9999":     {"9999-12-30", ""},
		"a day that does not exist":        {"2026-02-30", ""},
		"a leap day":                       {"2028-02-29", "2028-02-29"},
		"a leap day of an ordinary year":   {"2027-02-29", ""},
		"American":                         {"03/02/2026", ""},
		"blank":                            {"", ""},
		"without zeros":                    {"2026-3-2", ""},
		"digits of another script":         {"２０２６-03-02", ""},
		"something behind it":              {"2026-03-02x", ""},
		"a space in place of the letter T": {"2026-03-02 10:00:00", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := erp.ParseDate(c.in)
			if string(got) != c.want || (err == nil) != (c.want != "") {
				t.Fatalf("%q, %v", got, err)
			}
		})
	}
}

func TestTodayIsTheTenantsDay(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 5, 59, 0, 0, time.UTC)
	if got := erp.Today(now, chicago); got != "2026-03-01" {
		t.Errorf("one minute before midnight in Chicago it is %s", got)
	}
	if got := erp.Today(now.Add(time.Minute), chicago); got != "2026-03-02" {
		t.Errorf("at midnight in Chicago it is %s", got)
	}
	start, err := erp.Date("2026-03-02").Start(chicago)
	if err != nil || !start.Equal(now.Add(time.Minute)) {
		t.Errorf("the day begins at %s, %v", start, err)
	}
	if _, err := erp.Date("").Start(chicago); err == nil {
		t.Error("no day has a beginning")
	}
}

// TestADayStartsWhereMidnightIsMissing: Beirut moved its clocks at midnight, so that the day began at one o'clock.
func TestADayStartsWhereMidnightIsMissing(t *testing.T) {
	beirut, err := time.LoadLocation("Asia/Beirut")
	if err != nil {
		t.Fatal(err)
	}
	start, err := erp.Date("2024-03-31").Start(beirut)
	if err != nil {
		t.Fatal(err)
	}
	if day := erp.Today(start.Add(time.Hour), beirut); day != "2024-03-31" {
		t.Fatalf("an hour behind %s it is %s", start, day)
	}
}

func TestParseStamp(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"whole seconds":             {"2026-03-02T10:11:12", "2026-03-02T10:11:12.000000"},
		"a fraction":                {"2026-03-02T10:11:12.5", "2026-03-02T10:11:12.500000"},
		"nanoseconds are cut":       {"2026-03-02T10:11:12.123456789", "2026-03-02T10:11:12.123456"},
		"an offset is dropped":      {"2026-03-02T10:11:12-0600", "2026-03-02T10:11:12.000000"},
		"an offset with a colon":    {"2026-03-02T10:11:12.25-06:00", "2026-03-02T10:11:12.250000"},
		"Z is dropped":              {"2026-03-02T10:11:12Z", "2026-03-02T10:11:12.000000"},
		"a space in place of T":     {"2026-03-02 10:11:12.000001", "2026-03-02T10:11:12.000001"},
		"PeopleSoft's dotted form":  {"2026-03-02-10.11.12.654321", "2026-03-02T10:11:12.654321"},
		"without seconds":           {"2026-03-02T10:11", "2026-03-02T10:11:00.000000"},
		"only a day":                {"2026-03-02", "2026-03-02T00:00:00.000000"},
		"space around it":           {" 2026-03-02 ", "2026-03-02T00:00:00.000000"},
		"blank":                     {"", ""},
		"an hour that is not there": {"2026-03-02T25:00:00", ""},
		"words":                     {"yesterday", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := erp.ParseStamp(c.in)
			if string(got) != c.want || (err == nil) != (c.want != "") {
				t.Fatalf("%q, %v", got, err)
			}
		})
	}
}

func TestStampsOrderAsTheClockDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) time.Time {
			return time.UnixMicro(rapid.Int64Range(-2e15, 7e15).Draw(rt, name)).UTC()
		}
		a, b := draw("a"), draw("b")
		sa, sb := erp.StampOf(a, time.UTC), erp.StampOf(b, time.UTC)
		if cmp.Compare(sa, sb) != a.Compare(b) {
			rt.Fatalf("%s and %s", sa, sb)
		}
		if got := sa.Add(b.Sub(a)); got != sb {
			rt.Fatalf("%s + %s = %s, want %s", sa, b.Sub(a), got, sb)
		}
		if again, err := erp.ParseStamp(string(sa)); err != nil || again != sa {
			rt.Fatalf("%s was read as %s, %v", sa, again, err)
		}
		if w, err := sa.Wall(); err != nil || !w.Equal(a) {
			rt.Fatalf("%s is %s, %v", sa, w, err)
		}
	})
	if erp.Stamp("").Add(time.Hour) != "" {
		t.Error("no stamp became a stamp")
	}
}

func FuzzParseStamp(f *testing.F) {
	f.Add("2026-03-02T10:11:12.5-0600")
	f.Add("2026-03-02-10.11.12.654321")
	shape := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := erp.ParseStamp(s)
		if err == nil && !shape.MatchString(string(got)) {
			t.Fatalf("%q became %q", s, got)
		}
		if d, err := erp.ParseDate(s); err == nil && len(d) != len("2006-01-02") {
			t.Fatalf("%q became %q", s, d)
		}
	})
}

func TestFactKeysOrder(t *testing.T) {
	want := []erp.ID{
		{Facet: erp.Email, Row: "BUSN"}, {Facet: erp.Job, Row: "0", EffDate: "2024-01-01"}, {Facet: erp.Job, Row: "0", EffDate: "2024-01-01", EffSeq: 2},
		{Facet: erp.Job, Row: "0", EffDate: "2024-01-01", EffSeq: 10}, {Facet: erp.Job, Row: "0", EffDate: "2024-02-01"}, {Facet: erp.Job, Row: "1", EffDate: "2023-01-01"},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, erp.ID.Compare)
	if !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	f := erp.Fact{Facet: erp.Job, Row: "0", EffDate: "2024-01-01", EffSeq: 2, Stamp: "x", Action: erp.Drop}
	if f.ID() != want[2] {
		t.Fatal("the key is not made of facet, row, date and sequence")
	}
}

func TestAllowedFieldsAreSortedAndHarmless(t *testing.T) {
	forbidden := regexp.MustCompile(`(?i)national|ssn|birth|salary|rate|bank|account|tax|iban|gender|ethnic|marital`)
	for _, facet := range erp.Facets() {
		list := erp.Allowed(facet)
		if len(list) == 0 || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("%s: %v", facet, list)
		}
		for _, f := range list {
			if forbidden.MatchString(string(f)) {
				t.Errorf("%s: %s must not enter the system", facet, f)
			}
		}
	}
	if !slices.IsSorted(erp.Facets()) || erp.Allowed("compensation") != nil {
		t.Error("an unknown facet has fields, or the facets are not sorted")
	}
}
