package poll

import (
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// loaded is a world after its first full read on 2 March, in which nobody changes any more.
func loaded(t *testing.T, people int) *world {
	t.Helper()
	w := newWorld(t, people)
	w.dated = true
	for i := range w.people {
		w.people[i].eff = "2020-01-01"
	}
	if err := run(t, w, w.poller(), event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	if c := w.stored(t); c.Effective != "2026-03-02" {
		t.Fatalf("a full read is a pass: %+v", c)
	}
	w.reads, w.facts = nil, nil
	return w
}

func passes(reads []source.Window) (list []source.Window) {
	for _, r := range reads {
		if r.Effective() {
			list = append(list, r)
		}
	}
	return list
}

func TestTheDaysOfEffectAreReadOnceADay(t *testing.T) {
	w := loaded(t, 10)
	p := w.poller()
	feed := p.opt.Feeds["employee"]
	feed.Ahead = 3
	p.opt.Feeds["employee"] = feed
	cycle := func() {
		t.Helper()
		if err := run(t, w, p, event.ModeWindow); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	w.now = time.Date(2026, 3, 3, 4, 59, 0, 0, time.UTC) // 23:59 in New York
	cycle()
	if got := passes(w.reads); len(got) != 0 {
		t.Fatalf("a pass before midnight: %+v", got)
	}
	w.now = w.now.Add(time.Minute)
	cycle()
	cycle()
	got := passes(w.reads)
	if len(got) != 1 || got[0].EffFrom != "2026-03-02" || got[0].EffTo != "2026-03-06" || got[0].From != "" || got[0].Full {
		t.Fatalf("passes %+v", got)
	}
	w.now = w.now.Add(5 * 24 * time.Hour)
	cycle()
	if got = passes(w.reads); len(got) != 2 || got[1].EffFrom != "2026-03-03" || got[1].EffTo != "2026-03-11" {
		t.Fatalf("days without a cycle are caught up: %+v", got)
	}
}

// Rows that nobody touched since long before the cursor come on their day, and the cursor of changes stays where it is:
// what a pass saw of later changes does not hide changes that are still unread.
func TestARowThatTakesEffectWithoutANewChangeTimeIsFound(t *testing.T) {
	for name, dated := range map[string]bool{"with the prompts it comes": true, "without them it does not": false} {
		t.Run(name, func(t *testing.T) {
			w := loaded(t, 10)
			w.dated = dated
			since := w.stored(t).Since
			w.people[7].eff, w.people[7].stamp = "2026-03-04", "2026-02-01T00:00:00.000000"
			w.now = time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
			if err := run(t, w, w.poller(), event.ModeWindow); err != nil {
				t.Fatal(err)
			}
			if _, came := w.keysRead()["employee/1007"]; came != dated {
				t.Errorf("came: %t, %v", came, w.keysRead())
			}
			if got := w.stored(t).Since; got != since {
				t.Errorf("the cursor of changes moved from %s to %s", since, got)
			}
		})
	}
}

func TestACrashInAPassLosesNothing(t *testing.T) {
	for _, point := range []string{"put", "put done", "cursor", "page", "page done", "publish", "finding", "finding done"} {
		for n := range 4 {
			t.Run(fmt.Sprint(point, " ", n), func(t *testing.T) {
				w := loaded(t, 10)
				for i := range w.people {
					w.people[i].eff, w.people[i].stamp = "2026-03-03", "2026-02-01T00:00:00.000000"
				}
				w.now = w.now.Add(24 * time.Hour)
				left := n
				w.cut = func(p string) error {
					if p == point {
						if left--; left == -1 {
							return errCrash
						}
					}
					return nil
				}
				_ = run(t, w, w.poller(), event.ModeWindow)
				for range 2 {
					if err := run(t, w, w.poller(), event.ModeWindow); err != nil {
						t.Fatal(err)
					}
				}
				if seen := w.keysRead(); len(seen) != 10 {
					t.Errorf("came: %v", seen)
				}
				if c := w.stored(t); c.Due != nil || c.Effective != "2026-03-03" {
					t.Errorf("cursor %+v", c)
				}
			})
		}
	}
}

// A pass that cannot be read is told, resumed where it stopped, and does not keep changes waiting.
func TestAPassThatFailsKeepsNoChangeWaiting(t *testing.T) {
	w := loaded(t, 10)
	for i := range 8 {
		w.people[i].eff, w.people[i].stamp = "2026-03-03", "2026-02-01T00:00:00.000000"
	}
	w.now = w.now.Add(24 * time.Hour)
	fail := true
	w.read = func(win source.Window) error {
		if win.Effective() && win.After == "1002" && fail {
			return fault.New(fault.Transient, fault.SourceDown, "503")
		}
		return nil
	}
	_ = run(t, w, w.poller(), event.ModeWindow)
	if c := w.lastCycle(); c.State != store.Incomplete || c.Code != fault.SourceDown || w.stored(t).Due == nil || w.stored(t).Open != nil {
		t.Fatalf("cycle %+v, cursor %+v", c, w.stored(t))
	}
	w.people[9].stamp = "2026-03-03T08:00:00.000000"
	_ = run(t, w, w.poller(), event.ModeWindow)
	if w.keysRead()["employee/1009"] == 0 || w.stored(t).Since != "2026-03-03T08:00:00.000000" {
		t.Fatalf("changes wait for the pass: %v", w.keysRead())
	}
	fail = false
	if err := run(t, w, w.poller(), event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	seen := w.keysRead()
	for i := range 8 {
		if seen[fmt.Sprint("employee/", 1000+i)] != 1 {
			t.Errorf("%d came %d times: %v", 1000+i, seen[fmt.Sprint("employee/", 1000+i)], seen)
		}
	}
}
