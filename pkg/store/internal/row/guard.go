package row

import (
	"cmp"
	"slices"

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

// Decide is the hold after the decision; ok is false when the decision is not about this hold as it is.
func Decide(h store.Hold, items []store.GuardItem, d store.Decision) (after store.Hold, ok bool) {
	if h.State == store.HoldWaiting {
		h.Hash, h.Items = store.HashItems(items), len(items)
	}
	if h.State != store.HoldWaiting || h.Hash != d.Hash {
		return h, false
	}
	h.State = store.HoldRejected
	if d.Approve {
		h.State = store.HoldApproved
	}
	h.Decided, h.By, h.Reason = d.At, Text(d.By), Text(d.Reason)
	return h, true
}
