package transform

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// The guard's alerts are findings about pseudo-records of this kind with the keys guard.suspend, guard.email and
// guard.create.
const (
	connection  record.Kind = "connection"
	alertPrefix string      = "guard."
)

// court fixes what a judgement depends on beside the book, so that judging is a pure function.
type court struct {
	at     moment
	ready  map[string]bool // causes whose sets are whole
	active map[record.Kind]int
	alerts map[fault.Code]string // open findings with their details
}

// account is what a group has used up of its limit, and what asks for more.
type account struct {
	limit   int
	passed  int // of their own, within the horizon, or granted and about to pass
	waiting int // held within the horizon: they were as many
	single  []store.GuardItem
	set     []store.GuardItem
	hold    string // that waits already
	held    int    // items of it
}

// judge decides about every set that is whole. When a set would exceed the limit, all of it is held.
func (c court) judge(b store.Book) store.Judgement {
	j := store.Judgement{At: c.at.now}
	groups, order := c.count(b)
	for _, g := range order {
		c.decide(&j, b, g, groups[g])
	}
	c.close(&j, b, groups)
	c.alert(&j, groups, order)
	return j
}

func (c court) count(b store.Book) (groups map[store.Group]*account, order []store.Group) {
	groups = map[store.Group]*account{}
	of := func(g store.Group) *account {
		if groups[g] == nil {
			groups[g] = &account{limit: c.at.policy.Limits[g.Change].Of(c.active[g.Kind]), passed: b.Passed[g]}
			order = append(order, g)
		}
		return groups[g]
	}
	for _, h := range b.Holds {
		if !ordered(h.Group.Change) {
			of(h.Group).hold = h.ID
		}
	}
	for _, it := range b.Items {
		if ordered(it.Change) {
			continue // see arbitrate
		}
		y := of(it.Group())
		if it.Change == store.Adoption { // held as it came, for no limit
			if it.State == store.ItemHeld {
				y.held++
			}
			continue
		}
		switch {
		case it.State == store.ItemGranted && it.Hold == "":
			y.passed++
		case it.State == store.ItemHeld:
			y.held++
			if it.At.After(c.at.now.Add(-horizon)) {
				y.waiting++
			}
		case it.State == store.ItemStaged && immediate(it.Cause):
			y.single = append(y.single, it)
		case it.State == store.ItemStaged && c.ready[it.Cause]:
			y.set = append(y.set, it)
		}
	}
	slices.SortFunc(order, func(a, b store.Group) int {
		return cmp.Or(cmp.Compare(a.Change, b.Change), cmp.Compare(a.Kind, b.Kind))
	})
	return groups, order
}

// decide grants or holds what asks. Changes that were announced one by one pass until the limit is reached; a set
// passes as a whole or not at all.
func (c court) decide(j *store.Judgement, b store.Book, g store.Group, y *account) {
	slices.SortStableFunc(y.single, func(a, b store.GuardItem) int { return a.At.Compare(b.At) })
	var held []store.GuardItem
	for _, it := range y.single {
		if y.passed+y.waiting+len(held) < y.limit {
			y.passed++
			j.Rulings = append(j.Rulings, store.Ruling{Ref: it.Ref, State: store.ItemGranted})
			continue
		}
		held = append(held, it)
	}
	if crash.Bug("gate-first-n") {
		y.single, y.set = nil, c.firstPass(j, y)
	}
	if y.passed+y.waiting+len(held)+len(y.set) > y.limit {
		held = append(held, y.set...)
	} else {
		for _, it := range y.set {
			j.Rulings = append(j.Rulings, store.Ruling{Ref: it.Ref, State: store.ItemGranted})
		}
	}
	if len(held) > 0 {
		c.hold(j, b, g, y, held)
	}
}

// firstPass is the deliberate mistake gate-first-n: the limit's worth of a set passes.
func (c court) firstPass(j *store.Judgement, y *account) []store.GuardItem {
	n := min(len(y.set), max(y.limit-y.passed-y.waiting, 0))
	for _, it := range y.set[:n] {
		j.Rulings = append(j.Rulings, store.Ruling{Ref: it.Ref, State: store.ItemGranted})
	}
	return y.set[n:]
}

// hold adds items to the group's hold, or makes one.
func (c court) hold(j *store.Judgement, b store.Book, g store.Group, y *account, held []store.GuardItem) {
	if y.hold == "" {
		y.hold = fmt.Sprintf("%s-%d", g.Change, b.Next+len(j.Holds))
		j.Holds = append(j.Holds, store.Hold{ID: y.hold, Group: g, Cause: held[0].Cause, State: store.HoldWaiting, Limit: y.limit, Passed: y.passed, Created: c.at.now})
	}
	y.held += len(held)
	why := fmt.Sprintf("waits for a person as part of hold %s: %d of %s at once, %d passed in 24 hours, the limit is %d",
		y.hold, y.held, things(g), y.passed, y.limit)
	code := guardCode(g.Change)
	for _, it := range held {
		j.Rulings = append(j.Rulings, store.Ruling{Ref: it.Ref, State: store.ItemHeld, Hold: y.hold})
		j.Entries = append(j.Entries, audit.Entry{ID: audit.ID(audit.Transformer, it.Ref, it.Revision, "held", y.hold), Ref: it.Ref, At: c.at.now,
			Stage: audit.Transformer, Verb: string(g.Change), Outcome: audit.Held, Code: string(code), Detail: why, Next: code.Next(), Cause: it.Cause})
	}
}

// close ends holds that nothing is left of.
func (c court) close(j *store.Judgement, b store.Book, groups map[store.Group]*account) {
	for _, h := range b.Holds {
		if y := groups[h.Group]; y != nil && y.hold == h.ID && y.held == 0 {
			y.hold = ""
			j.Void = append(j.Void, h.ID)
			j.Entries = append(j.Entries, audit.Entry{ID: audit.ID(audit.Transformer, alertRef(h.Group.Change), 0, "void", h.ID), Ref: alertRef(h.Group.Change),
				At: c.at.now, Stage: audit.Transformer, Verb: "hold", Outcome: audit.Finished, Cause: "hold/" + h.ID,
				Detail: "hold " + h.ID + " closed by itself: nothing of it is true any more"})
		}
	}
}

// alert brings the findings up to date; a judgement that changes none stores none.
func (c court) alert(j *store.Judgement, groups map[store.Group]*account, order []store.Group) {
	for _, change := range []store.Change{store.Suspension, store.EmailChange, store.Creation, store.Adoption} {
		detail := ""
		for _, g := range order {
			if y := groups[g]; g.Change == change && y.hold != "" {
				if detail != "" {
					detail += "; "
				}
				if change == store.Adoption {
					detail += fmt.Sprintf("hold %s: %d %s wait for a person", y.hold, y.held, things(g))
					continue
				}
				detail += fmt.Sprintf("hold %s: %d %s wait, the limit is %d in 24 hours", y.hold, y.held, things(g), y.limit)
			}
		}
		code := guardCode(change)
		if c.alerts[code] == detail {
			continue
		}
		o := store.Observation{Ref: alertRef(change)}
		if detail != "" {
			o.Findings = []store.Finding{{Ref: o.Ref, Stage: audit.Transformer, Code: code, Hold: true, Detail: detail, Since: c.at.now, At: c.at.now}}
		}
		j.Observations = append(j.Observations, o)
	}
}

// AdoptionAlert is the pseudo-record of the finding that adoptions wait for a person.
func AdoptionAlert() record.Ref { return alertRef(store.Adoption) }

func alertRef(c store.Change) record.Ref {
	return record.Ref{Kind: connection, Key: alertPrefix + string(c)}
}

// things names what a group counts, for people.
func things(g store.Group) string {
	switch g.Change {
	case store.Suspension:
		return "suspensions"
	case store.EmailChange:
		return "changes of an email address"
	case store.Adoption:
		return "adoptions of " + g.Kind.Plural()
	}
	return "creations of " + g.Kind.Plural()
}
