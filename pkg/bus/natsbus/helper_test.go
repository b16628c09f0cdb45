package natsbus

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
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

// rawLast is the newest message of a subject as it is stored.
func rawLast(t testing.TB, b *Bus, s bus.Stream, subj string) *nats.Msg {
	t.Helper()
	st, err := b.js.Stream(t.Context(), streamName(bustest.Acme, s))
	if err != nil {
		t.Fatal(err)
	}
	info := st.CachedInfo()
	m, err := st.GetMsg(t.Context(), info.State.LastSeq) // not by direct get, which adds headers of its own
	if err != nil || m.Subject != subj {
		t.Fatalf("last message of %s: %v, %v", subj, m, err)
	}
	return &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}
}
