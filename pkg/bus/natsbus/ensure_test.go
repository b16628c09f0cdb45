package natsbus

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func TestDriftIsNamedOrRepaired(t *testing.T) {
	cases := map[string]struct {
		change func(*jetstream.StreamConfig)
		detail string // "" when it is repaired
	}{
		"a shorter age is widened":         {func(c *jetstream.StreamConfig) { c.MaxAge, c.Duplicates = time.Hour, time.Minute }, ""},
		"a wider limit stays":              {func(c *jetstream.StreamConfig) { c.MaxMsgs = -1 }, ""},
		"batches are switched on":          {func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false }, ""},
		"discarding old messages is named": {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "ERP_acme: discard is DiscardOld, want DiscardNew"},
		"other subjects are named":         {func(c *jetstream.StreamConfig) { c.Subjects = []string{"erp.acme.>"} }, "ERP_acme: subjects is"},
		"memory is named":                  {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "ERP_acme: storage is"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := connect(t, testOptions(serve(t, t.TempDir())))
			cfg := streamConfig(bustest.Acme, bus.ERP, b.opts)
			c.change(&cfg)
			if _, err := b.js.CreateStream(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			_, err := b.Ensure(t.Context(), bustest.Acme, nil)
			if c.detail == "" {
				if err != nil {
					t.Fatal(err)
				}
				st, err := b.js.Stream(t.Context(), "ERP_acme")
				if err != nil {
					t.Fatal(err)
				}
				if d := streamDrift(streamConfig(bustest.Acme, bus.ERP, b.opts), st.CachedInfo().Config); len(d) > 0 {
					t.Errorf("still differs: %v", fields(d))
				}
				return
			}
			if fault.CodeOf(err) != fault.BrokerDrift || !strings.Contains(err.Error(), c.detail) {
				t.Errorf("%v, want BROKER_DRIFT with %q", err, c.detail)
			}
		})
	}
}

func TestAConsumerThatDriftedIsRepaired(t *testing.T) {
	b, _ := ready(t)
	cfg := consumerConfig(bustest.Acme, bus.Writer, b.opts)
	cfg.AckWait, cfg.MaxDeliver = time.Second, 3
	if _, err := b.js.UpdateConsumer(t.Context(), "DIRECTORY_acme", cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	cons, err := b.js.Consumer(t.Context(), "DIRECTORY_acme", string(bus.Writer))
	if err != nil {
		t.Fatal(err)
	}
	if c := cons.CachedInfo().Config; c.MaxDeliver != -1 || c.AckWait != b.opts.AckWait {
		t.Errorf("MaxDeliver %d, AckWait %s", c.MaxDeliver, c.AckWait)
	}
}

// A consumer says that it delivered more than its stream holds: the stream was cut. Without a new consumer the server
// gives nothing before the stream is as long again.
func TestAConsumerBehindTheEndOfItsStreamBeginsAnew(t *testing.T) {
	b, _ := ready(t)
	have, err := b.js.Consumer(t.Context(), "ERP_acme", string(bus.Transformer))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[uint64]bool{0: false, 1: true} {
		info := *have.CachedInfo()
		info.Delivered.Stream = at
		anew, err := b.beginAnew(t.Context(), bustest.Acme, bus.ERP, &info, consumerConfig(bustest.Acme, bus.Transformer, b.opts))
		if err != nil || anew != want {
			t.Errorf("delivered %d of 0: anew %v, %v", at, anew, err)
		}
	}
	if _, err := b.AppendPage(t.Context(), bustest.Acme, record.Employee, pageFrom(0, 0)); err != nil {
		t.Fatal(err)
	}
	checkOnce(t, b, perPage)
}

func TestALostStreamStopsEnsureBeforeAnythingIsMade(t *testing.T) {
	b := connect(t, testOptions(serve(t, t.TempDir())))
	_, err := b.Ensure(t.Context(), bustest.Acme, map[string]time.Time{"DIRECTORY_acme": time.Now()})
	if fault.CodeOf(err) != fault.BrokerDrift || !strings.Contains(err.Error(), "DIRECTORY_acme: stream is gone") {
		t.Fatalf("%v, want BROKER_DRIFT about the lost stream", err)
	}
	if _, err := b.js.Stream(t.Context(), "ERP_acme"); err == nil {
		t.Error("another stream was created")
	}
}

func TestAFullStreamIsALimitAndHeals(t *testing.T) {
	srv := serve(t, t.TempDir())
	o := testOptions(srv)
	o.MaxBytes = map[bus.Stream]int64{bus.ERP: 4 << 10}
	b := connect(t, o)
	if _, err := b.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	_, err := b.AppendPage(t.Context(), bustest.Acme, record.Employee, pageFrom(0, 0))
	if fault.CodeOf(err) != fault.BrokerLimit || fault.KindOf(err) != fault.Transient {
		t.Fatalf("page into a full stream: %v, want BROKER_LIMIT, transient", err)
	}
	o.MaxBytes[bus.ERP] = 4 << 20
	wider := connect(t, o)
	if _, err := wider.Ensure(t.Context(), bustest.Acme, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := wider.AppendPage(t.Context(), bustest.Acme, record.Employee, pageFrom(0, 0)); err != nil {
		t.Fatal(err)
	}
	checkOnce(t, wider, perPage)
}

// external is a server as others would run it, with a port and a monitoring port.
func external(t *testing.T, synced bool) (client, monitor string) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, HTTPHost: "127.0.0.1", HTTPPort: -1,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: synced, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("server not ready")
	}
	return s.ClientURL(), (&url.URL{Scheme: "http", Host: s.MonitorAddr().String()}).String()
}

func TestAServerThatDoesNotSyncIsRefused(t *testing.T) {
	cases := map[string]struct {
		synced, monitored, allowed bool
		code                       fault.Code
		log                        string
	}{
		"synced and seen":     {true, true, false, "", ""},
		"not synced and seen": {false, true, false, fault.BrokerSync, ""},
		"not synced, allowed": {false, true, true, "", "BROKER_NOT_SYNCED: "},
		"not to be seen":      {true, false, false, "", "BROKER_NOT_SYNCED? cannot see"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var lines bytes.Buffer
			o := Options{AllowUnsynced: c.allowed, Logger: slog.New(slog.NewTextHandler(&lines, nil))}
			var monitor string
			if o.URL, monitor = external(t, c.synced); c.monitored {
				o.MonitorURL = monitor
			}
			b := connect(t, o)
			_, err := b.Ensure(t.Context(), bustest.Acme, nil)
			if (err == nil) != (c.code == "") || err != nil && fault.CodeOf(err) != c.code {
				t.Errorf("%v, want code %q", err, c.code)
			}
			if !strings.Contains(lines.String(), c.log) {
				t.Errorf("log %q, want %q in it", lines.String(), c.log)
			}
			if err := b.Healthy(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestServerVersions(t *testing.T) {
	for have, ok := range map[string]bool{"2.14.0": true, "2.15.2": true, "3.0.0": true, "v2.14.1-RC.1": true, "2.13.9": false, "2.9.25": false, "1.4.0": false, "": false, "dev": false} {
		if err := checkVersion(have); (err == nil) != ok || err != nil && fault.CodeOf(err) != fault.BrokerDrift {
			t.Errorf("version %q: %v, want accepted %v", have, err, ok)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	_, err := Connect(t.Context(), Options{URL: "nats://127.0.0.1:1", Timeout: time.Second})
	if fault.CodeOf(err) != fault.BrokerDown || fault.KindOf(err) != fault.Transient {
		t.Errorf("%v, want BROKER_DOWN, transient", err)
	}
}

func TestSubjectsAreReadBackAsTheyWereWritten(t *testing.T) {
	for _, key := range []string{"0001", "SHARE/0000000011", "a.b*c>d e", "ü_-", "_"} {
		ref := record.Ref{Kind: record.Vendor, Key: key}
		got, err := parseRef("acme", refSubject(wordTable, "acme", ref))
		if err != nil || got != ref {
			t.Errorf("%q came back as %v, %v", key, got, err)
		}
		tick, err := parseRef("acme", tickSubject(wordTick, "acme", bus.Tick{Kind: record.Vendor, Mode: "key", Key: key}))
		if err != nil || tick != ref {
			t.Errorf("tick %q came back as %v, %v", key, tick, err)
		}
	}
	if _, err := parseRef("acme", "directory.acme-2.vendor.1"); err == nil {
		t.Error("another tenant's subject was read")
	}
}

func TestBackoffGrowsToItsCap(t *testing.T) {
	for attempt, most := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1 << 40: 5 * time.Minute} {
		for range 50 {
			if d := backoff(attempt); d > most || d < most*4/5 {
				t.Errorf("attempt %d waits %s, want %s less up to a fifth", attempt, d, most)
			}
		}
	}
	if s := fmt.Sprint(zoneName(nil), zoneName(time.Local)); s != "UTCUTC" {
		t.Errorf("zones %s", s)
	}
}
