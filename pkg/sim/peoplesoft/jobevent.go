package peoplesoft

import (
	"errors"
	"fmt"
	"slices"
)

// terminate ends every active job (or the one in Rcd) from Date on: the first day not employed. Rows entered
// for later days of those jobs are withdrawn, as HR does.
func (s *Sim) terminate(e Event) (Effect, error) {
	if m, known := emplStatus()[orText(e.Status, "T")]; !known || m.employed {
		return Effect{}, fmt.Errorf("status %q: not the status of a leaver", e.Status)
	}
	err := s.edit(e, func(p *person) error {
		ended := 0
		for _, rcd := range wanted(p, e) {
			if now := p.inForce(rcd, e.Date); now == nil || !now.active() {
				continue
			}
			p.jobs = slices.DeleteFunc(p.jobs, func(j job) bool { return j.rcd == rcd && j.effdt > e.Date })
			j := p.addRow(rcd, e.Date)
			j.end(e.Status)
			j.stamp = s.stamp()
			slices.SortFunc(p.jobs, byKey)
			ended++
		}
		if ended == 0 {
			return fmt.Errorf("no job is active on %s", e.Date)
		}
		return nil
	})
	return one(e.EmplID, "%s terminated from %s", e.EmplID, e.Date), err
}

// rehire makes the lowest (or given) job active again from Date on.
func (s *Sim) rehire(e Event) (Effect, error) {
	err := s.edit(e, func(p *person) error {
		rcds := wanted(p, e)
		if len(rcds) == 0 || p.inForce(rcds[0], e.Date) == nil {
			return fmt.Errorf("no job to come back to on %s", e.Date)
		}
		for _, rcd := range rcds {
			if now := p.inForce(rcd, e.Date); now != nil && now.active() {
				return fmt.Errorf("job %d is active on %s", rcd, e.Date)
			}
		}
		j := p.addRow(rcds[0], e.Date)
		j.rehire()
		s.place(j, e)
		j.stamp = s.stamp()
		return nil
	})
	return one(e.EmplID, "%s rehired from %s", e.EmplID, e.Date), err
}

// status enters another EMPL_STATUS (peoplesoft.md 2.8) for one job, for example L for a leave.
func (s *Sim) status(e Event) (Effect, error) {
	return s.enter(e, "EMPL_STATUS "+e.Status, func(j *job) error {
		long, known := emplStatus()[e.Status]
		if !known {
			return fmt.Errorf("status %q: unknown", e.Status)
		}
		j.emplStatus, j.hrStatus, j.action, j.terminatedDt = e.Status, "A", "DTA", ""
		if !long.employed {
			j.end(e.Status)
		}
		return nil
	})
}

func (s *Sim) changeDepartment(e Event) (Effect, error) {
	return s.enter(e, "department "+e.Dept, func(j *job) error {
		j.action, j.dept, j.position = "XFR", e.Dept, ""
		if e.Dept == "" {
			return errors.New("dept: required")
		}
		return s.checkDept(e.Dept)
	})
}

func (s *Sim) changeTitle(e Event) (Effect, error) {
	if e.Title == "" {
		return Effect{}, errors.New("title: required")
	}
	return s.enter(e, "title "+e.Title, func(j *job) error {
		j.action = "JRC"
		s.place(j, Event{Title: e.Title})
		return nil
	})
}

// correctHistory inserts a row between two old ones: the rows in force later stay as they are (failures.md D12).
func (s *Sim) correctHistory(e Event) (Effect, error) {
	if err := s.checkDept(e.Dept); err != nil {
		return Effect{}, err
	}
	err := s.edit(e, func(p *person) error {
		rcd := first(p, e)
		now := p.inForce(rcd, s.today())
		if now == nil || e.Date >= now.effdt || p.inForce(rcd, e.Date) == nil {
			return fmt.Errorf("job %d: %s does not lie between two rows", rcd, e.Date)
		}
		j := p.addRow(rcd, e.Date)
		j.action = "DTA"
		s.place(j, e)
		j.stamp = s.stamp()
		return nil
	})
	return one(e.EmplID, "%s: history corrected on %s", e.EmplID, e.Date), err
}

// enter adds one row from Date on to one job, changed by the caller.
func (s *Sim) enter(e Event, what string, change func(*job) error) (Effect, error) {
	err := s.edit(e, func(p *person) error {
		rcd := first(p, e)
		if p.inForce(rcd, e.Date) == nil {
			return fmt.Errorf("job %d has not begun on %s", rcd, e.Date)
		}
		j := p.addRow(rcd, e.Date)
		j.stamp = s.stamp()
		return change(j)
	})
	return one(e.EmplID, "%s: %s from %s", e.EmplID, what, e.Date), err
}

// wanted lists the jobs an event is about: the given one, or all.
func wanted(p *person, e Event) []int {
	if e.Rcd != nil {
		return []int{*e.Rcd}
	}
	return p.records()
}

// first is the job an event is about: the given one, else the primary active one, the lowest active one, the lowest.
func first(p *person, e Event) int {
	if e.Rcd != nil {
		return *e.Rcd
	}
	lowest, found := 0, false
	for _, rcd := range slices.Backward(p.records()) {
		now := p.inForce(rcd, e.Date)
		if now != nil && now.active() && now.indicator == "P" {
			return rcd
		}
		if active := now != nil && now.active(); active || !found {
			lowest, found = rcd, found || active
		}
	}
	return lowest
}
