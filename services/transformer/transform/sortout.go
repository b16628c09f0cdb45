package transform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// orderStage are the findings about the order of addresses.
const orderStage audit.Stage = audit.Transformer + ".order"

// relooks is how many turns of the guard pass between two looks at everything that waits for an address.
const relooks = 5

// Relook looks again at every record that waits for an address, also where the writer found it taken, and where a person
// rejected the plan: the one in the way may have moved since, or left. What a person shall or did decide about a user whom
// another record took over since is decided anew: the record has none.
func (s *Service) Relook(ctx context.Context, t tenant.ID) error {
	at, err := s.moment(ctx, t)
	if err != nil {
		return err
	}
	items, err := s.deps.Guard.GuardList(ctx, t, "", everyone)
	if err != nil {
		return err
	}
	refs := contenders(items, store.ItemStaged, store.ItemStuck, store.ItemHeld, store.ItemRejected)
	for _, code := range []fault.Code{fault.EmailTaken, fault.EmailOwned} {
		found, err := s.deps.Ledger.Findings(ctx, t, store.FindingQuery{Kind: record.Employee, Code: code, Holds: true, Limit: 1000})
		if err != nil {
			return err
		}
		for _, f := range found {
			if f.Stage == audit.Writer && !slices.Contains(refs, f.Ref) {
				refs = append(refs, f.Ref)
			}
		}
	}
	return errors.Join(s.sortOut(ctx, at, refs), s.bereft(ctx, at, items), s.settleHolds(ctx, at, nil))
}

// bereft decides anew on records that wait, or were rejected, with a change of a user who is another record's by now.
func (s *Service) bereft(ctx context.Context, at moment, items []store.GuardItem) error {
	var refs []record.Ref
	for _, it := range items {
		if it.Change != store.EmailChange && it.Change != store.Suspension || it.State != store.ItemHeld && it.State != store.ItemRejected {
			continue
		}
		was, err := event.DecodeEntry(it.Before)
		if err != nil {
			return fault.Wrap(err, fault.Internal, fault.Unclassified, "item of "+it.Ref.String())
		}
		if was.State() != directory.Active { // else it counts as the same change, with a user or without
			refs = append(refs, it.Ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	links, err := s.deps.Guard.Links(ctx, at.tenant, refs)
	if err != nil {
		return err
	}
	moves := map[record.Ref]*task{}
	for _, ref := range refs {
		if links[ref].TargetID == "" {
			moves[ref] = &task{ref: ref, order: true, cause: "order/" + ref.String()}
		}
	}
	return s.setOut(ctx, at, moves)
}

// contenders are the records whose items wait for an address.
func contenders(items []store.GuardItem, in ...store.ItemState) (refs []record.Ref) {
	for _, it := range items {
		if ordered(it.Change) && slices.Contains(in, it.State) {
			refs = append(refs, it.Ref)
		}
	}
	return refs
}

// sortOut moves on whatever may move on: records whose address is free now, leavers whose address is needed, and rings
// that are complete. What a crash cuts off the next turn finds again, because all of it follows from what is stored.
func (s *Service) sortOut(ctx context.Context, at moment, refs []record.Ref) error {
	if len(refs) == 0 {
		return nil
	}
	rows, err := s.deps.Ledger.Rows(ctx, at.tenant, refs)
	if err != nil {
		return err
	}
	items, err := s.deps.Guard.GuardItems(ctx, at.tenant, refs)
	if err != nil {
		return err
	}
	start := map[record.Ref]claim{}
	for _, ref := range refs {
		if start[ref], err = stored(ref, rows[ref], items[ref]); err != nil {
			return err
		}
	}
	g, err := s.claims(ctx, at, start, nil)
	if err != nil {
		return err
	}
	moves, complete := map[record.Ref]*task{}, [][]record.Ref{}
	for _, ref := range refs {
		v := g.decide(ref)
		if changed(v, items[ref], g.of[ref].wants) {
			moves[ref] = &task{ref: ref, order: true, cause: "order/" + ref.String()}
		}
		if v.free != (record.Ref{}) {
			moves[v.free] = &task{ref: v.free, park: true, cause: "order/" + ref.String()}
		}
		if v.step == reviews && items[ref].Change == store.Relink && items[ref].State == store.ItemStaged {
			complete = append(complete, []record.Ref{ref})
		}
		if v.step == rings && at.policy.Mail.able() {
			complete = append(complete, v.ring)
			for _, m := range v.ring {
				if _, asked := start[m]; !asked {
					moves[m] = &task{ref: m, order: true, cause: "order/" + ref.String()}
				}
			}
		}
	}
	return errors.Join(s.setOut(ctx, at, moves), s.settleHolds(ctx, at, complete))
}

// changed tells whether a record's item does not say any more what the order says, or whether it needs one.
func changed(v turn, item store.GuardItem, wants string) bool {
	if !ordered(item.Change) {
		return v.step != goes
	}
	return v.step == goes || v.content(wants) != item.Content
}

func (s *Service) setOut(ctx context.Context, at moment, moves map[record.Ref]*task) error {
	tasks := make([]*task, 0, len(moves))
	for _, ref := range slices.SortedFunc(maps.Keys(moves), compareRef) {
		tasks = append(tasks, moves[ref])
	}
	var errs []error
	for page := range slices.Chunk(tasks, s.opts.Batch) {
		for _, err := range s.apply(ctx, at.tenant, page) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// settleHolds makes a hold of each set that is complete, and closes holds that nothing is left of.
func (s *Service) settleHolds(ctx context.Context, at moment, complete [][]record.Ref) error {
	if len(complete) == 0 {
		holds, err := s.deps.Guard.Holds(ctx, at.tenant, 100)
		if err != nil || !slices.ContainsFunc(holds, func(h store.Hold) bool {
			return ordered(h.Group.Change) && h.State == store.HoldWaiting && h.Items == 0
		}) {
			return err
		}
	}
	return s.deps.Guard.Judge(ctx, at.tenant, at.now.Add(-horizon), func(b store.Book) store.Judgement { return arbitrate(at, b, complete) })
}

// arbitrate holds rings and reviews for a person: each is a hold of its own. A ring of which a member is missing waits
// until its item is there.
func arbitrate(at moment, b store.Book, complete [][]record.Ref) store.Judgement {
	j := store.Judgement{At: at.now}
	waiting, left := map[record.Ref]store.GuardItem{}, map[string]int{}
	for _, it := range b.Items {
		if it.State == store.ItemHeld && ordered(it.Change) {
			left[it.Hold]++
		}
		if (it.Change == store.Ring || it.Change == store.Relink) && (it.State == store.ItemStaged || it.State == store.ItemHeld) {
			waiting[it.Ref] = it
		}
	}
	for _, set := range complete {
		if items := members(set, waiting); len(items) > 0 {
			arrest(at, &j, b, items)
			for _, it := range items {
				delete(waiting, it.Ref)
				if left[it.Hold] > 0 {
					left[it.Hold]--
				}
			}
		}
	}
	for _, h := range b.Holds {
		if ordered(h.Group.Change) && left[h.ID] == 0 {
			j.Void = append(j.Void, h.ID)
		}
	}
	return j
}

// members are the items of a set when all are there and one at least is in no hold yet.
func members(set []record.Ref, waiting map[record.Ref]store.GuardItem) []store.GuardItem {
	var items []store.GuardItem
	fresh := false
	for _, ref := range set {
		it, ok := waiting[ref]
		if !ok || len(set) > 1 && it.Change != store.Ring {
			return nil
		}
		fresh = fresh || it.State == store.ItemStaged
		items = append(items, it)
	}
	if !fresh {
		return nil
	}
	return items
}

func arrest(at moment, j *store.Judgement, b store.Book, items []store.GuardItem) {
	g := items[0].Group()
	h := store.Hold{ID: fmt.Sprintf("%s-%d", g.Change, b.Next+len(j.Holds)), Group: g, Cause: items[0].Cause, State: store.HoldWaiting, Created: at.now}
	j.Holds = append(j.Holds, h)
	code := fault.EmailCycle
	if g.Change == store.Relink {
		code = fault.EmailOwned
	}
	for _, it := range items {
		j.Rulings = append(j.Rulings, store.Ruling{Ref: it.Ref, State: store.ItemHeld, Hold: h.ID})
		j.Entries = append(j.Entries, audit.Entry{ID: audit.ID(audit.Transformer, it.Ref, it.Revision, "held", h.ID), Ref: it.Ref, At: at.now,
			Stage: audit.Transformer, Verb: string(g.Change), Outcome: audit.Held, Code: string(code), Next: code.Next(), Cause: it.Cause,
			Detail: fmt.Sprintf("waits for a person as part of hold %s of %d records", h.ID, len(items))})
	}
}

// noteOrder opens and closes the findings of the order of addresses.
func (s *Service) noteOrder(ctx context.Context, at moment, of []*result) error {
	var list []store.Observation
	for _, r := range of {
		o := store.Observation{Ref: r.task.ref}
		if v := r.turn; v.step != "" {
			o.Findings = []store.Finding{{Ref: o.Ref, Stage: orderStage, Code: v.code(), Hold: true, Detail: v.why, Since: at.now, At: at.now}}
		}
		list = append(list, o)
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortFunc(list, func(a, b store.Observation) int { return compareRef(a.Ref, b.Ref) })
	return s.deps.Ledger.Observe(ctx, at.tenant, orderStage, list)
}
