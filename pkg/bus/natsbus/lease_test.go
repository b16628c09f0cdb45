package natsbus

import (
	"context"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

func pullers(t *testing.T) (b *Bus, first, second bus.Puller) {
	t.Helper()
	b, srv := ready(t)
	first, err := b.Puller(t.Context(), bustest.Acme, bus.Writer)
	if err != nil {
		t.Fatal(err)
	}
	if second, err = connect(t, testOptions(srv)).Puller(t.Context(), bustest.Acme, bus.Writer); err != nil {
		t.Fatal(err)
	}
	return b, first, second
}

func put(t *testing.T, b *Bus, keys ...string) {
	t.Helper()
	var list []event.Event
	for _, k := range keys {
		list = append(list, bustest.Wanted(bustest.Acme, k, 1))
	}
	if _, err := b.PutWanted(t.Context(), bustest.Acme, list); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, p bus.Puller, wait time.Duration) int {
	t.Helper()
	ds, err := p.Fetch(t.Context(), 10, wait)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if err := d.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return len(ds)
}

func TestOnlyOnePullerGetsMessagesUntilItsLeaseEnds(t *testing.T) {
	b, first, second := pullers(t)
	put(t, b, "1")
	until(t, "the pin", func() bool { return take(t, first, 200*time.Millisecond) == 1 })
	pinned := time.Now()
	put(t, b, "2", "3")
	if n := take(t, second, 300*time.Millisecond); n != 0 {
		t.Fatalf("the second puller got %d while the first holds the pin", n)
	}
	until(t, "takeover", func() bool { return take(t, second, 200*time.Millisecond) > 0 })
	if after := time.Since(pinned); after < first.Lease()-200*time.Millisecond {
		t.Errorf("taken over after %s, lease is %s", after, first.Lease())
	}
	put(t, b, "4")
	if n := take(t, first, 200*time.Millisecond); n != 0 {
		t.Errorf("the first puller got %d after the takeover", n)
	}
}

func TestAClosedPullerGivesThePinBack(t *testing.T) {
	b, first, second := pullers(t)
	put(t, b, "1")
	until(t, "the pin", func() bool { return take(t, first, 200*time.Millisecond) == 1 })
	start := time.Now()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, b, "2")
	until(t, "takeover", func() bool { return take(t, second, 100*time.Millisecond) == 1 })
	if took := time.Since(start); took >= first.Lease() {
		t.Errorf("takeover took %s although the pin was given back", took)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseLetsHandlersFinishAndSettles(t *testing.T) {
	srv := serve(t, t.TempDir())
	b := connect(t, testOptions(srv))
	watch := connect(t, testOptions(srv))
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	var list []event.Event
	for _, k := range []string{"1", "2", "3"} {
		list = append(list, bustest.Facts(bustest.Acme, k, 1))
	}
	if err := b.PublishFacts(t.Context(), bustest.Acme, list...); err != nil {
		t.Fatal(err)
	}
	started, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- b.Handle(t.Context(), bustest.Acme, bus.Transformer, bus.Batch{Max: 3, Linger: time.Second}, func(_ context.Context, ms []bus.Message) []error {
			close(started)
			<-release
			return make([]error, len(ms))
		})
	}()
	<-started
	closed := make(chan error, 1)
	go func() { closed <- b.Close() }()
	<-b.alive.Done()
	close(release)
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if err := <-done; fault.CodeOf(err) != fault.BrokerDown {
		t.Errorf("Handle on a closed bus: %v, want BROKER_DOWN", err)
	}
	until(t, "settled", func() bool {
		cs := stateOf(t, watch).Consumers[bus.Transformer]
		return cs.InFlight == 0 && cs.Pending == 0
	})
	if err := b.Handle(t.Context(), bustest.Acme, bus.Transformer, bus.Batch{}, nil); fault.CodeOf(err) != fault.BrokerDown {
		t.Errorf("Handle after Close: %v, want BROKER_DOWN", err)
	}
}

func TestALongHandlerKeepsItsMessages(t *testing.T) {
	srv := serve(t, t.TempDir())
	o := testOptions(srv)
	o.AckWait = 300 * time.Millisecond
	b := connect(t, o)
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.PublishFacts(t.Context(), bustest.Acme, bustest.Facts(bustest.Acme, "1", 1), bustest.Facts(bustest.Acme, "2", 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls, started, done := 0, make(chan struct{}), make(chan error, 1)
	go func() {
		done <- b.Handle(ctx, bustest.Acme, bus.Transformer, bus.Batch{Max: 2, Linger: 100 * time.Millisecond}, func(_ context.Context, ms []bus.Message) []error {
			calls++
			close(started)
			timer := time.NewTimer(time.Second)
			defer timer.Stop()
			<-timer.C
			cancel()
			return make([]error, len(ms))
		})
	}()
	<-started
	rival, err := b.Puller(t.Context(), bustest.Acme, bus.Transformer)
	if err != nil {
		t.Fatal(err)
	}
	for ctx.Err() == nil {
		if n := take(t, rival, 50*time.Millisecond); n != 0 {
			t.Errorf("a rival got %d messages that are being worked on", n)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if cs := stateOf(t, b).Consumers[bus.Transformer]; calls != 1 || cs.Redelivered != 0 || cs.InFlight != 0 {
		t.Errorf("%d calls, %+v; want one call and nothing delivered again", calls, cs)
	}
}
