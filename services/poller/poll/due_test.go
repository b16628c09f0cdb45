package poll_test

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/poller/poll"
)

// noted remembers what was read.
type noted struct {
	*peoplesoft.Source
	mu   sync.Mutex
	came map[string]bool // by kind of window and key
}

// Read implements source.Source.
func (n *noted) Read(ctx context.Context, t tenant.ID, w source.Window) (source.Page, error) {
	page, err := n.Source.Read(ctx, t, w)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range page.Records {
		how := "changed/"
		if w.Effective() {
			how = "effective/"
		}
		n.came[how+r.Ref.Key] = true
	}
	return page, err
}

func (n *noted) take() map[string]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	came := n.came
	n.came = map[string]bool{}
	return came
}

// PeopleSoft's query shows rows in effect only. A title of 5 March is entered on 2 March, changes go on, and on 5 March
// no window over change times shows it: the pass over days of effect does.
func TestARowThatWasNeverDeliveredByItsTimeIsFoundOnItsDay(t *testing.T) {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	hr := sim.New(sim.Options{Employees: 120, Rows: sim.Current, User: "MLCONN", Password: "password-of-the-test"})
	hr.Advance(24 * time.Hour)
	db, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	b := broker(t)
	src := &noted{Source: company(t, hr, zone, func(q *peoplesoft.Query) { q.Prompts.EffFrom, q.Prompts.EffTo = "EFFDT_FROM", "EFFDT_TO" }), came: map[string]bool{}}
	p := poll.New(b, db, slog.New(slog.NewTextHandler(io.Discard, nil)), poll.Options{Zone: zone, Now: hr.Now,
		Feeds: map[record.Kind]poll.Feed{record.Employee: {Source: src, Name: "peoplesoft.hcm", Overlap: 15 * time.Minute}}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx, acme) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	cycle := func(id string) map[string]bool {
		t.Helper()
		if err := b.Poke(t.Context(), acme, bus.Tick{Kind: record.Employee, Mode: event.ModeWindow}, id, "person/dana"); err != nil {
			t.Fatal(err)
		}
		if c := finished(t, db, id); c.State != store.Complete {
			t.Fatalf("cycle %+v", c)
		}
		return src.take()
	}
	cycle("first load")
	var who, other string
	for _, e := range hr.Truth("").Employees {
		if e.Active && e.NextChange == "" && who == "" {
			who = e.EmplID
		} else if e.Active && e.NextChange == "" {
			other = e.EmplID
		}
	}
	hr.Advance(time.Hour)
	day, err := time.Parse(time.DateOnly, hr.Today())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hr.ChangeTitle(who, "Chief of Tomorrow", day.AddDate(0, 0, 3).Format(time.DateOnly)); err != nil {
		t.Fatal(err)
	}
	hr.Advance(2 * time.Hour)
	if _, err := hr.ChangeTitle(other, "Chief of Today", ""); err != nil {
		t.Fatal(err)
	}
	hr.Advance(time.Minute)
	if came := cycle("same day"); !came["changed/"+other] || came["effective/"+who] {
		t.Fatalf("on the day it was entered: %v", came)
	}
	hr.Advance(3 * 24 * time.Hour)
	if came := cycle("its day"); !came["effective/"+who] || came["changed/"+who] {
		t.Fatalf("on its day: %v", came)
	}
	hr.Advance(time.Hour)
	if came := cycle("an hour later"); came["effective/"+who] {
		t.Errorf("a pass twice on one day: %v", came)
	}
}
