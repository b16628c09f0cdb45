package poll

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func TestFailuresOfTheCheck(t *testing.T) {
	cases := map[string]struct {
		code  fault.Code
		again bool
	}{
		"down is tried soon again":      {fault.SourceDown, true},
		"a refused sign-in is not":      {fault.SourceAuth, false},
		"a forbidden query is not":      {fault.SourceForbidden, false},
		"a wrong name waits for people": {fault.SourceNotFound, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.steps = []check.Step{{Name: "dns", State: check.OK}, {Name: "query", State: check.Failed, Code: string(c.code), Detail: "seen", Next: "do this"}}
			if err := run(t, w, w.poller(), event.ModeWindow); (err != nil) != c.again {
				t.Errorf("tick: %v", err)
			}
			cyc := w.lastCycle()
			if cyc.State != store.Failed || cyc.Code != c.code || cyc.Next != "do this" || len(w.reads) > 0 {
				t.Errorf("cycle %+v", cyc)
			}
			if f := w.findings[conn()]; len(f) != 1 || f[0].Code != c.code || len(w.trail) != 1 || w.trail[0].Outcome != audit.Failed {
				t.Errorf("finding %+v, trail %+v", f, w.trail)
			}
		})
	}
}

func TestRefusedSignInIsNotRepeatedByTheScheduleForAnHour(t *testing.T) {
	w := newWorld(t, 3)
	w.steps = []check.Step{{Name: "sign-in", State: check.Failed, Code: string(fault.SourceAuth)}}
	p := w.poller()
	schedule := func() int { _ = p.tick(t.Context(), acme, tickOf(event.ModeWindow, "", "")); return len(w.cycles) }
	if n := schedule(); n != 1 {
		t.Fatalf("%d cycles", n)
	}
	w.now = w.now.Add(59 * time.Minute)
	if n := schedule(); n != 1 {
		t.Errorf("%d cycles within the hour", n)
	}
	if _ = run(t, w, p, event.ModeWindow); len(w.cycles) != 2 {
		t.Error("a person may try at any time")
	}
	w.now = w.now.Add(time.Hour)
	if n := schedule(); n != 3 {
		t.Errorf("%d cycles after the hour", n)
	}
	w.steps = nil
	_ = run(t, w, p, event.ModeWindow)
	if n := schedule(); n != 5 {
		t.Errorf("%d cycles after the repair", n)
	}
}

func TestAnotherPollerEndsTheCycleAndLeavesTheFindingAlone(t *testing.T) {
	w := newWorld(t, 10)
	w.findings[conn()] = []store.Finding{{Code: fault.SourceClock}}
	w.read = func(win source.Window) error {
		if win.After == "1002" {
			w.seq += 10
		}
		return nil
	}
	if err := run(t, w, w.poller(), event.ModeWindow); err != nil {
		t.Fatal(err)
	}
	if c := w.lastCycle(); c.State != store.Incomplete || c.Code != fault.SourceBusy || len(w.findings[conn()]) != 1 {
		t.Errorf("cycle %+v", c)
	}
}

func TestStopIsNoFailureOfTheSource(t *testing.T) {
	w := newWorld(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	w.read = func(source.Window) error { cancel(); return context.Canceled }
	err := w.poller().tick(ctx, acme, tickOf(event.ModeWindow, "c0", ""))
	if fault.KindOf(err) != fault.Transient || w.lastCycle().State != store.Aborted || len(w.findings) != 0 {
		t.Errorf("tick %v, cycle %+v, findings %v", err, w.lastCycle(), w.findings)
	}
}

func TestKeyIsRead(t *testing.T) {
	w := newWorld(t, 3)
	w.notes = []source.Note{{Ref: record.Ref{Kind: record.Employee, Key: "1001"}, Code: string(fault.BadText)}}
	p := w.poller()
	if err := p.tick(t.Context(), acme, tickOf(event.ModeKey, "k", "1001")); err != nil {
		t.Fatal(err)
	}
	again := tickOf(event.ModeKey, "k", "1001")
	again.Attempt = 2
	if err := p.tick(t.Context(), acme, again); err != nil {
		t.Fatal(err)
	}
	if len(w.facts) != 2 || w.facts[0].ID == w.facts[1].ID || w.seq != 0 || w.lastCycle().Records != 1 || len(w.trail) != 4 {
		t.Errorf("facts %v, trail %d", w.facts, len(w.trail))
	}
}

func TestGarbledTicksAndFeedsThatAreGone(t *testing.T) {
	w := newWorld(t, 1)
	p := w.poller()
	if err := p.tick(t.Context(), acme, tickOf("monthly", "c", "")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("unknown mode: %v", err)
	}
	if err := p.tick(t.Context(), acme, bus.Message{Event: event.Event{Type: event.WakeV1}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("not a tick: %v", err)
	}
	e, _ := event.With(event.Event{Type: event.TickV1}, event.Tick{Kind: record.Vendor, Mode: event.ModeWindow})
	if err := p.tick(t.Context(), acme, bus.Message{Event: e}); err != nil || len(w.cycles) != 0 {
		t.Errorf("a feed that is gone: %v", err)
	}
}

func TestATickWaitsForThePollerOfTheNewSettings(t *testing.T) {
	w := newWorld(t, 3)
	p := w.poller()
	current := false
	p.opt.Current = func(context.Context) (bool, error) { return current, nil }
	for _, kind := range []record.Kind{record.Employee, record.Vendor} { // the new settings may have a feed that these lack
		e, _ := event.With(event.Event{ID: "tick", Type: event.TickV1, Tenant: acme}, event.Tick{Kind: kind, Mode: event.ModeWindow, Cycle: "c"})
		err := p.tick(t.Context(), acme, bus.Message{Event: e, Attempt: 1})
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.RateLimited || f.After <= 0 {
			t.Errorf("%s: %v, want to come again", kind, err)
		}
	}
	if len(w.pages) > 0 || len(w.cycles) > 0 {
		t.Errorf("read with outdated settings: %v %v", w.pages, w.cycles)
	}
	current = true
	if err := run(t, w, p, event.ModeWindow); err != nil || w.lastCycle().State != store.Complete {
		t.Errorf("%v, %+v", err, w.lastCycle())
	}
}

func TestCyclesOfOneKindNeverOverlap(t *testing.T) {
	w := newWorld(t, 3)
	p := w.poller()
	p.opt.Feeds[record.Vendor] = p.opt.Feeds[record.Employee]
	p = New(w, w, p.log, p.opt)
	w.read = func(win source.Window) error {
		if win.Kind != record.Employee {
			return nil
		}
		w.mu.Unlock()
		defer w.mu.Lock()
		err := p.tick(t.Context(), acme, tickOf(event.ModeFull, "second", ""))
		if fault.KindOf(err) != fault.RateLimited || fault.AfterOf(err) == 0 {
			t.Errorf("second cycle of the kind: %v", err)
		}
		return fault.New(fault.Config, fault.SourceSchema, "enough")
	}
	_ = run(t, w, p, event.ModeWindow)
	if len(w.cycles) != 1 {
		t.Errorf("%d cycles", len(w.cycles))
	}
}

func TestRunArmsWhatIsConfiguredDisarmsTheRestAndClosesWhatCrashed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.cycles = []store.Cycle{{ID: "old", State: store.Running}, {ID: "done", State: store.Complete}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.poller().Run(ctx, acme) }()
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := map[bus.Tick]string{{Kind: record.Employee, Mode: event.ModeWindow}: "5m", {Kind: record.Employee, Mode: event.ModeFull}: "0 2 * * *",
			{Kind: record.Vendor, Mode: event.ModeWindow}: "", {Kind: record.Vendor, Mode: event.ModeFull}: ""}
		if fmt.Sprint(w.specs) != fmt.Sprint(want) {
			t.Errorf("schedules %v, want %v", w.specs, want)
		}
		if w.cycles[0].State != store.Aborted || w.cycles[1].State != store.Complete {
			t.Errorf("cycles %+v", w.cycles)
		}
	})
}

func TestJitterIsTheSameEachTimeAndWithinItsSpan(t *testing.T) {
	seen := map[time.Duration]bool{}
	for _, kind := range record.Kinds() {
		d := jitter(acme, kind, time.Minute)
		if d != jitter(acme, kind, time.Minute) || d < 0 || d >= time.Minute {
			t.Errorf("jitter %s", d)
		}
		seen[d] = true
	}
	if len(seen) != 2 || jitter(acme, record.Vendor, 0) != 0 {
		t.Errorf("jitters %v", seen)
	}
}
