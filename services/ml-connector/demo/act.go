package demo

import (
	"fmt"
	"slices"
	"strings"

	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// act is one life event of the play.
type act struct {
	title string
	play  func(*stage) (pssim.Effect, error)
}

// stage is what the acts need: the company, and people who were not used yet.
type stage struct {
	company *Company
	used    map[string]bool
	hired   string
}

// acts is the play of the issue: hire, department change, missing email, termination, vendor renamed, vendor inactive.
func acts() []act {
	return []act{
		{"a new hire starts today", (*stage).hire},
		{"a department change", (*stage).move},
		{"an employee's email goes missing", (*stage).blank},
		{"a termination, effective today", (*stage).terminate},
		{"a vendor is renamed", (*stage).rename},
		{"a vendor goes inactive", (*stage).inactivate},
	}
}

func (s *stage) hire() (pssim.Effect, error) {
	ps := s.company.PS
	e, err := ps.Hire(pssim.NewHire{First: "Dana", Last: "O'Malvey", Email: "Dana.OMalvey@example.com", Title: "Senior Analyst"}, ps.Today())
	s.hired = e.Key()
	s.used[s.hired] = true
	return e, err
}

func (s *stage) move() (pssim.Effect, error) {
	who, err := s.employee()
	if err != nil {
		return pssim.Effect{}, err
	}
	var to string
	for id, name := range s.company.PS.Departments() {
		if id != who.DeptID && name != "" && (to == "" || id < to) {
			to = id
		}
	}
	return s.company.PS.ChangeDepartment(who.EmplID, to, s.company.PS.Today())
}

func (s *stage) blank() (pssim.Effect, error) {
	who, err := s.employee()
	if err != nil {
		return pssim.Effect{}, err
	}
	return s.company.PS.BlankEmail(who.EmplID)
}

func (s *stage) terminate() (pssim.Effect, error) {
	who, err := s.employee()
	if err != nil {
		return pssim.Effect{}, err
	}
	return s.company.PS.Terminate(who.EmplID, s.company.PS.Today())
}

func (s *stage) rename() (pssim.Effect, error) {
	v, err := s.vendor()
	if err != nil {
		return pssim.Effect{}, err
	}
	return s.company.PS.VendorRename(v.SetID, v.VendorID, v.Name+" International")
}

func (s *stage) inactivate() (pssim.Effect, error) {
	v, err := s.vendor()
	if err != nil {
		return pssim.Effect{}, err
	}
	return s.company.PS.VendorInactivate(v.SetID, v.VendorID)
}

// employee picks an active person in scope with an email and one job, whom no act used yet.
func (s *stage) employee() (pssim.EmployeeTruth, error) {
	all := s.company.PS.Truth("").Employees
	i := slices.IndexFunc(all, func(e pssim.EmployeeTruth) bool {
		return e.Active && e.InScope && e.NextChange == "" && len(e.PerOrg) == 1 && strings.Contains(e.Email, "@") && !s.used[e.EmplID]
	})
	if i < 0 {
		return pssim.EmployeeTruth{}, fmt.Errorf("the company has nobody left for this act")
	}
	s.used[all[i].EmplID] = true
	return all[i], nil
}

func (s *stage) vendor() (pssim.VendorTruth, error) {
	all := s.company.PS.Truth("").Vendors
	names := map[string]int{}
	for _, v := range all {
		names[v.Name]++
	}
	i := slices.IndexFunc(all, func(v pssim.VendorTruth) bool {
		return v.InScope && v.State == "active" && v.Name != "" && names[v.Name] == 1 && !s.used[v.SetID+"/"+v.VendorID]
	})
	if i < 0 {
		return pssim.VendorTruth{}, fmt.Errorf("the company has no vendor left for this act")
	}
	s.used[all[i].SetID+"/"+all[i].VendorID] = true
	return all[i], nil
}
