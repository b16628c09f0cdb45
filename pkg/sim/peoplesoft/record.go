package peoplesoft

import "maps"

// Record is one person with every JOB row, as the control API lists them.
type Record struct {
	EmplID string   `json:"emplid"`
	Name   string   `json:"name"`
	Email  string   `json:"email"`
	Stamp  string   `json:"lastupddttm"`
	Jobs   []JobRow `json:"jobs"`
}

// JobRow is one row of JOB, past, current or future.
type JobRow struct {
	Rcd        int    `json:"empl_rcd"`
	Effdt      string `json:"effdt"`
	Effseq     int    `json:"effseq"`
	DeptID     string `json:"deptid"`
	JobCode    string `json:"jobcode"`
	HRStatus   string `json:"hr_status"`
	EmplStatus string `json:"empl_status"`
	Action     string `json:"action"`
	PerOrg     string `json:"per_org"`
	Stamp      string `json:"lastupddttm"`
}

// Records lists at most limit people after an EMPLID with all their rows, whatever the query would show,
// uncommitted changes included.
func (s *Sim) Records(after string, limit int) []Record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := []Record{}
	for _, p := range s.people[s.firstPerson(ask{after: after}):] {
		if len(all) >= limit {
			break
		}
		r := Record{EmplID: p.id, Name: p.display, Email: p.email, Stamp: p.stamp.format(StampMicros, s.opt.Zone)}
		for _, j := range p.jobs {
			r.Jobs = append(r.Jobs, JobRow{
				Rcd: j.rcd, Effdt: j.effdt, Effseq: j.seq, DeptID: j.dept, JobCode: j.jobCode, HRStatus: j.hrStatus, EmplStatus: j.emplStatus,
				Action: j.action, PerOrg: j.perOrg, Stamp: j.stamp.format(StampMicros, s.opt.Zone),
			})
		}
		all = append(all, r)
	}
	return all
}

// Departments gives DEPTID and DESCR of every department; DESCR may be blank.
func (s *Sim) Departments() map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.setup.depts)
}
