package poll_test

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/poller/poll"
)

const acme = tenant.ID("acme")

func broker(t *testing.T) *natsbus.Bus {
	t.Helper()
	srv, err := natsembed.Start(t.Context(), natsembed.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := natsbus.Connect(t.Context(), natsbus.Options{InProcess: srv, Name: "poller"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	if _, err := b.Ensure(t.Context(), acme, nil); err != nil {
		t.Fatal(err)
	}
	return b
}

func company(t *testing.T, s *sim.Sim, zone *time.Location, more ...func(*peoplesoft.Query)) *peoplesoft.Source {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c := peoplesoft.Default()
	c.BaseURL, c.Node, c.Zone = server.URL, "PSFT_HR", zone
	c.Auth = peoplesoft.Auth{Basic: &peoplesoft.Basic{User: "MLCONN", Password: secret.New("password-of-the-test")}}
	q := peoplesoft.Query{Name: "ML_EMPLOYEES", MaxRows: 50, PromptLayout: "2006-01-02T15:04:05",
		Prompts: peoplesoft.Prompts{From: "FROM_DTTM", To: "TO_DTTM", After: "LAST_EMPLID"}}
	for _, change := range more {
		change(&q)
	}
	c.Queries[record.Employee] = q
	src, err := peoplesoft.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(src.Close)
	return src
}

// The whole way once: first load, a life event, everything again; asked for as a person asks.
func TestRealPartsReadEverythingThenWhatChanged(t *testing.T) {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	hr := sim.New(sim.Options{Employees: 250, Rows: sim.All, User: "MLCONN", Password: "password-of-the-test"})
	hr.Advance(24 * time.Hour) // the company was set up yesterday
	b := broker(t)
	db, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	p := poll.New(b, db, slog.New(slog.NewTextHandler(io.Discard, nil)), poll.Options{Zone: zone, Now: hr.Now,
		Feeds: map[record.Kind]poll.Feed{record.Employee: {Source: company(t, hr, zone), Name: "peoplesoft.hcm", Overlap: 15 * time.Minute}}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, acme) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	cycle := func(id string, mode event.Mode) store.Cycle {
		t.Helper()
		if err := b.Poke(t.Context(), acme, bus.Tick{Kind: record.Employee, Mode: mode}, id, "person/dana"); err != nil {
			t.Fatal(err)
		}
		return finished(t, db, id)
	}
	if c := cycle("first", event.ModeWindow); c.State != store.Complete || c.Records != 250 || c.Pages < 5 {
		t.Fatalf("first load: %+v", c)
	}
	hr.Advance(2 * time.Hour)
	who := hr.Records("", 1)[0].EmplID
	if _, err := hr.ChangeTitle(who, "Chief Tester", ""); err != nil {
		t.Fatal(err)
	}
	hr.Advance(time.Minute)
	if c := cycle("window", event.ModeWindow); c.State != store.Complete || c.Records < 1 || c.Records > 10 {
		t.Errorf("after a life event: %+v", c)
	}
	if c := cycle("full", event.ModeFull); c.State != store.Complete || c.Records != 250 {
		t.Errorf("full: %+v", c)
	}
}

func finished(t *testing.T, db store.Cycles, id string) store.Cycle {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for {
		if c, err := db.Cycle(t.Context(), acme, id); err == nil && c.State != store.Running {
			return c
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("cycle %s did not end", id)
		}
	}
}
