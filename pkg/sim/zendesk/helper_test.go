package zendesk_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// clock is a time that moves only when told.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)} }

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

// account is a simulator behind HTTP, and what a client sees of it.
type account struct {
	t    *testing.T
	sim  *zendesk.Sim
	url  string
	time *clock
	auth string
}

// answer is a whole HTTP answer.
type answer struct {
	status int
	header http.Header
	raw    string
	json   map[string]any
}

func open(t *testing.T, o zendesk.Options) *account {
	t.Helper()
	clk := newClock()
	if o.Now == nil {
		o.Now = clk.now
	}
	sim := zendesk.New(o)
	srv := httptest.NewUnstartedServer(sim)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // no stack traces of refused deletes in the test output
	srv.Start()
	t.Cleanup(srv.Close)
	return &account{t: t, sim: sim, url: srv.URL, time: clk, auth: "Bearer any"}
}

func (a *account) try(method, path, body string) (answer, error) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if a.auth != "" {
		r.Header.Set("Authorization", a.auth)
	}
	noRedirects := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := noRedirects.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	out := answer{status: res.StatusCode, header: res.Header, raw: string(raw)}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&out.json) // not every answer is JSON
	return out, err
}

func (a *account) call(method, path, body string) answer {
	a.t.Helper()
	out, err := a.try(method, path, body)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	return out
}

// want calls and insists on a status.
func (a *account) want(status int, method, path, body string) answer {
	a.t.Helper()
	out := a.call(method, path, body)
	if out.status != status {
		a.t.Fatalf("%s %s %s: status %d, want %d: %s", method, path, body, out.status, status, out.raw)
	}
	return out
}

// at walks keys and indexes: at("users", 0, "id").
func (out answer) at(t *testing.T, path ...any) any {
	t.Helper()
	var v any = out.json
	for _, step := range path {
		switch k := step.(type) {
		case string:
			m, is := v.(map[string]any)
			if !is {
				t.Fatalf("%v in %s: no object", path, out.raw)
			}
			v = m[k]
		case int:
			l, is := v.([]any)
			if !is || k >= len(l) {
				t.Fatalf("%v in %s: no element %d", path, out.raw, k)
			}
			v = l[k]
		}
	}
	return v
}

func (out answer) str(t *testing.T, path ...any) string {
	t.Helper()
	switch v := out.at(t, path...).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case nil:
		return "null"
	case bool:
		if v {
			return "true"
		}
		return "false"
	default:
		raw, _ := json.Marshal(v)
		return string(raw)
	}
}

func (out answer) has(t *testing.T, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(out.raw, p) {
			t.Errorf("answer %s lacks %s", out.raw, p)
		}
	}
}

// job queues a bulk call, lets it finish and returns its status answer.
func (a *account) job(method, path, body string) answer {
	a.t.Helper()
	id := a.want(200, method, path, body).str(a.t, "job_status", "id")
	a.time.add(time.Minute)
	return a.want(200, "GET", "/api/v2/job_statuses/"+id, "")
}

func (a *account) user(body string) (id string) {
	a.t.Helper()
	return a.want(201, "POST", "/api/v2/users", `{"user":`+body+`}`).str(a.t, "user", "id")
}

func (a *account) org(body string) (id string) {
	a.t.Helper()
	return a.want(201, "POST", "/api/v2/organizations", `{"organization":`+body+`}`).str(a.t, "organization", "id")
}
