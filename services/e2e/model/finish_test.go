package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// finish brings everything to its end and compares all of it: what waits has a reason that is true, and telling
// everything again writes nothing.
func (j *judge) finish() error {
	w := j.w
	w.account.ClearFaults()
	w.transformer.ignite(-1)
	w.writer.ignite(-1)
	for len(w.late) > 0 {
		w.release(0)
	}
	if err := w.settle(); err != nil {
		return err
	}
	for range 8 { // what waited for somebody else who moved is free now, and so is what a person says yes to
		for w.decide(0, true) {
		}
		if err := (wire{broker: w.bus, p: newProcess()}).Touch(context.Background(), w.tenant, "sweep/held", w.unsettled()); err != nil {
			return err
		}
		if err := w.settle(); err != nil {
			return err
		}
	}
	if err := j.agree(); err != nil {
		return err
	}
	if err := j.excused(); err != nil {
		return err
	}
	return j.nothingTwice()
}

// excused asks whether every record that waits for a person has to.
func (j *judge) excused() error {
	for ref, f := range j.w.store.waits() {
		want := j.w.ideal(ref.Key)
		if strings.HasPrefix(string(f.Code), "item ") {
			if err := j.excusedItem(ref, want); err != nil {
				return err
			}
			continue
		}
		if ref.Kind == record.Vendor && !(j.shared(ref.Key, want.name) && f.Code == "ORG_NAME_TAKEN") || ref.Kind == record.Employee && !j.taken(ref.Key, want.email) {
			return fmt.Errorf("O2: %s waits for a person without need: %s %s\n  want %+v", ref, f.Code, f.Detail, want)
		}
	}
	return nil
}

// excusedItem asks the same of what the guard or the order of addresses keeps. After a person said yes to everything,
// only what a person said no to and what needs an address that somebody else has may be left.
func (j *judge) excusedItem(ref record.Ref, want ideal) error {
	it := j.w.store.items[ref]
	switch {
	case it.State == store.ItemRejected:
		return nil
	case (it.Change == store.Address || it.Change == store.Ring || it.Change == store.Relink) && j.taken(ref.Key, want.email):
		return nil
	}
	return fmt.Errorf("O9: %s waits without need: %s %s %q, hold %q\n  want %+v", ref, it.Change, it.State, it.Content, it.Hold, want)
}

// taken tells whether somebody else in the desk has the address.
func (j *judge) taken(rec, email string) bool {
	return slices.ContainsFunc(j.w.account.Users(), func(u sim.User) bool {
		return u.Active && text(u.ExternalID) != external(rec) && slices.Contains(seen(&u).addresses, email)
	})
}

// nothingTwice tells everything again, twice: as a full read, and as a change of settings.
func (j *judge) nothingTwice() error {
	w := j.w
	before := len(w.account.Effects())
	w.read("full", w.sweep)
	if err := w.settle(); err != nil {
		return err
	}
	if err := w.service.Reresolve(context.Background(), w.tenant); err != nil {
		return err
	}
	refs := slices.Collect(maps.Keys(w.bus.table))
	if err := (wire{broker: w.bus, p: newProcess()}).Touch(context.Background(), w.tenant, "person/test", refs); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	if after := w.account.Effects(); len(after) != before {
		return fmt.Errorf("O3: a second sync wrote: %s", seen(after[before].After))
	}
	if n := len(w.bus.queues[bus.Transformer]); n > 0 {
		return fmt.Errorf("O1: %d facts left", n)
	}
	return j.agree()
}

// unsettled are the records that a sweep looks at again: who waits, and vendors, whose names may have become free.
func (w *world) unsettled() []record.Ref {
	refs := w.held()
	for _, rec := range w.truth.records() {
		if kindOf(rec) == record.Vendor && !slices.Contains(refs, refOf(rec)) {
			refs = append(refs, refOf(rec))
		}
	}
	return refs
}
