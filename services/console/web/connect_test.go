package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/console/web"
)

// connecting is a system whose account is used by consent.
type connecting struct {
	system
	failed error
	asked  int
}

func (c *connecting) Connect(context.Context, tenant.ID, string) (adminapi.Connecting, error) {
	c.asked++
	return adminapi.Connecting{URL: "https://acme.zendesk.example/oauth/authorizations/new?state=s"}, c.failed
}

func (c *connecting) Returned(_ context.Context, q url.Values) (tenant.ID, error) {
	if q.Get("state") != "s" {
		return "", fault.New(fault.Invalid, fault.TargetConsent, "not asked for here")
	}
	return "acme", c.failed
}

func consentSystem(state string) *connecting {
	s := full()
	s.Tenants[0].Connection = &adminapi.Connection{Method: "authorization_code", State: state, Account: "https://acme.zendesk.example", Scopes: []string{"read", "write"}}
	return &connecting{system: system{status: s}}
}

func TestConsent(t *testing.T) {
	const canary = "canary-code-51"
	cases := map[string]struct {
		system *connecting
		method string
		path   string
		header map[string]string
		status int
		has    []string
		asked  int
	}{
		"an account that is not connected has a button":    {consentSystem("not_connected"), "GET", "/", nil, 200, []string{`action="/connect/acme"`, "<button>Connect<", "a person must consent"}, 0},
		"an account that is connected can be connected":    {consentSystem("connected"), "GET", "/", nil, 200, []string{"<button>Reconnect<", "read, write"}, 0},
		"the button leads to Zendesk":                      {consentSystem("connected"), "POST", "/connect/acme", map[string]string{"Sec-Fetch-Site": "same-origin"}, 303, nil, 1},
		"another site's button leads nowhere":              {consentSystem("connected"), "POST", "/connect/acme", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, nil, 0},
		"another origin's button leads nowhere":            {consentSystem("connected"), "POST", "/connect/acme", map[string]string{"Origin": "https://evil.example"}, 403, nil, 0},
		"a link leads nowhere":                             {consentSystem("connected"), "GET", "/connect/acme", nil, 405, nil, 0},
		"a tenant that cannot be is not asked about":       {consentSystem("connected"), "POST", "/connect/A%20B", nil, 404, []string{"no such tenant"}, 0},
		"the way back says that it worked":                 {consentSystem("connected"), "GET", "/oauth/zendesk/callback?state=s&code=" + canary, nil, 200, []string{"Connected", "acme"}, 0},
		"a way back that nobody asked for is refused":      {consentSystem("connected"), "GET", "/oauth/zendesk/callback?state=" + canary + "&code=" + canary, nil, 400, []string{"ZD_CONSENT", "Next: begin again"}, 0},
		"a way back without anything is refused":           {consentSystem("connected"), "GET", "/oauth/zendesk/callback", nil, 400, []string{"ZD_CONSENT"}, 0},
		"an error that is not ours is told without a text": {&connecting{failed: errors.New(canary)}, "GET", "/oauth/zendesk/callback?state=s&code=" + canary, nil, 503, []string{"was not connected"}, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			web.New(c.system, slog.New(slog.DiscardHandler)).Routes(mux)
			req := httptest.NewRequest(c.method, c.path, nil)
			for k, v := range c.header {
				req.Header.Set(k, v)
			}
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, req)
			body := rec.Body.String()
			if rec.Code != c.status || c.system.asked != c.asked {
				t.Fatalf("status %d, asked %d times: %s", rec.Code, c.system.asked, body)
			}
			for _, s := range c.has {
				if !strings.Contains(body, s) {
					t.Errorf("lacks %q: %s", s, body)
				}
			}
			if strings.Contains(body, canary) || strings.Contains(body, "<script") || strings.Contains(body, " style=") {
				t.Errorf("shows what it must not: %s", body)
			}
			if c.status == 200 && !strings.HasPrefix(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Error("no policy")
			}
		})
	}
}

// Only the page with the button may post, and only to itself and to the tenants' accounts.
func TestFormsLeadToTheAccountsOnly(t *testing.T) {
	for name, c := range map[string]struct {
		system web.Status
		want   string
	}{
		"with an account":    {consentSystem("connected"), "form-action 'self' https://acme.zendesk.example;"},
		"without an account": {system{status: full()}, "form-action 'none';"},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			web.New(c.system, slog.New(slog.DiscardHandler)).Routes(mux)
			rec := httptest.NewRecorder()
			mux.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
			if got := rec.Header().Get("Content-Security-Policy"); !strings.Contains(got, c.want) {
				t.Errorf("policy %q, want %q", got, c.want)
			}
		})
	}
}
