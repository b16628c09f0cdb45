package transform

import (
	"context"
	"fmt"
	"math"

	"github.com/ml-connector/ml-connector/pkg/address"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Limit allows the larger of Floor changes and Percent of the tenant's active linked objects in 24 hours.
type Limit struct {
	Floor   int
	Percent float64
}

// Of is the limit for so many active linked objects.
func (l Limit) Of(active int) int {
	return max(l.Floor, int(math.Floor(l.Percent*float64(active)/100)))
}

// candidate tells whether a step from one wanted state to another may be one that the guard counts, so that the link
// must be looked at. A record that is left alone changes nothing in the target.
func candidate(was, now directory.Entry) bool {
	if now.State() == directory.Untouched {
		return false
	}
	if was.State() != now.State() && now.State() != directory.Inactive {
		return true
	}
	return renamed(mailOf(was), mailOf(now)) || mailOf(was) == "" && mailOf(now) != "" // the target kept what it had while there was none
}

// counted is the change that the guard counts in a step, and what of it a grant is bound to; "" for none. One step
// counts once: as a suspension before all, then as a creation, then as a change of address.
func counted(was, now directory.Entry, link store.Link, loading bool) (store.Change, string, error) {
	if !candidate(was, now) {
		return "", "", nil
	}
	linked, known := link.TargetID != "", was.State() == directory.Active
	held := mailOf(was)
	if linked && len(link.Known) > 0 {
		e, err := event.DecodeEntry(link.Known)
		if err != nil {
			return "", "", err
		}
		held = mailOf(e)
	}
	switch {
	case now.State() == directory.Suspended && was.State() != directory.Suspended && (known || linked && link.State != string(directory.Suspended)):
		return store.Suspension, string(directory.Suspended), nil
	case now.State() == directory.Active && !known && !linked:
		if loading {
			return "", "", nil
		}
		return store.Creation, string(directory.Active), nil
	case (known || linked) && renamed(held, mailOf(now)):
		return store.EmailChange, mailOf(now), nil
	}
	return "", "", nil
}

func mailOf(e directory.Entry) string {
	if e.User == nil {
		return ""
	}
	return e.User.Email
}

// renamed tells whether an address is exchanged for another; a first one and a missing one exchange nothing.
func renamed(before, after string) bool {
	return before != "" && after != "" && !address.Same(before, after)
}

// guardCode is the code under which a kind of change is held.
func guardCode(c store.Change) fault.Code {
	switch c {
	case store.Suspension:
		return fault.GuardSuspend
	case store.EmailChange:
		return fault.GuardEmail
	case store.Adoption:
		return fault.AdoptionReview
	}
	return fault.GuardCreate
}

// weigh decides for every result whether its new state is handed on or waits as a whole: what is counted is staged in
// the save of its row, and passes with a later save once it was granted.
func (s *Service) weigh(ctx context.Context, at moment, results []*result) error {
	if s.deps.Guard == nil || len(results) == 0 {
		return nil
	}
	refs, candidates := make([]record.Ref, 0, len(results)), []record.Ref{}
	for _, r := range results {
		r.task.waits, r.waits = false, false
		if r.task.ref.Kind == record.Reference || r.wanted == nil {
			continue
		}
		refs = append(refs, r.task.ref)
		if candidate(r.was, r.decision.Entry) {
			candidates = append(candidates, r.task.ref)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	items, err := s.deps.Guard.GuardItems(ctx, at.tenant, refs)
	if err != nil {
		return err
	}
	if err := s.arrange(ctx, at, results, items); err != nil {
		return err
	}
	links, loading := map[record.Ref]store.Link{}, map[record.Kind]bool{}
	if len(candidates) > 0 {
		if loading, err = s.loading(ctx, at, candidates); err != nil {
			return err
		}
		if links, err = s.links(ctx, at, results, loading); err != nil {
			return err
		}
	}
	for _, r := range results {
		if r.task.ref.Kind == record.Reference || r.wanted == nil {
			continue
		}
		ref := r.task.ref
		change, content, err := counted(r.was, r.decision.Entry, links[ref], loading[ref.Kind])
		if err != nil {
			return fault.Wrap(err, fault.Internal, fault.Unclassified, "link of "+ref.String())
		}
		item, has := items[ref]
		r.weigh(at, item, has, change, content)
	}
	return nil
}

// weigh asks the order of addresses first, then the guard's limits.
func (r *result) weigh(at moment, item store.GuardItem, has bool, change store.Change, content string) {
	r.again = false
	r.ordered = r.turn.step != "" || r.settled || has && ordered(item.Change) && !r.passing
	switch {
	case has && item.Change == store.Adoption:
		r.turn = turn{}
		r.adopt(at, item)
	case r.turn.step != "":
		r.wait(at, item, has)
	case r.settled:
		r.move, r.note = &store.GuardMove{Item: item, Drop: true}, "approved by a person with hold "+item.Hold
	case !r.passing:
		r.guard(at, item, has, change, content)
	}
}

// links reads the links of the candidates. The creations of a first load are free, whatever a link says.
func (s *Service) links(ctx context.Context, at moment, results []*result, loading map[record.Kind]bool) (map[record.Ref]store.Link, error) {
	var refs []record.Ref
	for _, r := range results {
		now := r.decision.Entry
		free := loading[r.task.ref.Kind] && now.State() == directory.Active && len(r.before.Wanted) == 0
		if r.wanted != nil && r.task.ref.Kind != record.Reference && !free && candidate(r.was, now) {
			refs = append(refs, r.task.ref)
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	return s.deps.Guard.Links(ctx, at.tenant, refs)
}

// guard decides what becomes of the record's item and whether the record waits.
func (r *result) guard(at moment, item store.GuardItem, has bool, change store.Change, content string) {
	if change == "" && !has { // nearly always
		return
	}
	same := has && item.Change == change
	next := store.GuardItem{Ref: r.task.ref, Change: change, Cause: r.task.cause, State: store.ItemStaged, Content: content,
		Digest: store.DigestItem(r.before.Wanted, r.wanted), Before: r.before.Wanted, After: r.wanted, Revision: r.before.Revision + 1, At: at.now}
	switch {
	case change == "":
		r.move = &store.GuardMove{Item: item, Drop: true}
		if r.note = fmt.Sprintf("%s that waited is not wanted any more", item.Change); ordered(item.Change) {
			r.note = "nobody of ours holds the address any more"
		}
	case same && item.State == store.ItemGranted && item.Granted == content:
		r.move = &store.GuardMove{Item: next, Drop: true, Count: item.Hold == ""}
		if item.Hold != "" {
			r.note = "approved by a person with hold " + item.Hold
		}
	case same && item.State == store.ItemRejected && item.Content == content:
		r.waits, r.note = true, "a person rejected this change with hold "+item.Hold
	case same && (item.State == store.ItemStaged || item.State == store.ItemHeld):
		r.waits, r.note = true, "waits: "+string(change)
		if item.Digest != next.Digest {
			next.Cause = item.Cause
			r.move = &store.GuardMove{Item: next}
		}
	default:
		r.waits, r.note = true, "waits: "+string(change)
		r.move = &store.GuardMove{Item: next, Fresh: true}
	}
	r.task.waits = r.waits
}
