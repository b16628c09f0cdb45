package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/erp"
)

// Merged is what became of facts that met a ledger.
type Merged struct {
	Facts   []erp.Fact // the ledger now, in canonical order; never aliases a map that the caller may change later
	Changed bool       // Facts differs from what was known
	Tied    bool       // and in something that only the order of arrival decided
	Notes   []string   // what a person may want to know about it
	Late    []erp.Fact // incoming facts with a value that lost against a newer one
}

// Merge folds incoming facts into known ones. It is a pure function, and a newest-wins register for each field:
//
//   - A row's fields come from the newest statement (by Stamp) that had them; a field that a newer, partial statement
//     did not mention keeps its older value. So a row may stand in the ledger in several layers of one ID, one per
//     Stamp, none of which repeats a field of a newer one.
//   - Drop removes the layers up to its Stamp and stays as a marker, so that an older Set that comes late does not
//     bring the row back. Between a Set and a Drop of one Stamp the Drop wins: a deleted row is sent with the
//     Stamp of its last change.
//   - Equal Stamps: the later arrival wins (a department's text changes without touching the job's Stamp).
//   - A fact without a Stamp is as new as what is known of its row, unless that is newer than seen, the wall clock of
//     the source at which the fact was read; with seen "" it always is.
//
// With Stamps everywhere, any order and any repetition of the same facts gives the same ledger.
// Rows that are not among incoming stay as they are: absence is never evidence.
func Merge(known, incoming []erp.Fact, seen erp.Stamp) Merged {
	m := Merged{Facts: canonical(known)}
	for _, f := range incoming {
		from, to := span(m.Facts, f.ID())
		stack, changed, late := layer(m.Facts[from:to], f, seen)
		if late {
			m.Late = append(m.Late, f)
			m.Notes = append(m.Notes, "older than what is known, kept the newer: "+describe(f))
		}
		if changed {
			m.Tied = m.Tied || tied(m.Facts[from:to], f)
			if !m.Changed { // the given list stays as it is
				m.Facts, m.Changed = append(make([]erp.Fact, 0, len(m.Facts)+len(incoming)), m.Facts...), true
			}
			m.Facts = slices.Replace(m.Facts, from, to, stack...)
		}
	}
	return m
}

// Contradictions notes job rows that the ledger holds and that a reading which claims to show all of them does not
// show. They stay: a query may hide rows, and absence is never evidence.
func Contradictions(known, incoming []erp.Fact, whole []erp.Facet, day erp.Date) []string {
	if !slices.Contains(whole, erp.Job) {
		return nil
	}
	var notes []string
	for _, r := range foldRows(known) {
		if r.id.Facet != erp.Job || r.id.EffDate > day || !speaksOf(incoming, r.id.Row) {
			continue
		}
		if !slices.ContainsFunc(incoming, func(f erp.Fact) bool { return f.ID() == r.id }) {
			notes = append(notes, fmt.Sprintf("a full reading does not show job row EMPL_RCD %s of %s, sequence %d: kept, absence is no evidence", label(r.id.Row), r.id.EffDate, r.id.EffSeq))
		}
	}
	return notes
}

// Vanished explains the first job whose current row a whole reading contradicts: the reading shows an older row as the
// current one and not the row that the ledger holds, as if the source had taken it back. Nothing is concluded from it:
// a query may hide the row. A row that changed after the reading, which was made at seen, is not contradicted.
func Vanished(known, incoming []erp.Fact, whole []erp.Facet, day erp.Date, seen erp.Stamp) string {
	if !slices.Contains(whole, erp.Job) {
		return ""
	}
	read := view{rows: foldRows(incoming), day: day}
	for _, group := range byRow(view{rows: foldRows(known), day: day}.facet(erp.Job)) {
		have, ok := read.current(group)
		if !ok || have.id.EffDate == "" || seen != "" && have.stamp > seen {
			continue
		}
		shown := slices.DeleteFunc(slices.Clone(read.facet(erp.Job)), func(r row) bool { return r.id.Row != have.id.Row })
		now, ok := read.current(shown)
		if ok && now.id.EffDate != "" && now.id.Compare(have.id) < 0 && !slices.ContainsFunc(shown, func(r row) bool { return r.id == have.id }) {
			return fmt.Sprintf("EMPL_RCD %s: the source shows the row of %s, sequence %d, as the current one, and no longer the row of %s, sequence %d%s, which is kept: absence is no evidence",
				label(have.id.Row), now.id.EffDate, now.id.EffSeq, have.id.EffDate, have.id.EffSeq, action(have))
		}
	}
	return ""
}

func deletesJob(f erp.Fact) bool { return f.Facet == erp.Job && f.Action == erp.Drop }

func speaksOf(facts []erp.Fact, rcd string) bool {
	return slices.ContainsFunc(facts, func(f erp.Fact) bool { return f.Facet == erp.Job && f.Row == rcd })
}

// tied tells whether nothing but its later arrival makes a fact win against what is known of its row.
func tied(stack []erp.Fact, f erp.Fact) bool {
	if f.Stamp == "" {
		return len(stack) > 0
	}
	for _, l := range stack {
		if l.Stamp != f.Stamp || l.Action == erp.Drop || f.Action == erp.Drop {
			continue
		}
		for k, v := range f.Fields {
			if have, ok := l.Fields[k]; ok && have != v {
				return true
			}
		}
	}
	return false
}

// layer puts one fact on the stack of its row.
func layer(stack []erp.Fact, f erp.Fact, seen erp.Stamp) (out []erp.Fact, changed, late bool) {
	if len(stack) == 0 {
		f.Fields = maps.Clone(f.Fields)
		return []erp.Fact{f}, true, false
	}
	unstamped := f.Stamp == ""
	if unstamped {
		top := newest(stack)
		if top != "" && seen != "" && seen < top {
			return stack, false, differs(stack, f)
		}
		f.Stamp = top
	}
	if f.Action == erp.Drop {
		return bury(stack, f)
	}
	return cover(stack, f, unstamped)
}

// bury puts a Drop on the stack.
func bury(stack []erp.Fact, f erp.Fact) (out []erp.Fact, changed, late bool) {
	f.Fields = nil
	if grave := stack[0]; grave.Action == erp.Drop && grave.Stamp >= f.Stamp {
		return stack, false, false
	}
	out = []erp.Fact{f}
	for _, s := range stack {
		if s.Action != erp.Drop && s.Stamp > f.Stamp {
			out = append(out, s)
		}
	}
	return out, true, len(out) > 1
}

// cover puts a Set on the stack. revives says that it came without a Stamp and so is newer than a Drop.
func cover(stack []erp.Fact, f erp.Fact, revives bool) (out []erp.Fact, changed, late bool) {
	var grave []erp.Fact
	live := stack
	if stack[0].Action == erp.Drop {
		grave, live = stack[:1], stack[1:]
		switch {
		case revives && stack[0].Stamp >= f.Stamp:
			grave = nil
		case f.Stamp <= stack[0].Stamp:
			return stack, false, true
		}
	}
	if len(live) == 1 && live[0].Stamp == f.Stamp && maps.Equal(live[0].Fields, f.Fields) && len(grave) == len(stack)-1 {
		return stack, false, false
	}
	layers, late := relayer(live, f)
	out = slices.Concat(grave, layers)
	return out, !equalFacts(stack, out), late
}

// relayer spreads the fields over the layers again: each field stands in the layer of its newest statement, and a
// layer without fields stays only when it is the newest.
func relayer(live []erp.Fact, f erp.Fact) (layers []erp.Fact, late bool) {
	type cell struct {
		stamp erp.Stamp
		value string
	}
	cells := make(map[erp.Field]cell, len(f.Fields)+8)
	top := f.Stamp
	for _, l := range live {
		top = max(top, l.Stamp)
		for k, v := range l.Fields {
			cells[k] = cell{l.Stamp, v}
		}
	}
	for k, v := range f.Fields {
		if c, ok := cells[k]; ok && c.stamp > f.Stamp && !crash.Bug("dedupe-by-window") {
			late = late || c.value != v
			continue
		}
		cells[k] = cell{f.Stamp, v}
		if crash.Bug("dedupe-by-window") {
			cells[k] = cell{top, v}
		}
	}
	byStamp := map[erp.Stamp]map[erp.Field]string{top: {}}
	for k, c := range cells {
		if byStamp[c.stamp] == nil {
			byStamp[c.stamp] = map[erp.Field]string{}
		}
		byStamp[c.stamp][k] = c.value
	}
	for stamp, fields := range byStamp {
		l := f
		l.Stamp, l.Fields = stamp, fields
		layers = append(layers, l)
	}
	slices.SortFunc(layers, compareFacts)
	return layers, late
}

// differs tells whether the fact says something else than the row on the stack.
func differs(stack []erp.Fact, f erp.Fact) bool {
	if f.Action == erp.Drop {
		return len(foldRows(stack)) > 0
	}
	rows := foldRows(stack)
	if len(rows) == 0 {
		return true
	}
	for k, v := range f.Fields {
		if have, ok := rows[0].fields[k]; !ok || have != v {
			return true
		}
	}
	return false
}

func newest(stack []erp.Fact) (top erp.Stamp) {
	for _, f := range stack {
		top = max(top, f.Stamp)
	}
	return top
}

// span finds where the layers of a row stand, or would stand, in a canonical list.
func span(facts []erp.Fact, id erp.ID) (from, to int) {
	from, _ = slices.BinarySearchFunc(facts, id, func(f erp.Fact, id erp.ID) int { return f.ID().Compare(id) })
	for to = from; to < len(facts) && facts[to].ID() == id; to++ {
	}
	return from, to
}

// canonical returns the facts in the order of the ledger without touching the given list.
func canonical(facts []erp.Fact) []erp.Fact {
	if slices.IsSortedFunc(facts, compareFacts) {
		return facts
	}
	return slices.SortedStableFunc(slices.Values(facts), compareFacts)
}

// compareFacts is the order of the ledger: by row; within a row the Drop, then the layers from new to old.
func compareFacts(a, b erp.Fact) int {
	return cmp.Or(a.ID().Compare(b.ID()), cmp.Compare(rank(a), rank(b)), strings.Compare(string(b.Stamp), string(a.Stamp)))
}

func rank(f erp.Fact) int {
	if f.Action == erp.Drop {
		return 0
	}
	return 1
}

func equalFacts(a, b []erp.Fact) bool {
	return slices.EqualFunc(a, b, func(a, b erp.Fact) bool {
		return a.ID() == b.ID() && a.Action == b.Action && a.Stamp == b.Stamp && maps.Equal(a.Fields, b.Fields)
	})
}

// describe names a fact without its values.
func describe(f erp.Fact) string {
	s := string(f.Action) + " " + string(f.Facet)
	if f.Row != "" {
		s += " " + label(f.Row)
	}
	if f.EffDate != "" {
		s += fmt.Sprintf(" of %s, sequence %d", f.EffDate, f.EffSeq)
	}
	if f.Stamp != "" {
		s += ", changed " + string(f.Stamp)
	}
	return s
}
