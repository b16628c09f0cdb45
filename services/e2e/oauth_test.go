package e2e

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// applyConsent applies the company with an account that is used by consent.
func (w *world) applyConsent(t testing.TB) {
	t.Helper()
	file := strings.Replace(w.TenantFile(), "client_credentials:", "authorization_code:", 1)
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: file, Actor: "test", Values: w.values()}); err != nil {
		t.Fatal(err)
	}
}

// connect plays the person: opens the address, and follows where Zendesk and the console lead.
func (w *world) connect(t testing.TB) {
	t.Helper()
	ask, err := w.client.Connect(t.Context(), acme, "pat")
	if err != nil {
		t.Fatal(err)
	}
	if status, page := browse(t, ask.URL); status != http.StatusOK || !strings.Contains(page, "is connected") {
		t.Fatalf("%d: %s", status, page)
	}
}

func browse(t testing.TB, address string) (int, string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// reauth is the problem that asks for a person; nil when there is none.
func (w *world) reauth(t testing.TB) *adminapi.Problem {
	t.Helper()
	s, err := w.client.Status(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Tenants[0].Problems {
		if p.Code == "REAUTH_REQUIRED" {
			return &p
		}
	}
	return nil
}

// parked waits until a person is asked for, and shows that nothing is tried meanwhile.
func (w *world) parked(t testing.TB) {
	t.Helper()
	until(t, time.Minute, "a person is asked for", func() bool { return w.reauth(t) != nil })
	if p := w.reauth(t); !p.Hold || !strings.Contains(p.Next, "ml-connector connect acme") || p.Detail == "" {
		t.Errorf("%+v", p)
	}
	var calls int64 = -1
	until(t, 20*time.Second, "calls end", func() bool { // those that were on their way
		now := w.ZD.Counters().Requests
		ended := now == calls
		calls = now
		return ended
	})
	<-time.After(3 * time.Second)
	if n := w.ZD.Counters().Requests - calls; n != 0 {
		t.Errorf("%d calls while the account is parked", n)
	}
}

// Nothing is written before somebody consents; then the company is loaded while the tokens rotate again and again.
func TestTokensRotateDuringALoad(t *testing.T) {
	w := &world{Company: newCompany(t, 400, 80)}
	w.judge = demo.NewJudge(w.Company)
	w.ZD.SetOAuth(zdsim.OAuth{AccessLife: 1, ReuseRevokes: true})
	w.start(t, t.TempDir(), "")
	w.applyConsent(t)
	if _, err := w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true}); err != nil {
		t.Fatal(err)
	}
	w.parked(t)
	if c := w.ZD.Counters(); c.Requests != 0 {
		t.Errorf("%d calls before a consent", c.Requests)
	}
	if _, page := browse(t, "http://"+w.sys.Address()+"/"); !strings.Contains(page, `action="/connect/acme"`) || !strings.Contains(page, "REAUTH_REQUIRED") {
		t.Errorf("the console does not ask for a person: %s", page)
	}
	w.connect(t)
	w.quiet(t)
	w.agree(t)
	dice := rand.New(rand.NewPCG(killSeed, 7))
	for i := range 16 { // and on, with changes of every kind, for some more rotations
		w.judge.Remember()
		change(t, w.PS, dice, i)
		w.sync(t, adminapi.Sync{Kind: "employees"})
	}
	w.agree(t)
	noEffectTwice(t, w.ZD)
	c := w.ZD.Counters()
	if c.Refreshes < 5 || c.Reused != 0 || c.Exchanges != 1 {
		t.Errorf("%d refreshes, %d tokens used twice, %d consents", c.Refreshes, c.Reused, c.Exchanges)
	}
	if w.reauth(t) != nil {
		t.Error("a person is asked for")
	}
	t.Logf("%d refreshes, %d calls met a token that had just been replaced", c.Refreshes, c.Statuses[401])
}

// C19: the answer to a refresh is lost. The account is parked, what happens meanwhile is kept, and one consent later it
// is in Zendesk.
func TestALostRefreshAnswerNeedsOneConsent(t *testing.T) {
	w := &world{Company: newCompany(t, 150, 30)}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, t.TempDir(), "")
	w.applyConsent(t)
	w.connect(t)
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	w.ZD.SetOAuth(zdsim.OAuth{AccessLife: 5, ReuseRevokes: true})
	w.connect(t) // tokens that are due in four seconds
	w.ZD.Fault(zdsim.Fault{Path: "/oauth/tokens", Contains: "refresh_token", Drop: "after"})
	w.judge.Remember()
	dice := rand.New(rand.NewPCG(killSeed, 8))
	for i := range 15 { // titles, hires and addresses: few enough for the guard
		change(t, w.PS, dice, []int{0, 2, 3}[i%3])
	}
	w.parked(t)
	if _, err := w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true}); err != nil {
		t.Fatal(err)
	}
	checked, err := w.client.Check(t.Context(), acme, false)
	if err != nil || checked.OK || !strings.Contains(fmt.Sprintf("%+v", checked.Steps), "REAUTH_REQUIRED") {
		t.Errorf("check: %+v, %v", checked, err)
	}
	until(t, time.Minute, "the backlog is kept", func() bool {
		_, stages, err := w.client.Quiet(t.Context(), acme)
		for _, s := range stages {
			if err == nil && s.Stage == string(audit.Writer) && s.Backlog+uint64(s.InFlight) >= 10 {
				return true
			}
		}
		return false
	})
	w.ZD.SetOAuth(zdsim.OAuth{})
	w.connect(t)
	w.quiet(t)
	w.agree(t)
	noEffectTwice(t, w.ZD)
	if p := w.reauth(t); p != nil {
		t.Errorf("after the consent: %+v", p)
	}
}

// C19 with a real kill: the process dies while the answer to a refresh is on the wire. The command line repairs it.
func TestKillNineBetweenTheAnswerAndTheStore(t *testing.T) {
	w := &world{Company: newCompany(t, 120, 30)}
	w.judge = demo.NewJudge(w.Company)
	bin := programs(t, "ml-connector")
	dir := t.TempDir()
	config, data := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "data")
	if err := os.WriteFile(config, []byte(tuningFile), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() *child { return w.serve(t, bin, data, config) }
	c := start()
	w.applyConsent(t)
	w.connect(t)
	w.sync(t, adminapi.Sync{Full: true})
	w.judge.Remember()
	change(t, w.PS, rand.New(rand.NewPCG(killSeed, 9)), 0)
	w.ZD.Fault(zdsim.Fault{Path: "/oauth/tokens", Contains: "refresh_token", DripMS: 700}) // the answer takes seconds
	w.ZD.RevokeAccess()
	_, _ = w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
	until(t, time.Minute, "a refresh is answered", func() bool { return w.ZD.Counters().Refreshes > 0 })
	c.kill()
	c = start()
	c.last = true
	w.parked(t)
	said := spawn(t, filepath.Join(bin, "ml-connector"), nil, "connect", "acme", "--data", data)
	address := ""
	until(t, time.Minute, "the command prints the address", func() bool {
		address = regexp.MustCompile(`http://\S+/oauth/authorizations/new\S+`).FindString(said.log.tail(4000))
		return address != ""
	})
	if status, page := browse(t, address); status != http.StatusOK {
		t.Fatalf("%d: %s", status, page)
	}
	<-said.done
	if code := said.cmd.ProcessState.ExitCode(); code != 0 || !strings.Contains(said.log.tail(4000), "acme is connected") {
		t.Errorf("exit code %d: %s", code, said.log.tail(4000))
	}
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	noEffectTwice(t, w.ZD)
	if n := w.ZD.Counters(); n.Reused != 0 || n.Refreshes != 1 {
		t.Errorf("%d refreshes, %d tokens used twice", n.Refreshes, n.Reused)
	}
	for _, hidden := range []string{"sim-access", "sim-refresh", "sim-code", w.Secrets["DEMO_ZD_SECRET"]} {
		if strings.Contains(c.log.tail(1<<20), hidden) {
			t.Errorf("%s stands in the log", hidden)
		}
	}
}
