package peoplesoft

import (
	"slices"
	"strings"
)

// Truth is what a correct reader must conclude from the company on one day.
type Truth struct {
	Day       string          `json:"day"`
	Employees []EmployeeTruth `json:"employees"` // by EMPLID
	Vendors   []VendorTruth   `json:"vendors"`   // by VENDOR_ID, then SETID
}

// EmployeeTruth is the truth about one person, with blanks trimmed and the source's spelling kept.
// A person without any JOB row (a withdrawn hire) is listed with Started and Active false.
type EmployeeTruth struct {
	EmplID     string   `json:"emplid"`
	Name       string   `json:"name"`
	Email      string   `json:"email"` // empty: missing
	Phone      string   `json:"phone"`
	DeptID     string   `json:"deptid"`
	Department string   `json:"department"` // DESCR, or DEPTID where there is none
	Title      string   `json:"title"`
	Rcd        int      `json:"empl_rcd"`              // the job that department and title come from
	PerOrg     []string `json:"per_org"`               // of the jobs that have begun
	InScope    bool     `json:"in_scope"`              // has begun a job as EMP or CWR, the default scope
	Active     bool     `json:"active"`                // any such job is active
	Started    bool     `json:"started"`               // any job has begun
	NextChange string   `json:"next_change,omitempty"` // first EFFDT after the day
}

// VendorTruth is the truth about one vendor. InScope is the suggested filter: class R, persistence R or P.
type VendorTruth struct {
	SetID    string `json:"setid"`
	VendorID string `json:"vendor_id"`
	Name     string `json:"name"` // NAME1, empty: missing
	Email    string `json:"email"`
	Status   string `json:"status"`
	State    string `json:"state"` // active, inactive or held (peoplesoft.md 2.8)
	InScope  bool   `json:"in_scope"`
}

// Truth tells what a correct reader must conclude on a day (CCYY-MM-DD; empty: today) from the rows committed
// by now. It follows peoplesoft.md 2.8 and 2.9 by its own logic and does not use the query's.
func (s *Sim) Truth(day string) Truth {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if day == "" {
		day = s.today()
	}
	now, t := s.now(), Truth{Day: day}
	for _, head := range s.people {
		if p := head.seen(now); p != nil {
			t.Employees = append(t.Employees, s.truthOf(p, day))
		}
	}
	for _, head := range s.vendors {
		if v := head.seen(now); v != nil {
			t.Vendors = append(t.Vendors, v.truth())
		}
	}
	return t
}

// Employee finds the truth about one person; ok is false for an unknown EMPLID.
func (t Truth) Employee(emplID string) (e EmployeeTruth, ok bool) {
	i := slices.IndexFunc(t.Employees, func(e EmployeeTruth) bool { return e.EmplID == emplID })
	if i < 0 {
		return e, false
	}
	return t.Employees[i], true
}

// Vendor finds the truth about one vendor; ok is false for an unknown key.
func (t Truth) Vendor(setID, id string) (v VendorTruth, ok bool) {
	i := slices.IndexFunc(t.Vendors, func(v VendorTruth) bool { return v.SetID == setID && v.VendorID == id })
	if i < 0 {
		return v, false
	}
	return t.Vendors[i], true
}

func (s *Sim) truthOf(p *person, day string) EmployeeTruth {
	e := EmployeeTruth{EmplID: p.id, Name: strings.TrimSpace(p.display), Email: strings.TrimSpace(p.email), Phone: strings.TrimSpace(p.phone)}
	current := map[int]job{} // per EMPL_RCD the greatest (EFFDT, EFFSEQ) not after day
	for _, j := range p.jobs {
		if j.effdt > day {
			if e.NextChange == "" || j.effdt < e.NextChange {
				e.NextChange = j.effdt
			}
			continue
		}
		if old, ok := current[j.rcd]; !ok || j.effdt > old.effdt || (j.effdt == old.effdt && j.seq > old.seq) {
			current[j.rcd] = j
		}
	}
	var counted []job
	for _, j := range current {
		e.Started = true
		if !slices.Contains(e.PerOrg, j.perOrg) {
			e.PerOrg = append(e.PerOrg, j.perOrg)
		}
		if j.perOrg == "EMP" || j.perOrg == "CWR" {
			e.InScope = true
			e.Active = e.Active || j.hrStatus == "A"
			counted = append(counted, j)
		}
	}
	slices.Sort(e.PerOrg)
	if len(counted) > 0 {
		main := slices.MinFunc(counted, moreTelling)
		e.Rcd, e.DeptID, e.Title = main.rcd, main.dept, orText(strings.TrimSpace(s.setup.title(&main)), main.jobCode)
		e.Department = orText(strings.TrimSpace(s.setup.depts[main.dept]), main.dept)
	}
	return e
}

// moreTelling orders jobs by who decides department and title: active primary, active with the lowest
// EMPL_RCD, else the most recent (peoplesoft.md 2.9).
func moreTelling(a, b job) int {
	if a.active() != b.active() {
		return yesFirst(a.active())
	}
	if a.active() {
		if (a.indicator == "P") != (b.indicator == "P") {
			return yesFirst(a.indicator == "P")
		}
		return a.rcd - b.rcd
	}
	if a.effdt != b.effdt {
		return strings.Compare(b.effdt, a.effdt)
	}
	return a.rcd - b.rcd
}

func yesFirst(yes bool) int {
	if yes {
		return -1
	}
	return 1
}

func (v *vendor) truth() VendorTruth {
	t := VendorTruth{SetID: v.setID, VendorID: v.id, Name: strings.TrimSpace(v.name), Email: strings.TrimSpace(v.email), Status: v.status, State: "inactive"}
	switch v.status {
	case "A":
		t.State = "active"
	case "E":
		t.State = "held"
	}
	t.InScope = v.class == "R" && (v.persistence == "R" || v.persistence == "P")
	return t
}
