package transform

import (
	"errors"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// failing makes every call of a point fail while on is true.
func failing(w *world, point string) (on *bool) {
	on = new(bool)
	w.cut = func(p string) error {
		if *on && p == point {
			return errCrash
		}
		return nil
	}
	return on
}

func TestAWakeThatCouldNotBeArmedIsArmedOnRedelivery(t *testing.T) {
	w := newWorld(t)
	down := failing(w, "wake")
	h := w.service().facts(acme)
	m := message(t, "1", dana(), person(hire(""), leave("2026-05-01", ""))...)
	*down = true
	if errs := h(t.Context(), []bus.Message{m}); !errors.Is(errs[0], errCrash) {
		t.Fatalf("got %v", errs)
	}
	*down = false
	m.Attempt = 2
	mustPass(t, h(t.Context(), []bus.Message{m}))
	if w.wakes[dana()].Date != "2026-05-01" || w.saves != 1 {
		t.Errorf("wakes %v after %d saves", w.wakes, w.saves)
	}
}

func TestTheLoserOfARaceArmsTheWakeAgain(t *testing.T) {
	w := newWorld(t)
	h := w.service().facts(acme)
	facts := person(hire(""), leave("2026-05-01", ""))
	w.meddle = func() {
		mustPass(t, w.service().facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), facts...)}))
		w.wakes = map[record.Ref]event.Wake{} // as if the winner died before it armed
	}
	mustPass(t, h(t.Context(), []bus.Message{message(t, "2", dana(), facts...)}))
	if w.wakes[dana()].Date != "2026-05-01" || w.saves != 1 {
		t.Errorf("wakes %v after %d saves", w.wakes, w.saves)
	}
}

func TestAFirstStateIsNotUrgentEvenAfterACrash(t *testing.T) {
	w := newWorld(t)
	down := failing(w, "put")
	s := w.service()
	*down = true
	if errs := s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(leave("2026-01-01", ""))...)}); !errors.Is(errs[0], errCrash) {
		t.Fatalf("got %v", errs)
	}
	*down = false
	if err := s.Sweep(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	if w.puts != 1 || len(w.urged) != 0 {
		t.Errorf("%d puts, urged %v; a first load must not flood the urgent lane", w.puts, w.urged)
	}
}

func TestASaveWithoutAChangeLeavesNoAuditEntry(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire(""))...)}))
	entries := len(w.order)
	w.policy.Version = 2
	if err := s.Reresolve(t.Context(), acme); err != nil || w.rows[dana()].Config != 2 {
		t.Fatalf("config %d, %v", w.rows[dana()].Config, err)
	}
	if len(w.order) != entries || w.puts != 1 {
		t.Errorf("%d entries and %d puts, want %d and 1", len(w.order), w.puts, entries)
	}
}

func TestOneBadRowDoesNotKeepTheOthersWaiting(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for _, key := range []string{"1", "2", "3", "4"} {
		mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, key, record.Ref{Kind: record.Employee, Key: key}, person(hire(""), leave("2026-05-01", ""))...)}))
	}
	broken := record.Ref{Kind: record.Employee, Key: "1"}
	row := w.rows[broken]
	row.Facts = []byte("{")
	w.rows[broken] = row
	w.now = w.now.AddDate(0, 3, 0)
	if err := s.Rearm(t.Context(), acme); err == nil {
		t.Error("a row that cannot be read is no error")
	}
	for _, key := range []string{"2", "3", "4"} {
		if got := w.wanted(t, record.Ref{Kind: record.Employee, Key: key}).User.State; got != "suspended" {
			t.Errorf("employee %s is %s", key, got)
		}
	}
}

// tally counts what the service reports.
type tally struct {
	mu sync.Mutex
	n  map[Counter]int
}

func (c *tally) Add(_ tenant.ID, k Counter, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[k] += n
}

func TestCounters(t *testing.T) {
	w, c := newWorld(t), &tally{n: map[Counter]int{}}
	s := w.service()
	s.deps.Metrics = c
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), hire("2026-01-01T00:00:00.000000"))}))
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "2", dana(), leave("2026-03-01", ""), hire("2026-01-01T00:00:00.000000"))}))
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "3", dana(), jobRow("0", "2020-01-01", 0, "hr_status=I", "stamp=2025-01-01T00:00:00.000000"))}))
	s.facts(acme)(t.Context(), []bus.Message{message(t, "4", dana(), set("pay", "", "", 0))})
	want := map[Counter]int{CountFacts: 4, CountSaved: 2, CountPublished: 2, CountLate: 1, CountUnchanged: 1, CountRefused: 1}
	for k, n := range want {
		if c.n[k] != n {
			t.Errorf("%s is %d, want %d", k, c.n[k], n)
		}
	}
}
