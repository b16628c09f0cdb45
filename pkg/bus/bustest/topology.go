package bustest

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

func topology(t *testing.T, b bus.Bus) {
	first, err := b.Ensure(t.Context(), Acme, nil)
	must(t, err)
	if len(first) != len(bus.Streams()) {
		t.Fatalf("%d creation times, want one for each of %d streams: %v", len(first), len(bus.Streams()), first)
	}
	again, err := b.Ensure(t.Context(), Acme, first)
	must(t, err)
	for name, at := range first {
		if !again[name].Equal(at) {
			t.Errorf("%s: created %s, then %s", name, at, again[name])
		}
	}
	_, err = b.Ensure(t.Context(), Acme, map[string]time.Time{"ERP_acme": first["ERP_acme"].Add(-time.Hour)})
	if fault.CodeOf(err) != fault.BrokerDrift {
		t.Errorf("a stream that was created anew: %v, want %s", err, fault.BrokerDrift)
	}
	if _, err := b.Ensure(t.Context(), "not a tenant", nil); fault.KindOf(err) != fault.Config {
		t.Errorf("a bad tenant name: %v, want kind config", err)
	}
	must(t, b.Healthy(t.Context()))
	st := state(t, b, Acme)
	if len(st.Streams) != len(bus.Streams()) || len(st.Consumers) != len(bus.Consumers()) {
		t.Errorf("state names %d streams and %d consumers", len(st.Streams), len(st.Consumers))
	}
}

func restart(t *testing.T, b bus.Bus, reopen Reopen) {
	ctx := t.Context()
	seq, err := b.AppendPage(ctx, Acme, "employee", bus.Page{Events: twoFacts(), Cursor: Cursor(Acme, "c1")})
	must(t, err)
	puts, err := b.PutWanted(ctx, Acme, eventsOf(Wanted(Acme, "0001", 3)))
	must(t, err)
	if !puts[0].Stored {
		t.Fatal("first version not stored")
	}
	at := time.Now().Add(3 * time.Second)
	must(t, b.Wake(ctx, Acme, wakeOf("0001"), at))
	b = reopen(t, b)
	e, got, err := b.Cursor(ctx, Acme, "employee")
	must(t, err)
	if got != seq || e.ID != "cursor/c1" {
		t.Errorf("cursor %s at %d after restart, want cursor/c1 at %d", e.ID, got, seq)
	}
	if ms := collect(t, b, Acme, bus.Transformer, 2); ms[0].Event.ID != "facts.v1/0001/1" {
		t.Errorf("first fact is %s", ms[0].Event.ID)
	}
	w, err := b.Wanted(ctx, Acme, employee("0001"))
	must(t, err)
	if w.Version != 3 {
		t.Errorf("version %d after restart, want 3", w.Version)
	}
	collect(t, b, Acme, bus.Due, 1)
	if time.Now().Before(at) {
		t.Errorf("wake-up fired %s early", time.Until(at))
	}
	silent(t, b, Globex, bus.Due)
	silent(t, b, Globex, bus.Transformer)
}
