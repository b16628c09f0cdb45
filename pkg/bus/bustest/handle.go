package bustest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// batches are the two ways of delivery: one by one, and joined.
func batches() map[string]bus.Batch {
	return map[string]bus.Batch{"one by one": {}, "joined": {Max: 16, Linger: 5 * time.Millisecond}}
}

func facts(n int) []event.Event {
	out := make([]event.Event, n)
	for i := range out {
		out[i] = Facts(Acme, fmt.Sprintf("%04d", i), 1)
	}
	return out
}

// run handles in the background; stop ends it and waits.
func run(t testing.TB, b bus.Bus, c bus.Consumer, batch bus.Batch, h bus.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Handle(ctx, Acme, c, batch, h) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("handle: %v", err)
		}
	})
}

func quietState(t testing.TB, b bus.Bus, c bus.Consumer) {
	t.Helper()
	eventually(t, "everything settled", func() bool {
		cs := state(t, b, Acme).Consumers[c]
		return cs.Pending == 0 && cs.InFlight == 0 && cs.OldestAge == 0
	})
}

func handleKinds(t *testing.T, b bus.Bus) {
	limited := &fault.Error{Kind: fault.RateLimited, Code: fault.TargetRate, After: 400 * time.Millisecond}
	var dead uint64
	for name, batch := range batches() {
		var mu sync.Mutex
		tries := map[string]int{}
		var first, second time.Time
		stop := run(t, b, bus.Transformer, batch, func(_ context.Context, ms []bus.Message) []error {
			mu.Lock()
			defer mu.Unlock()
			errs := make([]error, len(ms))
			for i, m := range ms {
				tries[m.Ref.Key]++
				switch n := tries[m.Ref.Key]; {
				case m.Attempt != n:
					t.Errorf("%s: attempt %d, want %d", m.Ref, m.Attempt, n)
				case m.Ref.Key == "invalid":
					errs[i] = fault.New(fault.Invalid, fault.BadText, "never")
				case m.Ref.Key == "internal":
					errs[i] = errors.New("our bug")
				case m.Ref.Key == "transient" && n < 4:
					errs[i] = fault.New(fault.Transient, fault.StoreDown, "later")
				case m.Ref.Key == "limited" && n == 1:
					first, errs[i] = time.Now(), limited
				case m.Ref.Key == "limited":
					second = time.Now()
				}
			}
			return errs
		})
		for _, key := range []string{"good", "invalid", "internal", "transient", "limited"} {
			e := Facts(Acme, key, 1)
			e.ID += name
			must(t, b.PublishFacts(t.Context(), Acme, e))
		}
		dead += 2
		eventually(t, name+": two dead letters", func() bool { return state(t, b, Acme).Streams[bus.Dead].Messages == dead })
		quietState(t, b, bus.Transformer)
		stop()
		for key, want := range map[string]int{"good": 1, "invalid": 1, "internal": bus.MaxAttempts, "transient": 4, "limited": 2} {
			if tries[key] != want {
				t.Errorf("%s: %s tried %d times, want %d", name, key, tries[key], want)
			}
		}
		if wait := second.Sub(first); wait < limited.After {
			t.Errorf("%s: tried again after %s, want at least %s", name, wait, limited.After)
		}
	}
	if n := state(t, b, Globex).Streams[bus.Dead].Messages; n != 0 {
		t.Errorf("another tenant has %d dead letters", n)
	}
}

func handleBatch(t *testing.T, b bus.Bus) {
	must(t, b.PublishFacts(t.Context(), Acme, facts(100)...))
	var mu sync.Mutex
	calls, done := 0, map[string]int{}
	stop := run(t, b, bus.Transformer, bus.Batch{Max: 40, Linger: 50 * time.Millisecond}, func(_ context.Context, ms []bus.Message) []error {
		mu.Lock()
		defer mu.Unlock()
		calls++
		if len(ms) > 40 {
			t.Errorf("batch of %d, want at most 40", len(ms))
		}
		errs := make([]error, len(ms))
		for i, m := range ms {
			if done[m.Ref.Key]++; m.Attempt == 1 && m.Seq%10 == 0 {
				errs[i] = fault.New(fault.Transient, fault.StoreDown, "this one later")
			}
		}
		return errs
	})
	quietState(t, b, bus.Transformer)
	stop()
	twice := 0
	for _, n := range done {
		twice += n - 1
	}
	if len(done) != 100 || twice != 10 || calls > 20 {
		t.Errorf("%d records, %d delivered again, %d calls; want 100, 10 and few", len(done), twice, calls)
	}
}

func handlePanic(t *testing.T, b bus.Bus) {
	for name, batch := range batches() {
		before := state(t, b, Acme).Streams[bus.Dead].Messages
		for i, e := range facts(5) {
			e.ID = fmt.Sprint(name, i)
			must(t, b.PublishFacts(t.Context(), Acme, e))
		}
		var mu sync.Mutex
		bad := 0
		stop := run(t, b, bus.Transformer, batch, func(_ context.Context, ms []bus.Message) []error {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range ms {
				if m.Ref.Key == "0002" {
					if len(ms) == 1 {
						bad++
					}
					panic("poison")
				}
			}
			return make([]error, len(ms))
		})
		quietState(t, b, bus.Transformer)
		stop()
		if n := state(t, b, Acme).Streams[bus.Dead].Messages - before; n != 1 || bad != bus.MaxAttempts {
			t.Errorf("%s: %d dead letters after %d tries, want 1 after %d", name, n, bad, bus.MaxAttempts)
		}
	}
}

func handleEnd(t *testing.T, b bus.Bus) {
	for name, batch := range batches() {
		must(t, b.PublishFacts(t.Context(), Acme, Facts(Acme, "slow "+name, 1)))
		started, ended := make(chan struct{}), make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			ended <- b.Handle(ctx, Acme, bus.Transformer, batch, func(ctx context.Context, ms []bus.Message) []error {
				close(started)
				timer := time.NewTimer(brief)
				defer timer.Stop()
				select {
				case <-timer.C:
				case <-ctx.Done():
					t.Errorf("%s: the handler's context ended with the caller's", name)
				}
				return make([]error, len(ms))
			})
		}()
		<-started
		cancel()
		must(t, <-ended)
		quietState(t, b, bus.Transformer)
	}
}
