package bustest

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func fetchN(t testing.TB, p bus.Puller, n int) []bus.Delivery {
	t.Helper()
	var got []bus.Delivery
	eventually(t, "deliveries", func() bool {
		ds, err := p.Fetch(t.Context(), n-len(got), time.Second)
		must(t, err)
		got = append(got, ds...)
		return len(got) >= n
	})
	return got
}

func pullerSettles(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	p, err := b.Puller(ctx, Acme, bus.Writer)
	must(t, err)
	if ds, err := p.Fetch(ctx, 10, 50*time.Millisecond); err != nil || len(ds) != 0 {
		t.Fatalf("fetch from nothing: %d deliveries, %v", len(ds), err)
	}
	if p.Lease() < 2*time.Second {
		t.Errorf("lease %s", p.Lease())
	}
	_, err = b.PutWanted(ctx, Acme, eventsOf(Wanted(Acme, "ack", 1), Wanted(Acme, "retry", 1), Wanted(Acme, "bury", 1)))
	must(t, err)
	start := time.Now()
	for _, d := range fetchN(t, p, 3) {
		must(t, d.Working())
		switch m := d.Message(); m.Ref.Key {
		case "ack":
			must(t, d.Ack(ctx))
		case "retry":
			must(t, d.Retry(ctx, 300*time.Millisecond))
		case "bury":
			must(t, d.Bury(ctx, event.Dead{Stage: "zendesk-writer", Kind: m.Ref.Kind, Key: m.Ref.Key, Code: fault.TargetInvalid}))
		}
	}
	again := fetchN(t, p, 1)[0]
	if m := again.Message(); m.Ref.Key != "retry" || m.Attempt != 2 || time.Since(start) < 300*time.Millisecond {
		t.Errorf("came again: %s attempt %d after %s", m.Ref, m.Attempt, time.Since(start))
	}
	must(t, again.Ack(ctx))
	quietState(t, b, bus.Writer)
	if n := state(t, b, Acme).Streams[bus.Dead].Messages; n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
	must(t, p.Close())
	other, err := b.Puller(ctx, Globex, bus.Writer)
	must(t, err)
	if ds, err := other.Fetch(ctx, 10, 50*time.Millisecond); err != nil || len(ds) != 0 {
		t.Errorf("another tenant fetched %d deliveries, %v", len(ds), err)
	}
	must(t, other.Close())
}

func urgent(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	_, err := b.PutWanted(ctx, Acme, eventsOf(Wanted(Acme, "1", 1), Wanted(Acme, "2", 1)))
	must(t, err)
	must(t, b.Urge(ctx, Acme, []record.Ref{employee("1"), employee("2"), employee("1")}))
	must(t, b.Urge(ctx, Acme, []record.Ref{employee("2")}))
	p, err := b.Puller(ctx, Acme, bus.UrgentLane)
	must(t, err)
	seen := map[string]bool{}
	for _, d := range fetchN(t, p, 2) {
		seen[d.Message().Ref.Key] = true
		must(t, d.Ack(ctx))
	}
	if !seen["1"] || !seen["2"] {
		t.Errorf("announced %v, want 1 and 2", seen)
	}
	must(t, p.Close())
	must(t, b.Urge(ctx, Acme, []record.Ref{employee("2")})) // again, although it was announced a moment ago
	collect(t, b, Acme, bus.UrgentLane, 1)
	silent(t, b, Globex, bus.UrgentLane)
}
