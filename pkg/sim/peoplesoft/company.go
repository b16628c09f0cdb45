package peoplesoft

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// job is one row of JOB: key EMPLID, EMPL_RCD, EFFDT, EFFSEQ (peoplesoft.md 2.7).
type job struct {
	rcd, seq                         int
	effdt                            string // CCYY-MM-DD, compares as text
	dept, jobCode, position          string
	perOrg, hrStatus, emplStatus     string
	action, indicator, location      string
	supervisor                       string
	hireDt, lastHireDt, terminatedDt string
	stamp                            wall
}

func (j *job) active() bool { return j.hrStatus == "A" }

func byKey(a, b job) int {
	return cmp.Or(cmp.Compare(a.rcd, b.rcd), cmp.Compare(a.effdt, b.effdt), cmp.Compare(a.seq, b.seq))
}

// person is one version of a person with all JOB rows. A version never changes once committed: an event makes
// a new one and links the old, so that yesterday's snapshot and late commits can be shown.
type person struct {
	id                   string
	first, last, display string
	named                string    // EFFDT of the name
	older                []nameRow // names before it, oldest first
	email, phone         string
	stamp                wall  // LAST_CHILD_UPDDTTM: name, email, phone
	newest               wall  // newest stamp of the person or any row
	jobs                 []job // sorted by byKey

	visible time.Time // from when on readers see this version
	prev    *person
}

// rowStamp is LASTUPDDTTM as the query shows it: the later of the JOB row's and the person's.
func (p *person) rowStamp(j *job) wall { return max(p.stamp, j.stamp) }

// settle restores the order of the rows and the newest stamp after a change.
func (p *person) settle() {
	slices.SortFunc(p.jobs, byKey)
	p.newest = p.stamp
	for i := range p.jobs {
		p.newest = max(p.newest, p.jobs[i].stamp)
	}
}

// vendor is one version of a VENDOR row with its primary address (peoplesoft.md 2.11). It has no EFFDT.
type vendor struct {
	setID, id, name, short     string
	status, class, persistence string
	email, phone               string
	city, country              string
	stamp                      wall

	visible time.Time
	prev    *vendor
}

func (v *vendor) key() string { return v.setID + "/" + v.id }

// seen gives the version a reader sees at a time, or nil.
func (p *person) seen(at time.Time) *person {
	for p != nil && p.visible.After(at) {
		p = p.prev
	}
	return p
}

func (v *vendor) seen(at time.Time) *vendor {
	for v != nil && v.visible.After(at) {
		v = v.prev
	}
	return v
}

// setup is the reference data. It is replaced as a whole when something changes, so readers need no lock.
type setup struct {
	setID     string
	depts     map[string]string // DEPTID -> DESCR (may be blank)
	jobs      map[string]string // JOBCODE -> DESCR
	positions map[string]string // POSITION_NBR -> DESCR
	deptIDs   []string
	jobCodes  []string
	company   string
}

// title is what the query shows as JOB_TITLE: the position's text, else the job code's (peoplesoft.md 2.7).
func (u *setup) title(j *job) string {
	return cmp.Or(u.positions[j.position], u.jobs[j.jobCode])
}

func (u *setup) clone() *setup {
	c := *u
	c.depts, c.jobs, c.positions = maps.Clone(u.depts), maps.Clone(u.jobs), maps.Clone(u.positions)
	c.deptIDs, c.jobCodes = slices.Clone(u.deptIDs), slices.Clone(u.jobCodes)
	return &c
}
