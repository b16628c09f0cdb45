package peoplesoft

import "fmt"

// addRow appends the JOB row that an entry on day would start from: a copy of the row in force on that day (the
// first row if none is yet), with the next free EFFSEQ. The caller changes it, then settles the person.
func (p *person) addRow(rcd int, day string) *job {
	base, seq := -1, 0
	for i := range p.jobs {
		j := &p.jobs[i]
		if j.rcd != rcd {
			continue
		}
		if j.effdt == day {
			seq = max(seq, j.seq+1)
		}
		if base < 0 || (j.effdt <= day && byKey(p.jobs[base], *j) < 0) || (p.jobs[base].effdt > day && byKey(*j, p.jobs[base]) < 0) {
			base = i
		}
	}
	var row job
	if base >= 0 {
		row = p.jobs[base]
	}
	row.rcd, row.effdt, row.seq = rcd, day, seq
	p.jobs = append(p.jobs, row)
	return &p.jobs[len(p.jobs)-1]
}

// end makes the row a termination: its EFFDT is the first day not employed (peoplesoft.md 2.8).
func (j *job) end(status string) {
	j.hrStatus, j.emplStatus, j.action, j.terminatedDt = "I", orText(status, "T"), "TER", shiftDay(j.effdt, -1)
	if status == "R" || status == "Q" {
		j.action = "RET"
	}
}

// rehire makes the row a rehire: HIRE_DT stays, LAST_HIRE_DT moves (peoplesoft.md 2.8).
func (j *job) rehire() {
	j.hrStatus, j.emplStatus, j.action, j.terminatedDt, j.lastHireDt = "A", "A", "REH", "", j.effdt
}

func (u *setup) deptPosition(dept, code int) string { return fmt.Sprintf("%08d", 10001+100*dept+code) }

// inForce gives the row of one EMPL_RCD in force on a day, or nil.
func (p *person) inForce(rcd int, day string) *job {
	var found *job
	for i := range p.jobs { // sorted by EFFDT and EFFSEQ: the last one that has begun
		if j := &p.jobs[i]; j.rcd == rcd && j.effdt <= day {
			found = j
		}
	}
	return found
}

// records lists the EMPL_RCD numbers of a person in ascending order.
func (p *person) records() []int {
	var all []int
	for i := range p.jobs {
		if len(all) == 0 || all[len(all)-1] != p.jobs[i].rcd {
			all = append(all, p.jobs[i].rcd)
		}
	}
	return all
}
