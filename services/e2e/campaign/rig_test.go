package campaign

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const (
	acme       = tenant.ID("acme")
	ibPassword = "ingress-password-of-the-campaign"
	tuning     = `
tuning: { ack_wait: 2s, retry_first: 50ms, reload: 100ms, job_poll: 20ms, writer_idle: 100ms, linger: 50ms, call_life: 1s, pinned_ttl: 4s, writer_work: 5s, writer_batch: 100 }
`
)

// rig is a company, and a system of one process that is killed and started again.
type rig struct {
	t testing.TB
	*demo.Company
	judge   *demo.Judge
	client  *adminapi.Client
	bin     string
	dir     string
	listen  string
	ingress string
	env     []string // of the next start
	log     *said
	p       *process
	dice    *rand.Rand
	rest    time.Duration // within which all must be quiet (O9): two minutes, and more with many records
	work    workload
}

func newRig(t testing.TB, bin string, employees, vendors int, seed uint64) *rig {
	t.Helper()
	return newLimitedRig(t, bin, employees, vendors, seed, 0)
}

// newLimitedRig is newRig with a Zendesk of so many requests a minute, and its limits for single paths; 0 is no limit.
func newLimitedRig(t testing.TB, bin string, employees, vendors int, seed uint64, rpm int) *rig {
	t.Helper()
	c, err := demo.NewCompany(employees, vendors, seed, rpm, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	background(t, c.Parts...)
	dir, err := os.MkdirTemp("", "campaign-*")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, Company: c, judge: demo.NewJudge(c), bin: bin, dir: dir, listen: freePort(t), ingress: freePort(t), log: &said{},
		dice: rand.New(rand.NewPCG(seed, 15)), rest: 2*time.Minute + time.Duration(employees+vendors)*10*time.Millisecond}
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
			return
		}
		_ = os.WriteFile(filepath.Join(dir, "log"), []byte(r.log.tail(64<<20)), 0o600)
		t.Logf("data and log stay in %s; last log lines:\n%s", dir, r.log.tail(1000))
	})
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(tuning), 0o600); err != nil {
		t.Fatal(err)
	}
	r.judge.Remember()
	r.work.begin(r)
	return r
}

// background runs components until the test ends.
func background(t testing.TB, parts ...app.Component) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, slog.New(slog.NewTextHandler(io.Discard, nil)), 20*time.Second, parts...) }()
	t.Cleanup(func() { cancel(); <-done })
}

// launch starts the process without waiting for it.
func (r *rig) launch(env ...string) {
	r.t.Helper()
	r.p = launch(r.t, r.log, filepath.Join(r.bin, "ml-connector"), append(env, r.env...), "serve", "--data", filepath.Join(r.dir, "data"),
		"--config", filepath.Join(r.dir, "config.yaml"), "--listen", r.listen, "--ingress", r.ingress)
}

// start starts the process and waits until it answers, or until it died by itself.
func (r *rig) start(env ...string) {
	r.t.Helper()
	r.launch(env...)
	if !holds(time.Minute, func() bool { return r.p.dead() || answers("http://"+r.listen+"/livez") && r.find() }) {
		r.t.Fatalf("the process does not answer\n%s", r.log.tail(2000))
	}
}

func (r *rig) find() bool {
	client, err := adminapi.FindLocal(filepath.Join(r.dir, "data"))
	if err == nil {
		r.client = client
	}
	return err == nil
}

// file is the company's tenant file with a door for messages, without limits for mass changes.
func (r *rig) file() string {
	return strings.Replace(r.TenantFile(), "  schedule: { employees: 5m, vendors: 15m,", "  ib: { nodes: [PSFT_HR, PSFT_EP], auth: { basic: { username: PSFT, password: env:DEMO_IB_PASSWORD } } }\n"+
		"  schedule: { employees: 12h, vendors: 12h,", 1) +
		"guard: { suspend: { floor: 100000 }, email: { floor: 100000 }, create: { floor: 100000 } }\n"
}

// guarded is the same with the usual limits for mass changes.
func (r *rig) guarded() string {
	file, _, _ := strings.Cut(r.file(), "guard:")
	return file
}

func (r *rig) values() map[string]map[string]string {
	return map[string]map[string]string{string(acme): {"peoplesoft.hcm.password": r.Secrets["DEMO_PS_PASSWORD"], "peoplesoft.ib.password": ibPassword,
		"peoplesoft.fscm.password": r.Secrets["DEMO_PS_PASSWORD"], "zendesk.client_secret": r.Secrets["DEMO_ZD_SECRET"]}}
}

func (r *rig) apply(file string) error {
	_, err := r.client.Apply(context.Background(), adminapi.Apply{Name: "campaign.yaml", File: file, Actor: "campaign", Values: r.values()})
	return err
}

func (r *rig) mustApply(file string) {
	r.t.Helper()
	if err := r.apply(file); err != nil {
		r.t.Fatal(err)
	}
}

// sender lets PeopleSoft send every life event as a message, some twice, some out of order.
func (r *rig) sender(o pssim.NodeOptions) {
	r.t.Helper()
	o.URL, o.User, o.Password, o.PingEvery = "http://"+r.ingress+"/ib/acme", "PSFT", ibPassword, 50*time.Millisecond
	if err := r.PS.Node(o); err != nil {
		r.t.Fatal(err)
	}
	if !holds(30*time.Second, func() bool { return r.doorOpen(o) }) {
		r.t.Fatal("the door for messages stays closed")
	}
	background(r.t, app.Component{Name: "sender", Run: r.PS.RunSender})
}

// doorOpen tells that the settings with the sender's name are in use: who is not known gets 401.
func (r *rig) doorOpen(o pssim.NodeOptions) bool {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, o.URL, strings.NewReader("a picture"))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "image/png")
	req.SetBasicAuth(o.User, o.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusUnsupportedMediaType
}

// ask asks for a cycle; a process that just dies may not answer.
func (r *rig) ask(full bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, _ = r.client.Sync(ctx, acme, adminapi.Sync{Full: full})
}

// sync polls now and waits until nothing is in flight.
func (r *rig) sync(full bool) error {
	ctx := context.Background()
	asked, err := r.client.Sync(ctx, acme, adminapi.Sync{Full: full})
	if err != nil {
		return err
	}
	for _, id := range asked.Cycles {
		if !holds(r.rest, func() bool {
			c, ok, err := r.client.Cycle(ctx, acme, id)
			return err == nil && ok && c.State != "running"
		}) {
			return fmt.Errorf("cycle %s does not end", id)
		}
	}
	return r.quiet(r.rest)
}

func (r *rig) quiet(limit time.Duration) error {
	var last []adminapi.Stage
	if !holds(limit, func() bool {
		quiet, stages, err := r.client.Quiet(context.Background(), acme)
		last = stages
		return err == nil && quiet
	}) {
		return fmt.Errorf("O9: not quiet after %v: %+v", limit, last)
	}
	return nil
}
