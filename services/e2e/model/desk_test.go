package model

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/target/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// clock is the simulator's time: it never stands still and is never behind the bubble's.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Millisecond)
	return c.at
}

func (c *clock) atLeast(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.at) {
		c.at = t
	}
}

// account is a simulated Zendesk behind a real server. The server lives outside of the bubble and ends each connection
// after its answer, so that nobody in the bubble waits for the network while time could pass.
type account struct {
	*sim.Sim
	clock   *clock
	srv     *httptest.Server
	inPlace bool // addresses are replaced; else the old one stays beside the new one
}

func newAccount(gate bool) *account {
	c := &clock{at: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	a := &account{clock: c, Sim: sim.New(sim.Options{Now: c.now, ImportGate: gate, NoPanicOnDelete: true,
		JobDuration: func(int) time.Duration { return 2 * time.Millisecond }})}
	for _, key := range []string{"department", "job_title"} {
		a.SeedField("user", sim.Field{Type: "text", Key: key, Title: key})
	}
	a.SeedField("organization", sim.Field{Type: "text", Key: "status", Title: "Status"})
	a.srv = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", c.now().Format(http.TimeFormat))
		w.Header().Set("Connection", "close")
		a.ServeHTTP(w, r)
	}))
	a.srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.srv.Config.SetKeepAlivesEnabled(false)
	a.srv.Config.ReadHeaderTimeout = 10 * time.Second // of real time: a connection that was opened in vain would hold the bubble's clock for ever
	a.srv.Start()
	return a
}

// open is a target as a process that starts anew has it.
func (a *account) open(p *process) (target.Target, error) {
	cfg := zendesk.Default()
	cfg.BaseURL, cfg.Auth = a.srv.URL, zendesk.APIToken{Email: "ops@acme.example", Token: secret.New("token-of-the-test")}
	cfg.Fields = []string{"user_fields.department", "user_fields.job_title", "organization_fields.status"}
	cfg.EmailInPlace = a.inPlace
	tg, err := zendesk.Open(cfg)
	return mortal{tg, p, a.clock}, err
}

// mortal is a target whose process may die before and after each call.
type mortal struct {
	target.Target
	p     *process
	clock *clock
}

func (m mortal) Plan(ctx context.Context, t tenant.ID, items []target.Item) (out []target.Planned, err error) {
	m.clock.atLeast(time.Now())
	err = m.p.step(func() error { out, err = m.Target.Plan(ctx, t, items); return err })
	return out, err
}

func (m mortal) Apply(ctx context.Context, t tenant.ID, changes []target.Change, j target.Journal) (out []target.Outcome, err error) {
	m.clock.atLeast(time.Now())
	err = m.p.step(func() error { out, err = m.Target.Apply(ctx, t, changes, j); return err })
	return out, err
}

func (m mortal) Settle(ctx context.Context, t tenant.ID, jobs []string) error {
	m.clock.atLeast(time.Now())
	return m.p.step(func() error { return m.Target.Settle(ctx, t, jobs) })
}
