package listener_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

// broker starts a real broker on dir and address; ":0" takes a free port.
func broker(t testing.TB, dir, address string) *natsembed.Server {
	t.Helper()
	srv, err := natsembed.Start(t.Context(), natsembed.Options{Dir: dir, Listen: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, srv) })
	return srv
}

func shut(t testing.TB, srv *natsembed.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func client(t testing.TB, o natsbus.Options) *natsbus.Bus {
	t.Helper()
	o.Name, o.Timeout = "ib-listener", time.Second
	b, err := natsbus.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if _, err := b.Ensure(t.Context(), "acme", nil); err != nil {
		t.Fatal(err)
	}
	return b
}

// stored reads the first n facts of the stream and answers their keys, in order.
func stored(t *testing.T, b *natsbus.Bus) []string {
	t.Helper()
	state, err := b.State(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	n := int(state.Streams[bus.ERP].Messages)
	var keys []string
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	if n == 0 {
		return nil
	}
	err = b.Handle(ctx, "acme", bus.Transformer, bus.Batch{Max: 100}, func(_ context.Context, ms []bus.Message) []error {
		for _, m := range ms {
			f, err := event.Payload[event.Facts](m.Event, event.FactsV1)
			if err != nil {
				t.Error(err)
			}
			keys = append(keys, f.Key)
		}
		if len(keys) >= n {
			stop()
		}
		return make([]error, len(ms))
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestTheBrokerStops sends a queue in order, as PeopleSoft does, while the broker is stopped and started again.
func TestTheBrokerStops(t *testing.T) {
	dir := t.TempDir()
	srv := broker(t, dir, "127.0.0.1:0")
	address := srv.Address()
	b := client(t, natsbus.Options{URL: address})
	x := newHouse(t, listener.Options{Wait: 2 * time.Second})
	x.srv.Config.Handler = listener.New(x.doors, b, seal, listener.Options{Wait: 2 * time.Second, Form: form})
	var want []string
	send := func(i int) int {
		return x.post(letter{Tx: fmt.Sprint(i), Keys: []string{fmt.Sprintf("%04d", i)}}).StatusCode
	}
	deliver := func(from, to int) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for i := from; i < to; i++ {
			want = append(want, fmt.Sprintf("%04d", i))
			for tries := 0; send(i) != http.StatusOK; tries++ {
				if <-tick.C; tries > 500 {
					t.Fatalf("message %d is never taken", i)
				}
			}
		}
	}
	deliver(0, 10)
	shut(t, srv)
	refused := 0
	for range 3 {
		if got := send(10); got != http.StatusServiceUnavailable {
			t.Fatalf("status %d while the broker is down", got)
		}
		if got := x.send("GET", "/ib/acme", "", stranger).StatusCode; got != http.StatusServiceUnavailable {
			t.Fatalf("ping %d while the broker is down", got)
		}
		refused++
	}
	broker(t, dir, strings.TrimPrefix(address, "nats://"))
	deliver(10, 20)
	back := time.NewTicker(20 * time.Millisecond) // the broker takes messages a moment before it calls itself healthy
	defer back.Stop()
	for tries := 0; x.send("GET", "/ib/acme", "", stranger).StatusCode != http.StatusOK; tries++ {
		if <-back.C; tries > 500 {
			t.Fatal("the ping is refused although the broker is back")
		}
	}
	if got := stored(t, b); !slices.Equal(got, want) {
		t.Fatalf("stored %v\nwant %v", got, want)
	}
	t.Logf("%d messages in order, once; %d refused meanwhile", len(want), refused)
}

// TestACrashBetweenStoringAndAnswering is failures.md C07: the sender saw no answer and sends again, to a process that
// remembers nothing.
func TestACrashBetweenStoringAndAnswering(t *testing.T) {
	for name, l := range map[string]letter{
		"with a transaction": {Tx: "5f0d2c1e", Keys: []string{"0001", "0002"}},
		"with a time":        {Sent: "2026-03-02T08:15:30", Keys: []string{"0001", "0002"}},
		"with neither":       {Keys: []string{"0001", "0002"}},
		"of many batches":    {Tx: "1", Keys: many(1200)},
	} {
		t.Run(name, func(t *testing.T) {
			b := client(t, natsbus.Options{InProcess: broker(t, t.TempDir(), "")})
			x := newHouse(t, listener.Options{})
			for range 3 { // the answer is thrown away, and so is the process
				x.srv.Config.Handler = listener.New(x.doors, b, seal, listener.Options{Form: form})
				if got := x.post(l).StatusCode; got != http.StatusOK {
					t.Fatalf("status %d", got)
				}
			}
			if got := stored(t, b); !slices.Equal(got, l.Keys) {
				t.Fatalf("%d facts stored, want %d, each once", len(got), len(l.Keys))
			}
			if state, err := b.State(t.Context(), "acme"); err != nil || state.Streams[bus.Audit].Messages != 1 {
				t.Fatalf("audit %+v %v", state.Streams[bus.Audit], err)
			}
		})
	}
}

// TestAPartThatWasStoredIsNotStoredAgain stores a part, fails, and stores the rest when it comes again.
func TestAPartThatWasStoredIsNotStoredAgain(t *testing.T) {
	b := client(t, natsbus.Options{InProcess: broker(t, t.TempDir(), "")})
	x := newHouse(t, listener.Options{})
	f := &flaky{Bus: b, after: 1}
	x.srv.Config.Handler = listener.New(x.doors, f, seal, listener.Options{Form: form})
	l := letter{Tx: "1", Keys: many(1200)}
	if got := x.post(l).StatusCode; got != http.StatusServiceUnavailable {
		t.Fatalf("status %d", got)
	}
	f.after = 100
	if got := x.post(l).StatusCode; got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	if got := stored(t, b); !slices.Equal(got, l.Keys) {
		t.Fatalf("%d facts stored", len(got))
	}
}

// flaky fails after some publishes of facts.
type flaky struct {
	*natsbus.Bus
	after int
}

func (f *flaky) PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error {
	if f.after--; f.after < 0 {
		return errDown
	}
	return f.Bus.PublishFacts(ctx, t, events...)
}
