package transform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/transformer/replay"
)

// replayer is a transformer that handles replays, on the real broker and the real store.
func (s *stage) replayer() *Service {
	return New(Deps{Past: s.bus, Lift: s.ledger, Ledger: s.ledger, Table: s.bus, Wakes: s.bus, Inbox: s.bus, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Policies: func(context.Context, tenant.ID) (Policy, error) { return s.policy, nil }}, Options{Batch: 64})
}

func (s *stage) row(t *testing.T, ref record.Ref) store.LedgerRow {
	t.Helper()
	rows, err := s.ledger.Rows(t.Context(), acme, []record.Ref{ref})
	if err != nil {
		t.Fatal(err)
	}
	return rows[ref]
}

// again reads the part of ERP that the range selects and makes the messages of its replay.
func (s *stage) again(t *testing.T, id string, r bus.Range) []bus.Message {
	t.Helper()
	part, err := s.bus.Read(t.Context(), acme, bus.ERP, r, 1000)
	if err != nil || len(part.Messages) == 0 {
		t.Fatalf("%d messages, %v", len(part.Messages), err)
	}
	out := part.Messages
	for i, m := range out {
		out[i].Event, out[i].Stream = replay.Again(m, id), bus.Replay
	}
	return out
}

// titles are three statements of which nothing but the order of arrival tells which is the newest.
func (s *stage) titles(t *testing.T, svc *Service) {
	t.Helper()
	var ms []bus.Message
	for i, title := range []string{"Analyst", "Manager", "Director"} {
		facts := person(hire("2026-01-01T00:00:00.000000"))
		facts[2].Fields["title"] = title
		ms = append(ms, message(t, fmt.Sprint(i), dana(), facts...))
	}
	s.send(t, ms...)
	for _, m := range ms {
		mustPass(t, svc.facts(acme)(t.Context(), []bus.Message{m}))
	}
}

func title(t *testing.T, row store.LedgerRow) string {
	t.Helper()
	e, err := event.DecodeEntry(row.Wanted)
	if err != nil || e.User == nil {
		t.Fatalf("wanted %s: %v", row.Wanted, err)
	}
	return e.User.Fields["user_fields.job_title"]
}

func TestAReplayOfOlderStatementsChangesNothing(t *testing.T) {
	s := openStage(t)
	svc := s.replayer()
	s.titles(t, svc)
	before := s.row(t, dana())
	for seq := range uint64(3) { // each alone, which is the hardest
		mustPass(t, svc.replayed(acme)(t.Context(), s.again(t, fmt.Sprint("r", seq), bus.Range{From: seq + 1, To: seq + 1})))
	}
	mustPass(t, svc.replayed(acme)(t.Context(), s.again(t, "all", bus.Range{})))
	if after := s.row(t, dana()); after.Revision != before.Revision || title(t, after) != "Director" {
		t.Fatalf("revision %d and title %q, want %d and Director", after.Revision, title(t, after), before.Revision)
	}
}

func TestAReplayBringsBackWhatWasLostAndLiftsItAboveTheTable(t *testing.T) {
	s := openStage(t)
	svc := s.replayer()
	s.titles(t, svc)
	held, err := s.bus.Wanted(t.Context(), acme, dana())
	if err != nil || held.Version < 2 {
		t.Fatalf("table: version %d, %v", held.Version, err)
	}
	fresh := openStage(t) // the same streams with a store that knows nothing
	s.ledger = fresh.ledger
	svc = s.replayer()
	ms := s.again(t, "r1", bus.Range{From: 1, To: 1})
	errs := svc.replayed(acme)(t.Context(), ms)
	if fault.KindOf(errs[0]) != fault.Conflict {
		t.Fatalf("first try: %v, want that it is tried again above the table", errs[0])
	}
	ms[0].Attempt = 2
	mustPass(t, svc.replayed(acme)(t.Context(), ms))
	row := s.row(t, dana())
	if row.Revision <= held.Version || row.Published != row.WantedAt || title(t, row) != "Director" {
		t.Fatalf("row %+v, table was at %d", row, held.Version)
	}
	now, err := s.bus.Wanted(t.Context(), acme, dana())
	if err != nil || now.Version != row.WantedAt {
		t.Fatalf("table at %d, want %d (%v)", now.Version, row.WantedAt, err)
	}
}

// meddling is a past during whose reading somebody else handles a newer statement.
type meddling struct {
	Past
	once func()
}

func (m *meddling) Read(ctx context.Context, t tenant.ID, s bus.Stream, r bus.Range, limit int) (bus.Excerpt, error) {
	out, err := m.Past.Read(ctx, t, s, r, limit)
	if f := m.once; f != nil {
		m.once = nil
		f()
	}
	return out, err
}

func TestAStatementThatComesDuringAReplayStays(t *testing.T) {
	s := openStage(t)
	svc := s.replayer()
	s.titles(t, svc)
	facts := person(hire("2026-01-01T00:00:00.000000"))
	facts[2].Fields["title"] = "President"
	late := message(t, "late", dana(), facts...)
	slow := s.replayer()
	slow.deps.Past = &meddling{s.bus, func() {
		s.send(t, late)
		mustPass(t, svc.facts(acme)(t.Context(), []bus.Message{late}))
	}}
	// A new field makes the replay want to save.
	gone := s.again(t, "r1", bus.Range{From: 1, To: 1})
	extra := message(t, "x", dana(), set("phone", "BUSN", "", 0, "phone=+1 555 0100"))
	extra.Event = event.Again(extra.Event, "r1", 1)
	mustPass(t, slow.replayed(acme)(t.Context(), append(gone, extra)))
	if got := title(t, s.row(t, dana())); got != "President" {
		t.Fatalf("title %q, want the newest", got)
	}
}

// A message that nothing could be made of at first comes out of its letter after two newer ones, and says no change
// time. It is on ERP then, and a replay of it, or of what stood before it, changes nothing either.
func TestARetriedLetterDoesNotWinOverWhatCameBehindIt(t *testing.T) {
	for name, c := range map[string]struct {
		place uint64
		want  string
	}{
		"before everything": {0, "Director"}, "between the first and the second": {1, "Director"}, "behind the last": {3, "Clerk"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStage(t)
			svc := s.replayer()
			s.titles(t, svc)
			facts := person(hire("2026-01-01T00:00:00.000000"))
			facts[2].Fields["title"], facts[2].Stamp = "Clerk", ""
			m := message(t, "late", dana(), facts...)
			m.Event = event.Again(m.Event, "dead-7/ib/x/1/employee/0001", c.place)
			other := message(t, "other", dana(), set("phone", "BUSN", "", 0, "phone=+1 555 0100"))
			s.send(t, m, other)
			part, err := s.bus.Read(t.Context(), acme, bus.ERP, bus.Range{From: 4}, 10)
			if err != nil || len(part.Messages) != 2 {
				t.Fatalf("%d messages, %v", len(part.Messages), err)
			}
			mustPass(t, svc.facts(acme)(t.Context(), part.Messages))
			if got := title(t, s.row(t, dana())); got != c.want {
				t.Fatalf("title %q, want %q", got, c.want)
			}
			for seq := range uint64(5) {
				mustPass(t, svc.replayed(acme)(t.Context(), s.again(t, fmt.Sprint("r", seq), bus.Range{From: seq + 1, To: seq + 1})))
			}
			if got := title(t, s.row(t, dana())); got != c.want {
				t.Fatalf("title %q after replays, want %q", got, c.want)
			}
			if !strings.Contains(string(s.row(t, dana()).Facts), "+1 555 0100") {
				t.Fatal("the message beside it was lost")
			}
		})
	}
}

func TestAReplayThatSaysNoPlaceIsRefused(t *testing.T) {
	s := openStage(t)
	m := message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"))...)
	errs := s.replayer().replayed(acme)(t.Context(), []bus.Message{m})
	if fault.KindOf(errs[0]) != fault.Invalid || fault.CodeOf(errs[0]) != fault.BadEnvelope {
		t.Fatalf("got %v", errs[0])
	}
}

func TestTheTransformerConsumesReplays(t *testing.T) {
	s := openStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.replayer().Run(ctx, acme) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	m := message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"))...)
	if err := s.bus.Replay(t.Context(), acme, event.Again(m.Event, "r1", 1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the record is there", func() bool {
		e, err := s.bus.Wanted(t.Context(), acme, dana())
		return err == nil && e.Cause == "replay/r1" || err != nil && !errors.Is(err, bus.ErrNone)
	})
	if e, err := event.DecodeEntry(s.row(t, dana()).Wanted); err != nil || e.State() != directory.Active {
		t.Fatalf("%v, %v", e, err)
	}
}
