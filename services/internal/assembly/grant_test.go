package assembly

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/pgstore"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/target/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

const oneConsent = `tenant: %s
timezone: America/Chicago
peoplesoft:
  hcm:
    base_url: http://127.0.0.1:9
    node: PSFT_HR
    auth: { basic: { username: MLCONN } }
    employees: { query: ML_EMPLOYEES }
zendesk:
  base_url: %s
  auth: { authorization_code: { client_id: ml_connector } }
`

// replicas are processes on one store, each with its own handle, in front of one account.
type replicas struct {
	*testing.T
	sim   *zdsim.Sim
	cores []*Core
	now   time.Time // zero is the real time
}

func (r *replicas) clock() time.Time {
	if r.now.IsZero() {
		return time.Now()
	}
	return r.now
}

// newReplicas opens n processes; open gives a new handle on the same store.
func newReplicas(t *testing.T, n int, open func() (store.Store, error)) *replicas {
	t.Helper()
	r := &replicas{T: t, sim: zdsim.New(zdsim.Options{OAuth: zdsim.OAuth{ReuseRevokes: true},
		Auth: zdsim.Auth{Clients: []zdsim.OAuthClient{{ID: "ml_connector", Secret: "canary-client-secret"}}}})}
	srv := httptest.NewServer(r.sim)
	t.Cleanup(srv.Close)
	key := filepath.Join(t.TempDir(), "key")
	for range n {
		st, err := open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		keys, err := vault.Open(t.Context(), vault.Options{KeyFile: key, Create: true}, st)
		if err != nil {
			t.Fatal(err)
		}
		r.cores = append(r.cores, &Core{Store: st, Keys: keys, Log: slog.New(slog.DiscardHandler), Now: r.clock, Public: "http://127.0.0.1:8080"})
	}
	for _, name := range []string{"acme", "globex"} {
		r.cores[0].apply(t, fmt.Sprintf(oneConsent, name, srv.URL))
		if err := r.cores[0].Keys.Seal(t.Context(), tenant.ID(name), vault.ZendeskSecret, secret.New("canary-client-secret")); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// ask opens the consent page as a person's browser does, and answers what Zendesk sends back.
func (r *replicas) ask(c *Core, t tenant.ID) url.Values {
	r.Helper()
	ask, err := c.Connect(r.Context(), t, "pat")
	if err != nil {
		r.Fatal(err)
	}
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(ask.URL)
	if err != nil {
		r.Fatal(err)
	}
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil || !strings.HasPrefix(back.String(), "http://127.0.0.1:8080"+adminapi.CallbackPath+"?") {
		r.Fatalf("Zendesk sends people to %v, %v", back, err)
	}
	return back.Query()
}

func (r *replicas) target(c *Core) *zendesk.Target {
	r.Helper()
	tg, err := c.targetOf(r.Context(), "acme")
	if err != nil {
		r.Fatal(err)
	}
	return tg
}

func (r *replicas) refreshed(want int64) {
	r.Helper()
	if c := r.sim.Counters(); c.Refreshes != want || c.Reused != 0 || c.Statuses[401] != 0 {
		r.Fatalf("%d refreshes, %d tokens used twice, %d calls refused; want %d, 0, 0", c.Refreshes, c.Reused, c.Statuses[401], want)
	}
}

// stores are the two backends, each opened as often as a test has processes.
func stores() map[string]func(t *testing.T) func() (store.Store, error) {
	return map[string]func(t *testing.T) func() (store.Store, error){
		"sqlite": func(t *testing.T) func() (store.Store, error) {
			file := filepath.Join(t.TempDir(), "db")
			return func() (store.Store, error) { return sqlitestore.Open(t.Context(), file) }
		},
		"postgres": func(t *testing.T) func() (store.Store, error) {
			address := pgtest.URL(t)
			return func() (store.Store, error) { return pgstore.Open(t.Context(), address) }
		},
	}
}

// C21: the processes find the tokens due in the same moment. One asks Zendesk; a token is never used twice.
func TestProcessesOnOneStoreRenewOnce(t *testing.T) {
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicas(t, 2, open(t))
			for round := range int64(3) {
				r.sim.SetOAuth(zdsim.OAuth{ReuseRevokes: true, AccessLife: 2})
				if _, err := r.cores[1].Returned(t.Context(), r.ask(r.cores[0], "acme")); err != nil { // the other one finishes
					t.Fatal(err)
				}
				r.sim.SetOAuth(zdsim.OAuth{ReuseRevokes: true, AccessLife: 3600})
				r.sim.Fault(zdsim.Fault{Path: "/oauth/tokens", Contains: "refresh_token", DelayMS: 300})
				var all sync.WaitGroup
				targets := []*zendesk.Target{r.target(r.cores[0]), r.target(r.cores[0]), r.target(r.cores[1]), r.target(r.cores[1])}
				<-time.After(1700 * time.Millisecond) // four fifths of two seconds and a little
				for _, tg := range targets {
					all.Go(func() {
						if err := tg.Renew(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
				r.refreshed(round + 1)
				for _, tg := range targets {
					if tg.Check(t.Context(), "acme")[3].State != "ok" {
						t.Error("a process cannot sign in with the new tokens")
					}
				}
				r.refreshed(round + 1)
			}
		})
	}
}

// A process dies while it holds the lease; the next one takes over when the lease is over, and not before.
func TestALeaseOfADeadProcessPassesOn(t *testing.T) {
	r := newReplicas(t, 2, stores()["sqlite"](t))
	if _, taken, err := r.cores[0].Store.TakeLease(t.Context(), "acme", refreshLease, "dead", 700*time.Millisecond); err != nil || !taken {
		t.Fatalf("%t, %v", taken, err)
	}
	r.sim.SetOAuth(zdsim.OAuth{AccessLife: 1})
	if _, err := r.cores[0].Returned(t.Context(), r.ask(r.cores[0], "acme")); err != nil {
		t.Fatal(err)
	}
	r.sim.SetOAuth(zdsim.OAuth{AccessLife: 3600})
	<-time.After(time.Second) // the access token is over
	if err := r.target(r.cores[1]).Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.refreshed(1)
}

func TestAWayBackIsGoodForOneConsent(t *testing.T) {
	cases := map[string]struct {
		spoil func(r *replicas, q url.Values)
		want  fault.Code // "" connects
		whose tenant.ID
	}{
		"as asked":                       {func(*replicas, url.Values) {}, "", "acme"},
		"with the account's own name":    {func(r *replicas, q url.Values) { q.Set("iss", r.account()) }, "", "acme"},
		"used before":                    {func(r *replicas, q url.Values) { _, _ = r.cores[1].Returned(r.Context(), q) }, fault.TargetConsent, ""},
		"nine minutes old":               {func(r *replicas, _ url.Values) { r.now = time.Now().Add(9 * time.Minute) }, "", "acme"},
		"ten minutes old":                {func(r *replicas, _ url.Values) { r.now = time.Now().Add(10*time.Minute + time.Second) }, fault.TargetConsent, ""},
		"without a state":                {func(_ *replicas, q url.Values) { q.Del("state") }, fault.TargetConsent, ""},
		"with a state of nobody":         {func(_ *replicas, q url.Values) { q.Set("state", "initech.abc") }, fault.TargetConsent, ""},
		"with a state that is too long":  {func(_ *replicas, q url.Values) { q.Set("state", "acme."+strings.Repeat("a", 10_000)) }, fault.TargetConsent, ""},
		"with the state of another":      {func(_ *replicas, q url.Values) { q.Set("state", "globex"+strings.TrimPrefix(q.Get("state"), "acme")) }, fault.TargetConsent, ""},
		"with a state that was changed":  {func(_ *replicas, q url.Values) { q.Set("state", q.Get("state")+"a") }, fault.TargetConsent, ""},
		"from another account":           {func(_ *replicas, q url.Values) { q.Set("iss", "https://evil.example") }, fault.TargetConsent, "acme"},
		"with a refusal":                 {func(_ *replicas, q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, fault.TargetConsent, "acme"},
		"with an error that we do not":   {func(_ *replicas, q url.Values) { q.Del("code"); q.Set("error", "canary-code") }, fault.TargetConsent, "acme"},
		"without a code":                 {func(_ *replicas, q url.Values) { q.Del("code") }, fault.TargetConsent, "acme"},
		"with a code that Zendesk hates": {func(_ *replicas, q url.Values) { q.Set("code", "canary-code") }, fault.TargetAuth, "acme"},
		"after eight others were asked for": {func(r *replicas, _ url.Values) {
			for range consentsMax {
				r.ask(r.cores[0], "acme")
			}
		}, fault.TargetConsent, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplicas(t, 2, stores()["sqlite"](t))
			q := r.ask(r.cores[0], "acme")
			tc.spoil(r, q)
			whose, err := r.cores[1].Returned(t.Context(), q)
			if (err == nil) != (tc.want == "") || err != nil && fault.CodeOf(err) != tc.want || whose != tc.whose {
				t.Fatalf("%q, %v; want %q, %q", whose, err, tc.whose, tc.want)
			}
			if err != nil && (strings.Contains(err.Error(), "canary") || fault.NextOf(err) == "") {
				t.Errorf("%v, next %q", err, fault.NextOf(err))
			}
			c, err := r.cores[0].Connection(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			connected := tc.want == "" || name == "used before"
			if (c.State == zendesk.Connected) != connected || (c.Problem == nil) != connected || !connected && c.Problem.Code != string(fault.TargetReauth) {
				t.Errorf("%+v", c)
			}
			if (c.Tried != nil) != (tc.want != "" && tc.whose != "") {
				t.Errorf("tried: %+v", c.Tried)
			}
			if other, err := r.cores[0].Connection(t.Context(), "globex"); err != nil || other.State != zendesk.NotConnected {
				t.Errorf("the other tenant: %+v, %v", other, err)
			}
			r.sealed(q)
		})
	}
}

func (r *replicas) account() string {
	r.Helper()
	s, _, err := r.cores[0].Settings(r.Context(), "acme")
	if err != nil {
		r.Fatal(err)
	}
	return string(s.Zendesk.BaseURL)
}

// sealed wants nothing secret in the audit trail, and an entry for every consent that came to an end.
func (r *replicas) sealed(q url.Values) {
	r.Helper()
	trail, err := r.cores[0].Store.Trail(r.Context(), "acme", audit.Query{Limit: 100})
	if err != nil {
		r.Fatal(err)
	}
	text := fmt.Sprintf("%+v", trail)
	for _, hidden := range []string{q.Get("code"), q.Get("state"), "canary", "sim-access", "sim-refresh", "sim-code"} {
		if hidden != "" && strings.Contains(text, hidden) {
			r.Errorf("%q stands in the audit trail", hidden)
		}
	}
}

// An address that Zendesk would not send people to is told before anybody is asked.
func TestPeopleComeBackToAnHTTPSAddressOrThisMachine(t *testing.T) {
	for address, ok := range map[string]bool{"http://127.0.0.1:8080": true, "http://localhost:8080/": true, "http://[::1]:8080": true, "https://connector.example.com": true,
		"": false, "http://0.0.0.0:8080": false, "http://[::]:8080": false, "http://10.0.0.1:8080": false, "connector.example.com": false} {
		got, err := (&Core{Public: address}).redirect()
		if (err == nil) != ok || err != nil && fault.NextOf(err) == "" || ok && !strings.HasSuffix(got, adminapi.CallbackPath) || strings.Contains(got, "//oauth") {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
}

// What a running writer does when only a person can go on: it stops, nothing runs, and it runs again after a consent.
func TestWorkStopsUntilSomebodyConsents(t *testing.T) {
	r := newReplicas(t, 2, stores()["sqlite"](t))
	c := r.cores[0]
	c.Tune.Reload = 2 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	began, ended := make(chan struct{}, 9), make(chan struct{}, 9)
	done := make(chan error, 1)
	tg := r.target(c)
	go func() {
		done <- c.whileSignedIn(ctx, "acme", tg, func(ctx context.Context) error {
			began <- struct{}{}
			<-ctx.Done()
			ended <- struct{}{}
			return nil
		})
	}()
	select {
	case <-began:
		t.Fatal("work began without a consent")
	case <-time.After(100 * time.Millisecond):
	}
	if n := r.sim.Counters().Requests; n != 0 {
		t.Errorf("%d calls without a consent", n)
	}
	r.sim.SetOAuth(zdsim.OAuth{AccessLife: 2, RefuseRefresh: true})
	for range 2 {
		if _, err := r.cores[1].Returned(t.Context(), r.ask(r.cores[1], "acme")); err != nil {
			t.Fatal(err)
		}
		<-began
		<-ended // its tokens are refused at 80 % of two seconds
		if st, err := c.Connection(t.Context(), "acme"); err != nil || st.State != zendesk.Reauth || st.Problem == nil {
			t.Errorf("%+v, %v", st, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
