package real

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
)

// system is the product in one process.
type system struct {
	dir      string
	client   *adminapi.Client
	stop     func()
	approved atomic.Int64
}

func newSystem(t *testing.T) *system {
	s := &system{dir: t.TempDir()}
	s.start(t)
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *system) restart(t *testing.T) {
	s.stop()
	s.start(t)
}

func (s *system) start(t *testing.T) {
	t.Helper()
	sys, err := embedded.Open(t.Context(), embedded.Options{Data: s.dir, Listen: "127.0.0.1:0", Log: quiet(), Tuning: assembly.Tuning{AckWait: 2 * time.Second,
		RetryFirst: 50 * time.Millisecond, Reload: 50 * time.Millisecond, JobPoll: 20 * time.Millisecond, WriterIdle: 100 * time.Millisecond,
		Linger: 20 * time.Millisecond, CallLife: time.Second, PinnedTTL: 10 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	end := run(t, app.Component{Name: "system", Run: sys.Run})
	s.client, s.stop = sys.Client(), func() {
		end()
		sys.Close(context.Background())
	}
	if err := until(t.Context(), time.Minute, func() bool {
		resp, err := http.Get("http://" + sys.Address() + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}); err != nil {
		t.Fatal(err)
	}
}

// run runs components until the answer is called, once or more often.
func run(t *testing.T, parts ...app.Component) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx, quiet(), 20*time.Second, parts...) }()
	stopped := false
	return func() {
		if cancel(); stopped {
			return
		}
		stopped = true
		if err := <-done; err != nil {
			t.Errorf("a component failed: %v", err)
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// until asks until something holds.
func until(ctx context.Context, limit time.Duration, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// named gives a company's tenant file another tenant.
func named(file, name string) string {
	return strings.Replace(file, "tenant: acme", "tenant: "+name, 1)
}
