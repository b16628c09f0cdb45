package transform

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Times of the guard.
const (
	horizon  = 24 * time.Hour  // in which changes are counted (design.md 6)
	patience = time.Hour       // after which a set is judged although a message from before its end is not settled
	clocks   = 5 * time.Second // by which the clocks of broker, poller and transformer may differ
	everyone = 1 << 30
)

// keepJudging judges what is staged from time to time.
func (s *Service) keepJudging(ctx context.Context, t tenant.ID) {
	if s.deps.Guard == nil {
		return
	}
	tick := time.NewTicker(s.opts.Judge)
	defer tick.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if turn%relooks == 0 {
			if err := s.Relook(ctx, t); err != nil && ctx.Err() == nil {
				s.log.Warn("order of addresses incomplete, it goes on with the next turn", "tenant", t, "err", err)
			}
		}
		if err := s.Judge(ctx, t); err != nil && ctx.Err() == nil {
			s.log.Warn("guard incomplete, it goes on with the next turn", "tenant", t, "err", err)
		}
	}
}

// judgeNow judges at once what somebody announced by message and the guard staged: it counts one by one. What fails
// here is repeated by the next turn.
func (s *Service) judgeNow(ctx context.Context, t tenant.ID, tasks []*task) {
	for _, k := range tasks {
		if k.waits && (k.from > 0 || immediate(k.cause)) {
			if err := s.Judge(ctx, t); err != nil && ctx.Err() == nil {
				s.log.Warn("guard incomplete, it goes on with the next turn", "tenant", t, "err", err)
			}
			return
		}
	}
}

// immediate tells whether changes of a cause count one by one and not as a set.
func immediate(cause string) bool { return strings.HasPrefix(cause, "ib/") }

// Judge looks at everything that is staged. Sets that are whole pass together or become a hold together; what passes
// is resolved again as of now and handed on. A crash between any two calls leaves the rest to the next turn.
func (s *Service) Judge(ctx context.Context, t tenant.ID) error {
	at, err := s.moment(ctx, t)
	if err != nil {
		return err
	}
	if err := s.endLoads(ctx, t, at.now); err != nil {
		return err
	}
	if err := s.convene(ctx, at); err != nil {
		return err
	}
	return s.release(ctx, t)
}

// convene judges the sets that are whole, and looks after the holds that wait.
func (s *Service) convene(ctx context.Context, at moment) error {
	staged, err := s.deps.Guard.GuardList(ctx, at.tenant, store.ItemStaged, everyone)
	if err != nil {
		return err
	}
	if err := s.sortOut(ctx, at, contenders(staged, store.ItemStaged)); err != nil {
		return err
	}
	staged = slices.DeleteFunc(staged, func(it store.GuardItem) bool { return ordered(it.Change) })
	ready, err := s.whole(ctx, at, staged)
	if err != nil {
		return err
	}
	open, err := s.alerts(ctx, at.tenant)
	if err != nil || len(ready) == 0 && len(open) == 0 {
		return err
	}
	counts, err := s.deps.Guard.CountLinks(ctx, at.tenant)
	if err != nil {
		return err
	}
	active := map[record.Kind]int{}
	for kind, states := range counts {
		active[kind] = states[string(directory.Active)]
	}
	c := court{at: at, ready: ready, active: active, alerts: open}
	return s.deps.Guard.Judge(ctx, at.tenant, at.now.Add(-horizon), c.judge)
}

// alerts are the open findings of the guard, by code.
func (s *Service) alerts(ctx context.Context, t tenant.ID) (map[fault.Code]string, error) {
	found, err := s.deps.Ledger.Findings(ctx, t, store.FindingQuery{Kind: connection})
	open := map[fault.Code]string{}
	for _, f := range found {
		if strings.HasPrefix(f.Ref.Key, alertPrefix) {
			open[f.Code] = f.Detail
		}
	}
	return open, err
}

// whole finds the causes whose sets are complete: everything that they will stage is staged.
func (s *Service) whole(ctx context.Context, at moment, staged []store.GuardItem) (map[string]bool, error) {
	ends := map[string]time.Time{} // when a cause's last message was stored, at the latest
	var last time.Time             // of what has no cycle: wake-ups, settings, replays
	ready := map[string]bool{}
	for _, it := range staged {
		id, isCycle := strings.CutPrefix(it.Cause, "cycle/")
		switch _, seen := ends[it.Cause]; {
		case immediate(it.Cause):
			ready[it.Cause] = true
		case !isCycle:
			if it.At.After(last) {
				last = it.At
			}
		case !seen:
			end, over, err := s.over(ctx, at.tenant, id, it.At)
			switch {
			case err != nil:
				return nil, err
			case end.IsZero() && over: // of one record: there is no set to wait for
				ready[it.Cause] = true
			case over:
				ends[it.Cause] = end
			}
		}
	}
	if !last.IsZero() && at.now.Sub(last) >= s.opts.Quiet && s.all.Load() == 0 {
		for _, it := range staged {
			if !immediate(it.Cause) && !strings.HasPrefix(it.Cause, "cycle/") {
				ends[it.Cause] = last
			}
		}
	}
	if len(ends) == 0 {
		return ready, nil
	}
	state, err := s.deps.Flow.State(ctx, at.tenant) // asked after the cycles: what they published is in it
	if err != nil {
		return nil, err
	}
	for cause, end := range ends {
		if drained(state, end, at.now) {
			ready[cause] = true
		}
	}
	return ready, nil
}

// over tells whether a cycle ended, whatever it came to: what it stored is true. A cycle that nobody knows ended when
// its change was staged. The reading of one record is over with its first change, and has no end to wait for.
func (s *Service) over(ctx context.Context, t tenant.ID, id string, staged time.Time) (time.Time, bool, error) {
	c, err := s.deps.Guard.Cycle(ctx, t, id)
	if errors.Is(err, store.ErrNotFound) {
		return staged, true, nil
	}
	if err == nil && c.Mode == string(event.ModeKey) {
		return time.Time{}, true, nil
	}
	return c.Ended, err == nil && c.State != store.Running, err
}

// drained tells whether every message from before end is settled.
func drained(state bus.State, end, now time.Time) bool {
	if now.Sub(end) > patience {
		return true
	}
	for _, name := range []bus.Consumer{bus.Transformer, bus.Due} {
		c := state.Consumers[name]
		if c.Pending == 0 && c.InFlight == 0 {
			continue
		}
		if c.OldestAge == 0 || !now.Add(-c.OldestAge).After(end.Add(clocks)) {
			return false
		}
	}
	return true
}

// release applies what was granted: each record is resolved again as of now, so that what is no longer true drops out.
func (s *Service) release(ctx context.Context, t tenant.ID) error {
	granted, err := s.deps.Guard.GuardList(ctx, t, store.ItemGranted, everyone)
	if err != nil {
		return err
	}
	var errs []error
	for len(granted) > 0 {
		page := granted[:min(len(granted), s.opts.Batch)]
		granted = granted[len(page):]
		tasks := make([]*task, len(page))
		for i, it := range page {
			tasks[i] = &task{ref: it.Ref, cause: it.Cause}
			if it.Hold != "" {
				tasks[i].cause = "hold/" + it.Hold
			}
		}
		for _, err := range s.apply(ctx, t, tasks) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
