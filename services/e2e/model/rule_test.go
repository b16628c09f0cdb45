package model

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// fate is what the desk shall do with an object.
type fate string

const (
	usable  fate = "usable"  // there, with access
	barred  fate = "barred"  // a leaver: without access, and not made for the sake of it
	kept    fate = "kept"    // a vendor that is none any more: stays, and is not made for the sake of it
	alone   fate = "alone"   // nothing may be concluded: left as it is
	unknown fate = "unknown" // of one job only: its status is a code that nobody told us
)

// ideal is what Zendesk must hold for a record.
type ideal struct {
	fate  fate
	name  string
	alt   string            // vendor: the name to fall back to when the first is taken
	email string            // "" leaves the address as it is
	cells map[string]string // managed custom fields
}

// person applies the rules of peoplesoft.md 2.7 to 2.9 to an employee.
func (t truth) person(id, day string) ideal {
	fate, main, started := t.employment(id, day, nil)
	return t.seen(id, day, fate, main, started)
}

// personAt is a person now, where the customer decided about lead and lag: somebody who is not employed is seen as on
// the first day within the lead on which they will be, and a leaver keeps access until the instant of the policy.
func (t truth) personAt(id string, now time.Time, r rules) ideal {
	day := func(n int) string { return now.In(r.zone).AddDate(0, 0, n).Format(time.DateOnly) }
	if f, _, _ := t.working(id, day(0)); f != usable {
		for n := 1; n <= r.lead; n++ {
			if f, _, _ := t.working(id, day(n)); f == usable {
				return t.person(id, day(n)) // with the texts of then
			}
		}
	}
	fate, main, started := t.employment(id, day(0), func(j line) bool {
		left := t.left(j, day(0))
		if left == "" {
			return false
		}
		at, _ := time.ParseInLocation(time.DateOnly, left, r.zone)
		y, m, d := at.AddDate(0, 0, r.lag).Date()
		return now.Before(time.Date(y, m, d, int(r.leave.Hours()), int(r.leave.Minutes())%60, 0, 0, r.zone))
	})
	return t.seen(id, day(0), fate, main, started)
}

// working is the employment of somebody as if they could not die, which says nothing about a job.
func (t truth) working(id, day string) (fate, line, bool) {
	alive := maps.Clone(t)
	delete(alive, spot{id, "person", "", "", 0})
	return alive.employment(id, day, nil)
}

// left is the day on which a job ended: of the first row that says so behind the last that says the opposite; of
// several rows of one day the last one counts. "" for somebody who never worked.
func (t truth) left(now line, day string) (left string) {
	worked := false
	rows := t.of(now.rec, "job")
	for i, l := range rows {
		same := i+1 < len(rows) && rows[i+1].row == l.row && rows[i+1].eff == l.eff
		if l.row != now.row || l.eff > day || same {
			continue
		}
		switch says(l) {
		case usable:
			worked, left = true, ""
		case barred:
			if worked && left == "" {
				left = l.eff
			}
		}
	}
	return left
}

func (t truth) seen(id, day string, fate fate, main line, started bool) ideal {
	w := ideal{fate: fate, email: t.email(id, day), cells: map[string]string{}}
	var named bool
	if w.name, named = t.name(id, day); !named && fate == usable {
		w.fate = alone // a job without a person
	}
	if started {
		work, _ := t.current(id, "assignment", main.row, day)
		if has(main, "dept_text", "dept") {
			w.cells["department"] = t.department(main, day)
		}
		if has(main, "job_text", "job_code") || has(work, "title") {
			w.cells["job_title"] = t.title(id, main, day)
		}
	}
	return w
}

// has tells whether the source ever spoke of one of the cells: a blank is said, an absent one is not, and leaves the
// desk's own alone (peoplesoft.md 2.3).
func has(l line, cells ...string) bool {
	return slices.ContainsFunc(cells, func(c string) bool { _, said := l.cells[c]; return said })
}

// job is one EMPL_RCD that is in effect.
type job struct {
	line
	says fate
}

// employment: any employed job makes a person active; only jobs that all say so make a leaver; the rest is left alone.
func (t truth) employment(id, day string, lingers func(line) bool) (fate, line, bool) {
	var jobs []job
	for _, rcd := range t.rows(id, "job") {
		now, ok := t.current(id, "job", rcd, day)
		if org := now.cells["per_org"]; !ok || org != "" && org != "EMP" && org != "CWR" {
			continue
		}
		j := job{now, says(now)}
		if j.says == unknown && t.lastKnown(now, day) == usable { // an unknown code does not deactivate
			j.says = usable
		}
		if j.says == barred && lingers != nil && lingers(now) {
			j.says = usable
		}
		jobs = append(jobs, j)
	}
	if len(jobs) == 0 {
		return alone, line{}, false
	}
	main := primary(jobs)
	has := func(f fate) bool { return slices.ContainsFunc(jobs, func(j job) bool { return j.says == f }) }
	switch {
	case t.dead(id):
		return barred, main.line, true
	case has(usable):
		return usable, main.line, true
	case has(unknown):
		return alone, main.line, true
	}
	return barred, main.line, true
}

func (t truth) dead(id string) bool {
	l, ok := t.current(id, "person", "", "9999")
	return ok && l.cells["deceased"] != ""
}

// says reads the status of a row: HR_STATUS where it is there, else EMPL_STATUS (peoplesoft.md 2.8). A leave that the
// customer counts as active is active either way with the default policy.
func says(l line) fate {
	switch l.cells["hr_status"] {
	case "A", "Active":
		return usable
	case "I", "Inactive":
		return barred
	}
	switch l.cells["empl_status"] {
	case "A", "L", "P", "S", "W", "Active", "Leave of Absence":
		return usable
	case "D", "Q", "R", "T", "U", "V", "X", "Terminated", "Retired":
		return barred
	}
	return unknown
}

// lastKnown is what the newest row before the current one says that says anything.
func (t truth) lastKnown(now line, day string) fate {
	last := unknown
	for _, l := range t.of(now.rec, "job") {
		before := l.eff < now.eff || l.eff == now.eff && l.seq < now.seq
		if l.row == now.row && l.eff <= day && before && says(l) != unknown {
			last = says(l)
		}
	}
	return last
}

// primary: active and marked P, else active with the lowest EMPL_RCD, else the most recent of the others.
func primary(jobs []job) job {
	for _, j := range jobs { // lowest EMPL_RCD first; ours have one digit
		if j.says == usable && j.cells["job_indicator"] == "P" {
			return j
		}
	}
	for _, j := range jobs {
		if j.says == usable {
			return j
		}
	}
	best := jobs[0]
	for _, j := range jobs {
		if j.eff > best.eff {
			best = j
		}
	}
	return best
}

// name: the preferred one where it is in effect, else the primary one.
func (t truth) name(id, day string) (string, bool) {
	for _, kind := range []string{"PRF", "PRI"} {
		l, ok := t.current(id, "name", kind, day)
		if ok && l.cells["eff_status"] != "I" && l.cells["display_name"] != "" {
			return l.cells["display_name"], true
		}
	}
	return "", false
}

// email: the business address, else the one marked as preferred; what stands for none, or is none, is none.
func (t truth) email(id, day string) string {
	good := func(l line) string {
		a := strings.ToLower(strings.TrimSpace(l.cells["email"]))
		if strings.HasPrefix(a, "noreply@") || !strings.Contains(a, "@") {
			return ""
		}
		return a
	}
	if l, ok := t.current(id, "email", "BUSN", day); ok && good(l) != "" {
		return good(l)
	}
	for _, kind := range t.rows(id, "email") {
		if l, ok := t.current(id, "email", kind, day); ok && l.cells["preferred"] == "Y" && good(l) != "" {
			return good(l)
		}
	}
	return ""
}

// department: the text in the row, else of the department table, else the code.
func (t truth) department(main line, day string) string {
	if s := main.cells["dept_text"]; s != "" {
		return s
	}
	return t.text("dept/"+main.cells["dept_set"]+"/"+main.cells["dept"], day, main.cells["dept"])
}

// title: the working title of the assignment, else the text in the row, else of the job code table, else the code.
func (t truth) title(id string, main line, day string) string {
	if a, ok := t.current(id, "assignment", main.row, day); ok && a.cells["title"] != "" {
		return a.cells["title"]
	}
	if s := main.cells["job_text"]; s != "" {
		return s
	}
	return t.text("jobcode/"+main.cells["job_code_set"]+"/"+main.cells["job_code"], day, main.cells["job_code"])
}

// text is a text of reference data in effect, else the code.
func (t truth) text(key, day, code string) string {
	if l, ok := t.current(key, "reference", "", day); ok && l.cells["eff_status"] != "I" && l.cells["text"] != "" {
		return l.cells["text"]
	}
	return code
}

// vendor applies the rules of peoplesoft.md 2.8 and 2.11.
func (t truth) vendor(key, day string) ideal {
	l, ok := t.current(key, "vendor", "", day)
	_, id, _ := strings.Cut(key, "/")
	w := ideal{fate: alone, name: l.cells["name"], cells: map[string]string{"status": l.cells["status"]}}
	if w.alt = w.name + " (" + l.cells["short_name"] + ")"; l.cells["short_name"] == "" {
		w.alt = w.name + " (" + id + ")"
	}
	class, lasts := l.cells["class"], l.cells["persistence"]
	if !ok || class != "" && class != "R" || lasts != "" && lasts != "R" && lasts != "P" {
		return w
	}
	switch l.cells["status"] {
	case "A":
		w.fate = usable
	case "I", "X", "D":
		w.fate = kept
	}
	return w
}

func (t truth) ideal(rec string, now time.Time, r rules) ideal {
	if strings.Contains(rec, "/") {
		return t.vendor(rec, now.In(r.zone).Format(time.DateOnly))
	}
	return t.personAt(rec, now, r)
}
