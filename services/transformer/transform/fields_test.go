package transform

import (
	"maps"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
)

func TestUserFields(t *testing.T) {
	const dep, title = "user_fields.department", "user_fields.job_title"
	job := func(rcd string, values ...string) erp.Fact {
		return jobRow(rcd, "2020-01-01", 0, append([]string{"hr_status=A"}, values...)...)
	}
	base := person()[:2]
	tests := map[string]struct {
		facts []erp.Fact
		users map[string]string
		want  map[string]string
		phone string
		codes string
	}{
		"texts": {facts: []erp.Fact{job("0", "dept=0010200", "dept_text=Finance", "job_code=420060", "job_text=Analyst")},
			want: map[string]string{dep: "Finance", title: "Analyst"}},
		"codes are used and flagged": {facts: []erp.Fact{job("0", "dept=0010200", "dept_text= ", "job_code=420060")},
			want: map[string]string{dep: "0010200", title: "420060"}, codes: "MISSING_DEPARTMENT MISSING_TITLE"},
		"blank clears": {facts: []erp.Fact{job("0", "dept= ", "job_code=")},
			want: map[string]string{dep: "", title: ""}, codes: "MISSING_DEPARTMENT MISSING_TITLE"},
		"absent leaves alone": {facts: []erp.Fact{job("0")},
			want: map[string]string{}, codes: "MISSING_DEPARTMENT MISSING_TITLE"},
		"business title before the text of the job code": {facts: []erp.Fact{job("0", "dept_text=Finance", "job_text=Analyst"), set(erp.Assignment, "0", "", 0, "title=Chief")},
			want: map[string]string{dep: "Finance", title: "Chief"}},
		"another assignment's title is not taken": {facts: []erp.Fact{job("0", "dept_text=Finance", "job_text=Analyst"), set(erp.Assignment, "1", "", 0, "title=Chief")},
			want: map[string]string{dep: "Finance", title: "Analyst"}},
		"the primary job speaks": {facts: []erp.Fact{job("0", "dept_text=A", "job_text=a", "job_indicator=S"), job("1", "dept_text=B", "job_text=b", "job_indicator=Primary Job")},
			want: map[string]string{dep: "B", title: "b"}},
		"without a primary the lowest EMPL_RCD, as a number": {facts: []erp.Fact{job("10", "dept_text=A", "job_text=a"), job("2", "dept_text=B", "job_text=b")},
			want: map[string]string{dep: "B", title: "b"}},
		"a primary job that ended does not speak": {facts: []erp.Fact{jobRow("0", "2020-01-01", 0, "hr_status=I", "dept_text=A", "job_text=a", "job_indicator=P"), job("1", "dept_text=B", "job_text=b")},
			want: map[string]string{dep: "B", title: "b"}},
		"of ended jobs the most recent": {facts: []erp.Fact{jobRow("0", "2020-01-01", 0, "hr_status=I", "dept_text=A", "job_text=a"), jobRow("1", "2021-01-01", 0, "hr_status=I", "dept_text=B", "job_text=b")},
			want: map[string]string{dep: "B", title: "b"}},
		"everything mapped": {
			facts: []erp.Fact{job("0", "dept=7", "location=KC", "company=GBI", "supervisor=0000001", "reports_to=00010001", "position=00012345", "last_hire=2020-01-01"), set(erp.Phone, "BUSN", "", 0, "phone=555/123-4567")},
			users: map[string]string{"employee_id": "user_fields.emplid", "location": "user_fields.location", "company": "user_fields.company", "supervisor": "user_fields.manager",
				"reports_to": "user_fields.reports", "position": "user_fields.position", "last_hire": "user_fields.hired", "department_code": "user_fields.dept", "phone": "phone", "terminated": "user_fields.left"},
			want: map[string]string{"user_fields.emplid": "0004711", "user_fields.location": "KC", "user_fields.company": "GBI", "user_fields.manager": "0000001",
				"user_fields.reports": "00010001", "user_fields.position": "00012345", "user_fields.hired": "2020-01-01", "user_fields.dept": "7"}, phone: "555/123-4567"},
		"a field that is not mapped is not managed": {facts: []erp.Fact{job("0", "dept_text=A"), set(erp.Phone, "BUSN", "", 0, "phone=1")}, users: map[string]string{}, want: map[string]string{}},
		"a long value is cut": {facts: []erp.Fact{job("0", "dept_text="+strings.Repeat("ä", 300), "job_text=a")},
			want: map[string]string{dep: strings.Repeat("ä", 255), title: "a"}, codes: "TEXT_CUT"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Default()
			if tt.users != nil {
				p.UserFields = tt.users
			}
			d := Resolve(dana(), append(tt.facts, base...), today, p, nil)
			if !maps.Equal(d.Entry.User.Fields, tt.want) {
				t.Errorf("fields %v, want %v", d.Entry.User.Fields, tt.want)
			}
			if d.Entry.User.Phone != tt.phone {
				t.Errorf("phone %q, want %q", d.Entry.User.Phone, tt.phone)
			}
			if got := codesOf(d); got != tt.codes {
				t.Errorf("codes %q, want %q", got, tt.codes)
			}
		})
	}
}

func TestPolicyValidate(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatalf("the default policy: %v", err)
	}
	tests := map[string]struct {
		change func(*Policy)
		want   string
	}{
		"no active status":      {func(p *Policy) { p.ActiveStatus = nil }, "active_status"},
		"no vendor status":      {func(p *Policy) { p.VendorStatus = nil }, "vendors.scope.status"},
		"vendor without SETID":  {func(p *Policy) { p.VendorKeys = []string{"0000000011"} }, "SETID/VENDOR_ID"},
		"unknown source field":  {func(p *Policy) { p.UserFields = map[string]string{"salary": "user_fields.x"} }, "employees.user.salary"},
		"empty target":          {func(p *Policy) { p.OrganizationFields = map[string]string{"city": " "} }, "vendors.organization.city"},
		"target filled twice":   {func(p *Policy) { p.UserFields = map[string]string{"company": "x", "location": "x"} }, "already filled"},
		"all problems together": {func(p *Policy) { p.ActiveStatus, p.VendorStatus = nil, nil }, "vendors.scope.status"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Default()
			tt.change(&p)
			if err := p.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

// Every field that the settings may name leads to a value of the source.
func TestEveryMappableFieldIsFilled(t *testing.T) {
	all := erp.Fact{Facet: erp.Job, Row: "0", EffDate: "2020-01-01", Action: erp.Set, Fields: map[erp.Field]string{}}
	for _, f := range erp.Allowed(erp.Job) {
		all.Fields[f] = "x"
	}
	all.Fields[erp.PerOrg], all.Fields[erp.HRStatus] = "EMP", "A"
	p := Default()
	p.UserFields = map[string]string{}
	for _, f := range EmployeeFields() {
		p.UserFields[f] = "to." + f
	}
	d := Resolve(dana(), []erp.Fact{all, set(erp.Phone, "BUSN", "", 0, "phone=1")}, today, p, nil)
	for _, f := range EmployeeFields() {
		if d.Entry.User.Fields["to."+f] == "" {
			t.Errorf("%s is empty", f)
		}
	}
	v := erp.Fact{Facet: erp.Vendor, Action: erp.Set, Fields: map[erp.Field]string{}}
	for _, f := range erp.Allowed(erp.Vendor) {
		v.Fields[f] = "x"
	}
	p.OrganizationFields = map[string]string{}
	for _, f := range VendorFields() {
		p.OrganizationFields[f] = "to." + f
	}
	o := Resolve(hoses(), []erp.Fact{v}, today, p, nil).Entry.Organization
	for _, f := range VendorFields() {
		if o.Fields["to."+f] == "" {
			t.Errorf("%s is empty", f)
		}
	}
}
