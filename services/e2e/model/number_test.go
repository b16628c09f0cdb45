package model

import (
	"fmt"
	"maps"

	"github.com/ml-connector/ml-connector/pkg/event"
)

// newNumber is somebody who comes back under another EMPLID, with the same name and the same address; or, later, what
// else happens to the second number.
func (w *world) newNumber(s step) {
	old := who(s)
	id, known := w.spare[old]
	if !known {
		name, mail := w.truth[spot{old, "name", "PRI", "1990-01-01", 0}], w.truth[spot{old, "email", "BUSN", "", 0}]
		if len(w.truth.rows(old, "job")) == 0 || mail.cells["email"] == "" {
			w.hire(s, "A", today)
			return
		}
		id = "9" + old
		w.spare[old] = id
		w.copy(s, id, name, mail)
		return
	}
	switch s.C % 4 {
	case 0:
		w.write(s.How, false, spot{id, "email", "BUSN", "", 0}, map[string]string{"email": fmt.Sprintf("q%s.%d@%s", id, s.B%4, w.domain)})
	case 1:
		w.write(s.How, false, spot{id, "job", "0", w.day(0), w.seq(id, "0", w.day(0))}, w.asNow(id, statusCells("I", s.B)))
	default:
		w.write(s.How, false, spot{id, "job", "0", w.day(0), w.seq(id, "0", w.day(0))}, w.asNow(id, statusCells("A", s.B)))
	}
}

// asNow is the job of today with other cells.
func (w *world) asNow(id string, cells map[string]string) map[string]string {
	all := map[string]string{}
	if before, ok := w.truth.current(id, "job", "0", w.today()); ok {
		maps.Copy(all, before.cells)
	}
	maps.Copy(all, cells)
	return all
}

// copy hires somebody with the name and the address of another record, in one message.
func (w *world) copy(s step, id string, name, mail line) {
	cells := statusCells("A", s.C)
	maps.Copy(cells, map[string]string{"per_org": "EMP", "action": "HIR", "dept_text": w.value(id), "job_text": w.value(id)})
	job := setFact(w.truth.put(spot{id, "job", "0", w.day(0), 0}, w.next(), cells), nil)
	to := setFact(w.truth.put(spot{id, "email", "BUSN", "", 0}, w.next(), mail.cells), nil)
	facts := []event.Fact{job, to}
	if n := name.cells["display_name"]; n != "" {
		facts = append(facts, setFact(w.truth.put(spot{id, "name", "PRI", "1990-01-01", 0}, w.next(), map[string]string{"display_name": n}), nil))
	}
	w.tell(id, s.How, nil, facts...)
}

// keyChange is an EMPLID that is changed in PeopleSoft: every row is gone under the old number and there under the new.
func (w *world) keyChange(s step) {
	old := who(s)
	if _, done := w.spare[old]; done || len(w.truth.rows(old, "job")) == 0 {
		return
	}
	id := "9" + old
	w.spare[old] = id
	for _, l := range w.truth.of(old, "") {
		if l.facet != "reference" {
			moved := l.spot
			moved.rec = id
			w.write(s.How, false, moved, l.cells)
		}
	}
	for _, l := range w.truth.of(old, "") {
		w.erase(s.How, l.spot, s.C%2 == 0)
	}
}

// layoff ends the jobs of several people at once: what the guard is there for.
func (w *world) layoff(s step) {
	for i := range 1 + s.B%people {
		n := s
		n.A += i
		w.status(n, "I", today)
	}
}
