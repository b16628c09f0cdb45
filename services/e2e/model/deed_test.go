package model

import (
	"fmt"
	"maps"

	"github.com/ml-connector/ml-connector/pkg/event"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func statusCells(hr string, c int) map[string]string {
	if hr == "A" {
		return []map[string]string{{"hr_status": "A", "empl_status": "A"}, {"hr_status": "", "empl_status": "L"}, {"hr_status": "A", "empl_status": ""},
			{"hr_status": "Active", "empl_status": "Leave of Absence"}, {"hr_status": "", "empl_status": "S"}}[c%5]
	}
	return []map[string]string{{"hr_status": "I", "empl_status": "T"}, {"hr_status": "", "empl_status": "R"}, {"hr_status": "I", "empl_status": ""},
		{"hr_status": "Inactive", "empl_status": "Terminated"}, {"hr_status": "", "empl_status": "D"}}[c%5]
}

// hire adds a person with a job that begins in so many days.
func (w *world) hire(s step, status string, days int) {
	id := who(s)
	var facts []event.Fact
	add := func(sp spot, cells map[string]string) {
		facts = append(facts, setFact(w.truth.put(sp, w.next(), cells), nil))
	}
	if len(w.truth.of(id, "name")) == 0 && s.C%11 != 0 {
		add(spot{id, "name", "PRI", "1990-01-01", 0}, map[string]string{"display_name": "Person " + w.value(id)})
	}
	if len(w.truth.of(id, "email")) == 0 && s.C%7 != 0 {
		add(spot{id, "email", "BUSN", "", 0}, map[string]string{"email": w.address(s)})
	}
	rcd := "0"
	if rows := w.truth.rows(id, "job"); len(rows) > 0 {
		rcd = rows[s.B%len(rows)]
	}
	cells := statusCells(status, s.C)
	maps.Copy(cells, map[string]string{"per_org": []string{"EMP", "CWR", ""}[s.B%3], "action": "HIR", "dept_set": "SHARE", "dept": fmt.Sprintf("D%d", s.C%3),
		"dept_text": "", "job_code_set": "SHARE", "job_code": fmt.Sprintf("J%d", s.B%2), "job_text": w.value(id)})
	eff := w.day(days)
	add(spot{id, "job", rcd, eff, w.seq(id, rcd, eff)}, cells)
	w.tell(id, s.How, nil, facts...)
}

// address is one of the person's own, or one that several want.
func (w *world) address(s step) string {
	switch s.C % 4 {
	case 0:
		return fmt.Sprintf("Shared%d@%s", s.B%3, w.domain)
	case 1:
		return fmt.Sprintf("seed%d@%s", s.B%3, w.domain)
	}
	return fmt.Sprintf("p%s.%d@%s", who(s), s.B, w.domain)
}

// next row of a job, with the values of the one before.
func (w *world) row(s step, days int, cells map[string]string) {
	id := who(s)
	rows := w.truth.rows(id, "job")
	if len(rows) == 0 {
		w.hire(s, "A", min(days, 0))
		return
	}
	rcd, eff := rows[s.B%len(rows)], w.day(days)
	all := map[string]string{}
	if before, ok := w.truth.current(id, "job", rcd, eff); ok {
		maps.Copy(all, before.cells)
	}
	maps.Copy(all, cells)
	w.write(s.How, false, spot{id, "job", rcd, eff, w.seq(id, rcd, eff)}, all)
}

func (w *world) changeJob(s step) {
	field := []string{"dept_text", "job_text"}[s.C%2]
	w.row(s, today, map[string]string{field: w.value(who(s)), "job_indicator": []string{"P", "S", ""}[s.C%3]})
}

func (w *world) status(s step, hr string, days int) { w.row(s, days, statusCells(hr, s.C/3)) }

func (w *world) secondJob(s step) {
	id := who(s)
	rcd := fmt.Sprint(len(w.truth.rows(id, "job")) % 9)
	cells := statusCells("A", s.C)
	maps.Copy(cells, map[string]string{"per_org": []string{"EMP", "POI", "CWR"}[s.B%3], "job_indicator": []string{"P", "S", "", "N"}[s.C%4],
		"dept_text": w.value(id), "job_text": w.value(id)})
	eff := w.day(-(s.B % 3))
	w.write(s.How, false, spot{id, "job", rcd, eff, w.seq(id, rcd, eff)}, cells)
}

// move gives a future row another day: in one message, or in two that travel by themselves.
func (w *world) move(s step) {
	old, ok := w.pick(who(s), s.B, func(l line) bool { return l.eff > w.today() })
	eff := w.day(s.C % 7)
	if !ok || eff == old.eff {
		return
	}
	delete(w.truth, old.spot)
	gone := dropFact(old.spot, w.next())
	to := spot{old.rec, "job", old.row, eff, w.seq(old.rec, old.row, eff)}
	put := setFact(w.truth.put(to, w.next(), old.cells), nil)
	if s.C%2 == 0 {
		w.tell(old.rec, s.How, nil, gone, put)
		return
	}
	w.tell(old.rec, s.How, nil, put)
	w.tell(old.rec, now, nil, gone)
}

func (w *world) dropJob(s step, future bool) {
	if l, ok := w.pick(who(s), s.B, func(l line) bool { return (l.eff > w.today()) == future }); ok {
		w.erase(s.How, l.spot, s.C%2 == 0)
	}
}

// correct changes history in place.
func (w *world) correct(s step) {
	l, ok := w.pick(who(s), s.B, func(line) bool { return true })
	if !ok {
		return
	}
	cells := map[string]string{"dept_text": w.value(l.rec)}
	switch s.C % 5 {
	case 0:
		cells = statusCells("I", s.C/5)
	case 1:
		cells = statusCells("A", s.C/5)
	case 2:
		cells = map[string]string{"per_org": []string{"EMP", "POI", ""}[s.C/5%3]}
	}
	w.write(s.How, s.C%2 == 0, l.spot, cells)
}

// odd are codes that nobody told us, and columns that disagree.
func (w *world) odd(s step) {
	w.row(s, s.C%2, []map[string]string{{"hr_status": "", "empl_status": "Z"}, {"hr_status": "A", "empl_status": "T"}, {"hr_status": "I", "empl_status": "A"},
		{"hr_status": "", "empl_status": ""}, {"hr_status": "I", "empl_status": "Q9"}}[s.C%5])
}

func (w *world) death(s step) {
	w.write(s.How, false, spot{who(s), "person", "", "", 0}, map[string]string{"deceased": []string{w.today(), ""}[s.C%2]})
}

func (w *world) name(s step) {
	id := who(s)
	kind := []string{"PRI", "PRI", "PRF"}[s.B%3]
	w.write(s.How, false, spot{id, "name", kind, w.day(s.C % 3), 0}, map[string]string{"display_name": "Person " + w.value(id), "eff_status": []string{"A", "", "A", "I"}[s.C%4]})
}

func (w *world) email(s step) {
	kind, cells := "BUSN", map[string]string{"email": w.address(s), "preferred": "N"}
	switch s.C % 10 {
	case 7:
		kind, cells["preferred"] = "HOME", "Y"
	case 8:
		cells["email"] = "noreply@example.com"
	case 9:
		cells["email"] = "not an address"
	}
	w.write(s.How, s.B%2 == 0, spot{who(s), "email", kind, "", 0}, cells)
}

func (w *world) blankEmail(s step) {
	w.write(s.How, false, spot{who(s), "email", "BUSN", "", 0}, map[string]string{"email": ""})
}

func (w *world) dropEmail(s step) {
	if l, ok := w.truth[spot{who(s), "email", "BUSN", "", 0}]; ok {
		w.erase(s.How, l.spot, s.C%2 == 0)
	}
}

// rotate hands the addresses of n people around.
func (w *world) rotate(s step, n int) {
	var at []spot
	var held []string
	for i := range n {
		sp := spot{who(step{A: s.A + i*(1+s.B%2)}), "email", "BUSN", "", 0}
		at, held = append(at, sp), append(held, w.truth[sp].cells["email"])
	}
	for i, sp := range at {
		if a := held[(i+1)%n]; a != "" {
			w.write(s.How, false, sp, map[string]string{"email": a})
		}
	}
}

func (w *world) title(s step) {
	id := who(s)
	if rows := w.truth.rows(id, "job"); len(rows) > 0 {
		title := w.value(id)
		if s.C%4 == 0 {
			title = ""
		}
		w.write(s.How, false, spot{id, "assignment", rows[s.B%len(rows)], "", 0}, map[string]string{"title": title})
	}
}

// text is reference data: the text of a department or a job code appears, changes or ends.
func (w *world) text(s step) {
	key := []string{"dept/SHARE/D0", "dept/SHARE/D1", "jobcode/SHARE/J0"}[s.A%3]
	w.values++
	w.write(s.How, false, spot{key, "reference", "", w.day(s.C % 3), 0}, map[string]string{"text": fmt.Sprintf("Text %d", w.values), "eff_status": []string{"A", "A", "I"}[s.B%3]})
}

func (w *world) vendor(s step) {
	key := whichVendor(s)
	w.write(s.How, false, spot{key, "vendor", "", "", 0}, map[string]string{"name": fmt.Sprintf("Vendor %d", s.B%7), "short_name": []string{"", fmt.Sprintf("V-%s", key)}[s.C%2],
		"status": "A", "class": "R", "persistence": "R"})
}

// rename also takes names that others have, had, or that stand in the desk.
func (w *world) rename(s step) {
	if l, ok := w.truth[spot{whichVendor(s), "vendor", "", "", 0}]; ok {
		w.write(s.How, s.C%2 == 0, l.spot, map[string]string{"name": []string{fmt.Sprintf("Vendor %d", s.B%7), fmt.Sprintf("VENDOR %d", s.B%7), "Seeded Org", fmt.Sprintf("New %d", s.C)}[s.C%4]})
	}
}

func (w *world) vendorStatus(s step) {
	if l, ok := w.truth[spot{whichVendor(s), "vendor", "", "", 0}]; ok {
		w.write(s.How, s.C%2 == 0, l.spot, map[string]string{"status": []string{"I", "A", "X", "D", "E", "U", "?"}[s.C%7]})
	}
}

func (w *world) vendorScope(s step) {
	if l, ok := w.truth[spot{whichVendor(s), "vendor", "", "", 0}]; ok {
		w.write(s.How, s.C%2 == 0, l.spot, map[string]string{"class": []string{"R", "E", "A"}[s.B%3], "persistence": []string{"R", "O", "P"}[s.C%3]})
	}
}

func (w *world) fault(s step) {
	faults := []sim.Fault{
		{Path: "/api/*", Status: 503},
		{Path: "/api/*", Status: 500, Method: "POST"},
		{Path: "/api/*", Status: 429, Header: map[string]string{"Retry-After": "7"}},
		{Method: "POST", Drop: "after"},
		{Method: "PUT", Drop: "after"},
		{Method: "POST", Drop: "before"},
		{Method: "PUT", Path: "/api/*", Status: 502, AfterEffect: true},
		{Method: "POST", Path: "/api/*", Status: 504, AfterEffect: true},
		{Path: "/api/*", HTML: true},
		{Path: "/api/*", Truncate: 20},
		{Path: "/api/*", Status: 401},
		{Path: "/api/*", Job: &sim.JobFault{Status: "failed", Applied: s.B % 3}},
		{Path: "/api/*", Job: &sim.JobFault{Status: "killed", Applied: s.B % 3}},
		{Path: "/api/*", Job: &sim.JobFault{Drop: 1, Shuffle: true}},
	}
	f := faults[s.C%len(faults)]
	f.Times, f.After = 1+s.A%3, s.B%4
	w.account.Fault(f)
	w.judge.blurAll()
}

func (w *world) restart(s step) {
	p := w.transformer
	if s.C%2 == 0 {
		p = w.writer
	}
	p.ignite(0)
	if s.B%2 == 0 {
		return
	}
	p.ignite(-1) // told to stop, it ends what it began
	if err := p.stop(); err != nil {
		panic(err)
	}
	p.bury()
}

func (w *world) crash(s step) {
	p := w.transformer
	if s.B%2 == 0 {
		p = w.writer
	}
	p.ignite(s.C)
	w.blurAll()
}
