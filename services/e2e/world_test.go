package e2e

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/disk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const acme = tenant.ID("acme")

// fast is production with short waiting times.
func fast() assembly.Tuning {
	return assembly.Tuning{AckWait: 2 * time.Second, RetryFirst: 50 * time.Millisecond, Reload: 50 * time.Millisecond, JobPoll: 20 * time.Millisecond,
		WriterIdle: 100 * time.Millisecond, Linger: 50 * time.Millisecond, CallLife: time.Second, PinnedTTL: 10 * time.Second, Breaker: 5 * time.Second}
}

// world is a company and a system that keeps it.
type world struct {
	*demo.Company
	judge  *demo.Judge
	sys    *embedded.System
	client *adminapi.Client
	stop   func()
	// patience is how long quiet may take, when two minutes are too short for what was asked.
	patience time.Duration

	ingress string           // address of the ingress; "" opens none
	tuning  *assembly.Tuning // waiting times; nil means fast
	floor   disk.Floor       // of the disk of the data folder; zero means 32 MiB: a test machine may be short of room
}

// newCompany starts the simulators for the length of the test.
func newCompany(t testing.TB, employees, vendors int) *demo.Company {
	t.Helper()
	c, err := demo.NewCompany(employees, vendors, 1, 0, 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	run(t, c.Parts...)
	return c
}

// run runs components until the test ends or the answer is called.
func run(t testing.TB, parts ...app.Component) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, logger(), 20*time.Second, parts...) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("a component failed: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// logger shows the system's log lines when MLC_TEST_LOG is set.
func logger() *slog.Logger {
	if os.Getenv("MLC_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

// newWorld starts a system in a fresh folder over a fresh company.
func newWorld(t testing.TB, employees, vendors int) *world {
	t.Helper()
	w := &world{Company: newCompany(t, employees, vendors)}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, t.TempDir(), "")
	return w
}

func (w *world) start(t testing.TB, dir, database string) {
	t.Helper()
	tuning := fast()
	if w.tuning != nil {
		tuning = *w.tuning
	}
	floor := w.floor
	if floor == (disk.Floor{}) {
		floor.Exact = 32 << 20
	}
	sys, err := embedded.Open(t.Context(), embedded.Options{MinFree: floor, Data: dir, Listen: "127.0.0.1:0", Ingress: w.ingress, Log: logger(), Tuning: tuning, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	end := run(t, app.Component{Name: "system", Run: sys.Run})
	w.sys, w.client = sys, sys.Client()
	closed := false
	w.stop = func() {
		if !closed {
			closed = true
			end()
			sys.Close(context.Background())
		}
	}
	t.Cleanup(w.stop)
	until(t, time.Minute, "the system answers", func() bool {
		resp, err := http.Get("http://" + sys.Address() + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (w *world) values() map[string]map[string]string {
	return map[string]map[string]string{string(acme): {"peoplesoft.hcm.password": w.Secrets["DEMO_PS_PASSWORD"],
		"peoplesoft.fscm.password": w.Secrets["DEMO_PS_PASSWORD"], "zendesk.client_secret": w.Secrets["DEMO_ZD_SECRET"]}}
}

func (w *world) apply(t testing.TB) {
	t.Helper()
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: w.TenantFile(), Actor: "test", Values: w.values()}); err != nil {
		t.Fatal(err)
	}
}

// sync polls now and waits until nothing is in flight; it returns the cycles.
func (w *world) sync(t testing.TB, s adminapi.Sync) []adminapi.Cycle {
	t.Helper()
	asked, err := w.client.Sync(t.Context(), acme, s)
	if err != nil {
		t.Fatal(err)
	}
	var out []adminapi.Cycle
	for _, id := range asked.Cycles {
		until(t, 2*time.Minute, "cycle "+id+" ends", func() bool {
			c, ok, err := w.client.Cycle(t.Context(), acme, id)
			if err != nil || !ok || c.State == "running" {
				return false
			}
			out = append(out, c)
			return true
		})
	}
	w.quiet(t)
	return out
}

// quiet waits until nothing is in flight.
func (w *world) quiet(t testing.TB) {
	t.Helper()
	var last []adminapi.Stage
	until(t, max(w.patience, 2*time.Minute), "the system is quiet", func() bool {
		quiet, stages, err := w.client.Quiet(context.Background(), acme)
		last = stages
		return err == nil && quiet
	}, func() { t.Logf("stages: %+v", last) })
}

// agree fails the test unless Zendesk holds what PeopleSoft says.
func (w *world) agree(t testing.TB) {
	t.Helper()
	found, err := w.client.Findings(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	excused := map[string]bool{}
	for _, f := range found {
		if f.Hold && f.Stage == "zendesk-writer" {
			excused[f.Key] = true
		}
	}
	diff := w.judge.Verdict(excused)
	for i, d := range diff {
		if i == 20 {
			t.Fatalf("… and %d more differences", len(diff)-20)
		}
		t.Error(d)
	}
	if len(excused) > 10 {
		t.Errorf("%d records wait for a person: too many for this company", len(excused))
	}
}

// until polls cond until it holds; after the deadline it tells and fails.
func until(t testing.TB, limit time.Duration, what string, cond func() bool, tell ...func()) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline.C:
			for _, f := range tell {
				f()
			}
			t.Fatalf("%s: not within %v", what, limit)
		case <-tick.C:
		}
	}
}
