package transform

import (
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// The findings that an operator is promised, each by the one thing that is wrong.
func TestEveryGapHasItsCode(t *testing.T) {
	job := func(values ...string) erp.Fact {
		return jobRow("0", "2020-01-01", 0, append([]string{"hr_status=A", "per_org=EMP", "dept_text=Finance", "job_text=Analyst"}, values...)...)
	}
	name := func(v string) erp.Fact { return set(erp.Name, "PRI", "", 0, "display_name="+v) }
	email := func(v string) erp.Fact { return set(erp.Email, "BUSN", "", 0, "email="+v) }
	good := email("dana@acme.example")
	for title, tc := range map[string]struct {
		facts []erp.Fact
		code  fault.Code
	}{
		"nothing":                       {[]erp.Fact{name("Dana"), good, job()}, ""},
		"no email":                      {[]erp.Fact{name("Dana"), job()}, fault.MissingEmail},
		"a blank email":                 {[]erp.Fact{name("Dana"), email(" "), job()}, fault.MissingEmail},
		"no name":                       {[]erp.Fact{good, job()}, fault.MissingName},
		"no text of the department":     {[]erp.Fact{name("Dana"), good, job("dept_text=", "dept=10000")}, fault.MissingDepartment},
		"no title":                      {[]erp.Fact{name("Dana"), good, job("job_text=")}, fault.MissingTitle},
		"a placeholder":                 {[]erp.Fact{name("Dana"), email("none@acme.example"), job()}, fault.PlaceholderEmail},
		"a placeholder of the tenant's": {[]erp.Fact{name("Dana"), email("dana@staff.nomail.example"), job()}, fault.PlaceholderEmail},
		"an email that is none":         {[]erp.Fact{name("Dana"), email("dana"), job()}, fault.BadEmail},
		"a control character":           {[]erp.Fact{name("Da\x07na"), good, job()}, fault.BadText},
		"a bidi control in a name":      {[]erp.Fact{name("Da\u202ena"), good, job()}, fault.BadText},
		"a bidi control in an email":    {[]erp.Fact{name("Dana"), email("da\u202ena@acme.example"), job()}, fault.BadText},
		"invalid UTF-8":                 {[]erp.Fact{name("Da\xffna"), good, job()}, fault.BadText},
		"a name that is too long":       {[]erp.Fact{name(strings.Repeat("a", 256)), good, job()}, fault.TextCut},
	} {
		t.Run(title, func(t *testing.T) {
			p := Default()
			p.Placeholders = append(p.Placeholders, "@nomail.example")
			if got := codesOf(Resolve(dana(), tc.facts, today, p, nil)); got != string(tc.code) {
				t.Errorf("%q, want %q", got, tc.code)
			}
		})
	}
}
