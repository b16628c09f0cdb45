package poll

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func conn() record.Ref { return record.Ref{Kind: Connection, Key: "peoplesoft.hcm.employees"} }

func run(t *testing.T, w *world, p *Poller, mode event.Mode) error {
	t.Helper()
	return p.tick(t.Context(), acme, tickOf(mode, fmt.Sprint("c", len(w.cycles)), ""))
}

func TestFirstReadIsFullAndTheNextReadsWhatChanged(t *testing.T) {
	w := newWorld(t, 10)
	p := w.poller()
	if err := run(t, w, p, event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	if c := w.stored(t); c.Open != nil || c.Since != "2026-03-01T00:00:00.000000" || c.Full != 10 || len(w.pages) != 4 {
		t.Fatalf("cursor %+v, pages %v", c, w.pages)
	}
	if c := w.lastCycle(); c.State != store.Complete || c.Pages != 4 || c.Records != 10 || c.After == "" || c.Ended.IsZero() {
		t.Errorf("cycle %+v", c)
	}
	w.people[4].stamp = "2026-03-02T09:00:00.000000"
	if err := run(t, w, p, event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	last := w.reads[len(w.reads)-1]
	if last.Full || last.From != "2026-02-28T23:45:00.000000" || w.stored(t).Since != "2026-03-02T09:00:00.000000" {
		t.Errorf("window %+v, cursor %+v", last, w.stored(t))
	}
	if len(w.trail) != 2 || w.trail[0].Outcome != audit.Finished || len(w.findings[conn()]) != 0 {
		t.Errorf("trail %+v, findings %v", w.trail, w.findings)
	}
}

// A crash at any call, before or after its effect: the next cycle goes on, nothing is lost, and nothing is read twice
// but the page that was under way.
func TestCrashAtAnyStepLosesNothing(t *testing.T) {
	for _, point := range []string{"put", "put done", "cursor", "page", "page done", "publish", "publish done", "finding", "finding done"} {
		for n := range 3 {
			t.Run(fmt.Sprint(point, " ", n), func(t *testing.T) {
				w := newWorld(t, 10)
				w.notes = []source.Note{{Code: string(fault.BadText), Detail: "column x"}}
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
				seen := w.keysRead()
				for _, p := range w.people {
					if seen["employee/"+p.key] < 1 || seen["employee/"+p.key] > 3 {
						t.Errorf("%s was published %d times", p.key, seen["employee/"+p.key])
					}
				}
				if c := w.stored(t); c.Full != 10 || c.Open != nil {
					t.Errorf("cursor %+v", c)
				}
				notes := 0
				for _, a := range w.trail {
					if a.Code == string(fault.BadText) {
						notes++
					}
				}
				if notes < 4 {
					t.Errorf("%d complaints for at least 4 pages", notes)
				}
			})
		}
	}
}

func TestOpenWindowIsResumed(t *testing.T) {
	w := newWorld(t, 10)
	fail := true
	w.read = func(win source.Window) error {
		if win.After == "1005" && fail {
			return fault.New(fault.Transient, fault.SourceDown, "503")
		}
		return nil
	}
	p := w.poller()
	if err := run(t, w, p, event.ModeWindow); fault.CodeOf(err) != fault.SourceDown {
		t.Fatalf("tick: %v", err)
	}
	if c := w.lastCycle(); c.State != store.Incomplete || c.Code != fault.SourceDown || c.Next == "" || w.stored(t).Open == nil {
		t.Fatalf("cycle %+v", c)
	}
	if f := w.findings[conn()]; len(f) != 1 || !f[0].Hold || f[0].Code != fault.SourceDown {
		t.Errorf("finding %+v", f)
	}
	fail = false
	if err := run(t, w, w.poller(), event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	for key, n := range w.keysRead() {
		if n != 1 {
			t.Errorf("%s was read %d times", key, n)
		}
	}
	if c := w.stored(t); c.Full != 10 || c.Open != nil || len(w.findings[conn()]) != 0 {
		t.Errorf("cursor %+v", c)
	}
}

// Pages come by key: a record of an early page changes while a late page is read.
func TestChangeDuringALongReadIsSeenByTheNext(t *testing.T) {
	w := newWorld(t, 10)
	w.read = func(win source.Window) error {
		w.now = w.now.Add(30 * time.Minute)
		if win.After == "1002" {
			w.people[0].stamp = erp.StampOf(w.now, w.zone)
		}
		if win.After == "1005" {
			w.people[9].stamp = erp.StampOf(w.now, w.zone)
		}
		return nil
	}
	p := w.poller()
	if err := errors.Join(run(t, w, p, event.ModeWindow), run(t, w, p, event.ModeWindow)); err != nil {
		t.Fatal(err)
	}
	if w.keysRead()["employee/1000"] != 2 {
		t.Error("the change of the first record was lost")
	}
}

func TestFullReadThatShrankConcludesNothing(t *testing.T) {
	cases := map[string]struct {
		left int
		code fault.Code
	}{
		"half of it":     {50, fault.SourceShrunk},
		"just under":     {94, fault.SourceShrunk},
		"nothing at all": {0, fault.SourceEmpty},
		"just enough":    {95, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 100)
			p := w.poller()
			if err := run(t, w, p, event.ModeFull); err != nil {
				t.Fatal(err)
			}
			for i := range w.people {
				w.people[i].stamp = "2026-03-02T09:00:00.000000"
			}
			w.people = w.people[:c.left]
			if err := run(t, w, p, event.ModeFull); err != nil {
				t.Fatal(err)
			}
			got, cyc := w.stored(t), w.lastCycle()
			if cyc.Code != c.code || (cyc.State == store.Complete) != (c.code == "") {
				t.Errorf("cycle %+v", cyc)
			}
			if c.code != "" && (got.Full != 100 || got.Since != "2026-03-01T00:00:00.000000" || cyc.State != store.Incomplete) {
				t.Errorf("cursor %+v", got)
			}
		})
	}
}

func TestFutureStampsDoNotMoveTheCursorPastNow(t *testing.T) {
	w := newWorld(t, 3)
	w.people[1].stamp = "2026-03-02T15:00:00.000000" // five hours ahead of New York
	p := w.poller()
	if err := run(t, w, p, event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	if c := w.stored(t); c.Since != "2026-03-02T10:00:00.000000" {
		t.Errorf("cursor %s", c.Since)
	}
	if c, f := w.lastCycle(), w.findings[conn()]; c.State != store.Complete || c.Code != fault.SourceClock || len(f) != 1 || f[0].Hold {
		t.Errorf("cycle %+v, finding %+v", c, f)
	}
}

func TestAQueryWithoutOrderIsReadAndFlagged(t *testing.T) {
	w := newWorld(t, 3)
	w.notes = []source.Note{{Ref: record.Ref{Kind: record.Employee}, Code: string(fault.SourceOrder), Detail: "no order"}}
	if err := run(t, w, w.poller(), event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	if c, f := w.lastCycle(), w.findings[conn()]; c.State != store.Complete || c.Code != fault.SourceOrder || c.Next == "" || len(f) != 1 || f[0].Hold {
		t.Errorf("cycle %+v, finding %+v", c, f)
	}
}

func TestOverlapIsWiderAfterClocksWerePutBack(t *testing.T) {
	cases := map[string]struct {
		zone, now string
		since     erp.Stamp
		want      time.Duration
	}{
		"an ordinary day":                          {"America/New_York", "2026-11-20T12:00:00Z", "2026-11-20T06:00:00.000000", 0},
		"autumn, within the day":                   {"America/New_York", "2026-11-01T06:30:00Z", "2026-11-01T01:45:00.000000", time.Hour},
		"autumn, a day later":                      {"America/New_York", "2026-11-02T05:00:00Z", "2026-11-01T23:45:00.000000", time.Hour},
		"autumn, the cursor stood still meanwhile": {"America/New_York", "2026-11-04T12:00:00Z", "2026-11-01T01:45:00.000000", time.Hour},
		"spring":       {"America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T01:45:00.000000", 0},
		"half an hour": {"Australia/Lord_Howe", "2026-04-04T20:00:00Z", "2026-04-05T01:50:00.000000", 30 * time.Minute},
		"no cursor":    {"America/New_York", "2026-11-20T12:00:00Z", "", 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := dstShift(now, c.since, zone); got != c.want {
				t.Errorf("shift %s, want %s", got, c.want)
			}
		})
	}
}

func TestCursorAheadOfTheClockHidesNothing(t *testing.T) {
	w := newWorld(t, 1)
	p := w.poller()
	c := &cycle{p: p, cursor: event.Cursor{Since: "2026-03-05T00:00:00.000000"}, feed: p.opt.Feeds[record.Employee]}
	if got := c.window(false); got.From != "2026-03-02T09:45:00.000000" {
		t.Errorf("window %+v", got)
	}
}

func TestPageLargerThanABatchIsSplit(t *testing.T) {
	w := newWorld(t, 2500)
	w.perPage = 2500
	if err := run(t, w, w.poller(), event.ModeFull); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(w.pages) != "[999 999 502]" || w.stored(t).Full != 2500 {
		t.Errorf("pages %v", w.pages)
	}
}

func TestRecordThatNoEventHoldsBecomesADeadLetter(t *testing.T) {
	w := newWorld(t, 3)
	w.people[1].big = event.MaxSize
	if err := run(t, w, w.poller(), event.ModeFull); err != nil {
		t.Fatal(err)
	}
	if len(w.dead) != 1 || w.dead[0].Key != "1001" || w.dead[0].Code != fault.TooLarge || len(w.facts) != 2 {
		t.Errorf("dead %+v, %d facts", w.dead, len(w.facts))
	}
}

func TestReadingThatDoesNotMoveOnEnds(t *testing.T) {
	w := newWorld(t, 9)
	w.read = func(win source.Window) error {
		if win.After != "" {
			w.people[3].key, w.people[4].key, w.people[5].key = "1003", "1004", win.After // its last key again
		}
		return nil
	}
	w.people[5].key = "1002"
	_ = run(t, w, w.poller(), event.ModeFull)
	if len(w.reads) > 20 {
		t.Error("reading does not end")
	}
}
