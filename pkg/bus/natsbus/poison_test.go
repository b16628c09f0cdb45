package natsbus

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}

func stateOf(t testing.TB, b *Bus) bus.State {
	t.Helper()
	st, err := b.State(t.Context(), bustest.Acme)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// garbage is what must never reach a handler, each on a subject of the consumer.
func garbage(t testing.TB, c bus.Consumer) map[string]*nats.Msg {
	t.Helper()
	_, word, _ := filter(c)
	msg := func(subj string, data []byte) *nats.Msg {
		m := nats.NewMsg(subj)
		m.Data = data
		return m
	}
	enc := func(e event.Event) []byte {
		b, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := bustest.Facts(bustest.Acme, "1", 1)
	good.Type = carries(c)
	foreign, unknown := good, good
	foreign.Tenant, unknown.Type = bustest.Globex, "facts.v9"
	list := map[string]*nats.Msg{
		"bytes":           msg(word+".acme.employee.1", []byte{0xff, 0x00, '{'}),
		"nothing":         msg(word+".acme.employee.2", nil),
		"other JSON":      msg(word+".acme.employee.3", []byte(`{"specversion":"0.3"}`)),
		"another tenant":  msg(word+".acme.employee.4", enc(foreign)),
		"unknown version": msg(word+".acme.employee.5", enc(unknown)),
		"a bad token":     msg(word+".acme.employee._ZZ", enc(good)),
		"many tokens":     msg(word+".acme.employee.6.7.8.9", enc(good)),
		"doubled header":  msg(word+".acme.employee.10", enc(good)),
	}
	list["doubled header"].Header["Ml-Type"] = []string{"a", "b"}
	return list
}

func TestGarbageBecomesDeadLettersAndNeverLoops(t *testing.T) {
	for _, c := range bus.Consumers() {
		t.Run(string(c), func(t *testing.T) {
			b, _ := ready(t)
			list := garbage(t, c)
			for name, m := range list {
				if _, err := b.js.PublishMsg(t.Context(), m); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			want := uint64(len(list))
			if pinned(c) {
				pullGarbage(t, b, c, want)
			} else {
				handleGarbage(t, b, c, want)
			}
			checkLetters(t, b, c, int(want))
		})
	}
}

func handleGarbage(t *testing.T, b *Bus, c bus.Consumer, want uint64) {
	t.Helper()
	for _, batch := range []bus.Batch{{Max: 5}, {}} { // the second must find nothing left
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- b.Handle(ctx, bustest.Acme, c, batch, func(_ context.Context, ms []bus.Message) []error {
				t.Errorf("the handler got %s", ms[0].Event.ID)
				return make([]error, len(ms))
			})
		}()
		until(t, "dead letters", func() bool {
			st := stateOf(t, b)
			return st.Streams[bus.Dead].Messages == want && st.Consumers[c].InFlight == 0
		})
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}

func pullGarbage(t *testing.T, b *Bus, c bus.Consumer, want uint64) {
	t.Helper()
	p, err := b.Puller(t.Context(), bustest.Acme, c)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "dead letters", func() bool {
		ds, err := p.Fetch(t.Context(), 3, 50*time.Millisecond)
		if err != nil || len(ds) > 0 {
			t.Fatalf("%d deliveries, %v", len(ds), err)
		}
		st := stateOf(t, b)
		return st.Streams[bus.Dead].Messages == want && st.Consumers[c].InFlight == 0
	})
}

func checkLetters(t *testing.T, b *Bus, c bus.Consumer, want int) {
	t.Helper()
	st, err := b.js.Stream(t.Context(), streamName(bustest.Acme, bus.Dead))
	if err != nil {
		t.Fatal(err)
	}
	for seq := range want {
		m, err := st.GetMsg(t.Context(), uint64(seq+1))
		if err != nil {
			t.Fatal(err)
		}
		e, err := event.Decode(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		d, err := event.Payload[event.Dead](e, event.DeadV1)
		if err != nil {
			t.Fatal(err)
		}
		if d.Code != fault.BadEnvelope || d.Attempts > 2 || d.Stage != stage(c) || d.Sequence == 0 {
			t.Errorf("letter %d: %+v", seq, d)
		}
	}
}

func TestNothingIsTerminatedWhileDeadLettersAreRefused(t *testing.T) {
	srv := serve(t, t.TempDir())
	o := testOptions(srv)
	o.MaxBytes = map[bus.Stream]int64{bus.Dead: 10}
	b := connect(t, o)
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.PublishFacts(t.Context(), bustest.Acme, bustest.Facts(bustest.Acme, "1", 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var tries atomic.Int32
	go func() {
		done <- b.Handle(ctx, bustest.Acme, bus.Transformer, bus.Batch{}, func(context.Context, []bus.Message) []error {
			tries.Add(1)
			return []error{fault.New(fault.Invalid, fault.BadText, "never")}
		})
	}()
	until(t, "tries", func() bool { return tries.Load() > bus.MaxAttempts+2 })
	if n := stateOf(t, b).Streams[bus.Dead].Messages; n != 0 {
		t.Errorf("%d dead letters in a full stream", n)
	}
	wider := testOptions(srv)
	wider.MaxBytes = map[bus.Stream]int64{bus.Dead: 1 << 20}
	if _, err := connect(t, wider).Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	until(t, "burial", func() bool {
		st := stateOf(t, b)
		return st.Streams[bus.Dead].Messages == 1 && st.Consumers[bus.Transformer].InFlight == 0
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestBrokerHeadersDoNotTravelOn(t *testing.T) {
	b, _ := ready(t)
	events := []event.Event{bustest.AuditEntry(bustest.Acme, "1", "a"), bustest.AuditEntry(bustest.Acme, "2", "b")}
	if err := b.Publish(t.Context(), bustest.Acme, bus.Audit, events...); err != nil {
		t.Fatal(err)
	}
	cons, err := b.js.Consumer(t.Context(), "AUDIT_acme", string(bus.Recorder))
	if err != nil {
		t.Fatal(err)
	}
	m, err := cons.Next(jetstream.FetchMaxWait(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if m.Headers().Get("Nats-Batch-Id") == "" {
		t.Fatal("the message carries no batch header: the test shows nothing")
	}
	wm, err := readWatermill(m)
	if err != nil {
		t.Fatal(err)
	}
	for k := range wm.Metadata {
		if k != hdrType && k != hdrVersion {
			t.Errorf("metadata %s travels on", k)
		}
	}
}
