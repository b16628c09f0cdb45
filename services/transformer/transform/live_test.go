package transform

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// stage is the service on the real broker and the real store.
type stage struct {
	bus    *natsbus.Bus
	ledger *sqlitestore.Store
	policy Policy
}

func openStage(t *testing.T) *stage {
	t.Helper()
	srv, err := natsembed.Start(t.Context(), natsembed.Options{Dir: filepath.Join(t.TempDir(), "broker")})
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
	b, err := natsbus.Connect(t.Context(), natsbus.Options{InProcess: srv, Name: "transformer", AckWait: 3 * time.Second, Backoff: func(int) time.Duration { return 20 * time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	if _, err := b.Ensure(t.Context(), acme, nil); err != nil {
		t.Fatal(err)
	}
	st, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	p := Default()
	p.Version = 1
	return &stage{b, st, p}
}

func (s *stage) service() *Service {
	return New(Deps{Ledger: s.ledger, Table: s.bus, Wakes: s.bus, Inbox: s.bus, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Policies: func(context.Context, tenant.ID) (Policy, error) { return s.policy, nil }}, Options{Batch: 64})
}

// run starts n transformers for the tenant; the answer ends them and waits.
func (s *stage) run(t *testing.T, n int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if err := s.service().Run(ctx, acme); err != nil {
				t.Error(err)
			}
		})
	}
	return func() { cancel(); wg.Wait() }
}

func (s *stage) send(t *testing.T, ms ...bus.Message) {
	t.Helper()
	events := make([]event.Event, len(ms))
	for i, m := range ms {
		events[i] = m.Event
	}
	if err := s.bus.PublishFacts(t.Context(), acme, events...); err != nil {
		t.Fatal(err)
	}
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !yes(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within 30s", what)
		}
	}
}

// quiet tells whether every fact was settled.
func (s *stage) quiet(t *testing.T) bool {
	t.Helper()
	st, err := s.bus.State(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	c := st.Consumers[bus.Transformer]
	return c.Pending == 0 && c.InFlight == 0
}

func (s *stage) state(t *testing.T, ref record.Ref) directory.State {
	t.Helper()
	e, err := s.bus.Wanted(t.Context(), acme, ref)
	if err != nil {
		return ""
	}
	w, err := event.Payload[event.Wanted](e, event.WantedV1)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := w.Entry()
	if err != nil {
		t.Fatal(err)
	}
	return entry.State()
}

// Two transformers race on the real broker and store, are stopped in the middle and replaced: every record ends in the
// state of its newest fact, the table and the ledger agree, and nothing is explained twice.
func TestLiveTwoTransformersAndARestart(t *testing.T) {
	s := openStage(t)
	const people = 120
	ref := func(i int) record.Ref { return record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%07d", i)} }
	stop := s.run(t, 2)
	for round, fact := range []erp.Fact{hire("2026-01-01T00:00:00.000000"), leave("2026-03-01", "2026-03-02T08:00:00.000000"),
		drop(erp.Job, "0", "2026-03-01", 0, "2026-03-02T09:00:00.000000")} {
		var ms []bus.Message
		for i := range people {
			ms = append(ms, message(t, fmt.Sprintf("%d-%d", round, i), ref(i), person(fact)...))
		}
		s.send(t, ms...)
		if round == 1 {
			stop()
			stop = s.run(t, 2)
		}
	}
	defer stop()
	eventually(t, "all facts settled", func() bool { return s.quiet(t) })
	for i := range people {
		if got := s.state(t, ref(i)); got != directory.Active {
			t.Errorf("%s is %q", ref(i), got)
		}
		rows, err := s.ledger.Rows(t.Context(), acme, []record.Ref{ref(i)})
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.bus.Wanted(t.Context(), acme, ref(i))
		if err != nil || rows[ref(i)].WantedAt != e.Version || rows[ref(i)].Published != e.Version {
			t.Errorf("%s: ledger %+v, table version %d, %v", ref(i), rows[ref(i)], e.Version, err)
		}
	}
	open, err := s.ledger.Unpublished(t.Context(), acme, 10)
	if err != nil || len(open) != 0 {
		t.Errorf("unpublished %v, %v", open, err)
	}
	trail, err := s.ledger.Trail(t.Context(), acme, audit.Query{Ref: ref(7)})
	if err != nil || len(trail) == 0 || len(trail) > 3 {
		t.Errorf("%d entries for one record, want one for each change that was seen, %v", len(trail), err)
	}
}

// A hire of tomorrow becomes active at midnight without any message. The zone is chosen so that midnight is near.
func TestLiveFutureHireActsAtMidnight(t *testing.T) {
	s := openStage(t)
	now := time.Now().UTC()
	midnight := now.Truncate(24 * time.Hour).Add(24 * time.Hour)
	s.policy.Zone = time.FixedZone("soon", int(midnight.Sub(now.Add(3*time.Second)).Seconds()))
	tomorrow := erp.Today(now.Add(time.Minute), s.policy.Zone)
	if erp.Today(now, s.policy.Zone) == tomorrow {
		t.Fatal("the zone is not as meant")
	}
	defer s.run(t, 1)()
	s.send(t, message(t, "1", dana(), person(jobRow("0", tomorrow, 0, "hr_status=A", "dept_text=Finance"))...))
	eventually(t, "untouched until its day", func() bool { return s.state(t, dana()) == directory.Untouched })
	eventually(t, "active on its day", func() bool { return s.state(t, dana()) == directory.Active })
	if erp.Today(time.Now(), s.policy.Zone) != tomorrow {
		t.Error("active before its day")
	}
}
