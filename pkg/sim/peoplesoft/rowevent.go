package peoplesoft

import (
	"fmt"
	"slices"
)

// addJob gives a person a concurrent job under the next EMPL_RCD from Date on.
func (s *Sim) addJob(e Event) (Effect, error) {
	if err := s.checkDept(e.Dept); err != nil {
		return Effect{}, err
	}
	rcd := 0
	err := s.edit(e, func(p *person) error {
		if all := p.records(); len(all) > 0 {
			rcd = all[len(all)-1] + 1
		}
		j := s.maker.hire(p, rcd, orText(e.PerOrg, "EMP"), e.Date)
		j.action, j.indicator, j.stamp = "ADL", "S", s.stamp()
		s.place(j, e)
		return nil
	})
	return one(e.EmplID, "%s: job %d added from %s", e.EmplID, rcd, e.Date), err
}

// endJob ends one job from Date on; the others go on.
func (s *Sim) endJob(e Event) (Effect, error) {
	if e.Rcd == nil {
		return Effect{}, fmt.Errorf("employee %s: empl_rcd: required", e.EmplID)
	}
	effect, err := s.terminate(e)
	effect.Text = fmt.Sprintf("%s: job %d ended from %s", e.EmplID, *e.Rcd, e.Date)
	return effect, err
}

// moveDate moves the rows of Date to another day (failures.md K08).
func (s *Sim) moveDate(e Event) (Effect, error) {
	if e.To == "" {
		return Effect{}, fmt.Errorf("employee %s: to: required", e.EmplID)
	}
	err := s.edit(e, func(p *person) error {
		rcds, moved := wanted(p, e), 0
		var rows []job
		p.jobs = slices.DeleteFunc(p.jobs, func(j job) bool {
			if j.effdt != e.Date || !slices.Contains(rcds, j.rcd) {
				return false
			}
			rows = append(rows, j)
			return true
		})
		for _, row := range rows {
			j := p.addRow(row.rcd, e.To)
			seq := j.seq
			*j = row
			j.effdt, j.seq, j.stamp = e.To, seq, s.stamp()
			j.follow(e.Date)
			moved++
		}
		if moved == 0 {
			return fmt.Errorf("no row begins on %s", e.Date)
		}
		return nil
	})
	return one(e.EmplID, "%s: rows of %s moved to %s", e.EmplID, e.Date, e.To), err
}

// follow moves the dates that repeat the row's first day.
func (j *job) follow(old string) {
	if j.terminatedDt == shiftDay(old, -1) {
		j.terminatedDt = shiftDay(j.effdt, -1)
	}
	if j.lastHireDt == old {
		j.lastHireDt = j.effdt
	}
	if j.hireDt == old {
		j.hireDt = j.effdt
	}
}

// withdraw takes back the rows entered for a future Date. The person's own stamp moves, so that a reader by
// date range meets the person again.
func (s *Sim) withdraw(e Event) (Effect, error) {
	err := s.edit(e, func(p *person) error {
		if e.Date <= s.today() {
			return fmt.Errorf("%s is not in the future", e.Date)
		}
		p.stamp = s.stamp()
		return p.drop(func(j job) bool { return j.effdt == e.Date && (e.Rcd == nil || j.rcd == *e.Rcd) }, e.Date)
	})
	return one(e.EmplID, "%s: rows of %s withdrawn", e.EmplID, e.Date), err
}

// deleteRow removes one JOB row in correction mode. Nothing is stamped: a deleted row is invisible to a
// reader by date range, only a full read shows the new state (peoplesoft.md 3.3).
func (s *Sim) deleteRow(e Event) (Effect, error) {
	err := s.edit(e, func(p *person) error {
		rcd := first(p, e)
		return p.drop(func(j job) bool { return j.rcd == rcd && j.effdt == e.Date && j.seq == e.Seq }, e.Date)
	})
	effect := one(e.EmplID, "%s: row %s/%d deleted without a stamp", e.EmplID, e.Date, e.Seq)
	effect.Silent = true
	return effect, err
}

func (p *person) drop(match func(job) bool, day string) error {
	before := len(p.jobs)
	if p.jobs = slices.DeleteFunc(p.jobs, match); len(p.jobs) == before {
		return fmt.Errorf("no such row on %s", day)
	}
	return nil
}
