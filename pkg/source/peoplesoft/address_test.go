package peoplesoft

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func TestAddressOfAQuery(t *testing.T) {
	all := Prompts{From: "FROM_DT", To: "TO_DT", After: "LAST_EMPLID"}
	cases := map[string]struct {
		query Query
		base  string
		ask   ask
		want  string
	}{
		"an open window has far dates": {Query{Name: "ML_EMPLOYEES", Prompts: all}, "https://hr.example.com:8443", ask{limit: 1000},
			"https://hr.example.com:8443/PSIGW/RESTListeningConnector/PSFT_HR/ExecuteQuery.v1/PUBLIC/ML_EMPLOYEES/JSON/NONFILE?isconnectedquery=N&maxrows=1000&prompt_uniquepromptname=FROM_DT,TO_DT,LAST_EMPLID&prompt_fieldvalue=1900-01-01,9999-12-31,&json_resp=true"},
		"an open window is empty where the query allows it": {Query{Name: "Q", Prompts: all, EmptyPrompts: true}, "https://hr.example.com", ask{limit: 5, after: "00132136"},
			"https://hr.example.com/PSIGW/RESTListeningConnector/PSFT_HR/ExecuteQuery.v1/PUBLIC/Q/JSON/NONFILE?isconnectedquery=N&maxrows=5&prompt_uniquepromptname=FROM_DT,TO_DT,LAST_EMPLID&prompt_fieldvalue=,,00132136&json_resp=true"},
		"days are rounded outwards": {Query{Name: "Q", Prompts: all}, "https://hr.example.com", ask{limit: 5, from: "2026-03-01T23:59:59.000000", to: "2026-03-02T00:00:00.000001"},
			"https://hr.example.com/PSIGW/RESTListeningConnector/PSFT_HR/ExecuteQuery.v1/PUBLIC/Q/JSON/NONFILE?isconnectedquery=N&maxrows=5&prompt_uniquepromptname=FROM_DT,TO_DT,LAST_EMPLID&prompt_fieldvalue=2026-03-01,2026-03-03,&json_resp=true"},
		"values are encoded, a space as %20, and a prefix stays": {Query{Name: "Q", Format: XMLP, Owner: Private, PromptLayout: "2006-01-02 15:04:05", Prompts: Prompts{From: "F", To: "T", Key: "K"}}, "https://hr.example.com/ps/", ask{limit: 5, key: "a b&c+d#e/é", from: "2026-03-01T08:00:00.000000", to: "2026-03-01T09:00:00.500000"},
			"https://hr.example.com/ps/PSIGW/RESTListeningConnector/PSFT_HR/ExecuteQuery.v1/PRIVATE/Q/XMLP/NONFILE?isconnectedquery=N&maxrows=5&prompt_uniquepromptname=F,T,K&prompt_fieldvalue=2026-03-01%2008%3A00%3A00,2026-03-01%2009%3A00%3A01,a%20b%26c%2Bd%23e%2F%C3%A9"},
		"no prompts": {Query{Name: "Q"}, "https://hr.example.com", ask{limit: 5}, "https://hr.example.com/PSIGW/RESTListeningConnector/PSFT_HR/ExecuteQuery.v1/PUBLIC/Q/JSON/NONFILE?isconnectedquery=N&maxrows=5&json_resp=true"},
		"encoded commas on request, EFFDT left open": {Query{Name: "Q", ListSeparatorsEncoded: true, Prompts: Prompts{EffFrom: "A", EffTo: "B"}}, "https://hr.example.com", ask{limit: 5},
			"https://hr.example.com/PSIGW/RESTListeningConnector/PSFT_HR/ExecuteQuery.v1/PUBLIC/Q/JSON/NONFILE?isconnectedquery=N&maxrows=5&prompt_uniquepromptname=A%2CB&prompt_fieldvalue=1900-01-01%2C9999-12-31&json_resp=true"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := tc.query.reading(record.Employee, tc.base, "PSFT_HR", time.UTC).address(tc.ask)
			if err != nil || got != tc.want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, tc.want)
			}
		})
	}
	if _, err := (Query{Name: "Q", Prompts: Prompts{Key: "K"}}).reading(record.Employee, "https://x.example", "N", nil).address(ask{key: "a,b"}); err == nil {
		t.Error("a value with a comma was accepted")
	}
}

func TestAddressOfACustomService(t *testing.T) {
	g := Generic{URL: "/PSIGW/RESTListeningConnector/{node}/P.v1/{from}/{to}?after={after}&limit={limit}&key={key}", PromptLayout: "20060102", MaxRows: 7, EmptyPrompts: true}
	got, err := g.reading(record.Employee, "https://x.example", "PS HR", time.UTC).address(ask{from: "2026-03-01T08:00:00.000000", after: "{key}", key: "1/2", limit: 7})
	want := "https://x.example/PSIGW/RESTListeningConnector/PS%20HR/P.v1/20260301/?after=%7Bkey%7D&limit=7&key=1%2F2"
	if err != nil || got != want {
		t.Errorf("got  %s (%v)\nwant %s", got, err, want)
	}
}

func TestResolutionOfLayouts(t *testing.T) {
	for layout, want := range map[string]time.Duration{
		"2006-01-02": 24 * time.Hour, "02-Jan-06": 24 * time.Hour, "2006-01-02T15": time.Hour, "01/02/2006 03PM": time.Hour, "2006-01-02 15:04": time.Minute,
		"2006-01-02T15:04:05": time.Second, "2006-01-02T15:04:05.000": time.Millisecond, "2006-01-02-15.04.05.000000": time.Microsecond, "2006-01-02T15:04:05.000000-0700": time.Microsecond,
	} {
		if got := resolution(layout); got != want {
			t.Errorf("%s: %s, want %s", layout, got, want)
		}
	}
}

func TestHalvesLieBetween(t *testing.T) {
	cases := map[string]struct {
		layout         string
		from, to, want erp.Stamp
	}{
		"open ends":            {"2006-01-02", "", "", "2049-12-31T00:00:00.000000"},
		"two days":             {"2006-01-02", "2026-03-01T10:00:00.000000", "2026-03-02T10:00:00.000000", "2026-03-02T00:00:00.000000"},
		"one day cannot":       {"2006-01-02", "2026-03-01T10:00:00.000000", "2026-03-01T11:00:00.000000", ""},
		"two seconds":          {"2006-01-02T15:04:05", "2026-03-01T10:00:00.000000", "2026-03-01T10:00:02.000000", "2026-03-01T10:00:01.000000"},
		"one second cannot":    {"2006-01-02T15:04:05", "2026-03-01T10:00:00.100000", "2026-03-01T10:00:00.900000", ""},
		"microseconds":         {"2006-01-02T15:04:05.000000", "2026-03-01T10:00:00.000001", "2026-03-01T10:00:00.000003", "2026-03-01T10:00:00.000002"},
		"over the spring gap":  {"2006-01-02T15:04:05", "2026-03-08T01:59:58.000000", "2026-03-08T03:00:00.000000", "2026-03-08T02:29:59.000000"},
		"no time between them": {"2006-01-02T15:04:05", "2026-03-02T10:00:00.000000", "2026-03-01T10:00:00.000000", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			if got, ok := newClock(tc.layout, nil, false).half(tc.from, tc.to); got != tc.want || ok != (tc.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, tc.want)
			}
		})
	}
}

// The base zone's gap and repeat do not exist for walls (failures.md K01, K02, K03, K06): text in, text out.
func TestPromptsKeepTheWallClock(t *testing.T) {
	for _, wall := range []string{"2026-03-08T01:59:59", "2026-03-08T02:30:00", "2026-03-08T03:00:00", "2026-11-01T01:30:00", "2026-04-05T01:45:00"} {
		for _, name := range []string{"America/New_York", "Australia/Lord_Howe", "UTC"} {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			c := newClock("2006-01-02T15:04:05", zone, false)
			from, err := c.from(erp.Stamp(wall + ".999999"))
			if err != nil || from != wall {
				t.Errorf("%s in %s became %s, %v", wall, name, from, err)
			}
		}
	}
}

func TestPromptsWithAnOffset(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	c := newClock("2006-01-02T15:04:05-0700", zone, false)
	for wall, want := range map[erp.Stamp]string{
		"2026-07-01T12:00:00.000000": "2026-07-01T12:00:00-0400", "2026-01-01T12:00:00.000000": "2026-01-01T12:00:00-0500",
		"2026-03-08T02:30:00.000000": "2026-03-08T03:30:00-0400",
	} {
		if got, err := c.to(wall); err != nil || got != want {
			t.Errorf("%s became %s (%v), want %s", wall, got, err, want)
		}
	}
}
