package peoplesoft

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// hire adds Count new people (default 1) who start on Date. Given fields win over drawn ones.
func (s *Sim) hire(e Event) (Effect, error) {
	if e.EmplID != "" && e.Count > 1 {
		return Effect{}, errors.New("emplid and count: want one of them")
	}
	if err := s.checkDept(e.Dept); err != nil {
		return Effect{}, err
	}
	if _, err := s.find(e.EmplID); err == nil {
		return Effect{}, fmt.Errorf("employee %s: exists", e.EmplID)
	}
	var effect Effect
	for range max(e.Count, 1) {
		p := s.newPerson(e)
		i, _ := slices.BinarySearchFunc(s.people, p.id, func(p *person, id string) int { return strings.Compare(p.id, id) })
		s.people = slices.Insert(s.people, i, p)
		effect.Keys = append(effect.Keys, p.id)
	}
	effect.Text = fmt.Sprintf("hired %d from %s: %s", len(effect.Keys), e.Date, strings.Join(effect.Keys[:min(len(effect.Keys), 5)], ", "))
	return effect, nil
}

func (s *Sim) newPerson(e Event) *person {
	id := cmp.Or(e.EmplID, s.nextID())
	p := s.maker.identity(id, int(mix(id)%1e9))
	p.email = cmp.Or(e.Email, strings.Replace(p.email, "@", ".new@", 1))
	p.first, p.last = cmp.Or(e.First, p.first), cmp.Or(e.Last, p.last)
	p.display, p.phone = p.first+" "+p.last, cmp.Or(e.Phone, p.phone)
	j := s.maker.hire(p, 0, cmp.Or(e.PerOrg, "EMP"), e.Date)
	s.place(j, e)
	j.stamp, p.stamp = s.stamp(), s.stamp()
	p.settle()
	p.visible = s.now().Add(s.lateness(e.LateSeconds))
	return p
}

// nextID is one above the greatest EMPLID made of seven digits.
func (s *Sim) nextID() string {
	for i := len(s.people) - 1; i >= 0; i-- {
		var n int
		if _, err := fmt.Sscanf(s.people[i].id, "%07d", &n); err == nil && fmt.Sprintf("%07d", n) == s.people[i].id {
			return fmt.Sprintf("%07d", n+1)
		}
	}
	return employeeID(0)
}

// place puts department and title of an event on a row.
func (s *Sim) place(j *job, e Event) {
	if e.Dept != "" {
		j.dept = e.Dept
	}
	if e.Title != "" {
		j.jobCode, j.position = s.jobCode(e.Title), ""
	}
}

func (s *Sim) checkDept(dept string) error {
	if _, known := s.setup.depts[dept]; dept != "" && !known {
		return fmt.Errorf("department %q: unknown", dept)
	}
	return nil
}

// jobCode finds the job code with a description, or adds one.
func (s *Sim) jobCode(title string) string {
	title = cut(title, 30)
	for _, code := range s.setup.jobCodes {
		if s.setup.jobs[code] == title {
			return code
		}
	}
	next := s.setup.clone()
	code := fmt.Sprintf("%06d", 900000+len(next.jobCodes))
	next.jobCodes, next.jobs[code] = append(next.jobCodes, code), title
	s.setup, s.maker.setup = next, next
	return code
}
