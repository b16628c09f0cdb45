package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// desk drawers of the guard: what store.Holds and store.Cycles keep, in memory.
type drawers struct {
	items  map[record.Ref]store.GuardItem
	holds  []store.Hold
	passed map[passage]time.Time
	loads  map[record.Kind]store.Load
	cycles []store.Cycle
	judged int // moves of items, to tell that something happened
}

// passage is one change that counts.
type passage struct {
	group    store.Group
	key      string
	revision uint64
}

func newDrawers() drawers {
	return drawers{items: map[record.Ref]store.GuardItem{}, passed: map[passage]time.Time{}, loads: map[record.Kind]store.Load{}}
}

// move does what a stored save does to its record's item.
func (s *state) move(m store.GuardMove) {
	it := m.Item
	s.judged++
	if m.Count {
		p := passage{it.Group(), it.Ref.Key, it.Revision}
		if _, again := s.passed[p]; !again {
			s.passed[p] = it.At
		}
	}
	if m.Drop || m.Fresh {
		delete(s.agreed, it.Ref)
	}
	if m.Drop {
		delete(s.items, it.Ref)
		return
	}
	if old, has := s.items[it.Ref]; has && !m.Fresh {
		it.State, it.Hold, it.Granted, it.At = old.State, old.Hold, old.Granted, old.At
	}
	s.items[it.Ref] = it
}

func (b book) GuardItems(_ context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.GuardItem, error) {
	b = b.of(t)
	return pick(b, func() map[record.Ref]store.GuardItem { return b.items }, refs)
}

func (s *state) guarded(want func(store.GuardItem) bool) (out []store.GuardItem) {
	for _, ref := range slices.SortedFunc(maps.Keys(s.items), compareRefs) {
		if it := s.items[ref]; want(it) {
			out = append(out, it)
		}
	}
	return out
}

func (b book) GuardList(_ context.Context, t tenant.ID, st store.ItemState, limit int) (out []store.GuardItem, err error) {
	b = b.of(t)
	err = b.do(func() {
		out = b.guarded(func(it store.GuardItem) bool { return st == "" || it.State == st })
		out = out[:min(len(out), limit)]
	})
	return out, err
}

func (b book) Judge(_ context.Context, t tenant.ID, since time.Time, judge func(store.Book) store.Judgement) error {
	b = b.of(t)
	return b.do(func() {
		maps.DeleteFunc(b.passed, func(_ passage, at time.Time) bool { return at.Before(since) })
		in := store.Book{Passed: map[store.Group]int{}, Next: len(b.holds) + 1}
		for p := range b.passed {
			in.Passed[p.group]++
		}
		in.Items = b.guarded(func(it store.GuardItem) bool {
			return it.State == store.ItemStaged || it.State == store.ItemHeld || it.State == store.ItemGranted
		})
		for _, h := range b.holds {
			if h.State == store.HoldWaiting {
				in.Holds = append(in.Holds, h)
			}
		}
		b.enter(judge(in))
	})
}

// enter stores a judgement.
func (s *state) enter(j store.Judgement) {
	s.holds = append(s.holds, j.Holds...)
	for _, r := range j.Rulings {
		s.judged++
		it, ok := s.items[r.Ref]
		if !ok {
			continue
		}
		if it.State, it.Hold = r.State, r.Hold; r.State == store.ItemGranted {
			it.Granted = it.Content
		}
		s.items[r.Ref] = it
	}
	for _, h := range j.Holds {
		s.justified(h)
	}
	for i, h := range s.holds {
		if slices.Contains(j.Void, h.ID) {
			s.judged++
			s.holds[i].State = store.HoldVoid
		}
	}
	for _, o := range j.Observations {
		s.observe("transformer", o)
	}
}

// inHold is what a hold would do if a person approved it now.
func (s *state) inHold(id string) []store.GuardItem {
	return s.guarded(func(it store.GuardItem) bool { return it.Hold == id && it.State == store.ItemHeld })
}

func (b book) Holds(_ context.Context, t tenant.ID, limit int) (out []store.Hold, err error) {
	b = b.of(t)
	err = b.do(func() {
		for _, h := range slices.Backward(b.holds) {
			if h.State == store.HoldWaiting {
				items := b.inHold(h.ID)
				h.Items, h.Hash = len(items), store.HashItems(items)
			}
			out = append(out, h)
		}
		out = out[:min(len(out), limit)]
	})
	return out, err
}

// decide is a person who says yes or no to the n-th hold that waits; the answer is what the hold was about.
func (s *state) decide(n int, approve bool) (store.Hold, []store.GuardItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waiting []int
	for i, h := range s.holds {
		if h.State == store.HoldWaiting {
			waiting = append(waiting, i)
		}
	}
	if len(waiting) == 0 {
		return store.Hold{}, nil
	}
	h := &s.holds[waiting[n%len(waiting)]]
	items := s.inHold(h.ID)
	h.State = store.HoldRejected
	if approve {
		h.State = store.HoldApproved
	}
	for _, it := range items {
		s.judged++
		if it.State = store.ItemRejected; approve {
			it.State, it.Granted = store.ItemGranted, it.Content
		}
		s.items[it.Ref] = it
	}
	return *h, items
}

func (b book) Loads(_ context.Context, t tenant.ID) (out map[record.Kind]store.Load, err error) {
	b = b.of(t)
	err = b.do(func() { out = maps.Clone(b.loads) })
	return out, err
}

func (b book) BeginLoad(_ context.Context, t tenant.ID, kind record.Kind, l store.Load) error {
	b = b.of(t)
	return b.do(func() {
		if _, begun := b.loads[kind]; !begun {
			b.loads[kind] = l
		}
	})
}

func (b book) EndLoad(_ context.Context, t tenant.ID, kind record.Kind, at time.Time) error {
	b = b.of(t)
	return b.do(func() {
		if l := b.loads[kind]; l.Ended.IsZero() {
			l.Ended = at
			b.loads[kind] = l
		}
	})
}

func (b book) CountLinks(_ context.Context, t tenant.ID) (out map[record.Kind]map[string]int, err error) {
	b = b.of(t)
	out = map[record.Kind]map[string]int{}
	return out, b.do(func() {
		for ref, l := range b.links {
			if l.TargetID == "" {
				continue
			}
			if out[ref.Kind] == nil {
				out[ref.Kind] = map[string]int{}
			}
			out[ref.Kind][l.State]++
		}
	})
}

func (b book) Holding(_ context.Context, t tenant.ID, emails []string) (out []store.Link, err error) {
	b = b.of(t)
	err = b.do(func() {
		for _, ref := range slices.SortedFunc(maps.Keys(b.links), compareRefs) {
			if l := b.links[ref]; l.TargetID != "" && l.Email != "" && slices.Contains(emails, l.Email) {
				out = append(out, l)
			}
		}
	})
	return out, err
}

func (b book) Cycle(_ context.Context, t tenant.ID, id string) (c store.Cycle, err error) {
	b = b.of(t)
	missing := false
	if err = b.do(func() {
		i := slices.IndexFunc(b.cycles, func(c store.Cycle) bool { return c.ID == id })
		if missing = i < 0; !missing {
			c = b.cycles[i]
		}
	}); err == nil && missing {
		err = store.ErrNotFound
	}
	return c, err
}

func (b book) Cycles(_ context.Context, t tenant.ID, kind record.Kind, limit int) (out []store.Cycle, err error) {
	b = b.of(t)
	err = b.do(func() {
		for _, c := range slices.Backward(b.cycles) {
			if (kind == "" || c.Kind == kind) && len(out) < limit {
				out = append(out, c)
			}
		}
	})
	return out, err
}

// begin opens a cycle, as the poller does before it reads.
func (s *state) begin(mode string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = fmt.Sprintf("c%d", len(s.cycles)+1)
	s.cycles = append(s.cycles, store.Cycle{ID: id, Kind: record.Employee, Mode: mode, State: store.Running, Started: time.Now()})
	return id
}

// over ends a cycle after its last page was stored.
func (s *state) over(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.cycles {
		if s.cycles[i].ID == id {
			s.cycles[i].State, s.cycles[i].Ended = store.Complete, time.Now()
		}
	}
}
