package writer_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/pgstore"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/target/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/zendesk-writer/writer"
)

const acme = tenant.ID("acme")

func employee(n int) record.Ref {
	return record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%06d", n)}
}

func external(n int) string { return "psft:emp:" + employee(n).Key }

func wanted(t testing.TB, n int, version uint64, phone string) event.Event {
	t.Helper()
	u := directory.User{ExternalID: external(n), Name: "Person " + strconv.Itoa(n), Email: fmt.Sprintf("person%d@corp.example", n),
		Fields: map[string]string{"user_fields.job_title": phone}, State: directory.Active}
	e, err := event.With(event.Event{ID: fmt.Sprintf("w/%d/%d", n, version), Source: "transformer", Type: event.WantedV1, Subject: employee(n).String(),
		Time: time.Now(), Tenant: acme, Version: version, Cause: "cycle/1"}, event.WantedOf(employee(n), directory.Entry{User: &u}, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// put has records 1 to n wanted at a version.
func put(t testing.TB, b bus.Bus, n int, version uint64, title string) {
	t.Helper()
	var list []event.Event
	for i := 1; i <= n; i++ {
		list = append(list, wanted(t, i, version, title))
	}
	puts, err := b.PutWanted(t.Context(), acme, list)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range puts {
		if p.Err != nil || !p.Stored {
			t.Fatalf("put: %+v", p)
		}
	}
}

func broker(t testing.TB, o natsembed.Options) *natsembed.Server {
	t.Helper()
	o.Dir = t.TempDir()
	srv, err := natsembed.Start(t.Context(), o)
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

func connect(t testing.TB, o natsbus.Options) *natsbus.Bus {
	t.Helper()
	o.AckWait, o.PinnedTTL = cmp.Or(o.AckWait, 10*time.Second), cmp.Or(o.PinnedTTL, 2*time.Second)
	b, err := natsbus.Connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := b.Ensure(t.Context(), acme, nil); err != nil {
		t.Fatal(err)
	}
	return b
}

// account is a simulated Zendesk.
func account(t testing.TB, o sim.Options) (*sim.Sim, string) {
	t.Helper()
	s := sim.New(o)
	s.SeedField("user", sim.Field{Type: "text", Key: "job_title", Title: "Title"})
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.Start()
	t.Cleanup(srv.Close)
	return s, srv.URL
}

func adapter(t testing.TB, url string) *zendesk.Target {
	t.Helper()
	c := zendesk.Default()
	c.BaseURL, c.Auth = url, zendesk.APIToken{Email: "ops@acme.example", Token: secret.New("token-of-the-test")}
	c.Share, c.Jobs, c.Poll = 1, 10, 50*time.Millisecond
	z, err := zendesk.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = z.Close() })
	return z
}

// diary keeps warnings, to be shown when the test fails.
type diary struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(p)
}

func logged(t testing.TB) *slog.Logger {
	t.Helper()
	d := &diary{}
	t.Cleanup(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if t.Failed() {
			t.Logf("%s", d.b.Bytes()[max(0, d.b.Len()-8000):])
		}
	})
	return slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// counted is a target that knows how many changes it made and forgets calls sooner than the real one.
type counted struct {
	target.Target
	life    time.Duration
	applied atomic.Int64
}

func (c *counted) CallLife() time.Duration { return c.life }

func (c *counted) Apply(ctx context.Context, t tenant.ID, changes []target.Change, j target.Journal) ([]target.Outcome, error) {
	out, err := c.Target.Apply(ctx, t, changes, j)
	for _, o := range out {
		if o.Err == nil {
			c.applied.Add(1)
		}
	}
	return out, err
}

// run starts a writer and answers how to stop it.
func run(t testing.TB, w *writer.Writer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, acme) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// within polls until ok, at most most.
func within(t testing.TB, most time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.After(most)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not within %s", what, most)
		}
	}
}

// moving polls until ok. It fails when nothing was achieved for most: a machine that is busy with other things makes all of
// it longer, a system that stands still makes no progress at all.
func moving(t testing.TB, most time.Duration, what string, progress func() int, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for last, since := progress(), time.Now(); !ok(); <-tick.C {
		if now := progress(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > most {
			t.Fatalf("%s: nothing was achieved for %s", what, most)
		}
	}
}

// still tells whether nothing is left to do on both lanes and in the journal.
func still(t testing.TB, b bus.Bus, s store.Store) func() bool {
	return func() bool {
		state, err := b.State(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []bus.Consumer{bus.Writer, bus.UrgentLane} {
			if state.Consumers[c].Pending > 0 || state.Consumers[c].InFlight > 0 {
				return false
			}
		}
		open, err := s.OpenBatches(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		return len(open) == 0
	}
}

// judge holds the desk against what was wanted: one user for each record, as wanted, and no effect twice.
func judge(t testing.TB, s *sim.Sim, n int, title string) {
	t.Helper()
	users := map[string]int{}
	for _, u := range s.Users() {
		if u.ExternalID == nil {
			continue
		}
		users[*u.ExternalID]++
		if u.UserFields["job_title"] != title {
			t.Errorf("%s has title %v, want %q", *u.ExternalID, u.UserFields["job_title"], title)
		}
	}
	for i := 1; i <= n; i++ {
		if users[external(i)] != 1 {
			t.Errorf("%s: %d users", external(i), users[external(i)])
		}
	}
	if len(users) != n {
		t.Errorf("%d users with external ids, want %d", len(users), n)
	}
	if c := s.Counters(); c.Deletes > 0 {
		t.Error("something was deleted")
	}
	noEffectTwice(t, s)
}

func noEffectTwice(t testing.TB, s *sim.Sim) {
	t.Helper()
	last := map[int64]string{}
	for _, e := range s.Effects() {
		if e.Kind != "user" || e.RequestID == "" || e.Lost {
			continue
		}
		u, ok := e.After.(*sim.User)
		if !ok {
			t.Fatalf("effect on a %s", reflect.TypeOf(e.After))
		}
		now := fmt.Sprint(u.Name, u.Suspended, u.UserFields["job_title"], text(u.Email), text(u.ExternalID))
		if last[e.ID] == now {
			t.Errorf("%s: %s had no effect: the same state twice in a row", e.ExternalID, e.Verb)
		}
		last[e.ID] = now
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// standstill is far longer than anything that two writers at work wait for: a job (2.5 s), the life of a call (3 s), a
// record that the other one has (Busy, at most 5 s), a life that lapsed (10 s).
const standstill = 90 * time.Second

// blind is the store of a writer that sees no other writer: as while views of who leads differ.
type blind struct{ store.Store }

func (blind) Writers(context.Context, tenant.ID) ([]store.Writer, error) { return nil, nil }

// Two processes' worth of writers that both believe to lead: two connections to one broker over TCP, two pools on one Postgres, two adapters on
// one account. Jobs take longer than the pin lives, so that both write at the same time, and both lanes want the same
// records.
func TestTwoWritersShareTheWork(t *testing.T) {
	const n = 5000
	url := pgtest.URL(t)
	srv := broker(t, natsembed.Options{Listen: "127.0.0.1:0"})
	desk, address := account(t, sim.Options{JobDuration: func(int) time.Duration { return 2500 * time.Millisecond }})
	var stores [2]*pgstore.Store
	var buses [2]*natsbus.Bus
	var targets [2]*counted
	var writers [2]*writer.Writer
	for i := range 2 {
		var err error
		if stores[i], err = pgstore.Open(t.Context(), url); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stores[i].Close() })
		buses[i] = connect(t, natsbus.Options{URL: srv.Address(), Name: fmt.Sprint("writer-", i), AllowUnsynced: true})
		targets[i] = &counted{Target: adapter(t, address), life: 3 * time.Second}
		writers[i] = writer.New(buses[i], blind{stores[i]}, targets[i], logged(t), nil, writer.Options{Batch: 500, Linger: 200 * time.Millisecond, Busy: 200 * time.Millisecond, Idle: time.Second})
	}
	put(t, buses[0], n, 1, "first")
	for i := range 2 {
		defer run(t, writers[i])()
	}
	var urgent []record.Ref
	for i := 1; i <= n; i += 20 {
		urgent = append(urgent, employee(i))
	}
	if err := buses[1].Urge(t.Context(), acme, urgent); err != nil {
		t.Fatal(err)
	}
	done := still(t, buses[0], stores[0])
	achieved := func() int { return len(desk.Effects()) + int(targets[0].applied.Load()+targets[1].applied.Load()) }
	moving(t, standstill, "first load", achieved, done)
	judge(t, desk, n, "first")

	put(t, buses[1], n, 2, "second")
	if err := buses[0].Urge(t.Context(), acme, urgent[:10]); err != nil { // singly, one a second (zendesk.md 4.2)
		t.Fatal(err)
	}
	moving(t, standstill, "change of every record", achieved, done)
	judge(t, desk, n, "second")
	a, b := targets[0].applied.Load(), targets[1].applied.Load()
	if a == 0 || b == 0 || a+b != 2*n {
		t.Errorf("the writers made %d and %d changes, want %d together and some by each", a, b, 2*n)
	}
	t.Logf("the writers made %d and %d changes", a, b)

	before := len(desk.Effects())
	put(t, buses[0], n, 3, "second")
	within(t, time.Minute, "second run", done)
	if got := len(desk.Effects()); got != before {
		t.Errorf("the second run wrote %d times", got-before)
	}
}
