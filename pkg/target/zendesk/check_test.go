package zendesk

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func step(steps []check.Step, name string) check.Step {
	for _, s := range steps {
		if s.Name == name {
			return s
		}
	}
	return check.Step{}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		sim  sim.Options
		cfg  func(c *Config)
		on   func(s *sim.Sim)
		step string
		want check.State
		code fault.Code
	}{
		"all well":                            {step: "sign-in", want: check.OK},
		"plan limit":                          {sim: sim.Options{RequestsPerMinute: 400}, step: "budget", want: check.OK},
		"api token ends":                      {step: "token", want: check.Warning, code: fault.TargetTokenEnding},
		"wrong token":                         {sim: sim.Options{Auth: sim.Auth{Tokens: []sim.APIToken{{Email: "ops@acme.example", Token: "other"}}}}, step: "sign-in", want: check.Failed, code: fault.TargetAuth},
		"anonymous in disguise of 200":        {sim: sim.Options{Auth: sim.Auth{Tokens: []sim.APIToken{{Email: "ops@acme.example", Token: "other"}}}, Quirks: sim.Quirks{WrongTokenIsAnonymous: true}}, step: "sign-in", want: check.Failed, code: fault.TargetAuth},
		"anonymous without id":                {sim: sim.Options{Auth: sim.Auth{Tokens: []sim.APIToken{{Email: "ops@acme.example", Token: "other"}}}, Quirks: sim.Quirks{WrongTokenIsAnonymous: true, AnonymousWithoutID: true}}, step: "sign-in", want: check.Failed, code: fault.TargetAuth},
		"a mapped field is missing":           {cfg: func(c *Config) { c.Fields = []string{"user_fields.department", "user_fields.cost_center"} }, step: "fields", want: check.Warning, code: fault.TargetFieldMissing},
		"all mapped fields exist":             {cfg: func(c *Config) { c.Fields = []string{"user_fields.department", "organization_fields.status"} }, step: "fields", want: check.OK},
		"host that does not exist":            {cfg: func(c *Config) { c.BaseURL = "https://nobody.invalid" }, step: "dns", want: check.Failed, code: fault.TargetUnreachable},
		"nobody listens":                      {cfg: func(c *Config) { c.BaseURL = "http://127.0.0.1:1" }, step: "connect", want: check.Failed, code: fault.TargetUnreachable},
		"a sign-in page in place of data":     {on: func(s *sim.Sim) { s.Fault(sim.Fault{Path: "/api/v2/users/me", HTML: true, Times: -1}) }, step: "sign-in", want: check.Failed, code: fault.TargetNotData},
		"an account without a list of jobs":   {on: func(s *sim.Sim) { s.Fault(sim.Fault{Path: "/api/v2/job_statuses", Status: 404, Times: -1}) }, step: "jobs", want: check.Warning, code: fault.TargetNotFound},
		"an account without a list of fields": {cfg: func(c *Config) { c.Fields = []string{"user_fields.department"} }, on: func(s *sim.Sim) { s.Fault(sim.Fault{Path: "/api/v2/user_fields", Status: 404, Times: -1}) }, step: "fields", want: check.Warning, code: fault.TargetNotFound},
		"an account that cannot be counted": {on: func(s *sim.Sim) {
			s.Fault(sim.Fault{Path: "/api/v2/account/settings", Status: 404, Times: -1})
			s.Fault(sim.Fault{Path: "/api/v2/users/count", Status: 404, Times: -1})
		}, step: "account", want: check.Warning, code: fault.TargetNotFound},
		"fields are forbidden": {cfg: func(c *Config) { c.Fields = []string{"user_fields.department"} }, on: func(s *sim.Sim) { s.Fault(sim.Fault{Path: "/api/v2/user_fields", Status: 403, Times: -1}) }, step: "fields", want: check.Failed, code: fault.TargetForbidden},
		"jobs are forbidden":   {on: func(s *sim.Sim) { s.Fault(sim.Fault{Path: "/api/v2/job_statuses", Status: 403, Times: -1}) }, step: "jobs", want: check.Failed, code: fault.TargetForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := overHTTP(t, tc.sim, func(c *Config) {
				if tc.cfg != nil {
					tc.cfg(c)
				}
			})
			if tc.on != nil {
				tc.on(a.sim)
			}
			steps := a.target.Check(t.Context(), acme)
			s := step(steps, tc.step)
			if s.State != tc.want || s.Code != string(tc.code) || s.State == check.Failed && s.Next == "" {
				t.Errorf("%+v, want %s %s; all: %+v", s, tc.want, tc.code, steps)
			}
			if len(steps) != 11 {
				t.Errorf("%d steps, want always 11: %+v", len(steps), steps)
			}
			if a.sim.Counters().Writes > a.sim.Counters().Unchanged+10 {
				t.Error("check wrote")
			}
		})
	}
}

func TestFixFieldsCreatesWhatIsMissingOnce(t *testing.T) {
	a := overHTTP(t, sim.Options{}, func(c *Config) {
		c.Fields = []string{"user_fields.department", "user_fields.cost_center", "organization_fields.class"}
	})
	if steps := a.target.FixFields(t.Context(), acme); len(steps) != 2 || steps[0].State != check.OK || steps[1].State != check.OK {
		t.Fatalf("%+v", steps)
	}
	if steps := a.target.FixFields(t.Context(), acme); len(steps) != 0 {
		t.Errorf("second run: %+v", steps)
	}
	if s := step(a.target.Check(t.Context(), acme), "fields"); s.State != check.OK {
		t.Errorf("%+v", s)
	}
}

func TestClientCredentials(t *testing.T) {
	const hidden = "canary-secret-5b1e"
	auth := sim.Auth{Clients: []sim.OAuthClient{{ID: "ml_connector", Secret: hidden, ExpiresIn: 600}}}
	grant := func(s string) func(c *Config) {
		return func(c *Config) { c.Auth = ClientCredentials{ClientID: "ml_connector", Secret: secret.New(s)} }
	}
	t.Run("signs in and keeps the token", func(t *testing.T) {
		a := overHTTP(t, sim.Options{Auth: auth}, grant(hidden))
		a.sync(people(1, 3)...)
		if n := a.sim.Counters().Calls["POST /oauth/tokens"]; n != 1 {
			t.Errorf("%d token requests, want 1", n)
		}
	})
	t.Run("a refused token is fetched anew once", func(t *testing.T) {
		a := overHTTP(t, sim.Options{Auth: auth}, grant(hidden))
		a.sync(person(1))
		a.sim.Fault(sim.Fault{Path: "/api/v2/users/show_many", Status: 401, Body: `{"error":"invalid_token"}`})
		a.quiet(person(1))
		if n := a.sim.Counters().Calls["POST /oauth/tokens"]; n != 2 {
			t.Errorf("%d token requests, want 2", n)
		}
	})
	t.Run("a wrong secret stops the connection", func(t *testing.T) {
		a := overHTTP(t, sim.Options{Auth: auth}, grant("wrong"))
		_, err := a.target.Plan(t.Context(), acme, people(1, 1))
		if fault.KindOf(err) != fault.Auth {
			t.Errorf("%v", err)
		}
	})
	t.Run("form encoding is tried when JSON is refused", func(t *testing.T) {
		a := overHTTP(t, sim.Options{Auth: auth}, grant(hidden))
		a.sim.Fault(sim.Fault{Path: "/oauth/tokens", Status: 415})
		a.sync(person(1))
	})
}

// TestNoSecretLeavesInErrorsOrLogs: a hostile server echoes what it was sent, in every place that a message could
// take its text from.
func TestNoSecretLeavesInErrorsOrLogs(t *testing.T) {
	const canary = "canary-token-7f3a9c"
	for _, status := range []int{200, 301, 400, 401, 403, 404, 422, 429, 500, 503} {
		for name, shape := range map[string]string{
			"flat": `{"error":%q,"description":%q}`, "list": `{"errors":[{"code":%q,"title":%q}]}`, "text": "%s %s",
			"details": `{"error":%q,"details":{"name":[{"description":%q}]}}`,
		} {
			t.Run(fmt.Sprintf("%d %s", status, name), func(t *testing.T) {
				t.Parallel()
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					sent := r.Header.Get("Authorization") + " person1@corp.example"
					w.Header().Set("X-Zendesk-API-Warn", sent)
					w.Header().Set("Retry-After", "3600")
					w.WriteHeader(status)
					fmt.Fprintf(w, shape, sent, sent)
				}))
				defer srv.Close()
				var logs bytes.Buffer
				cfg := Default()
				cfg.BaseURL, cfg.Auth, cfg.Patience = srv.URL, token(), time.Millisecond
				cfg.Log = slog.New(slog.NewTextHandler(&logs, nil))
				tg, err := Open(cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer tg.Close()
				ctx := t.Context()
				_, planErr := tg.Plan(ctx, acme, people(1, 1))
				text := fmt.Sprintf("%v %+v %#v %+v %s", planErr, planErr, tg.cfg, tg.Check(ctx, acme), logs.String())
				basic := strings.TrimPrefix(tg.client.session.(fixed).value.Reveal(), "Basic ")
				for _, s := range []string{canary, basic, "person1@corp.example"} {
					if strings.Contains(text, s) {
						t.Errorf("%q in %s", s, text)
					}
				}
			})
		}
	}
}

func TestConfigReportsEveryProblem(t *testing.T) {
	for _, bad := range []string{"", "http://acme.zendesk.com", "https://u:p@acme.zendesk.com", "https://acme.zendesk.com/x?y", "ftp://x"} {
		c := Default()
		c.BaseURL, c.Jobs, c.Share, c.Fields = bad, 99, 2, []string{"tags"}
		_, err := Open(c)
		if fault.KindOf(err) != fault.Config {
			t.Fatalf("%q: %v", bad, err)
		}
		for _, key := range []string{"zendesk.base_url", "zendesk.auth", "zendesk.budget.share", "zendesk.budget.jobs", "zendesk.fields"} {
			if !strings.Contains(err.Error(), key) {
				t.Errorf("%q: %s is not named in %v", bad, key, err)
			}
		}
	}
}
