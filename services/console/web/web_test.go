package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/console/web"
)

type system struct {
	status adminapi.Status
	err    error
}

func (s system) TenantIDs(context.Context) ([]tenant.ID, error) { return []tenant.ID{"acme"}, s.err }

func (s system) Status(context.Context, []tenant.ID) (adminapi.Status, error) { return s.status, s.err }

func full() adminapi.Status {
	ended, lag := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), 12.0
	hostile := `<img src=x onerror=alert(1)>`
	return adminapi.Status{Tenants: []adminapi.TenantStatus{{Tenant: "acme",
		Stages:   []adminapi.Stage{{Stage: "poller", Quiet: true}, {Stage: "zendesk-writer", Backlog: 7, InFlight: 3, LagSeconds: lag}},
		Cycles:   []adminapi.Cycle{{Kind: "employee", Mode: "full", State: "failed", Records: 5, Ended: &ended, Problem: &adminapi.Problem{Code: "SRC_DOWN"}}, {Kind: "vendor", Mode: "window", State: "running"}},
		Problems: []adminapi.Problem{{Code: "ZD_AUTH", Where: "zendesk", Detail: hostile, Next: "set the credential again", Since: &ended}},
		Records:  map[string]int{"employees": 250}, Linked: map[string]int{"employees/active": 213}, Findings: map[string]int{"MISSING_EMAIL": 2}, Holds: 1, DeadLetters: 4,
		Mode: "observe", Waiting: []adminapi.Hold{{ID: "suspend-1", Items: 30, Created: ended}}}}}
}

func TestOverview(t *testing.T) {
	cases := map[string]struct {
		system system
		status int
		has    []string
		hasNot []string
	}{
		"a full page says what is wrong, why and what heals it": {system{status: full()}, 200,
			[]string{"needs you", "ZD_AUTH", "Next: set the credential again", "7 waiting", "3 in work", "oldest 12 s", "SRC_DOWN", "MISSING_EMAIL", "213", "&lt;img src=x",
				"OBSERVE MODE", "ml-connector plan acme", "ml-connector holds show acme suspend-1", "30 records wait", "ml-connector check acme"}, []string{"<img"}},
		"an empty system says how to begin":          {system{}, 200, []string{"ml-connector apply -f tenant.yaml"}, []string{"role=\"alert\""}},
		"a broken store is told without error texts": {system{err: errors.New("password=hunter2")}, 503, []string{"Nothing is lost"}, []string{"hunter2"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			web.New(c.system, slog.New(slog.DiscardHandler)).Routes(mux)
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
			body := rec.Body.String()
			if rec.Code != c.status || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
				t.Fatalf("status %d, body %s", rec.Code, body)
			}
			for _, s := range c.has {
				if !strings.Contains(body, s) {
					t.Errorf("lacks %q", s)
				}
			}
			for _, s := range c.hasNot {
				if strings.Contains(body, s) {
					t.Errorf("shows %q", s)
				}
			}
			if !strings.HasPrefix(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(body, "<script") || strings.Contains(body, " style=") {
				t.Error("the page is not what its policy allows")
			}
		})
	}
}

func TestOtherPathsAreNotPages(t *testing.T) {
	mux := http.NewServeMux()
	web.New(system{}, slog.New(slog.DiscardHandler)).Routes(mux)
	for path, want := range map[string]int{"/console.css": 200, "/other": 404} {
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if rec.Code != want {
			t.Errorf("%s: %d, want %d", path, rec.Code, want)
		}
	}
}
