package peoplesoft

import (
	"slices"
	"strings"
	"time"
)

// result is what a query found, before it is written in a format.
type result struct {
	hits  []hit
	total int // rows of the whole result; only counted when the quirk asks for it
}

// security narrows what the query's user may see; the faults of failures.md P06 and P16 set it.
type security struct {
	none   bool
	half   bool
	dept   string // DEPTID for employees, SETID for vendors
	age    time.Duration
	offset time.Duration // of the database's clock (failures.md K04)
}

// collector takes rows up to a limit, and counts on only when it has to.
type collector struct {
	result
	limit int
	count bool
}

func (c *collector) take(h hit) {
	c.total++
	if c.limit == 0 || len(c.hits) < c.limit {
		c.hits = append(c.hits, h)
	}
}

func (c *collector) full() bool { return c.limit > 0 && len(c.hits) == c.limit && !c.count }

// employees runs the employee query. It holds the read lock; versions and setup never change, so the hits
// stay valid after it.
func (s *Sim) employees(a ask, sec security) result {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := collector{limit: s.limit(a.max), count: s.quirks.TotalNumRows}
	now, today := s.now().Add(-sec.age), s.today()
	for _, head := range s.people[s.firstPerson(a):] {
		if c.full() || sec.none || (a.key != "" && head.id != a.key) {
			break
		}
		p := head.seen(now)
		if p == nil || (sec.half && mix(p.id)%2 == 0) || (a.from != nil && p.newest.add(sec.offset) < *a.from) {
			continue
		}
		for i := range p.jobs {
			j := &p.jobs[i]
			if s.shows(p, i, today) && inWindow(p.rowStamp(j).add(sec.offset), a) && becomes(j, a) && (sec.dept == "" || j.dept == sec.dept) {
				c.take(hit{p: p, j: j, setup: s.setup})
			}
		}
	}
	return c.result
}

func (s *Sim) firstPerson(a ask) int {
	i, exact := slices.BinarySearchFunc(s.people, max(a.after, a.key), func(p *person, id string) int { return strings.Compare(p.id, id) })
	if exact && a.after >= a.key {
		i++ // EMPLID > LAST_EMPLID
	}
	return i
}

// shows applies the effective-date criteria of the query to the i-th row of a person. In Current mode a row
// is shown if it has begun and the next row of the same EMPL_RCD has not.
func (s *Sim) shows(p *person, i int, today string) bool {
	if s.rows == All {
		return true
	}
	if p.jobs[i].effdt > today {
		return false
	}
	if s.rows == History || i+1 == len(p.jobs) {
		return true
	}
	next := &p.jobs[i+1]
	return next.rcd != p.jobs[i].rcd || next.effdt > today
}

// inWindow is FROM_DTTM <= LASTUPDDTTM <= TO_DTTM.
func inWindow(w wall, a ask) bool {
	return (a.from == nil || w >= *a.from) && (a.to == nil || w <= *a.to)
}

// becomes is EFFDT_FROM <= EFFDT <= EFFDT_TO.
func becomes(j *job, a ask) bool {
	return (a.effFrom == "" || j.effdt >= a.effFrom) && (a.effTo == "" || j.effdt <= a.effTo)
}

// suppliers runs the vendor query.
func (s *Sim) suppliers(a ask, sec security) result {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := collector{limit: s.limit(a.max), count: s.quirks.TotalNumRows}
	now := s.now().Add(-sec.age)
	from, _ := slices.BinarySearchFunc(s.vendors, max(a.after, a.key), func(v *vendor, id string) int { return strings.Compare(v.id, id) })
	for _, head := range s.vendors[from:] {
		if c.full() || sec.none || (a.key != "" && head.id > a.key) {
			break
		}
		v := head.seen(now)
		if v == nil || (a.after != "" && v.id <= a.after) || (a.key != "" && v.id != a.key) || (a.setID != "" && v.setID != a.setID) {
			continue
		}
		if inWindow(v.stamp.add(sec.offset), a) && !(sec.half && mix(v.key())%2 == 0) && (sec.dept == "" || v.setID == sec.dept) {
			c.take(hit{v: v, setup: s.setup})
		}
	}
	return c.result
}

// limit combines maxrows and the server's own cap; 0 is no limit.
func (s *Sim) limit(asked int) int {
	if s.opt.Cap > 0 && (asked == 0 || asked > s.opt.Cap) {
		return s.opt.Cap
	}
	return asked
}
