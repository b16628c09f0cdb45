package transform

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// verdict is what one job says about whether its holder is employed.
type verdict int

const (
	unsure verdict = iota // the status is a code that nobody told us about
	in
	out
)

// job is one EMPL_RCD of a person.
type job struct {
	rcd     string
	rows    []row // by EFFDT and EFFSEQ
	now     row   // the current row; zero when started is false
	started bool
	counted bool // its PER_ORG is in the tenant's scope
	verdict verdict
}

// jobs are the person's jobs on the day, lowest EMPL_RCD first.
func (d *draft) jobs() []job {
	var list []job
	for _, group := range byRow(d.view.facet(erp.Job)) {
		j := job{rcd: group[0].id.Row, rows: group}
		j.now, j.started = d.view.current(group)
		j.counted = d.counts(j)
		list = append(list, j)
	}
	slices.SortStableFunc(list, func(a, b job) int { return compareRcd(a.rcd, b.rcd) })
	return list
}

// compareRcd orders EMPL_RCD as the numbers that they are.
func compareRcd(a, b string) int {
	n, errA := strconv.Atoi(strings.TrimSpace(a))
	m, errB := strconv.Atoi(strings.TrimSpace(b))
	if errA != nil || errB != nil {
		return strings.Compare(a, b)
	}
	return cmp.Compare(n, m)
}

// counts asks whether the job's PER_ORG is in scope: of the current row, else of the first one to come, else of the
// assignment. A job that does not say is counted, since leaving it out could suspend somebody.
func (d *draft) counts(j job) bool {
	if len(d.policy.PerOrg) == 0 {
		return true
	}
	r := j.now
	if !j.started {
		r = j.rows[0]
	}
	org := perOrg(r.get(erp.PerOrg))
	if a, ok := d.view.one(erp.Assignment, j.rcd); ok && org == "" {
		org = perOrg(a.get(erp.PerOrg))
	}
	if org == "" || has(d.policy.PerOrg, org) {
		return true
	}
	d.explain("EMPL_RCD %s does not count: PER_ORG %s is outside the scope", label(j.rcd), label(org))
	return false
}

// reading is what the status columns of one row say.
type reading struct {
	verdict verdict
	why     string
	code    fault.Code // "" when there is nothing to flag
}

// judge decides a started job by the status of its current row. An unknown code never decides: what the row before
// it said still holds if that was "employed", else nothing is concluded.
func (d *draft) judge(j job) verdict {
	now := d.status(j.now)
	if now.code != "" {
		d.flag(now.code, "EMPL_RCD "+label(j.rcd)+": "+now.why)
	}
	if now.verdict != unsure {
		d.explain("EMPL_RCD %s is %s since %s%s", label(j.rcd), now.why, label(string(j.now.id.EffDate)), action(j.now))
		return now.verdict
	}
	if d.before(j) == in {
		d.explain("EMPL_RCD %s has %s: kept employed as before", label(j.rcd), now.why)
		return in
	}
	d.explain("EMPL_RCD %s has %s: nothing is concluded from it", label(j.rcd), now.why)
	return unsure
}

// before is the verdict of the last row before the current one that has a known status.
func (d *draft) before(j job) verdict {
	past := slices.DeleteFunc(slices.Clone(j.rows), func(r row) bool {
		return r.id == j.now.id || r.id.EffDate > d.view.day || d.status(r).verdict == unsure
	})
	r, _ := d.view.current(past)
	return d.status(r).verdict
}

// status reads HR_STATUS and EMPL_STATUS of a row. HR_STATUS wins where they disagree (peoplesoft.md 2.8); where they
// agree, or only EMPL_STATUS is there, the tenant's list of active codes decides.
func (d *draft) status(r row) reading {
	rawHR := r.get(erp.HRStatus)
	hr, hrKnown := activeFlag(rawHR)
	empl, delivered := emplStatus(r.get(erp.EmplStatus))
	listed := empl != "" && has(d.policy.ActiveStatus, empl)
	known := delivered || listed
	standard := employed(empl) || listed && !delivered
	empl = label(empl)
	switch {
	case hrKnown && empl == "":
		return reading{decide(hr), "HR_STATUS " + letter(hr), ""}
	case hrKnown && !known:
		return reading{decide(hr), "HR_STATUS " + letter(hr) + " with the unknown EMPL_STATUS " + empl, fault.UnknownStatus}
	case hrKnown && hr != standard:
		return reading{decide(hr), "HR_STATUS " + letter(hr) + ", believed over EMPL_STATUS " + empl, fault.StatusDisagreement}
	case known && !hrKnown && fold(rawHR) != "":
		return reading{decide(listed), "EMPL_STATUS " + empl + " with the unknown HR_STATUS " + label(upper(rawHR)), fault.UnknownStatus}
	case known:
		return reading{decide(listed), "EMPL_STATUS " + empl, ""}
	case empl == "" && fold(rawHR) == "":
		return reading{unsure, "no status", fault.UnknownStatus}
	}
	return reading{unsure, "the unknown status " + cmp.Or(empl, label(upper(rawHR))), fault.UnknownStatus}
}

func decide(active bool) verdict {
	if active {
		return in
	}
	return out
}

func letter(active bool) string {
	if active {
		return "A"
	}
	return "I"
}

// action is the ACTION of a row, for the text only: nothing is ever decided on it (peoplesoft.md 2.8).
func action(r row) string {
	if a := label(r.get(erp.Reason)); a != "" {
		return " (" + a + ")"
	}
	return ""
}

// label makes a code from the source fit for an explanation.
func label(s string) string {
	out, _, _ := clean(s)
	return shorten(out, 40)
}

// primary is the job that gives title and department (peoplesoft.md 2.9): employed and marked as primary, else
// employed with the lowest EMPL_RCD, else the most recent of the others. JOB_INDICATOR is never required.
func primary(jobs []job) job {
	best := jobs[0]
	for _, j := range jobs[1:] {
		if better(j, best) {
			best = j
		}
	}
	return best
}

// better tells whether a beats b, which has the lower EMPL_RCD.
func better(a, b job) bool {
	if (a.verdict == in) != (b.verdict == in) {
		return a.verdict == in
	}
	if a.verdict == in {
		return isPrimary(a.now.get(erp.JobIndicator)) && !isPrimary(b.now.get(erp.JobIndicator))
	}
	return a.now.id.EffDate > b.now.id.EffDate
}
