package peoplesoft

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

func TestCheckNamesTheStepThatFails(t *testing.T) {
	cases := map[string]struct {
		fault  sim.Fault
		change func(*Config)
		step   string // the step that is not ok; "" when all are
		state  check.State
		code   fault.Code
		detail string
	}{
		"all is well": {change: func(c *Config) {}},
		"a host that does not exist": {change: func(c *Config) { c.BaseURL = "https://nowhere.invalid" },
			step: "dns", state: check.Failed, code: fault.SourceUnreachable, detail: "nowhere.invalid"},
		"a port where nobody listens": {change: func(c *Config) { c.BaseURL = "http://127.0.0.1:1" }, step: "connect", state: check.Failed, code: fault.SourceUnreachable, detail: "refused"},
		"a certificate of an unknown authority": {change: func(c *Config) {
			server := httptest.NewTLSServer(http.NotFoundHandler())
			t.Cleanup(server.Close)
			c.BaseURL = server.URL
		}, step: "tls", state: check.Failed, code: fault.SourceTLS, detail: "unknown authority"},
		"a gateway without a page":             {fault: sim.Fault{Kind: sim.FaultWrongNode, On: "gateway"}, step: "gateway", state: check.Warning, code: fault.SourceNotData, detail: "404"},
		"a wrong password":                     {change: func(c *Config) { c.Auth.Basic.Password = secret.New("wrong") }, step: "sign-in", state: check.Failed, code: fault.SourceAuth, detail: "401"},
		"a password refused with status 200":   {fault: sim.Fault{Kind: sim.FaultSOAP}, step: "sign-in", state: check.Failed, code: fault.SourceAuth, detail: "(158,45)"},
		"a forbidden query":                    {fault: sim.Fault{Kind: sim.FaultStatus, Status: 403}, step: "query", state: check.Failed, code: fault.SourceForbidden, detail: "403"},
		"a wrong node":                         {change: func(c *Config) { c.Node = "PSFT_XX" }, step: "query", state: check.Failed, code: fault.SourceNotFound, detail: "404"},
		"a query that fails":                   {fault: sim.Fault{Kind: sim.FaultErrorJSON}, step: "query", state: check.Failed, code: fault.SourceFault, detail: "SQL error"},
		"a sign-in page in place of the query": {fault: sim.Fault{Kind: sim.FaultSignIn}, step: "query", state: check.Failed, code: fault.SourceNotData, detail: "sign-in page"},
		"a redirect":                           {fault: sim.Fault{Kind: sim.FaultRedirect}, step: "query", state: check.Failed, code: fault.SourceRedirect, detail: "elsewhere.example"},
		"no row":                               {fault: sim.Fault{Kind: sim.FaultZeroRows}, step: "columns", state: check.Warning, code: fault.SourceSchema, detail: "no row"},
		"a first row that cannot be read":      {fault: sim.Fault{Kind: sim.FaultDrift, Column: "EFFDT", N: 1}, step: "columns", state: check.Warning, code: fault.SourceSchema, detail: "EFFDT"},
		"two rows in five that cannot be read": {fault: sim.Fault{Kind: sim.FaultDrift, Column: "EFFDT", N: 2}, step: "columns", state: check.Failed, code: fault.SourceSchema, detail: "rows cannot be read"},
		"a column that is needed":              {fault: sim.Fault{Kind: sim.FaultDropColumn, Column: "EFFDT"}, step: "columns", state: check.Failed, code: fault.SourceSchema, detail: "EFFDT"},
		"a column that would be nice":          {fault: sim.Fault{Kind: sim.FaultDropColumn, Column: "DEPT_DESCR"}, step: "columns", state: check.Warning, code: fault.SourceSchema, detail: "DEPT_DESCR"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			s, c := company(t, sim.Options{Employees: 5})
			if tc.fault.Kind != "" {
				if err := s.Fault(tc.fault); err != nil {
					t.Fatal(err)
				}
			}
			if tc.change != nil {
				tc.change(&c)
			}
			steps := open(t, c).Check(t.Context(), acme, record.Employee)
			want := []string{"dns", "connect", "tls", "gateway", "sign-in", "query", "columns"}
			if len(steps) != len(want) {
				t.Fatalf("%d steps", len(steps))
			}
			met := false
			for i, step := range steps {
				expect := check.OK
				switch {
				case step.Name == tc.step:
					expect, met = tc.state, true
					if step.Code != string(tc.code) || !strings.Contains(step.Detail, tc.detail) || step.Next == "" {
						t.Errorf("step %+v, want %s with %q", step, tc.code, tc.detail)
					}
				case met && tc.state == check.Failed:
					expect = check.Skipped
				}
				if step.Name != want[i] || step.State != expect {
					t.Errorf("step %d is %s %s (%s %s), want %s %s", i, step.Name, step.State, step.Code, step.Detail, want[i], expect)
				}
				if strings.Contains(step.Detail+step.Next, canary) {
					t.Errorf("step %s shows the password", step.Name)
				}
			}
		})
	}
}

func TestCheckSignsInOnce(t *testing.T) {
	s, c := company(t, sim.Options{Employees: 5, LockAfter: 2})
	c.Auth.Basic.Password = secret.New("wrong")
	open(t, c).Check(t.Context(), acme, record.Employee)
	if s.Locked() {
		t.Error("one check used up two attempts")
	}
}
