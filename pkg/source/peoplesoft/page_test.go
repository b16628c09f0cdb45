package peoplesoft

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// desk is a small query service whose rows a test chooses.
type desk struct {
	rows    [][2]string // EMPLID and LASTUPDDTTM, in the order in which they are answered
	cap     int         // rows at most, whatever maxrows says; 0: none
	total   bool        // numrows counts everything
	behind  string      // after prompt is greater than (default), "equal" for greater or equal, "all" for no effect
	asked   int
	keys    bool // the key prompt works
	lastAsk url.Values
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.asked++
	d.lastAsk = r.URL.Query()
	prompts := map[string]string{}
	values := strings.Split(d.lastAsk.Get("prompt_fieldvalue"), ",")
	for i, name := range strings.Split(d.lastAsk.Get("prompt_uniquepromptname"), ",") {
		prompts[name] = values[i]
	}
	limit, _ := strconv.Atoi(d.lastAsk.Get("maxrows"))
	if d.cap > 0 {
		limit = min(limit, d.cap)
	}
	rows, all := []map[string]string{}, 0
	for i, row := range d.rows {
		if after := prompts["AFTER"]; after != "" && d.behind != "all" && (row[0] < after || row[0] == after && d.behind == "") {
			continue
		}
		if key := prompts["KEY"]; d.keys && key != "" && row[0] != key {
			continue
		}
		if row[1] < prompts["FROM"] || prompts["TO"] != "" && row[1] > prompts["TO"] {
			continue
		}
		if all++; len(rows) < limit {
			rows = append(rows, map[string]string{"EMPLID": row[0], "EFFDT": "2026-01-01", "EFFSEQ": strconv.Itoa(i), "LASTUPDDTTM": row[1]})
		}
	}
	n := len(rows)
	if d.total {
		n = all
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"query": map[string]any{"numrows": n, "rows": rows}}})
}

func (d *desk) source(t *testing.T, q Query) *Source {
	t.Helper()
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	q.Name, q.PromptLayout = "Q", orText(q.PromptLayout, "2006-01-02T15:04:05")
	c := Default()
	c.BaseURL, c.Node, c.Auth = server.URL, "N", Auth{Basic: &Basic{"U", secret.New(canary)}}
	c.Queries[record.Employee] = q
	return open(t, c)
}

// people makes rows: each entry is a key and how many rows it has.
func people(list ...any) [][2]string {
	var rows [][2]string
	for i := 0; i+1 < len(list); i += 2 {
		for range list[i+1].(int) {
			rows = append(rows, [2]string{list[i].(string), fmt.Sprintf("2026-03-02T08:00:%02d", len(rows)%60)})
		}
	}
	return rows
}

func TestPagingByKey(t *testing.T) {
	cases := map[string]struct {
		desk  desk
		max   int
		pages []string // records of each page
		code  fault.Code
	}{
		"nothing":                                       {desk{}, 3, []string{""}, ""},
		"less than a page":                              {desk{rows: people("1", 1, "2", 1)}, 3, []string{"1 2"}, ""},
		"exactly a page: the last key waits":            {desk{rows: people("1", 1, "2", 1, "3", 1)}, 3, []string{"1 2", "3"}, ""},
		"rows of one key stay together":                 {desk{rows: people("1", 1, "2", 3, "3", 1)}, 4, []string{"1", "2", "3"}, ""},
		"one key fills a page":                          {desk{rows: people("1", 1, "2", 3)}, 3, []string{"1"}, fault.SourcePageStuck},
		"a server that cuts in silence":                 {desk{rows: people("1", 1, "2", 1, "3", 1, "4", 1, "5", 1), cap: 2}, 100, []string{"1", "2", "3", "4 5"}, ""},
		"a server that cuts inside a key":               {desk{rows: people("1", 1, "2", 2, "3", 1), cap: 2}, 100, []string{"1"}, fault.SourcePageStuck},
		"a server that cuts and counts":                 {desk{rows: people("1", 1, "2", 1, "3", 1), cap: 2, total: true}, 100, []string{"1", "2 3"}, ""},
		"a smaller key behind a greater one":            {desk{rows: people("2", 1, "1", 1, "3", 1)}, 2, nil, fault.SourceOrder},
		"no order, but everything in one answer":        {desk{rows: people("2", 1, "1", 1)}, 5, []string{"1 2"}, ""},
		"no order, and a cut in silence":                {desk{rows: people("2", 1, "1", 1, "3", 1), cap: 2}, 5, nil, fault.SourceOrder},
		"an after prompt without effect":                {desk{rows: people("2", 1, "1", 2, "3", 1), behind: "all"}, 5, []string{"1 2 3"}, ""},
		"the same, and more rows than a page":           {desk{rows: people("1", 1, "2", 1, "3", 1), behind: "all"}, 2, []string{"1"}, fault.SourceOrder},
		"an after prompt that is not strictly greater":  {desk{rows: people("1", 1, "2", 1, "3", 1), behind: "equal"}, 3, []string{"1 2"}, fault.SourceOrder},
		"the same when the answer was not full already": {desk{rows: people("1", 1, "2", 1), behind: "equal"}, 3, []string{"1 2"}, ""},
		"the same with a cut in silence":                {desk{rows: people("1", 1, "2", 1, "3", 1), behind: "equal", cap: 2}, 5, nil, fault.SourceOrder},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s := tc.desk.source(t, Query{MaxRows: tc.max, Prompts: Prompts{After: "AFTER"}})
			pages, _, err := readAll(t, s, source.Window{Kind: record.Employee, Full: true})
			var got []string
			for _, p := range pages {
				var keys []string
				for _, r := range p.Records {
					keys = append(keys, r.Ref.Key)
				}
				got = append(got, strings.Join(keys, " "))
			}
			if !slices.Equal(got, tc.pages) {
				t.Errorf("pages %q, want %q", got, tc.pages)
			}
			if (err != nil || tc.code != "") && fault.CodeOf(err) != tc.code {
				t.Errorf("got %v, want %q", err, tc.code)
			}
		})
	}
}

func TestFiveThousandRowsOfOneInstant(t *testing.T) {
	d := &desk{}
	for i := range 5000 {
		d.rows = append(d.rows, [2]string{fmt.Sprintf("%07d", i), "2026-03-02T08:00:00"})
	}
	_, records, err := readAll(t, d.source(t, Query{MaxRows: 300, Prompts: Prompts{From: "FROM", To: "TO", After: "AFTER"}}), source.Window{Kind: record.Employee, From: "2026-03-02T08:00:00.000000"})
	if err != nil || len(records) != 5000 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if _, _, err = readAll(t, d.source(t, Query{MaxRows: 300, Prompts: Prompts{From: "FROM", To: "TO"}}), source.Window{Kind: record.Employee, Full: true}); fault.CodeOf(err) != fault.SourcePartial {
		t.Errorf("without the after prompt: %v", err)
	}
}

func TestPagingByTime(t *testing.T) {
	d := &desk{}
	start := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 400 {
		d.rows = append(d.rows, [2]string{fmt.Sprintf("%07d", i), start.Add(time.Duration(i*i) * 37 * time.Second).Format("2006-01-02T15:04:05")})
	}
	prompts := Prompts{From: "FROM", To: "TO"}
	for name, tc := range map[string]struct {
		query  Query
		window source.Window
		want   int
	}{
		"a full read":     {Query{MaxRows: 30, Prompts: prompts}, source.Window{Full: true}, 400},
		"an open window":  {Query{MaxRows: 30, Prompts: prompts}, source.Window{From: "2025-01-01T00:00:37.000000"}, 399},
		"a closed window": {Query{MaxRows: 30, Prompts: prompts}, source.Window{From: "2025-01-01T00:00:37.000000", To: "2025-01-01T01:01:40.000000"}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			d.asked = 0
			tc.window.Kind = record.Employee
			pages, records, err := readAll(t, d.source(t, tc.query), tc.window)
			if err != nil || len(records) != tc.want {
				t.Fatalf("%d records, want %d, %v", len(records), tc.want, err)
			}
			if d.asked > 12*len(pages)+40 {
				t.Errorf("%d requests for %d pages", d.asked, len(pages))
			}
		})
	}
	if _, _, err := readAll(t, d.source(t, Query{MaxRows: 30}), source.Window{Kind: record.Employee, Full: true}); fault.CodeOf(err) != fault.SourcePartial {
		t.Errorf("without any prompt: %v", err)
	}
	d.cap, d.total = 20, true
	if _, records, err := readAll(t, d.source(t, Query{MaxRows: 100_000, Prompts: prompts}), source.Window{Kind: record.Employee, Full: true}); err != nil || len(records) != 400 {
		t.Errorf("a server that cuts and counts: %d, %v", len(records), err)
	}
}

func TestOneRecord(t *testing.T) {
	rows := people("0001", 1, "0002", 2, "0003", 1)
	cases := map[string]struct {
		desk    desk
		prompts Prompts
		max     int
		key     string
		facts   int
		code    fault.Code
	}{
		"by the key prompt":                        {desk{rows: rows, keys: true}, Prompts{Key: "KEY"}, 10, "0002", 2, ""},
		"by the after prompt":                      {desk{rows: rows}, Prompts{After: "AFTER"}, 10, "0002", 2, ""},
		"by the after prompt over several pages":   {desk{rows: rows}, Prompts{After: "AFTER"}, 3, "0003", 1, ""},
		"unknown by the key prompt":                {desk{rows: rows, keys: true}, Prompts{Key: "KEY"}, 10, "0009", 0, ""},
		"unknown by the after prompt":              {desk{rows: rows}, Prompts{After: "AFTER"}, 10, "0009", 0, ""},
		"by an after prompt without effect":        {desk{rows: rows, behind: "all"}, Prompts{After: "AFTER"}, 10, "0003", 1, ""},
		"the same with more rows than a page":      {desk{rows: rows, behind: "all"}, Prompts{After: "AFTER"}, 2, "0003", 0, fault.SourceOrder},
		"neither prompt":                           {desk{rows: rows}, Prompts{}, 10, "0002", 0, fault.SourceNotSupported},
		"too many rows of the key":                 {desk{rows: people("0002", 5), keys: true}, Prompts{Key: "KEY"}, 5, "0002", 0, fault.SourcePageStuck},
		"a key prompt that the query does not use": {desk{rows: rows}, Prompts{Key: "KEY"}, 3, "0001", 0, fault.SourceSchema},
		"no key":             {desk{rows: rows}, Prompts{Key: "KEY"}, 3, "", 0, fault.SourceNotSupported},
		"a key with a comma": {desk{rows: rows}, Prompts{Key: "KEY"}, 3, "1,2", 0, fault.SourceNotSupported},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			page, err := tc.desk.source(t, Query{MaxRows: tc.max, Prompts: tc.prompts}).ReadKey(t.Context(), acme, record.Ref{Kind: record.Employee, Key: tc.key})
			if (err != nil || tc.code != "") && fault.CodeOf(err) != tc.code {
				t.Fatalf("got %v, want %q", err, tc.code)
			}
			if page.Rows != tc.facts {
				t.Errorf("%d rows, want %d", page.Rows, tc.facts)
			}
		})
	}
}

// Walls of the spring gap, the autumn repeat and of both precisions stay text and stay ordered (failures.md K01-K06).
func TestChangeTimesStayWallClocks(t *testing.T) {
	walls := []string{"2026-03-08T01:59:59", "2026-03-08T02:30:00", "2026-03-08T03:00:00", "2026-11-01T01:30:00", "2026-11-01T01:30:00.999999"}
	d := &desk{}
	for i, wall := range walls {
		d.rows = append(d.rows, [2]string{strconv.Itoa(i), wall})
	}
	page, err := d.source(t, Query{Prompts: Prompts{From: "FROM", To: "TO", After: "AFTER"}}).Read(t.Context(), acme, source.Window{Kind: record.Employee, From: "2026-03-08T02:00:00.000000"})
	if err != nil || len(page.Records) != 4 || page.Newest != "2026-11-01T01:30:00.999999" {
		t.Errorf("%d records, newest %s, %v", len(page.Records), page.Newest, err)
	}
	if got := d.lastAsk.Get("prompt_fieldvalue"); !strings.HasPrefix(got, "2026-03-08T02:00:00,") {
		t.Errorf("the window begins at %q", got)
	}
}

func TestAPositionOfTheOtherWayOfPagingBeginsAgain(t *testing.T) {
	d := &desk{rows: people("0001", 1, "3000", 1)}
	for name, q := range map[string]Query{"by key": {Prompts: Prompts{After: "AFTER"}}, "by time": {Prompts: Prompts{From: "FROM", To: "TO"}}} {
		t.Run(name, func(t *testing.T) {
			after := map[string]string{"by key": "2026-01-01T00:00:00.000000|", "by time": "0001"}[name]
			page, err := d.source(t, q).Read(t.Context(), acme, source.Window{Kind: record.Employee, After: after})
			if err != nil || len(page.Records) != 2 {
				t.Errorf("%d records, %v", len(page.Records), err)
			}
		})
	}
}
