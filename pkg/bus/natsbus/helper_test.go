package natsbus

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quick(int) time.Duration { return 20 * time.Millisecond }

func serve(t testing.TB, dir string) *natsembed.Server {
	t.Helper()
	srv, err := natsembed.Start(t.Context(), natsembed.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return srv
}

func testOptions(srv *natsembed.Server) Options {
	return Options{InProcess: srv, Name: "test", AckWait: 5 * time.Second, PinnedTTL: 2 * time.Second, Grace: 3 * time.Second, Backoff: quick}
}

func connect(t testing.TB, o Options) *Bus {
	t.Helper()
	b, err := Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// ready is a bus with acme's streams on a server of its own.
func ready(t testing.TB) (*Bus, *natsembed.Server) {
	t.Helper()
	srv := serve(t, t.TempDir())
	b := connect(t, testOptions(srv))
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	return b, srv
}

func TestContract(t *testing.T) {
	servers := map[bus.Bus]*natsembed.Server{}
	open := func(t testing.TB) bus.Bus {
		srv := serve(t, t.TempDir())
		b := connect(t, testOptions(srv))
		servers[b] = srv
		return b
	}
	bustest.Run(t, open, func(t testing.TB, b bus.Bus) bus.Bus {
		old := servers[b]
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if err := old.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		return connect(t, testOptions(serve(t, old.Dir())))
	})
}
