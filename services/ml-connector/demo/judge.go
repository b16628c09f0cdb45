package demo

import (
	"fmt"
	"strings"

	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// Judge compares what Zendesk holds with what PeopleSoft says, by the simulators' own words and without any code of
// the product. It remembers who was ever active: a leaver must then be suspended, and is not created otherwise.
type Judge struct {
	company *Company
	once    map[string]bool // external ids that were active at an earlier verdict
	emails  map[string]string
	since   map[string]map[string]bool // addresses a record had since it was seen to be right, by Remember: any of them may have been read
}

// NewJudge makes a judge that has seen nothing yet.
func NewJudge(c *Company) *Judge {
	return &Judge{company: c, once: map[string]bool{}, emails: map[string]string{}, since: map[string]map[string]bool{}}
}

// Remember notes who is active now, and with which address: whoever leaves before the next verdict may then stand in
// Zendesk, suspended, and whose address goes may keep the one that was read.
func (j *Judge) Remember() {
	for _, e := range j.company.PS.Truth("").Employees {
		if !e.Active || !e.InScope {
			continue
		}
		id := "psft:emp:" + e.EmplID
		j.once[id] = true
		if email, ok := usable(e.Email); ok {
			if j.since[id] == nil {
				j.since[id] = map[string]bool{}
			}
			j.since[id][email] = true
		}
	}
}

// usable is an address as Zendesk shows it.
func usable(email string) (string, bool) {
	email = strings.ToLower(email)
	return email, strings.Contains(email, "@") && !strings.ContainsAny(email, " <>")
}

// Verdict lists every difference. excused are records that wait for a person; they may differ.
func (j *Judge) Verdict(excused map[string]bool) []string {
	truth := j.company.PS.Truth("")
	diff := j.employees(truth.Employees, excused)
	diff = append(diff, j.vendors(truth.Vendors, excused)...)
	n := j.company.ZD.Counters()
	if n.Deletes > 0 {
		diff = append(diff, fmt.Sprintf("%d deletes were asked of Zendesk", n.Deletes))
	}
	if n.OverBudget > 0 {
		diff = append(diff, fmt.Sprintf("%d calls over Zendesk's limit", n.OverBudget))
	}
	if n.Mails > 0 {
		diff = append(diff, fmt.Sprintf("%d people were mailed", n.Mails))
	}
	return diff
}

func (j *Judge) employees(people []pssim.EmployeeTruth, excused map[string]bool) (diff []string) {
	held := map[string]zdsim.User{}
	for _, u := range j.company.ZD.Users() {
		if u.ExternalID == nil || !strings.HasPrefix(*u.ExternalID, "psft:") {
			continue
		}
		if _, twice := held[*u.ExternalID]; twice {
			diff = append(diff, *u.ExternalID+" stands for two users")
		}
		held[*u.ExternalID] = u
	}
	for _, e := range people {
		id := "psft:emp:" + e.EmplID
		u, there := held[id]
		delete(held, id)
		if excused[e.EmplID] {
			continue
		}
		diff = append(diff, j.employee(id, e, u, there)...)
		if e.Active && e.InScope {
			j.once[id] = true
		}
	}
	for id := range held {
		diff = append(diff, id+" is in Zendesk and unknown to PeopleSoft")
	}
	return diff
}

func (j *Judge) employee(id string, e pssim.EmployeeTruth, u zdsim.User, there bool) (diff []string) {
	say := func(format string, args ...any) { diff = append(diff, id+": "+fmt.Sprintf(format, args...)) }
	active := e.Active && e.InScope
	switch {
	case active && !there:
		say("is missing in Zendesk")
		return diff
	case !active && there && !j.once[id]:
		say("is in Zendesk and was never active")
		return diff
	case !there:
		return nil
	case u.Suspended == active:
		say("suspended is %t", u.Suspended)
	}
	if !active {
		return diff
	}
	want, ok := usable(e.Email)
	got := text(u.Email)
	switch {
	case !ok && j.since[id][got]: // missing or unusable: the last good one that was read stays
		want = got
	case !ok:
		want = j.emails[id]
	case got == want:
		delete(j.since, id)
	}
	j.emails[id] = want
	if got != want {
		say("email is %q, want %q", got, want)
	}
	if got := field(u.UserFields, "department"); got != e.Department {
		say("department is %q, want %q", got, e.Department)
	}
	if got := field(u.UserFields, "job_title"); got != e.Title {
		say("title is %q, want %q", got, e.Title)
	}
	if squeeze(u.Name) != squeeze(e.Name) {
		say("name is %q, want %q", u.Name, e.Name)
	}
	return diff
}

func (j *Judge) vendors(vendors []pssim.VendorTruth, excused map[string]bool) (diff []string) {
	held := map[string]zdsim.Organization{}
	for _, o := range j.company.ZD.Organizations() {
		if o.ExternalID != nil {
			held[*o.ExternalID] = o
		}
	}
	for _, v := range vendors {
		id := "psft:vendor:" + v.SetID + ":" + v.VendorID
		o, there := held[id]
		delete(held, id)
		if excused[v.SetID+"/"+v.VendorID] {
			continue
		}
		active := v.InScope && v.State == "active"
		switch {
		case active && !there:
			diff = append(diff, id+" is missing in Zendesk")
		case active && v.Name == "" && o.Name != "": // flagged, and shown under its short name or id
		case active && o.Name != v.Name && !strings.HasPrefix(o.Name, v.Name+" ("): // duplicate names are made unique
			diff = append(diff, fmt.Sprintf("%s: name is %q, want %q", id, o.Name, v.Name))
		case !active && there && !j.once[id]:
			diff = append(diff, id+" is in Zendesk and was never active")
		case !active && !there && j.once[id]:
			diff = append(diff, id+" lost its organization")
		}
		j.once[id] = j.once[id] || active
	}
	for id := range held {
		diff = append(diff, id+" is in Zendesk and unknown to PeopleSoft")
	}
	return diff
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func field(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}

// squeeze makes names comparable whatever spaces they carry.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
