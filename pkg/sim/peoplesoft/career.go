package peoplesoft

import (
	"slices"
	"time"
)

// career gives a person JOB rows: a hire, some past changes, and the case of i.
func (m *maker) career(p *person, i int) {
	perOrg := "EMP"
	switch i % 100 {
	case 5, 15, 25, 35:
		perOrg = "CWR"
	case 45:
		perOrg = "POI"
	}
	if i%100 == 31 || i%100 == 81 { // hired, but starts later
		m.hire(p, 0, perOrg, shiftDay(m.today, 3+m.rnd.IntN(40)))
		return
	}
	m.hire(p, 0, perOrg, m.day(900, 4000))
	for range m.rnd.IntN(4) {
		m.change(p, 0, m.day(200, 800))
	}
	if i >= 3 {
		for k := range p.jobs {
			p.jobs[k].supervisor = employeeID(m.rnd.IntN(i))
		}
	}
	m.special(p, i)
	m.stampRows(p)
}

// special adds what makes the case of i special.
func (m *maker) special(p *person, i int) {
	leavers := map[int]string{7: "T", 17: "R", 27: "T", 37: "Q", 47: "U", 57: "V", 67: "X", 77: "T", 87: "D"}
	absent := map[int]string{11: "L", 12: "P", 13: "S", 14: "W"}
	switch c := i % 100; {
	case leavers[c] != "":
		m.leave(p, 0, m.day(5, 150), leavers[c])
	case absent[c] != "":
		j := m.change(p, 0, m.day(5, 150))
		j.emplStatus, j.action = absent[c], "LOA"
	case c == 9: // left and came back
		m.leave(p, 0, m.day(100, 150), "T")
		m.comeBack(p, 0, m.day(5, 90))
	case c >= 21 && c <= 26:
		m.secondJob(p, c)
	case c == 32:
		m.leave(p, 0, shiftDay(m.today, 2+m.rnd.IntN(30)), "T")
	case c == 33:
		m.change(p, 0, shiftDay(m.today, 2+m.rnd.IntN(30)))
	case c == 34: // left, comes back later
		m.leave(p, 0, m.day(20, 60), "T")
		m.comeBack(p, 0, shiftDay(m.today, 2+m.rnd.IntN(30)))
	case c == 41: // three rows on one day: the last counts
		day := m.day(10, 100)
		m.change(p, 0, day)
		m.change(p, 0, day)
		m.change(p, 0, day)
	}
}

// secondJob adds concurrent jobs: which one is primary, and whether one has ended, differs by case.
func (m *maker) secondJob(p *person, c int) {
	m.hire(p, 1, p.jobs[0].perOrg, m.day(300, 800))
	set := func(zero, one string) {
		for k := range p.jobs {
			p.jobs[k].indicator = []string{zero, one}[p.jobs[k].rcd]
		}
	}
	switch c {
	case 21:
		set("P", "S")
	case 22:
		set("S", "P")
	case 23: // nobody maintains JOB_INDICATOR here (peoplesoft.md 2.9)
		set("N", "N")
	case 24: // the first job ended, the second goes on
		set("P", "S")
		m.leave(p, 0, m.day(5, 100), "T")
	case 25: // both ended
		set("P", "S")
		m.leave(p, 0, m.day(50, 100), "T")
		m.leave(p, 1, m.day(5, 40), "T")
	case 26:
		m.hire(p, 2, "CWR", m.day(100, 250))
	}
}

func (m *maker) hire(p *person, rcd int, perOrg, day string) *job {
	d, c := m.rnd.IntN(len(m.setup.deptIDs)), m.rnd.IntN(len(m.setup.jobCodes))
	p.jobs = append(p.jobs, job{
		rcd: rcd, effdt: day, dept: m.setup.deptIDs[d], jobCode: m.setup.jobCodes[c], perOrg: perOrg, hrStatus: "A", emplStatus: "A",
		action: "HIR", indicator: "P", location: "KC" + string(rune('A'+d%6)), hireDt: day, lastHireDt: day,
		stamp: m.ago(time.Hour, 600*24*time.Hour),
	})
	j := &p.jobs[len(p.jobs)-1]
	if perOrg != "EMP" {
		j.action = "ADD"
	}
	if m.rnd.IntN(3) > 0 {
		j.position = m.setup.deptPosition(d, c)
	}
	return j
}

// change appends a copy of the row before day with another department and job code.
func (m *maker) change(p *person, rcd int, day string) *job {
	j := p.addRow(rcd, day)
	d, c := m.rnd.IntN(len(m.setup.deptIDs)), m.rnd.IntN(len(m.setup.jobCodes))
	j.dept, j.jobCode, j.position, j.action = m.setup.deptIDs[d], m.setup.jobCodes[c], "", "XFR"
	if m.rnd.IntN(2) == 0 {
		j.position = m.setup.deptPosition(d, c)
	}
	j.stamp = m.ago(time.Hour, 600*24*time.Hour)
	return j
}

func (m *maker) leave(p *person, rcd int, day, status string) {
	j := p.addRow(rcd, day)
	j.end(status)
	j.stamp = m.ago(time.Hour, 90*24*time.Hour)
}

func (m *maker) comeBack(p *person, rcd int, day string) {
	j := p.addRow(rcd, day)
	j.rehire()
	j.stamp = m.ago(time.Hour, 5*24*time.Hour)
}

// stampRows lets old rows carry old stamps: a row is entered about the day it starts, unless it lies ahead.
func (m *maker) stampRows(p *person) {
	for k := range p.jobs {
		if start, err := parseWall(p.jobs[k].effdt, time.UTC); err == nil && p.jobs[k].effdt < shiftDay(m.today, -800) {
			p.jobs[k].stamp = start.add(9 * time.Hour)
		}
	}
	slices.SortFunc(p.jobs, byKey)
}
