package transform

import (
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// employee resolves a person to the user that the desk should hold.
func (d *draft) employee() *directory.User {
	main := d.employment()
	u := &directory.User{ExternalID: EmployeeID(d.ref.Key), FreeSeat: d.policy.FreeSeats}
	name, named := d.name()
	email, _ := d.email()
	u.Name, u.Email = name, email
	switch {
	case !d.usable():
	case !named: // the job arrived before the person: there is nobody to show yet
		d.become(directory.Untouched, "no name row has arrived yet")
	case email == "" && d.policy.RequireEmail:
		d.hold(fault.MissingEmail)
		d.become(directory.Untouched, "waits for a usable email")
	}
	if u.Name == "" && d.state == directory.Active { // a leaver keeps the name that the desk shows
		u.Name = d.text("key", d.ref.Key)
	}
	d.userFields(u, main)
	u.State = d.state
	return u
}

// hold turns the flag with the code, or the one that stands for it, into something that waits for a person.
func (d *draft) hold(code fault.Code) {
	for i, f := range d.flags {
		if f.Code == code || code == fault.MissingEmail && (f.Code == fault.BadEmail || f.Code == fault.PlaceholderEmail) {
			d.flags[i].Hold = true
		}
	}
}

// employment decides the state from the jobs and gives the job that speaks for the person, if there is any.
func (d *draft) employment() (main job) {
	jobs := d.jobs()
	if len(jobs) == 0 {
		d.leave(fault.NoJob, "no job row has arrived yet")
		return job{}
	}
	counted := keep(jobs, func(j job) bool { return j.counted })
	if len(counted) == 0 {
		d.leave(fault.OutOfScope, "no job with a PER_ORG in scope")
		return primary(jobs)
	}
	started := keep(counted, func(j job) bool { return j.started })
	if len(started) == 0 {
		d.leave(fault.NotStarted, "the first job row in scope is not in effect yet")
		return primary(counted)
	}
	for i := range started {
		if started[i].verdict = d.judge(started[i]); started[i].verdict == out && d.linger(started[i]) {
			started[i].verdict = in
		}
	}
	main = primary(started)
	d.conclude(started, main)
	return main
}

// conclude turns the verdicts of the jobs into a state: one employed job is enough, and only jobs that all say so
// make a leaver.
func (d *draft) conclude(jobs []job, main job) {
	switch {
	case d.deceased():
		d.leaver("a date of death is recorded")
	case some(jobs, in):
		d.become(directory.Active, "EMPL_RCD %s speaks for the person", label(main.rcd))
	case some(jobs, unsure):
		d.become(directory.Untouched, "no job has a status that allows a conclusion")
	default:
		d.leaver("no job in scope is active")
	}
}

func (d *draft) leaver(why string) {
	if d.policy.KeepLeavers {
		d.become(directory.Untouched, "%s; the tenant does not suspend leavers", why)
		return
	}
	d.become(directory.Suspended, "%s", why)
}

func (d *draft) deceased() bool {
	for _, r := range d.view.of(erp.Person) {
		if tidy(r.get(erp.Deceased)) != "" {
			return true
		}
	}
	return false
}

func keep(jobs []job, want func(job) bool) []job {
	var list []job
	for _, j := range jobs {
		if want(j) {
			list = append(list, j)
		}
	}
	return list
}

func some(jobs []job, v verdict) bool {
	for _, j := range jobs {
		if j.verdict == v {
			return true
		}
	}
	return false
}
