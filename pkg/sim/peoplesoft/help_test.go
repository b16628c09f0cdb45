package peoplesoft_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// noon is 12:00 in Chicago on 2 March 2026.
func noon() time.Time { return time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC) }

type world struct {
	*peoplesoft.Sim
	t     *testing.T
	url   string
	clock *clock
}

func start(t *testing.T, o peoplesoft.Options) *world {
	t.Helper()
	c := &clock{at: noon()}
	if o.Now == nil {
		o.Now = c.now
	}
	s := peoplesoft.New(o)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return &world{Sim: s, t: t, url: server.URL, clock: c}
}

const (
	people  = "/PSIGW/RESTListeningConnector/PSFT_HR/ExecuteQuery.v1/PUBLIC/ML_EMPLOYEES/JSON/NONFILE"
	vendors = "/PSIGW/RESTListeningConnector/PSFT_EP/ExecuteQuery.v1/PUBLIC/ML_VENDORS/JSON/NONFILE"
)

// reply is an HTTP answer read as far as it went.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

func (w *world) get(path string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(req)
}

func (w *world) do(req *http.Request) reply {
	w.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: string(body), err: err}
}

func (w *world) post(path, body string) reply {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(req)
}

type row map[string]any

func (r row) text(column string) string { return strings.TrimSpace(fmt.Sprint(r[column])) }

// call asks a query with prompts name=value and wants rows.
func (w *world) call(path string, max int, prompts ...string) []row {
	w.t.Helper()
	got := w.get(path + ask(max, prompts...))
	var doc struct {
		Status string
		Data   struct{ Query struct{ Rows []row } }
	}
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil || got.err != nil || doc.Status != "success" {
		w.t.Fatalf("%s %v: status %d, %v %v: %.300s", path, prompts, got.status, got.err, err, got.body)
	}
	return doc.Data.Query.Rows
}

func ask(max int, prompts ...string) string {
	var names, values []string
	for _, p := range prompts {
		name, value, _ := strings.Cut(p, "=")
		names, values = append(names, name), append(values, strings.ReplaceAll(value, " ", "%20"))
	}
	q := fmt.Sprintf("?isconnectedquery=N&json_resp=true&maxrows=%d", max)
	if len(names) > 0 {
		q += "&prompt_uniquepromptname=" + strings.Join(names, ",") + "&prompt_fieldvalue=" + strings.Join(values, ",")
	}
	return q
}

// pages reads everything by keyset. A full page may cut a key in two: its last key is read again.
func (w *world) pages(path, key, prompt string, size int) []row {
	w.t.Helper()
	var all []row
	for after := ""; ; {
		page := w.call(path, size, prompt+"="+after)
		if len(page) < size {
			return append(all, page...)
		}
		last, n := page[len(page)-1].text(key), len(page)
		for n > 0 && page[n-1].text(key) == last {
			n--
		}
		if n == 0 {
			w.t.Fatalf("%d rows of %s do not fit a page of %d", len(page), last, size)
		}
		all, after = append(all, page[:n]...), page[n-1].text(key)
	}
}

// must returns an effect or ends the test.
func must(t *testing.T) func(peoplesoft.Effect, error) peoplesoft.Effect {
	return func(e peoplesoft.Effect, err error) peoplesoft.Effect {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func (w *world) employee(id, day string) peoplesoft.EmployeeTruth {
	w.t.Helper()
	e, ok := w.Truth(day).Employee(id)
	if !ok {
		w.t.Fatalf("employee %s: not in the truth of %s", id, day)
	}
	return e
}
