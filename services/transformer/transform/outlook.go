package transform

import (
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// look is how a record is seen at an instant on a day. With a lead, somebody who is not employed that day, but will be
// within it, is seen as on the first day: with the name, title and department of then.
func look(ref record.Ref, facts []erp.Fact, now time.Time, day erp.Date, p Policy) view {
	v := view{rows: foldRows(facts), day: day, today: day, now: now}
	if p.HireLead <= 0 || ref.Kind != record.Employee || v.employs(ref, p) {
		return v
	}
	for _, first := range v.firstDays(p.HireLead) {
		then := v
		if then.day = first; then.employs(ref, p) {
			return then
		}
	}
	return v
}

// employs tells whether some job that counts is in effect and employed on the view's day.
func (v view) employs(ref record.Ref, p Policy) bool {
	d := &draft{view: v, policy: p, ref: ref}
	for _, j := range d.jobs() {
		if j.counted && j.started && (d.status(j.now).verdict == in || d.status(j.now).verdict == unsure && d.before(j) == in) {
			return true
		}
	}
	return false
}

// firstDays are the days of the job rows that take effect within the next days, in order.
func (v view) firstDays(lead int) []erp.Date {
	var days []erp.Date
	last := shift(v.day, lead)
	for _, r := range v.facet(erp.Job) {
		if d := r.id.EffDate; d > v.day && d <= last {
			days = append(days, d)
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// next is the earliest day after today on which any row takes effect, or on which a job row comes within the lead;
// "" when there is none.
func (v view) next(lead int) erp.Date {
	var next erp.Date
	offer := func(d erp.Date) {
		if d > v.today && (next == "" || d < next) {
			next = d
		}
	}
	for _, r := range v.rows {
		d := r.id.EffDate
		if d <= v.today || d >= openEnd {
			continue
		}
		if offer(d); r.id.Facet == erp.Job && lead > 0 {
			offer(shift(d, -lead))
		}
	}
	return next
}

// linger keeps the job of somebody who left employed until the tenant's time of day or days later. It is asked of a job
// that says "out", and tells whether it still counts as "in".
func (d *draft) linger(j job) bool {
	if !d.policy.lags() {
		return false
	}
	day := d.left(j)
	until, ok := d.policy.leaves(day)
	if day == "" || !ok || !d.view.now.Before(until) {
		return false
	}
	if d.until.IsZero() || until.Before(d.until) {
		d.until = until
	}
	d.explain("EMPL_RCD %s keeps the person employed until %s", label(j.rcd), until.In(d.policy.zone()).Format("2006-01-02 15:04 MST"))
	return true
}

// left is the day on which the job ended: of the first row that says "out" after the last that says "in". "" when no
// row ever said "in": who never worked has nothing to keep.
func (d *draft) left(j job) (day erp.Date) {
	past := slices.DeleteFunc(slices.Clone(j.rows), func(r row) bool { return r.id.EffDate > d.view.day })
	slices.SortStableFunc(past, func(a, b row) int {
		switch {
		case d.view.younger(a, b):
			return 1
		case d.view.younger(b, a):
			return -1
		}
		return 0
	})
	for i := len(past) - 1; i >= 0; i-- {
		if since := d.view.since(past[i]); i+1 < len(past) && since == d.view.since(past[i+1]) {
			continue // another row of the same day stands above it
		} else if v := d.status(past[i]).verdict; v == in {
			return day
		} else if v == out {
			day = since
		}
	}
	return ""
}
