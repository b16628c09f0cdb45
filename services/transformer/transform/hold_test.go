package transform

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func TestASetIsStagedWhileItsCycleRuns(t *testing.T) {
	g := newGate(t, 8)
	g.cycle(t, "c1", store.Running)
	g.facts(t, from("cycle/c1", left(t, "01", 0, 1)...)...)
	g.judge(t)
	g.mustBeGone(t, 8)
	g.cycle(t, "c1", store.Complete)
	g.state = bus.State{Consumers: map[bus.Consumer]bus.ConsumerState{bus.Transformer: {Pending: 3, OldestAge: time.Minute}}}
	g.judge(t)
	g.mustBeGone(t, 8) // facts of the cycle are still on their way
	g.state = bus.State{}
	g.judge(t)
	g.mustBeGone(t, 8, 0, 1)
	if len(g.urged) != 2 || len(g.holding(t)) != 0 {
		t.Errorf("urged %v, holds %+v", g.urged, g.holding(t))
	}
}

func TestMessagesCountOneByOne(t *testing.T) {
	g := newGate(t, 8)
	for i := range 5 {
		g.facts(t, from(fmt.Sprintf("ib/%d", i), left(t, "01", i)...)...)
	}
	g.mustBeGone(t, 8, 0, 1, 2)
	if h := g.holding(t); len(h) != 1 || h[0].Items != 2 || h[0].Passed != 3 {
		t.Fatalf("holds %+v", h)
	}
	g.now = g.now.Add(25 * time.Hour)
	g.facts(t, from("ib/9", left(t, "01", 7)...)...)
	g.mustBeGone(t, 8, 0, 1, 2, 7)
	if h := g.holding(t); len(h) != 1 || h[0].Items != 2 {
		t.Errorf("the next day lets the hold go: %+v", h)
	}
}

func TestWakesOfOneDayAreOneSet(t *testing.T) {
	g := newGate(t, 8)
	for i := range 5 {
		g.facts(t, message(t, fmt.Sprintf("future %d", i), nth(i), leave("2026-04-01", string(stamped("01")))))
	}
	g.now = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		mustPass(t, g.guarded().due(acme)(t.Context(), []bus.Message{g.fired(t, nth(i), "2026-04-01")}))
	}
	g.judge(t)
	g.now = g.now.Add(3 * time.Second)
	g.judge(t)
	g.mustBeGone(t, 8)
	if h := g.holding(t); len(h) != 1 || h[0].Items != 5 {
		t.Errorf("holds %+v", h)
	}
}

func TestWhatIsNoLongerTrueLeavesTheHold(t *testing.T) {
	g := newGate(t, 8)
	g.cycle(t, "c1", store.Complete)
	g.facts(t, from("cycle/c1", left(t, "01", 0, 1, 2, 3, 4)...)...)
	g.judge(t)
	hash := g.holding(t)[0].Hash
	g.facts(t, message(t, "back", nth(1), drop("job", "0", "2026-03-01", 0, stamped("02"))))
	if h := g.holding(t)[0]; h.Items != 4 || h.Hash == hash {
		t.Fatalf("hold %+v", h)
	}
	for i := range 5 {
		g.facts(t, message(t, fmt.Sprintf("back %d", i), nth(i), drop("job", "0", "2026-03-01", 0, stamped("03"))))
	}
	g.judge(t)
	found, err := g.store.Findings(t.Context(), acme, store.FindingQuery{Kind: connection})
	if err != nil || len(found) != 0 || len(g.holding(t)) != 0 {
		t.Errorf("holds %+v, findings %+v, %v", g.holding(t), found, err)
	}
	g.mustBeGone(t, 8)
}

func TestAnApprovalIsForWhatWasSeen(t *testing.T) {
	g := newGate(t, 8)
	g.cycle(t, "c1", store.Complete)
	g.facts(t, from("cycle/c1", left(t, "01", 0, 1, 2, 3)...)...)
	g.judge(t)
	g.decide(t, true)
	g.facts(t, message(t, "back", nth(2), drop("job", "0", "2026-03-01", 0, stamped("02"))))
	g.judge(t)
	g.mustBeGone(t, 8, 0, 1, 3)
	// What a person approved leaves the day's allowance as it was.
	g.cycle(t, "c2", store.Complete)
	g.facts(t, from("cycle/c2", left(t, "03", 5, 6, 7)...)...)
	g.judge(t)
	g.mustBeGone(t, 8, 0, 1, 3, 5, 6, 7)
}

func TestARejectedChangeWaitsForTheSource(t *testing.T) {
	g := newGate(t, 8)
	g.cycle(t, "c1", store.Complete)
	g.facts(t, from("cycle/c1", left(t, "01", 0, 1, 2, 3)...)...)
	g.judge(t)
	g.decide(t, false)
	g.cycle(t, "c2", store.Complete)
	g.facts(t, from("cycle/c2", left(t, "01", 0, 1, 2, 3)...)...)
	g.judge(t)
	g.mustBeGone(t, 8)
	if h := g.holding(t); len(h) != 0 {
		t.Fatalf("waits again: %+v", h)
	}
}

// The process dies before and after every call of the story: two leavers pass, four more are held, one comes back, a
// person approves. What is suspended at any moment is what may be, and the end is always the same.
func TestACrashAnywhereNeitherLosesNorLetsThrough(t *testing.T) {
	const people = 8
	run := func(t *testing.T, crashAt int) (calls int) {
		g := newGate(t, people)
		allowed := []int{0, 1}
		g.cut = func(string) error {
			for _, i := range g.gone(t, people) {
				if !slices.Contains(allowed, i) {
					t.Fatalf("crash at call %d: %d was let through", crashAt, i)
				}
			}
			if calls++; calls == crashAt {
				return errCrash
			}
			return nil
		}
		again := func(do func(s *Service) error) {
			for do(g.guarded()) != nil {
				for g.guarded().Sweep(t.Context(), acme) != nil {
				}
			}
		}
		deliver := func(ms ...bus.Message) {
			for _, m := range ms {
				again(func(s *Service) error { return s.facts(acme)(t.Context(), []bus.Message{m})[0] })
			}
		}
		judge := func() { again(func(s *Service) error { return s.Judge(t.Context(), acme) }) }
		g.cycle(t, "c1", store.Complete)
		deliver(from("cycle/c1", left(t, "01", 0, 1)...)...)
		judge()
		g.mustBeGone(t, people, 0, 1)
		g.cycle(t, "c2", store.Complete)
		deliver(from("cycle/c2", left(t, "02", 2, 3, 4, 5)...)...)
		judge()
		deliver(message(t, "back", nth(3), drop("job", "0", "2026-03-01", 0, stamped("03"))))
		judge()
		if h := g.holding(t); len(h) != 1 || h[0].Items != 3 || h[0].Passed != 2 {
			t.Fatalf("crash at call %d: holds %+v", crashAt, h)
		}
		allowed = []int{0, 1, 2, 4, 5}
		g.decide(t, true)
		judge()
		for g.guarded().Sweep(t.Context(), acme) != nil {
		}
		g.mustBeGone(t, people, allowed...)
		if items, err := g.store.GuardList(t.Context(), acme, "", 0); err != nil || len(items) != 0 || len(g.holding(t)) != 0 {
			t.Fatalf("crash at call %d: left %+v, %v", crashAt, items, err)
		}
		return calls
	}
	total := run(t, 0)
	for at := 1; at <= total; at++ {
		run(t, at)
	}
	t.Logf("%d crash points", total)
}

func TestChangedSettingsAreOneSet(t *testing.T) {
	g := newGate(t, 8)
	g.policy.Version, g.policy.ActiveStatus = 2, []string{"L"}
	g.policy.Zone = time.UTC
	s := g.guarded()
	if err := s.Reresolve(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	g.now = g.now.Add(3 * time.Second)
	s.all.Add(1) // as if the walk still ran
	if err := s.Judge(t.Context(), acme); err != nil || len(g.holding(t)) != 0 {
		t.Fatalf("judged in the middle: %+v, %v", g.holding(t), err)
	}
	s.all.Add(-1)
	g.judge(t)
	g.mustBeGone(t, 8)
	if h := g.holding(t); len(h) != 1 || h[0].Items != 8 || h[0].Cause != "config/2" {
		t.Errorf("holds %+v", h)
	}
}
