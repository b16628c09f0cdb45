package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
)

// house is what customers share: one transformer works for all of them. Each has its own zone, its own rows, with the
// same keys, its own store, broker and desk.
type house struct {
	worlds      []*world
	transformer *life
	service     *transform.Service
}

func (h *house) add(w *world) { w.house, h.worlds = h, append(h.worlds, w) }

func (h *house) startTransformer() {
	p := newProcess()
	line, b := wire{p: p, all: map[tenant.ID]*broker{}}, book{p: p, all: map[tenant.ID]*state{}}
	policies := map[tenant.ID]*world{}
	var brokers []*broker
	for _, w := range h.worlds {
		line.all[w.tenant], b.all[w.tenant], policies[w.tenant] = w.bus, w.store, w
		brokers = append(brokers, w.bus)
	}
	h.service = transform.New(transform.Deps{Ledger: b, Guard: b, Lift: b, Flow: line, Past: line, Table: line, Wakes: line, Inbox: line, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Policies: func(_ context.Context, t tenant.ID) (transform.Policy, error) { return policies[t].policy, nil }}, transform.Options{Sweep: 4 * time.Hour, Judge: 10 * time.Minute, Quiet: time.Second})
	run := h.service.Run
	h.transformer = live(p, func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for t := range policies {
			g.Go(func() error { return run(ctx, t) })
		}
		return g.Wait()
	}, brokers...)
}

// revive starts anew what is dead.
func (h *house) revive() (died bool, err error) {
	if h.transformer.gone() {
		died, err = true, h.transformer.stop()
		h.startTransformer()
	}
	for _, w := range h.worlds {
		if w.writer.gone() {
			died, err = true, errors.Join(err, w.writer.stop())
			w.startWriter()
		}
	}
	return died, err
}

func (h *house) stop() error {
	err := h.transformer.stop()
	for _, w := range h.worlds {
		err = errors.Join(err, w.writer.stop())
	}
	return err
}

// take does one step and looks at what came of it.
func (h *house) take(s step) error {
	at := h.worlds[s.At%len(h.worlds)]
	day := map[*world]string{}
	for _, w := range h.worlds {
		day[w] = w.today()
	}
	at.read("window", func() { deeds()[s.Do].do(at, s) })
	if s.Onwards {
		h.blurAll()
		return at.judge.safe()
	}
	if err := h.settle(); err != nil {
		return err
	}
	for _, w := range h.worlds {
		if (s.Do != "midnight" || w != at) && w.today() != day[w] {
			w.judge.blurAll()
		}
		if err := w.judge.agree(); err != nil {
			return fmt.Errorf("%s: %w", w.tenant, err)
		}
	}
	return nil
}

func (h *house) blurAll() {
	for _, w := range h.worlds {
		w.judge.blurAll()
	}
}

// settle waits until nothing is in flight; what is dead is started again (failures.md O1, O9).
func (h *house) settle() error {
	const patience = 12 * time.Hour
	for began, pause := time.Now(), time.Second; ; pause = min(2*pause, time.Minute) {
		synctest.Wait()
		died, err := h.revive()
		if err != nil {
			return fmt.Errorf("a component ended: %w", err)
		}
		if !died && !h.pass() && h.idle() && h.calm() && !h.pass() {
			return nil
		}
		if time.Since(began) > patience {
			return fmt.Errorf("O9: not quiet after %v: %s", patience, h.flight())
		}
		pass(pause)
	}
}

func (h *house) idle() bool {
	for _, w := range h.worlds {
		if !w.bus.idle() || !w.store.idle() {
			return false
		}
	}
	return true
}

func (h *house) flight() (s string) {
	for _, w := range h.worlds {
		s += w.flight() + "\n"
	}
	return s
}

// calm lets the guard and the order of addresses have their turn before the clock does, and tells whether they had
// nothing to do.
func (h *house) calm() bool {
	marks := func() (n uint64) {
		for _, w := range h.worlds {
			n += w.bus.marks() + uint64(w.store.marks())
		}
		return n
	}
	for _, w := range h.worlds {
		if w.again {
			w.again = h.service.Reresolve(context.Background(), w.tenant) != nil
		}
	}
	before := marks()
	pass(2 * time.Second) // what came without a cycle is a set when nothing came for a while
	for _, w := range h.worlds {
		if errors.Join(h.service.Relook(context.Background(), w.tenant), h.service.Judge(context.Background(), w.tenant)) != nil {
			return false
		}
	}
	synctest.Wait()
	for _, w := range h.worlds {
		if w.writer.gone() {
			return false
		}
	}
	return before == marks() && h.idle() && !h.transformer.gone()
}

// pass makes the pass of the day where it was not made yet, and tells whether there was any.
func (h *house) pass() (any bool) {
	for _, w := range h.worlds {
		any = w.effective() || any
	}
	return any
}

// horizon is the last day whose rows a blind customer's query shows.
func (w *world) horizon() string { return w.day(w.rules.lead) }

// unseen tells whether a fact is of a row that is not shown yet.
func (w *world) unseen(f event.Fact) bool { return w.blind && string(f.EffDate) > w.horizon() }

// effective is the pass of the day: it reads the rows that took effect since the last one, with their old change times
// (peoplesoft.md 3.3).
func (w *world) effective() bool {
	if !w.blind || w.passed >= w.today() {
		return false
	}
	from := w.passed
	w.passed = w.today()
	w.read("window", func() {
		for _, rec := range w.truth.records() {
			var facts []event.Fact
			for _, l := range w.truth.of(rec, "") {
				if l.eff >= from && l.eff != "" && l.eff <= w.horizon() {
					facts = append(facts, setFact(l, nil))
				}
			}
			if len(facts) > 0 {
				w.tell(rec, now, nil, facts...)
			}
		}
	})
	return true
}
