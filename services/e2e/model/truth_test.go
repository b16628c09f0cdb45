package model

import (
	"maps"
	"slices"
)

// spot names one row of the source: which record, which facet, which row of it, from when, and which of that day.
type spot struct {
	rec, facet, row, eff string
	seq                  int
}

// line is one row of the source with the moment of its last change.
type line struct {
	spot
	cells map[string]string
	stamp string
}

// truth is what PeopleSoft holds: rows, and nothing derived from them.
type truth map[spot]line

// put writes cells of a row and answers the row; cells that are not named keep their values.
func (t truth) put(s spot, stamp string, cells map[string]string) line {
	l := line{s, maps.Clone(t[s].cells), stamp}
	if l.cells == nil {
		l.cells = map[string]string{}
	}
	maps.Copy(l.cells, cells)
	t[s] = l
	return l
}

// of lists the rows of a facet of a record by row, date and sequence.
func (t truth) of(rec, facet string) []line {
	var list []line
	for s, l := range t {
		if s.rec == rec && (facet == "" || s.facet == facet) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b line) int {
		switch {
		case a.facet != b.facet:
			return order(a.facet < b.facet)
		case a.row != b.row:
			return order(a.row < b.row)
		case a.eff != b.eff:
			return order(a.eff < b.eff)
		}
		return a.seq - b.seq
	})
	return list
}

func order(less bool) int {
	if less {
		return -1
	}
	return 1
}

// current is the effective-dated rule: of the rows of one key up to the day the one with the greatest EFFDT, then the
// greatest EFFSEQ; nothing is filtered before (peoplesoft.md 2.9).
func (t truth) current(rec, facet, row, day string) (line, bool) {
	var best line
	found := false
	for _, l := range t.of(rec, facet) {
		if l.row == row && l.eff <= day { // in the order of date and sequence: the last one stays
			best, found = l, true
		}
	}
	return best, found
}

// rows lists which rows of a facet a record has, such as its EMPL_RCDs, each once.
func (t truth) rows(rec, facet string) []string {
	var list []string
	for _, l := range t.of(rec, facet) {
		if !slices.Contains(list, l.row) {
			list = append(list, l.row)
		}
	}
	return list
}

// records lists every record that has or had rows.
func (t truth) records() []string {
	seen := map[string]bool{}
	for s := range t {
		seen[s.rec] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
