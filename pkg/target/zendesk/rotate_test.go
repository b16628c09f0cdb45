package zendesk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// safe keeps a grant in memory as a store would: for all processes of a test.
type safe struct {
	mu      sync.Mutex
	text    secret.String
	version int64
	until   time.Time
	keep    func(n int64, text string) error // what becomes of a Keep, by the version it would make
	lost    bool                             // the next Keep stores, and its answer is lost
}

var errStore = errors.New("the store is away")

func (s *safe) Grant(context.Context) (secret.String, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text, s.version, nil
}

func (s *safe) Keep(_ context.Context, text secret.String, over int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if over != s.version {
		return errors.New("moved")
	}
	if s.keep != nil {
		if err := s.keep(over+1, text.Reveal()); err != nil {
			return err
		}
	}
	s.text, s.version = text, over+1
	if s.lost {
		s.lost = false
		return errStore
	}
	return nil
}

func (s *safe) Lease(_ context.Context, lasts time.Duration) (func(context.Context), bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.until) {
		return nil, false, nil
	}
	s.until = time.Now().Add(lasts)
	return func(context.Context) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.until = time.Time{}
	}, true, nil
}

// fallen is a process that ends in the middle: whatever it held, it holds until the lease is over.
type fallen struct{ *safe }

func (c fallen) Lease(ctx context.Context, lasts time.Duration) (func(context.Context), bool, error) {
	_, ok, err := c.safe.Lease(ctx, lasts)
	return func(context.Context) {}, ok, err
}

const (
	clientSecret = "canary-client-secret-11"
	callback     = "http://127.0.0.1:8080/oauth/zendesk/callback"
)

func oauthSim(o sim.Options) sim.Options {
	o.Auth = sim.Auth{Clients: []sim.OAuthClient{{ID: "ml_connector", Secret: clientSecret, RedirectURIs: []string{callback}}}}
	return o
}

func coded(g Grants) func(c *Config) {
	return func(c *Config) {
		c.Auth = AuthorizationCode{ClientID: "ml_connector", Secret: secret.New(clientSecret), Grants: g, Repair: "run `ml-connector connect acme`"}
	}
}

// consent plays the person: opens the page and comes back with what Zendesk sends.
func (a *account) consent() (url.Values, Ask) {
	a.Helper()
	ask, err := a.target.Ask(secret.New("acme.state"), callback)
	if err != nil {
		a.Fatal(err)
	}
	u, err := url.Parse(ask.URL)
	if err != nil {
		a.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.sim.ServeHTTP(w, httptest.NewRequest(http.MethodGet, u.RequestURI(), nil))
	back, err := url.Parse(w.Header().Get("Location"))
	if err != nil || w.Code != http.StatusFound {
		a.Fatalf("consent page: %d, %v", w.Code, err)
	}
	if got := back.Query().Get("state"); got != "acme.state" {
		a.Fatalf("state %q came back", got)
	}
	return back.Query(), ask
}

func (a *account) accept() error {
	a.Helper()
	q, ask := a.consent()
	_, err := a.target.Accept(a.Context(), secret.New(q.Get("code")), ask.Verifier, callback)
	return err
}

func (a *account) connect() {
	a.Helper()
	if err := a.accept(); err != nil {
		a.Fatal(err)
	}
}

func (a *account) state() Connection {
	a.Helper()
	c, err := a.target.cfg.Auth.(AuthorizationCode).Connection(a.Context(), a.target.cfg.BaseURL)
	if err != nil {
		a.Fatal(err)
	}
	return c
}

// tokens wants so many refreshes, and no token or code spent twice.
func (a *account) refreshed(n int64) {
	a.Helper()
	if c := a.sim.Counters(); c.Refreshes != n || c.Reused != 0 {
		a.Errorf("%d refreshes, %d tokens used twice; want %d and 0", c.Refreshes, c.Reused, n)
	}
}

func (a *account) parked() {
	a.Helper()
	_, err := a.target.Plan(a.Context(), acme, people(1, 1))
	if codeOf(err) != "auth REAUTH_REQUIRED" || !strings.Contains(fault.NextOf(err), "connect acme") {
		a.Fatalf("%s (%v), next %q; want REAUTH_REQUIRED", codeOf(err), err, fault.NextOf(err))
	}
}

func TestNobodyCallsBeforeAConsent(t *testing.T) {
	a := overHTTP(t, oauthSim(sim.Options{}), coded(&safe{}))
	a.parked()
	if s := step(a.target.Check(t.Context(), acme), "sign-in"); s.State != check.Failed || s.Code != string(fault.TargetReauth) {
		t.Errorf("check: %+v", s)
	}
	if n := a.sim.Counters().Requests; n != 0 {
		t.Errorf("%d requests without a consent", n)
	}
	if c := a.state(); c.State != NotConnected {
		t.Errorf("%+v", c)
	}
	a.connect()
	a.sync(people(1, 3)...)
	if c := a.state(); c.State != Connected || strings.Join(c.Scopes, " ") != "read write" || c.AccessEnds.IsZero() || c.RefreshEnds.IsZero() {
		t.Errorf("%+v", c)
	}
	if s := step(a.target.Check(t.Context(), acme), "token"); s.State != check.OK || !strings.Contains(s.Detail, "access until") {
		t.Errorf("check: %+v", s)
	}
}

func TestAConsentGivesExactlyWhatWasAskedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		oauth sim.OAuth
		fault sim.Fault
		spoil func(q url.Values, ask *Ask)
		want  string
	}{
		"as asked":                              {want: "<nil>"},
		"as asked, and the answer says nothing": {oauth: sim.OAuth{HideScope: true}, want: "<nil>"},
		"more than was asked for":               {oauth: sim.OAuth{ExtraScopes: []string{"impersonate"}}, want: "auth ZD_FORBIDDEN"},
		"more than was asked for, and the answer says nothing": {oauth: sim.OAuth{HideScope: true, ExtraScopes: []string{"impersonate"}}, want: "auth ZD_FORBIDDEN"},
		"less than was asked for":                              {oauth: sim.OAuth{LessScopes: []string{"write"}}, want: "auth ZD_FORBIDDEN"},
		"of an agent":                                          {oauth: sim.OAuth{User: -1}, want: "auth ZD_FORBIDDEN"},
		"with another verifier":                                {spoil: func(_ url.Values, k *Ask) { k.Verifier = secret.New("other") }, want: "auth ZD_AUTH"},
		"with another code":                                    {spoil: func(q url.Values, _ *Ask) { q.Set("code", "sim-code-0") }, want: "auth ZD_AUTH"},
		"with a secret in the refusal":                         {fault: sim.Fault{Path: "/oauth/tokens", Status: 400, Body: `{"error":"` + clientSecret + `"}`}, want: "auth ZD_AUTH"},
		"from an account that is down":                         {fault: sim.Fault{Path: "/oauth/tokens", Status: 503}, want: "transient ZD_DOWN"},
		"from an account that does not know tokens/current":    {fault: sim.Fault{Path: "/api/v2/oauth/tokens/current", Status: 404}, want: "<nil>"},
		"of an account that reads forms only":                  {fault: sim.Fault{Path: "/oauth/tokens", Status: 415}, want: "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := &safe{}
			a := overHTTP(t, oauthSim(sim.Options{}), coded(kept))
			a.connect()
			before := kept.text.Reveal()
			if tc.oauth.User < 0 {
				tc.oauth.User = a.sim.SeedAgent("Agent", "agent@corp.example")
			}
			a.sim.SetOAuth(tc.oauth)
			if tc.fault.Path != "" {
				a.sim.Fault(tc.fault)
			}
			q, ask := a.consent()
			if tc.spoil != nil {
				tc.spoil(q, &ask)
			}
			_, err := a.target.Accept(t.Context(), secret.New(q.Get("code")), ask.Verifier, callback)
			if codeOf(err) != tc.want {
				t.Fatalf("%s (%v), want %s", codeOf(err), err, tc.want)
			}
			if changed := kept.text.Reveal() != before; changed != (tc.want == "<nil>") {
				t.Errorf("tokens in use changed: %t", changed)
			}
			if strings.Contains(fmt.Sprintf("%+v %s", err, fault.NextOf(err)), clientSecret) {
				t.Error("the secret stands in the error")
			}
			a.sim.SetOAuth(sim.OAuth{})
			a.sync(person(1)) // with the new tokens or with those before
		})
	}
}

// An hour is a day here: tokens of 30 minutes are renewed at 80 % of their life, and no call is refused for it.
func TestTokensAreRenewedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &safe{}
		a := inBubble(t, oauthSim(sim.Options{OAuth: sim.OAuth{AccessLife: 1800, ReuseRevokes: true}}), coded(kept))
		a.connect()
		a.sync(person(1))
		for range 24 * 12 {
			time.Sleep(5 * time.Minute)
			if err := a.target.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.quiet(person(1))
		}
		a.refreshed(24*60/25 - 0)
		if n := a.sim.Counters().Statuses[401]; n != 0 {
			t.Errorf("%d calls refused for their token", n)
		}
	})
}

// A token without an end is renewed all the same before its refresh token runs out.
func TestARefreshTokenDoesNotRunOutInAQuietMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, oauthSim(sim.Options{OAuth: sim.OAuth{AccessLife: 3_000_000, RefreshLife: 2_592_000}}), coded(&safe{}))
		a.connect()
		for range 60 * 24 {
			time.Sleep(time.Hour)
			if err := a.target.Renew(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		a.refreshed(2)
		a.sync(person(1))
	})
}

func TestARefreshThatGoesWrong(t *testing.T) {
	refresh := func(f sim.Fault) sim.Fault {
		f.Method, f.Path, f.Contains = http.MethodPost, "/oauth/tokens", "refresh_token"
		return f
	}
	for name, tc := range map[string]struct {
		fault     sim.Fault
		oauth     sim.OAuth
		parked    bool
		refreshes int64 // in the two hours that follow
	}{
		"its answer is lost behind the effect":          {fault: refresh(sim.Fault{Drop: "after"}), parked: true, refreshes: 1},
		"its answer is 500 behind the effect":           {fault: refresh(sim.Fault{Status: 500, AfterEffect: true}), parked: true, refreshes: 1},
		"its answer holds no tokens":                    {fault: refresh(sim.Fault{HTML: true, AfterEffect: true}), parked: true, refreshes: 1},
		"it is lost before the effect":                  {fault: refresh(sim.Fault{Drop: "before"}), refreshes: 1},
		"the token service is down":                     {fault: refresh(sim.Fault{Status: 503, Times: 3}), refreshes: 1},
		"the token service asks to wait":                {fault: refresh(sim.Fault{Status: 429, Header: map[string]string{"Retry-After": "30"}, Times: 3}), refreshes: 1},
		"the client secret is refused for a while":      {fault: refresh(sim.Fault{Status: 401, Body: `{"error":"invalid_client"}`, Times: 3}), refreshes: 1},
		"the consent was withdrawn":                     {oauth: sim.OAuth{RefuseRefresh: true}, parked: true},
		"the refusal has no reason that we know":        {fault: refresh(sim.Fault{Status: 400, Body: `{"error":"something_new"}`}), parked: true, refreshes: 0},
		"the answer says the token, and not its end":    {fault: refresh(sim.Fault{Status: 201, Body: `{"access_token":"other"}`}), refreshes: 1},
		"the answer comes late":                         {fault: refresh(sim.Fault{DelayMS: 20_000}), refreshes: 1},
		"a body that echoes what was sent is not shown": {fault: refresh(sim.Fault{Status: 418, Body: clientSecret}), refreshes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := inBubble(t, oauthSim(sim.Options{OAuth: sim.OAuth{AccessLife: 7200, ReuseRevokes: true}}), coded(&safe{}))
				a.connect()
				a.sync(person(1))
				tc.oauth.AccessLife = 86_400
				a.sim.SetOAuth(tc.oauth)
				if tc.fault.Path != "" {
					a.sim.Fault(tc.fault)
				}
				ended := false
				for range 120 {
					time.Sleep(time.Minute)
					_, err := a.target.Plan(t.Context(), acme, people(1, 1))
					if err != nil && strings.Contains(err.Error(), clientSecret) {
						t.Fatalf("the secret stands in %v", err)
					}
					switch code := fault.CodeOf(err); {
					case code == fault.TargetReauth:
						ended = true
					case ended:
						t.Fatalf("went on after REAUTH_REQUIRED: %v", err)
					case err != nil && !tc.parked:
						t.Fatalf("stopped while the old token was good: %v", err)
					}
				}
				if ended != tc.parked {
					t.Fatalf("REAUTH_REQUIRED: %t, want %t (%+v)", ended, tc.parked, a.state())
				}
				a.refreshed(tc.refreshes)
				if !tc.parked {
					return
				}
				calls := a.sim.Counters().Requests
				for range 5 * 60 { // five hours of a parked account
					time.Sleep(time.Minute)
					a.parked()
				}
				if n := a.sim.Counters().Requests - calls; n > 5 {
					t.Errorf("%d calls in five parked hours, want at most one an hour", n)
				}
				if c := a.state(); c.State != Reauth || c.Cause == "" || c.Since.IsZero() {
					t.Errorf("%+v", c)
				}
				a.sim.SetOAuth(sim.OAuth{})
				a.connect()
				a.quiet(person(1))
				a.refreshed(tc.refreshes)
			})
		})
	}
}
