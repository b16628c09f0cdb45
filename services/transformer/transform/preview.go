package transform

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Preview is what would become of a record now: resolved and weighed like everything else, and saved by nobody.
type Preview struct {
	Ref      record.Ref
	Day      erp.Date        // in the tenant's zone
	Decision Decision        // what the desk should hold
	Handed   directory.Entry // what was handed on last; empty when nothing was
	Changes  []audit.Change  // from Handed to the decision
	Explain  []string        // the reasons as the audit trail tells them, flags and the next date included
	Counts   store.Change    // as what the guard counts the step; "" for not at all
	Waits    bool            // the guard keeps the step back, or has still to decide about it (Fresh)
	Fresh    bool            // no set that the guard knows holds the step yet: see Forecast
	Hold     string          // the hold that keeps it back; "" when none does
	Note     string          // why it waits
	Code     fault.Code      // under which it waits; "" when it does not
}

// Preview computes what would become of rows of the ledger, in their order. It reads the ledger, links and the guard's
// items, and writes nothing.
func (s *Service) Preview(ctx context.Context, t tenant.ID, rows []store.LedgerRow) ([]Preview, error) {
	at, err := s.moment(ctx, t)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	results, points := make([]*result, len(rows)), map[string]bool{}
	for i, row := range rows {
		if results[i], err = prepare(at, &task{ref: row.Ref}, row, true); err != nil {
			return nil, err
		}
		for _, p := range results[i].points {
			points[p] = true
		}
	}
	used, err := s.library(ctx, at, points)
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if err := r.finish(at, used.on(r.view.day, r.points)); err != nil {
			return nil, err
		}
	}
	return s.foresee(ctx, at, results)
}

// foresee asks of each result what weigh would, without beginning a first load.
func (s *Service) foresee(ctx context.Context, at moment, results []*result) ([]Preview, error) {
	var refs []record.Ref
	for _, r := range results {
		refs = append(refs, r.task.ref)
	}
	items, err := s.deps.Guard.GuardItems(ctx, at.tenant, refs)
	if err != nil {
		return nil, err
	}
	if err := s.arrange(ctx, at, results, items); err != nil {
		return nil, err
	}
	free, err := s.free(ctx, at)
	if err != nil {
		return nil, err
	}
	links, err := s.links(ctx, at, results, free)
	if err != nil {
		return nil, err
	}
	out := make([]Preview, len(results))
	for i, r := range results {
		ref := r.task.ref
		change, content, err := counted(r.was, r.decision.Entry, links[ref], free[ref.Kind])
		if err != nil {
			return nil, err
		}
		item, has := items[ref]
		if r.weigh(at, item, has, change, content); r.waits && r.move != nil { // the order of addresses asks before the limits
			change = r.move.Item.Change
		} else if r.waits {
			change = item.Change
		}
		out[i] = r.preview(at, item, change)
	}
	return out, nil
}

func (r *result) preview(at moment, item store.GuardItem, change store.Change) Preview {
	p := Preview{Ref: r.task.ref, Day: at.day, Decision: r.decision, Handed: r.was, Changes: difference(r.was, r.decision.Entry),
		Counts: change, Waits: r.waits, Fresh: r.waits && r.move != nil && r.move.Fresh && !ordered(change)}
	if r.waits {
		p.Code = waitCode(change)
	}
	if r.waits && !p.Fresh {
		p.Note = r.note
		if item.Change == change {
			p.Hold = item.Hold
		}
	}
	if r.waits && item.State == store.ItemRejected && !p.Fresh {
		p.Code = fault.GuardRejected
	}
	r.keptBack(&p, item)
	r.note = ""
	p.Explain = r.resolved(at, false, nil).Explain
	return p
}

// waitCode is the code under which a record waits for a change.
func waitCode(c store.Change) fault.Code {
	switch c {
	case store.Address:
		return fault.EmailWait
	case store.Ring:
		return fault.EmailCycle
	case store.Relink:
		return fault.EmailOwned
	}
	return guardCode(c)
}

// free tells for which kinds creations are free now: while the first load lasts, and before it began. It is what
// loading answers, but begins nothing.
func (s *Service) free(ctx context.Context, at moment) (map[record.Kind]bool, error) {
	loads, err := s.deps.Guard.Loads(ctx, at.tenant)
	if err != nil {
		return nil, err
	}
	counts, err := s.deps.Guard.CountLinks(ctx, at.tenant)
	if err != nil {
		return nil, err
	}
	out := map[record.Kind]bool{}
	for _, kind := range record.Kinds() {
		linked := 0
		for _, n := range counts[kind] {
			linked += n
		}
		l, begun := loads[kind]
		out[kind] = begun && l.Ended.IsZero() || !begun && linked == 0
	}
	return out, nil
}

// Forecast is what the guard would say to a group of changes.
type Forecast struct {
	Group  store.Group
	Limit  int
	Passed int    // within 24 hours, or granted and about to pass
	Held   int    // wait for a person already
	Asking int    // staged, and those asked for
	Hold   string // that waits already; "" for none
	Waits  bool   // what asks would wait for a person
}

// Forecast tells what the guard would say if so many fresh changes of each group came as one set. Groups with nothing
// to tell are left out.
func (s *Service) Forecast(ctx context.Context, t tenant.ID, fresh map[store.Group]int) ([]Forecast, error) {
	at, err := s.moment(ctx, t)
	if err != nil {
		return nil, err
	}
	counts, err := s.deps.Guard.CountLinks(ctx, t)
	if err != nil {
		return nil, err
	}
	c := court{at: at, active: map[record.Kind]int{}, ready: map[string]bool{}}
	for kind, states := range counts {
		c.active[kind] = states[string(directory.Active)]
	}
	var book store.Book
	err = s.deps.Guard.Judge(ctx, t, at.now.Add(-horizon), func(b store.Book) store.Judgement {
		book = b
		return store.Judgement{}
	})
	if err != nil {
		return nil, err
	}
	return c.forecast(book, fresh), nil
}

func (c court) forecast(b store.Book, fresh map[store.Group]int) []Forecast {
	for _, it := range b.Items {
		c.ready[it.Cause] = true
	}
	for g := range fresh { // one stands for all of them: a staged item of a set of its own
		b.Items = append(b.Items, store.GuardItem{Ref: record.Ref{Kind: g.Kind}, Change: g.Change, State: store.ItemStaged, At: c.at.now})
		c.ready[""] = true
	}
	var out []Forecast
	groups, order := c.count(b)
	for _, g := range order {
		if g.Change == store.Adoption { // no limit is asked
			continue
		}
		y := groups[g]
		f := Forecast{Group: g, Limit: y.limit, Passed: y.passed, Held: y.held, Asking: len(y.single) + len(y.set), Hold: y.hold}
		if n := fresh[g]; n > 0 {
			f.Asking += n - 1
		}
		f.Waits = f.Asking > 0 && y.passed+y.waiting+f.Asking > y.limit
		out = append(out, f)
	}
	return out
}
