package transform

import (
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// adopt looks after a record of a first load whose change the writer keeps back until a person decided (ADR 0024). Its
// wanted state is handed on as ever: nothing of it is in the target yet, so that there is nothing else to guard. The
// item follows what is wanted, so that an approval is bound to it; who is not active any more needs none; what a person
// approved is handed on once more.
func (r *result) adopt(at moment, item store.GuardItem) {
	digest := store.DigestItem(nil, r.wanted)
	switch {
	case r.decision.Entry.State() != directory.Active:
		r.move, r.note = &store.GuardMove{Item: item, Drop: true}, "nobody is adopted or created for a record that is not active"
	case item.State == store.ItemGranted:
		r.move, r.again, r.note = &store.GuardMove{Item: item, Drop: true}, true, "approved by a person with hold "+item.Hold
	case item.Digest != digest:
		item.Digest, item.Before, item.After, item.Revision = digest, nil, r.wanted, r.before.Revision+1
		r.move = &store.GuardMove{Item: item}
	}
}

// keptBack tells in a preview what the writer keeps back until a person decided.
func (r *result) keptBack(p *Preview, item store.GuardItem) {
	if item.Change != store.Adoption || item.State == store.ItemGranted || r.decision.Entry.State() != directory.Active {
		return
	}
	p.Waits, p.Fresh, p.Counts, p.Hold, p.Code = true, false, store.Adoption, item.Hold, waitCode(store.Adoption)
	p.Note = "a person must decide whom it stands for: " + item.Content
	if item.State == store.ItemRejected {
		p.Code = fault.GuardRejected
	}
}
