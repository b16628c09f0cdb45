package peoplesoft

import (
	"cmp"
	"errors"
	"fmt"
)

func (s *Sim) rename(e Event) (Effect, error) {
	if e.First == "" && e.Last == "" {
		return Effect{}, errors.New("first or last: required")
	}
	return s.personal(e, "renamed", func(p *person) {
		first, last := cmp.Or(e.First, p.first), cmp.Or(e.Last, p.last)
		p.called(first, last, first+" "+last, s.today())
	})
}

func (s *Sim) changeEmail(e Event) (Effect, error) {
	if e.Email == "" {
		return Effect{}, errors.New("email: required (or use blank-email)")
	}
	return s.personal(e, "email is now "+e.Email, func(p *person) { p.email = e.Email })
}

func (s *Sim) blankEmail(e Event) (Effect, error) {
	return s.personal(e, "email removed", func(p *person) { p.email = "" })
}

func (s *Sim) changePhone(e Event) (Effect, error) {
	return s.personal(e, "phone is now "+e.Phone, func(p *person) { p.phone = e.Phone })
}

// personal changes data that is not effective-dated and stamps the person.
func (s *Sim) personal(e Event, what string, change func(*person)) (Effect, error) {
	err := s.edit(e, func(p *person) error {
		change(p)
		p.stamp = s.stamp()
		return nil
	})
	return one(e.EmplID, "%s: %s", e.EmplID, what), err
}

// swapEmails exchanges the addresses of two people at one instant (failures.md D04).
func (s *Sim) swapEmails(e Event) (Effect, error) {
	a, errA := s.find(e.EmplID)
	b, errB := s.find(e.Other)
	if err := errors.Join(errA, errB); err != nil {
		return Effect{}, err
	}
	mailA, mailB := s.people[a].email, s.people[b].email
	_, errA = s.personal(e, "", func(p *person) { p.email = mailB })
	e.EmplID, e.Other = e.Other, e.EmplID
	_, errB = s.personal(e, "", func(p *person) { p.email = mailA })
	return Effect{Keys: []string{e.Other, e.EmplID}, Text: fmt.Sprintf("%s and %s swapped emails", e.Other, e.EmplID)}, errors.Join(errA, errB)
}

// touch stamps the first Count people (default all) with one and the same LASTUPDDTTM (failures.md P05).
func (s *Sim) touch(e Event) (Effect, error) {
	n := len(s.people)
	if e.Count > 0 {
		n = min(n, e.Count)
	}
	for _, p := range s.people[:n] {
		e.EmplID = p.id
		if _, err := s.personal(e, "", func(*person) {}); err != nil {
			return Effect{}, err
		}
	}
	return Effect{Text: fmt.Sprintf("%d people stamped", n)}, nil
}

// terminateMany ends the jobs of the first Count active people (failures.md P07).
func (s *Sim) terminateMany(e Event) (Effect, error) {
	var effect Effect
	for _, p := range s.people {
		if len(effect.Keys) == e.Count {
			break
		}
		e.EmplID = p.id
		if _, err := s.terminate(e); err == nil {
			effect.Keys = append(effect.Keys, p.id)
		}
	}
	if len(effect.Keys) == 0 {
		return effect, errors.New("count: nobody to terminate")
	}
	effect.Text = fmt.Sprintf("%d people terminated from %s", len(effect.Keys), e.Date)
	return effect, nil
}

// renameDepartment changes DESCR of a department. No JOB row is stamped by that: a reader by date range does
// not notice, a full read does.
func (s *Sim) renameDepartment(e Event) (Effect, error) {
	if _, known := s.setup.depts[e.Dept]; !known {
		return Effect{}, fmt.Errorf("department %q: unknown", e.Dept)
	}
	next := s.setup.clone()
	next.depts[e.Dept] = cut(e.Name, 30)
	s.setup, s.maker.setup = next, next
	return Effect{Keys: []string{e.Dept}, Text: fmt.Sprintf("department %s is now %q", e.Dept, e.Name), Silent: true}, nil
}
