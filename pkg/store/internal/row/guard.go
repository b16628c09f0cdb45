package row

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Moves are the guard's moves of the saves that were stored, in the order of locking.
func Moves(saves []store.LedgerSave, stored []bool) []store.GuardMove {
	var out []store.GuardMove
	for i, s := range saves {
		if stored[i] && s.Guard != nil {
			m := *s.Guard
			m.Item.Ref, m.Item.Cause = s.Row.Ref, Text(m.Item.Cause)
			m.Item.Content, m.Item.Granted = Text(m.Item.Content), Text(m.Item.Granted)
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b store.GuardMove) int { return Compare(a.Item.Ref, b.Item.Ref) })
	return out
}

// Fresh is moves that store new items, in the order of locking.
func Fresh(in []store.GuardItem) []store.GuardMove {
	out := make([]store.GuardMove, 0, len(in))
	for _, it := range slices.SortedFunc(slices.Values(in), func(a, b store.GuardItem) int { return Compare(a.Ref, b.Ref) }) {
		out = append(out, store.GuardMove{Item: it, Fresh: true})
	}
	return out
}

// Rulings is rulings in the order of locking.
func Rulings(in []store.Ruling) []store.Ruling {
	return slices.SortedFunc(slices.Values(in), func(a, b store.Ruling) int {
		return cmp.Or(Compare(a.Ref, b.Ref), cmp.Compare(a.State, b.State))
	})
}

// Verdict is what a decision does to a hold.
type Verdict struct {
	Hold    store.Hold        // after the decision
	Items   []store.GuardItem // that it decides on
	Rest    *store.Hold       // that the others wait in; nil when there are none
	Rulings []store.Ruling
}

// Decide is what the decision does; next is the number of the tenant's next hold. ok is false when the decision is not
// about this hold as it is; the verdict's hold is what it is then.
func Decide(h store.Hold, all []store.GuardItem, d store.Decision, next int) (v Verdict, ok bool) {
	chosen, rest := part(all, d.Only)
	v = Verdict{Hold: h, Items: chosen}
	if h.State == store.HoldWaiting {
		v.Hold.Hash, v.Hold.Items = store.HashItems(all), len(all)
	}
	if h.State != store.HoldWaiting || store.HashItems(chosen) != d.Hash || len(d.Only) > 0 && len(chosen) == 0 {
		return v, false
	}
	v.Hold = decided(h, chosen, d)
	state := store.ItemRejected
	if d.Approve {
		state = store.ItemGranted
	}
	v.rule(chosen, state, h.ID)
	if len(rest) > 0 {
		v.Rest = &store.Hold{ID: fmt.Sprintf("%s-%d", h.Group.Change, next), Group: h.Group, Cause: rest[0].Cause, Limit: h.Limit, Passed: h.Passed, Created: h.Created}
		v.Hold.Rest = v.Rest.ID
		v.rule(rest, store.ItemHeld, v.Rest.ID)
	}
	return v, true
}

func (v *Verdict) rule(items []store.GuardItem, state store.ItemState, hold string) {
	for _, it := range items {
		v.Rulings = append(v.Rulings, store.Ruling{Ref: it.Ref, State: state, Hold: hold})
	}
}

// part parts items into those that are chosen and the rest; nothing chosen means all.
func part(all []store.GuardItem, only []record.Ref) (chosen, rest []store.GuardItem) {
	if len(only) == 0 {
		return all, nil
	}
	for _, it := range all {
		if slices.Contains(only, it.Ref) {
			chosen = append(chosen, it)
			continue
		}
		rest = append(rest, it)
	}
	return chosen, rest
}

func decided(h store.Hold, items []store.GuardItem, d store.Decision) store.Hold {
	h.Hash, h.Items = store.HashItems(items), len(items)
	h.State = store.HoldRejected
	if d.Approve {
		h.State = store.HoldApproved
	}
	h.Decided, h.By, h.Reason = d.At, Text(d.By), Text(d.Reason)
	return h
}
