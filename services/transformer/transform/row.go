package transform

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
)

// row is what the ledger says about one row of the source, its layers folded.
type row struct {
	id     erp.ID
	stamp  erp.Stamp // of the newest layer
	fields map[erp.Field]string
}

// get is the field's value; "" when blank or absent.
func (r row) get(f erp.Field) string { return r.fields[f] }

// lookup tells a blank (known) from an absent field (unknown).
func (r row) lookup(f erp.Field) (value string, known bool) {
	value, known = r.fields[f]
	return value, known
}

// foldRows folds facts into live rows, ordered by ID. Any list is fine; a ledger's own order is fast.
func foldRows(facts []erp.Fact) []row {
	facts = canonical(facts)
	rows := make([]row, 0, len(facts))
	for from := 0; from < len(facts); {
		id, to := facts[from].ID(), from+1
		for to < len(facts) && facts[to].ID() == id {
			to++
		}
		if r, ok := foldStack(facts[from:to]); ok {
			rows = append(rows, r)
		}
		from = to
	}
	return rows
}

// foldStack folds the layers of one row, Drops first, then from new to old.
func foldStack(stack []erp.Fact) (r row, live bool) {
	var grave *erp.Fact
	shared := false
	for i, f := range stack {
		switch {
		case f.Action == erp.Drop:
			if grave == nil {
				grave = &stack[i]
			}
		case grave != nil && f.Stamp <= grave.Stamp:
		case !live:
			r, live, shared = row{f.ID(), f.Stamp, f.Fields}, true, true
		default:
			if shared {
				r.fields, shared = maps.Clone(r.fields), false
			}
			r.fields = fill(r.fields, f.Fields)
		}
	}
	return r, live
}

// fill adds what is missing.
func fill(into, from map[erp.Field]string) map[erp.Field]string {
	if into == nil {
		into = make(map[erp.Field]string, len(from))
	}
	for k, v := range from {
		if _, ok := into[k]; !ok {
			into[k] = v
		}
	}
	return into
}

// view is a record on a day: its rows, ordered by ID, and the day.
type view struct {
	rows  []row
	day   erp.Date  // on which the record is seen
	today erp.Date  // the day of now; before day when a hire is seen ahead
	now   time.Time // decides how long leavers linger
}

// facet is every row of a facet, of any date.
func (v view) facet(f erp.Facet) []row {
	from, _ := slices.BinarySearchFunc(v.rows, f, func(r row, f erp.Facet) int { return cmp.Compare(r.id.Facet, f) })
	to := from
	for to < len(v.rows) && v.rows[to].id.Facet == f {
		to++
	}
	return v.rows[from:to]
}

// of is the current row of each Row of a facet; rows that are not in effect yet, or no longer, are left out.
func (v view) of(f erp.Facet) []row {
	var list []row
	for _, group := range byRow(v.facet(f)) {
		if r, ok := v.current(group); ok && effective(r) {
			list = append(list, r)
		}
	}
	return list
}

// one is the current row of a facet with the given Row.
func (v view) one(f erp.Facet, name string) (row, bool) {
	for _, r := range v.of(f) {
		if r.id.Row == name {
			return r, true
		}
	}
	return row{}, false
}

// byRow splits rows ordered by ID into those of one Row each.
func byRow(rows []row) [][]row {
	var groups [][]row
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].id.Row == rows[from].id.Row {
			to++
		}
		groups = append(groups, rows[from:to])
		from = to
	}
	return groups
}

// current is the rule of effective dating (peoplesoft.md 2.9): of the rows up to the day the one with the greatest
// EFFDT, among equals the greatest EFFSEQ, as a number. What its status says is asked afterwards, never before:
// else an old row would rise again.
//
// A row without an EFFDT (a query's view of now, beside dated rows of a message) counts from the day it was last
// changed, so that the younger of the two statements holds.
func (v view) current(group []row) (row, bool) {
	best := -1
	for i, r := range group {
		if r.id.EffDate <= v.day && (best < 0 || v.younger(r, group[best])) {
			best = i
		}
	}
	if best < 0 {
		return row{}, false
	}
	return group[best], true
}

func (v view) younger(a, b row) bool {
	return cmp.Or(cmp.Compare(v.since(a), v.since(b)), cmp.Compare(a.id.EffSeq, b.id.EffSeq), cmp.Compare(a.stamp, b.stamp)) > 0
}

// since is the day from which a row counts.
func (v view) since(r row) erp.Date {
	if r.id.EffDate != "" || len(r.stamp) < len("2006-01-02") {
		return r.id.EffDate
	}
	return min(erp.Date(r.stamp[:len("2006-01-02")]), v.day)
}

// effective is EFF_STATUS, asked after the maximum was taken; a row without one is in effect.
func effective(r row) bool {
	active, known := activeFlag(r.get(erp.EffStatus))
	return active || !known
}

// openEnd is PeopleSoft's "for ever" (failures.md K09): no day to wait for.
const openEnd = erp.Date("9999-12-31")
