package bustest

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func wakeOf(key string) event.Wake {
	return event.Wake{Kind: record.Employee, Key: key, Date: "2026-03-01"}
}

func wakes(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	soon, later := time.Now().Add(1200*time.Millisecond), time.Now().Add(time.Hour)
	must(t, b.Wake(ctx, Acme, wakeOf("cancelled"), soon))
	must(t, b.Wake(ctx, Acme, wakeOf("moved away"), soon))
	must(t, b.Wake(ctx, Acme, wakeOf("moved here"), later))
	must(t, b.Unwake(ctx, Acme, employee("cancelled")))
	must(t, b.Unwake(ctx, Acme, employee("never armed")))
	must(t, b.Wake(ctx, Acme, wakeOf("moved away"), later))
	must(t, b.Wake(ctx, Acme, wakeOf("moved here"), soon))
	m := collect(t, b, Acme, bus.Due, 1)[0]
	if early := time.Until(soon); early > 0 {
		t.Errorf("fired %s early", early)
	}
	w, err := event.Payload[event.Wake](m.Event, event.WakeV1)
	must(t, err)
	if m.Ref != employee("moved here") || w.Key != "moved here" || w.Date != "2026-03-01" {
		t.Errorf("fired %v with %+v", m.Ref, w)
	}
	silent(t, b, Acme, bus.Due)
	must(t, b.Wake(ctx, Acme, wakeOf("past"), time.Now().Add(-time.Hour)))
	collect(t, b, Acme, bus.Due, 1)
	silent(t, b, Globex, bus.Due)
}

func ticks(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	window := bus.Tick{Kind: record.Employee, Mode: event.ModeWindow}
	for name, spec := range map[string]string{"too often": "10ms", "six fields": "0 0 2 * * *", "words": "at noon", "a field out of range": "99 2 * * *"} {
		if err := b.Every(ctx, Acme, window, spec, nil); fault.KindOf(err) != fault.Config {
			t.Errorf("%s: %v, want kind config", name, err)
		}
	}
	zone, err := time.LoadLocation("America/Chicago")
	must(t, err)
	must(t, b.Every(ctx, Acme, bus.Tick{Kind: record.Vendor, Mode: event.ModeFull}, "0 2 * * *", zone))
	must(t, b.Every(ctx, Acme, window, "1s", nil))
	for range 2 {
		m := collect(t, b, Acme, bus.Ticks, 1)[0]
		tick, err := event.Payload[event.Tick](m.Event, event.TickV1)
		must(t, err)
		if tick.Kind != record.Employee || tick.Mode != event.ModeWindow || tick.Cycle != "" || m.Ref.Kind != record.Employee {
			t.Errorf("tick %+v of %v", tick, m.Ref)
		}
	}
	must(t, b.Every(ctx, Acme, window, "", nil))
	drain(t, b)
	key := bus.Tick{Kind: record.Vendor, Mode: event.ModeKey, Key: "SHARE/0000000011"}
	must(t, b.Poke(ctx, Acme, key, "cycle-7", "person/ada"))
	m := collect(t, b, Acme, bus.Ticks, 1)[0]
	tick, err := event.Payload[event.Tick](m.Event, event.TickV1)
	must(t, err)
	if tick.Key != key.Key || tick.Cycle != "cycle-7" || m.Event.Cause != "person/ada" || m.Ref.Key != key.Key {
		t.Errorf("poked %+v of %v by %s", tick, m.Ref, m.Event.Cause)
	}
	if err := b.Poke(ctx, Acme, bus.Tick{Kind: record.Vendor, Mode: event.ModeKey}, "c", "x"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a key tick without a key: %v", err)
	}
	silent(t, b, Acme, bus.Ticks)
	silent(t, b, Globex, bus.Ticks)
}

// drain takes the tick that may have fired while its schedule was cancelled.
func drain(t testing.TB, b bus.Bus) {
	t.Helper()
	p, err := b.Puller(t.Context(), Acme, bus.Ticks)
	must(t, err)
	ds, err := p.Fetch(t.Context(), 10, 1500*time.Millisecond)
	must(t, err)
	for _, d := range ds {
		must(t, d.Ack(t.Context()))
	}
	must(t, p.Close())
}
