package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme = tenant.ID("acme")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inbox gives groups of messages to the handler and ends with ctx, or with the error when there is one.
type inbox struct {
	groups  chan []bus.Message
	answers chan []error
	end     error
}

func (b *inbox) Handle(ctx context.Context, _ tenant.ID, c bus.Consumer, _ bus.Batch, h bus.Handler) error {
	if b.end != nil || c != bus.Recorder {
		return b.end
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case ms := <-b.groups:
			b.answers <- h(ctx, ms)
		}
	}
}

func newInbox() *inbox { return &inbox{groups: make(chan []bus.Message), answers: make(chan []error)} }

func entry(n int) audit.Entry {
	return audit.Entry{ID: "entry-" + strconv.Itoa(n), Ref: record.Ref{Kind: record.Employee, Key: "1"}, At: time.Date(2026, 3, 2, 0, 0, n, 0, time.UTC),
		Stage: audit.Poller, Verb: "read", Outcome: audit.Finished}
}

func message(t *testing.T, of tenant.ID, e audit.Entry) bus.Message {
	t.Helper()
	ev, err := event.With(event.Event{ID: e.ID, Type: event.AuditV1, Tenant: of}, event.AuditOf(e))
	if err != nil {
		t.Fatal(err)
	}
	return bus.Message{Event: ev}
}

func open(t *testing.T, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// running starts a recorder and answers how to stop it.
func running(t *testing.T, b *inbox, s trail, every time.Duration) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(b, s, slog.New(slog.NewTextHandler(io.Discard, nil)), every).Run(ctx, acme) }()
	return func() error { cancel(); return <-done }
}

// chain verifies the whole trail and answers how many entries it has.
func chain(t *testing.T, s *sqlitestore.Store) int {
	t.Helper()
	list, err := s.Trail(t.Context(), acme, audit.Query{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for i, e := range list {
		if e.Position != int64(i+1) {
			t.Errorf("position %d at place %d", e.Position, i)
		}
		if last = audit.Link(last, e); e.Seal != last {
			t.Fatalf("entry %s: the chain is broken", e.ID)
		}
	}
	return len(list)
}

func TestEntriesAreStoredOnceAndTheChainGoesOnAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for life := range 3 {
		s, b := open(t, path), newInbox()
		stop := running(t, b, s, time.Hour) // only the last seal before the end counts
		for n := range 5 {
			b.groups <- []bus.Message{message(t, acme, entry(life*4+n)), message(t, acme, entry(life*4+n))} // one overlaps the last life
			for _, err := range <-b.answers {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Append(t.Context(), acme, []audit.Entry{{ID: "of another stage " + strconv.Itoa(life), Stage: audit.Writer}}); err != nil {
			t.Fatal(err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got, want := chain(t, s), (life+1)*5+1; got != want {
			t.Errorf("life %d: %d entries, want %d", life, got, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGarbageIsBuriedAndTheRestIsStored(t *testing.T) {
	s, b := open(t, filepath.Join(t.TempDir(), "state.db")), newInbox()
	defer s.Close() //nolint:errcheck // nothing hangs on it
	stop := running(t, b, s, 0)
	nameless := entry(1)
	nameless.ID = ""
	b.groups <- []bus.Message{
		{Event: event.Event{ID: "x", Type: event.TickV1, Tenant: acme}},
		{Event: event.Event{ID: "y", Type: event.AuditV1, Tenant: acme, Data: []byte(`"no"`)}},
		message(t, acme, nameless), message(t, "globex", entry(2)), message(t, acme, entry(3)),
	}
	for i, err := range <-b.answers {
		if want := i < 4; (fault.KindOf(err) == fault.Invalid && err != nil) != want {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := chain(t, s); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
}

func TestConsumerThatIsGoneEndsRun(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	defer s.Close() //nolint:errcheck // nothing hangs on it
	gone := errors.New("gone")
	r := New(&inbox{end: gone}, s, slog.New(slog.NewTextHandler(io.Discard, nil)), time.Hour)
	if err := r.Run(t.Context(), acme); !errors.Is(err, gone) {
		t.Errorf("run: %v", err)
	}
}

// picky refuses one entry, and everything while it is down.
type picky struct {
	down   bool
	calls  int
	stored map[string]int
}

func (p *picky) Append(_ context.Context, _ tenant.ID, list []audit.Entry) error {
	p.calls++
	if p.down {
		return fault.New(fault.Transient, fault.StoreDown, "away")
	}
	for _, e := range list {
		if e.ID == "entry-2" {
			return errors.New("cannot be stored")
		}
	}
	for _, e := range list {
		p.stored[e.ID]++
	}
	return nil
}

func (*picky) Seal(context.Context, tenant.ID, int, func(string, audit.Stored) string) (int, error) {
	return 0, nil
}

func TestOneEntryThatCannotBeStoredDoesNotKeepTheOthersWaiting(t *testing.T) {
	p := &picky{stored: map[string]int{}}
	r := New(nil, p, slog.New(slog.NewTextHandler(io.Discard, nil)), 0)
	ms := []bus.Message{message(t, acme, entry(1)), message(t, acme, entry(2)), message(t, acme, entry(3))}
	errs := r.record(t.Context(), acme, ms)
	if errs[0] != nil || errs[1] == nil || errs[2] != nil || p.stored["entry-1"] != 1 || p.stored["entry-3"] != 1 {
		t.Errorf("errors %v, stored %v", errs, p.stored)
	}
	p.down, p.calls = true, 0
	if errs = r.record(t.Context(), acme, ms); errs[0] == nil || p.calls != 1 {
		t.Errorf("a store that is down is asked %d times", p.calls)
	}
}

func (p *picky) Chain(context.Context, tenant.ID) (audit.Chain, error) { return audit.Chain{}, nil }

func TestACheckpointGoesToTheLogAndShowsACutEnd(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer func() { _ = s.Close() }()
	var lines bytes.Buffer
	r := New(nil, s, slog.New(slog.NewJSONHandler(&lines, nil)), time.Hour)
	for i := range 3 {
		if err := s.Append(t.Context(), acme, []audit.Entry{{ID: fmt.Sprint(i), At: time.Now(), Stage: audit.Poller}}); err != nil {
			t.Fatal(err)
		}
		r.seal(t.Context(), acme)
	}
	if n := strings.Count(lines.String(), "audit checkpoint"); n != 1 {
		t.Fatalf("%d checkpoints within a minute and 1000 entries, want 1: %s", n, lines.String())
	}
	var line struct{ Tenant, Checkpoint string }
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Tenant != "acme" {
		t.Fatalf("%+v, %v", line, err)
	}
	c, err := audit.ParseCheckpoint(line.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := audit.Verify(t.Context(), acme, s, c); err != nil || rep.Bad != 0 || rep.Compared != 1 {
		t.Fatalf("%+v, %v", rep, err)
	}
	empty := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer func() { _ = empty.Close() }()
	if rep, err := audit.Verify(t.Context(), acme, empty, c); err != nil || rep.Bad != 1 {
		t.Fatalf("everything cut off: %+v, %v", rep, err)
	}
}
