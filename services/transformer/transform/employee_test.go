package transform

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
)

func TestEmployment(t *testing.T) {
	active := []string{"hr_status=A", "empl_status=A", "dept_text=Finance"}
	gone := []string{"hr_status=I", "empl_status=T", "dept_text=Finance"}
	with := func(base []string, more ...string) []string { return append(append([]string{}, base...), more...) }
	tests := map[string]struct {
		facts  []erp.Fact
		policy func(*Policy)
		state  directory.State
		codes  string
		next   erp.Date
	}{
		"an active job makes an active user": {
			facts: person(jobRow("0", "2020-01-01", 0, active...)), state: directory.Active},
		"a person without a job is left untouched": {
			facts: person(), state: directory.Untouched, codes: "NO_JOB"},
		"a job without a person is left untouched until the name arrives": {
			facts: []erp.Fact{jobRow("0", "2020-01-01", 0, with(active, "job_text=Analyst")...)}, state: directory.Untouched, codes: "MISSING_EMAIL MISSING_NAME"},
		"nothing known at all is left untouched": {
			facts: nil, state: directory.Untouched, codes: "NO_JOB"},
		"a future job alone has not started": {
			facts: person(jobRow("0", "2026-03-03", 0, active...)), state: directory.Untouched, codes: "NOT_STARTED", next: "2026-03-03"},
		"a job that begins today has started": {
			facts: person(jobRow("0", today, 0, active...)), state: directory.Active},
		"a termination effective today suspends": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), jobRow("0", today, 0, gone...)), state: directory.Suspended},
		"a termination effective tomorrow does not suspend today": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), jobRow("0", "2026-03-03", 0, gone...)), state: directory.Active, next: "2026-03-03"},
		"of two rows on one day the higher sequence holds, compared as a number": {
			facts: person(jobRow("0", "2026-01-01", 10, gone...), jobRow("0", "2026-01-01", 9, active...)), state: directory.Suspended},
		"a higher sequence on an older day does not matter": {
			facts: person(jobRow("0", "2026-01-01", 99, gone...), jobRow("0", "2026-01-02", 0, active...)), state: directory.Active},
		"one ended job does not suspend while another is active": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), jobRow("1", "2026-01-01", 0, gone...)), state: directory.Active},
		"a job that is not EMPL_RCD 0 is enough": {
			facts: person(jobRow("0", "2026-01-01", 0, gone...), jobRow("2", "2020-01-01", 0, with(active, "job_text=Clerk")...)), state: directory.Active},
		"all jobs ended suspend": {
			facts: person(jobRow("0", "2026-01-01", 0, gone...), jobRow("1", "2026-02-01", 0, gone...)), state: directory.Suspended},
		"leave of absence is active": {
			facts: person(jobRow("0", "2020-01-01", 0, "empl_status=L", "dept_text=Finance")), state: directory.Active},
		"a tenant may count leave as gone although HR_STATUS is A": {
			facts:  person(jobRow("0", "2020-01-01", 0, "hr_status=A", "empl_status=L", "dept_text=Finance")),
			policy: func(p *Policy) { p.ActiveStatus = []string{"A"} }, state: directory.Suspended},
		"long names are codes in any case": {
			facts: person(jobRow("0", "2020-01-01", 0, "hr_status=INACTIVE", "empl_status=terminated With Pay", "dept_text=Finance")), state: directory.Suspended},
		"HR_STATUS wins over EMPL_STATUS and is flagged": {
			facts: person(jobRow("0", "2020-01-01", 0, "hr_status=A", "empl_status=T", "dept_text=Finance")), state: directory.Active, codes: "STATUS_DISAGREEMENT"},
		"HR_STATUS I wins as well": {
			facts: person(jobRow("0", "2020-01-01", 0, "hr_status=I", "empl_status=A", "dept_text=Finance")), state: directory.Suspended, codes: "STATUS_DISAGREEMENT"},
		"HR_STATUS alone decides": {
			facts: person(jobRow("0", "2020-01-01", 0, "hr_status=Inactive", "dept_text=Finance")), state: directory.Suspended},
		"an unknown code keeps somebody employed who was employed before": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), jobRow("0", "2026-01-01", 0, "empl_status=Z", "dept_text=Finance")), state: directory.Active, codes: "UNKNOWN_STATUS"},
		"an unknown code alone concludes nothing": {
			facts: person(jobRow("0", "2020-01-01", 0, "empl_status=Z", "dept_text=Finance")), state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"an unknown code after a termination suspends nobody": {
			facts: person(jobRow("0", "2020-01-01", 0, gone...), jobRow("0", "2026-01-01", 0, "empl_status=Z", "dept_text=Finance")), state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"an unknown code beside an ended job suspends nobody": {
			facts: person(jobRow("0", "2026-01-01", 0, gone...), jobRow("1", "2020-01-01", 0, "empl_status=Z")), state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"an unknown code that the tenant lists is active": {
			facts:  person(jobRow("0", "2020-01-01", 0, "empl_status=Z", "dept_text=Finance")),
			policy: func(p *Policy) { p.ActiveStatus = []string{"A", "z"} }, state: directory.Active},
		"an unknown EMPL_STATUS beside a known HR_STATUS is flagged only": {
			facts: person(jobRow("0", "2020-01-01", 0, "hr_status=A", "empl_status=Z", "dept_text=Finance")), state: directory.Active, codes: "UNKNOWN_STATUS"},
		"no status at all concludes nothing": {
			facts: person(jobRow("0", "2020-01-01", 0, "dept_text=Finance")), state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"a blank status concludes nothing": {
			facts: person(jobRow("0", "2020-01-01", 0, "hr_status=", "empl_status= ", "dept_text=Finance")), state: directory.Untouched, codes: "UNKNOWN_STATUS"},
		"a date of death suspends whatever the jobs say": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), set(erp.Person, "", "", 0, "deceased=2026-02-27")), state: directory.Suspended},
		"a blank date of death does not": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), set(erp.Person, "", "", 0, "deceased= ")), state: directory.Active},
		"a person of interest is out of scope and untouched": {
			facts: person(jobRow("0", "2020-01-01", 0, with(active, "per_org=POI")...)), state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"a person of interest who is terminated is not suspended": {
			facts: person(jobRow("0", "2020-01-01", 0, with(gone, "per_org=Person of Interest")...)), state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"an uncounted active job does not keep a leaver active": {
			facts: person(jobRow("0", "2026-01-01", 0, with(gone, "per_org=EMP")...), jobRow("1", "2020-01-01", 0, with(active, "per_org=POI")...)), state: directory.Suspended},
		"PER_ORG comes from the assignment when the job does not say": {
			facts: person(jobRow("1", "2020-01-01", 0, active...), set(erp.Assignment, "1", "", 0, "per_org=POI")), state: directory.Untouched, codes: "OUT_OF_SCOPE"},
		"contingent workers count by default": {
			facts: person(jobRow("0", "2020-01-01", 0, with(active, "per_org=CWR")...)), state: directory.Active},
		"without a list every PER_ORG counts": {
			facts:  person(jobRow("0", "2020-01-01", 0, with(active, "per_org=POI")...)),
			policy: func(p *Policy) { p.PerOrg = nil }, state: directory.Active},
		"a dropped row counts for nothing": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), drop(erp.Job, "0", "2026-01-01", 0, "")), state: directory.Active},
		"a tenant may keep leavers": {
			facts: person(jobRow("0", "2020-01-01", 0, gone...)), policy: func(p *Policy) { p.KeepLeavers = true }, state: directory.Untouched},
		"a tenant may want an email first": {
			facts:  []erp.Fact{set(erp.Name, "PRI", "", 0, "display_name=Dana"), jobRow("0", "2020-01-01", 0, with(active, "job_text=Analyst")...)},
			policy: func(p *Policy) { p.RequireEmail = true }, state: directory.Untouched, codes: "MISSING_EMAIL"},
		"a leaver without an email is suspended all the same": {
			facts:  []erp.Fact{set(erp.Name, "PRI", "", 0, "display_name=Dana"), jobRow("0", "2020-01-01", 0, gone...)},
			policy: func(p *Policy) { p.RequireEmail = true }, state: directory.Suspended},
		"an open end is not a day to wait for": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), jobRow("0", "9999-12-31", 0, gone...)), state: directory.Active},
		"a leap day is a day": {
			facts: person(jobRow("0", "2020-01-01", 0, active...), jobRow("0", "2028-02-29", 0, gone...)), state: directory.Active, next: "2028-02-29"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Default()
			if tt.policy != nil {
				tt.policy(&p)
			}
			d := Resolve(dana(), tt.facts, today, p, nil)
			mustState(t, d, tt.state)
			if got := codesOf(d); got != tt.codes {
				t.Errorf("codes %q, want %q; flags %+v", got, tt.codes, d.Flags)
			}
			if d.Next != tt.next {
				t.Errorf("next %q, want %q", d.Next, tt.next)
			}
			if len(d.Explain) == 0 {
				t.Error("a decision without a reason")
			}
		})
	}
}

// The sample of peoplesoft.md 2.7: terminated in January, rehired from April.
func TestRehireNeedsNoMessageOnItsDay(t *testing.T) {
	facts := person(
		jobRow("0", "2026-04-01", 0, "per_org=EMP", "dept=0010200", "hr_status=A", "empl_status=A", "action=REH", "job_indicator=P"),
		jobRow("0", "2026-01-16", 1, "dept=0010200", "hr_status=I", "empl_status=T", "action=TER", "job_indicator=P"))
	for day, want := range map[erp.Date]struct {
		state directory.State
		next  erp.Date
	}{
		"2026-01-15": {directory.Untouched, "2026-01-16"}, "2026-03-02": {directory.Suspended, "2026-04-01"},
		"2026-03-31": {directory.Suspended, "2026-04-01"}, "2026-04-01": {directory.Active, ""}, "2030-01-01": {directory.Active, ""},
	} {
		d := Resolve(dana(), facts, day, Default(), nil)
		mustState(t, d, want.state)
		if d.Next != want.next {
			t.Errorf("%s: next %q, want %q", day, d.Next, want.next)
		}
		if id := d.Entry.ExternalID(); id != "psft:emp:0004711" {
			t.Errorf("external id %q", id)
		}
	}
}

func TestNamesAndAddresses(t *testing.T) {
	job := jobRow("0", "2020-01-01", 0, "hr_status=A", "dept_text=Finance", "job_text=Analyst")
	mail := set(erp.Email, "BUSN", "", 0, "email=dana@example.com")
	pri := set(erp.Name, "PRI", "", 0, "display_name=Dana")
	tests := map[string]struct {
		facts  []erp.Fact
		policy func(*Policy)
		name   string
		email  string
		codes  string
	}{
		"display name":            {facts: []erp.Fact{mail, pri}, name: "Dana", email: "dana@example.com"},
		"first and last name":     {facts: []erp.Fact{mail, set(erp.Name, "PRI", "", 0, "display_name= ", "first_name=Dana ", "last_name=O'Brien")}, name: "Dana O'Brien", email: "dana@example.com"},
		"last name alone":         {facts: []erp.Fact{mail, set(erp.Name, "PRI", "", 0, "last_name=Cher")}, name: "Cher", email: "dana@example.com"},
		"formal name turned":      {facts: []erp.Fact{mail, set(erp.Name, "PRI", "", 0, "formal_name=O'Brien,Dana Marie")}, name: "Dana Marie O'Brien", email: "dana@example.com"},
		"formal without a comma":  {facts: []erp.Fact{mail, set(erp.Name, "PRI", "", 0, "formal_name=Cher")}, name: "Cher", email: "dana@example.com"},
		"preferred when current":  {facts: []erp.Fact{mail, pri, set(erp.Name, "PRF", "2026-03-01", 0, "display_name=Dee")}, name: "Dee", email: "dana@example.com"},
		"preferred in future":     {facts: []erp.Fact{mail, pri, set(erp.Name, "PRF", "2026-09-01", 0, "display_name=Dee")}, name: "Dana", email: "dana@example.com"},
		"preferred switched off":  {facts: []erp.Fact{mail, pri, set(erp.Name, "PRF", "", 0, "display_name=Dee")}, policy: func(p *Policy) { p.NameTypes = []string{"PRI"} }, name: "Dana", email: "dana@example.com"},
		"preferred ended":         {facts: []erp.Fact{mail, pri, set(erp.Name, "PRF", "2025-01-01", 0, "display_name=Dee", "eff_status=A"), set(erp.Name, "PRF", "2026-01-01", 0, "display_name=Dee", "eff_status=I")}, name: "Dana", email: "dana@example.com"},
		"blank name falls back":   {facts: []erp.Fact{mail, set(erp.Name, "PRI", "", 0, "display_name= ")}, name: "0004711", email: "dana@example.com", codes: "MISSING_NAME"},
		"younger undated name":    {facts: []erp.Fact{mail, set(erp.Name, "PRI", "2025-01-01", 0, "display_name=Old", "stamp=2025-01-01T00:00:00.000000"), set(erp.Name, "PRI", "", 0, "display_name=New", "stamp=2026-02-01T00:00:00.000000")}, name: "New", email: "dana@example.com"},
		"younger dated name":      {facts: []erp.Fact{mail, set(erp.Name, "PRI", "2026-02-01", 0, "display_name=New", "stamp=2026-01-20T00:00:00.000000"), set(erp.Name, "PRI", "", 0, "display_name=Old", "stamp=2026-01-01T00:00:00.000000")}, name: "New", email: "dana@example.com"},
		"control characters":      {facts: []erp.Fact{mail, set(erp.Name, "PRI", "", 0, "display_name=Da\x00na\u202e")}, name: "Dana", email: "dana@example.com", codes: "BAD_TEXT"},
		"zero width is blank":     {facts: []erp.Fact{mail, set(erp.Name, "PRI", "", 0, "display_name=\u200b\u00a0", "first_name=Dana")}, name: "Dana", email: "dana@example.com"},
		"trimmed and lower case":  {facts: []erp.Fact{pri, set(erp.Email, "BUSN", "", 0, "email=Dana.OBrien@Example.COM ")}, name: "Dana", email: "dana.obrien@example.com"},
		"business before home":    {facts: []erp.Fact{pri, mail, set(erp.Email, "HOME", "", 0, "email=home@example.com", "preferred=Y")}, name: "Dana", email: "dana@example.com"},
		"preferred after type":    {facts: []erp.Fact{pri, set(erp.Email, "CAMP", "", 0, "email=camp@example.com"), set(erp.Email, "HOME", "", 0, "email=home@example.com", "preferred=Y")}, name: "Dana", email: "home@example.com"},
		"home is private":         {facts: []erp.Fact{pri, set(erp.Email, "HOME", "", 0, "email=home@example.com")}, name: "Dana", codes: "MISSING_EMAIL"},
		"unless allowed":          {facts: []erp.Fact{pri, set(erp.Email, "HOME", "", 0, "email=home@example.com")}, policy: func(p *Policy) { p.AnyEmail = true }, name: "Dana", email: "home@example.com"},
		"type order is a setting": {facts: []erp.Fact{pri, mail, set(erp.Email, "CAMP", "", 0, "email=camp@example.com")}, policy: func(p *Policy) { p.EmailTypes = []string{"CAMP", "BUSN"} }, name: "Dana", email: "camp@example.com"},
		"bad address is flagged":  {facts: []erp.Fact{pri, set(erp.Email, "BUSN", "", 0, "email=dana at example")}, name: "Dana", codes: "BAD_EMAIL"},
		"bad one, then a good":    {facts: []erp.Fact{pri, set(erp.Email, "BUSN", "", 0, "email=noemail@example.com"), set(erp.Email, "HOME", "", 0, "email=home@example.com", "preferred=Y")}, name: "Dana", email: "home@example.com", codes: "PLACEHOLDER_EMAIL"},
		"blank is missing":        {facts: []erp.Fact{pri, set(erp.Email, "BUSN", "", 0, "email= ")}, name: "Dana", codes: "MISSING_EMAIL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Default()
			if tt.policy != nil {
				tt.policy(&p)
			}
			d := Resolve(dana(), append(tt.facts, job), today, p, nil)
			mustState(t, d, directory.Active)
			if u := d.Entry.User; u.Name != tt.name || u.Email != tt.email {
				t.Errorf("name %q email %q, want %q and %q", u.Name, u.Email, tt.name, tt.email)
			}
			if got := codesOf(d); got != tt.codes {
				t.Errorf("codes %q, want %q", got, tt.codes)
			}
		})
	}
}

func TestALeaverWithoutANameKeepsTheOneThatTheDeskShows(t *testing.T) {
	ended := set(erp.Name, "PRI", "2026-01-01", 0, "display_name=Dana O'Brien", "eff_status=I")
	blank := set(erp.Name, "PRI", "2026-01-01", 0, "display_name=")
	for name, tt := range map[string]struct {
		row  erp.Fact
		hr   string
		want string
	}{
		"a leaver whose name ended":         {ended, "I", ""},
		"a leaver with a blank name":        {blank, "I", ""},
		"somebody active with a blank name": {blank, "A", dana().Key}, // must be shown under something
	} {
		job := set(erp.Job, "0", "2020-01-01", 0, "hr_status="+tt.hr, "per_org=EMP")
		d := Resolve(dana(), []erp.Fact{tt.row, job}, "2026-03-02", Default(), nil)
		if got := d.Entry.User.Name; got != tt.want {
			t.Errorf("%s: name %q, want %q; state %s", name, got, tt.want, d.Entry.State())
		}
	}
}
