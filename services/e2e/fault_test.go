package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// Whatever PeopleSoft answers in place of data: the cycle says what is wrong and what to do, nothing is concluded, and
// when it is over the next cycle brings everything.
func TestPeopleSoftAnswersThatAreNotData(t *testing.T) {
	cases := map[string]struct {
		fault pssim.Fault
		codes []string
	}{
		"a sign-in page":               {pssim.Fault{Kind: pssim.FaultSignIn}, []string{"SRC_NOT_DATA", "SRC_AUTH"}},
		"the gateway's page":           {pssim.Fault{Kind: pssim.FaultGateway}, []string{"SRC_NOT_DATA"}},
		"an empty body":                {pssim.Fault{Kind: pssim.FaultEmptyBody}, []string{"SRC_NOT_DATA", "SRC_TRUNCATED"}},
		"an error with status 200":     {pssim.Fault{Kind: pssim.FaultErrorJSON}, []string{"SRC_FAULT"}},
		"a SOAP fault with status 200": {pssim.Fault{Kind: pssim.FaultSOAP}, []string{"SRC_FAULT", "SRC_AUTH"}},
		"a truncated answer":           {pssim.Fault{Kind: pssim.FaultShortLength, Skip: 4}, []string{"SRC_TRUNCATED"}},
		"an answer cut by bytes":       {pssim.Fault{Kind: pssim.FaultCut, Skip: 4}, []string{"SRC_TRUNCATED"}},
		"a wrong node":                 {pssim.Fault{Kind: pssim.FaultWrongNode}, []string{"SRC_NOT_FOUND"}},
		"a refused sign-in":            {pssim.Fault{Kind: pssim.FaultStatus, Status: 401}, []string{"SRC_AUTH"}},
		"a forbidden query":            {pssim.Fault{Kind: pssim.FaultStatus, Status: 403}, []string{"SRC_FORBIDDEN"}},
		"a server that is down":        {pssim.Fault{Kind: pssim.FaultStatus, Status: 503}, []string{"SRC_DOWN"}},
		"a redirect to another host":   {pssim.Fault{Kind: pssim.FaultRedirect}, []string{"SRC_REDIRECT"}},
		"unsorted rows":                {pssim.Fault{Kind: pssim.FaultUnsorted}, []string{"SRC_ORDER"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 150, 20)
			w.apply(t)
			if err := w.PS.Fault(c.fault); err != nil {
				t.Fatal(err)
			}
			ended := w.sync(t, adminapi.Sync{Full: true})
			for _, cy := range ended {
				if cy.Kind == "employee" && (cy.State == "complete" || cy.Problem == nil || !slices.Contains(c.codes, cy.Problem.Code) || cy.Problem.Next == "") {
					t.Errorf("cycle %+v, problem %+v, want one of %v with a next step", cy, cy.Problem, c.codes)
				}
			}
			s, err := w.client.Status(t.Context(), acme)
			if err != nil || len(s.Tenants[0].Problems) == 0 {
				t.Errorf("status does not tell: %v %+v", err, s)
			}
			w.PS.ClearFaults()
			w.sync(t, adminapi.Sync{Full: true})
			w.agree(t)
			if s, _ := w.client.Status(t.Context(), acme); len(s.Tenants[0].Problems) != 0 {
				t.Errorf("the problem did not close itself: %+v", s.Tenants[0].Problems)
			}
		})
	}
}

// An empty or shrunken answer suspends nobody and is called by its name.
func TestAbsenceIsNeverEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		fault pssim.FaultKind
		code  string
	}{
		"no rows":       {pssim.FaultZeroRows, "SRC_EMPTY_SUSPECT"},
		"half the rows": {pssim.FaultHalfRows, "SRC_SHRUNK"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 150, 20)
			w.apply(t)
			w.sync(t, adminapi.Sync{Full: true})
			w.agree(t)
			writes := w.ZD.Counters().Writes
			if err := w.PS.Fault(pssim.Fault{Kind: c.fault}); err != nil {
				t.Fatal(err)
			}
			for _, cy := range w.sync(t, adminapi.Sync{Full: true, Kind: "employees"}) {
				if cy.State != "incomplete" || cy.Problem == nil || cy.Problem.Code != c.code {
					t.Errorf("cycle %+v, problem %+v", cy, cy.Problem)
				}
			}
			if n := w.ZD.Counters().Writes - writes; n != 0 {
				t.Errorf("%d writes because of what was missing", n)
			}
			w.agree(t)
		})
	}
}

// Whatever Zendesk answers: nothing is lost, status says what is wrong, and when it is over everything arrives.
func TestZendeskThatRefuses(t *testing.T) {
	cases := map[string]struct {
		fault zdsim.Fault
		code  string // expected in status while it lasts; "" when it is too short to be told
	}{
		"401 for everything":             {zdsim.Fault{Path: "/api/*", Status: 401, Times: -1, Body: `{"error":"invalid_token"}`}, "ZD_AUTH"},
		"403 for everything":             {zdsim.Fault{Path: "/api/*", Status: 403, Times: -1, Body: `{"error":{"title":"Forbidden","message":"no"}}`}, "ZD_FORBIDDEN"},
		"503 for everything":             {zdsim.Fault{Status: 503, Times: -1}, "ZD_DOWN"},
		"a maintenance page":             {zdsim.Fault{HTML: true, Times: -1}, "ZD_NOT_DATA"},
		"429 a few times":                {zdsim.Fault{Status: 429, Times: 3, Header: map[string]string{"Retry-After": "1"}}, ""},
		"502 a few times":                {zdsim.Fault{Status: 502, Times: 4, Body: "<html>bad gateway</html>"}, ""},
		"answers lost after the effect":  {zdsim.Fault{Method: "POST", Path: "/api/v2/users/create_many", Drop: "after", Times: 2}, ""},
		"connections reset before it":    {zdsim.Fault{Method: "POST", Drop: "before", Reset: true, Times: 3}, ""},
		"one record refused by a rule":   {zdsim.Fault{Method: "POST", Path: "/api/v2/users/create_many", Job: &zdsim.JobFault{Status: "killed", Applied: 10}, Times: 1}, ""},
		"results shuffled and shortened": {zdsim.Fault{Method: "POST", Path: "/api/v2/users/create_many", Job: &zdsim.JobFault{Shuffle: true, Drop: 5}, Times: 1}, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 150, 20)
			w.apply(t)
			w.ZD.Fault(c.fault)
			asked, err := w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
			if err != nil || len(asked.Cycles) != 2 {
				t.Fatal(asked, err)
			}
			if c.code != "" {
				until(t, 30*time.Second, "status says "+c.code, func() bool {
					s, err := w.client.Status(t.Context(), acme)
					return err == nil && slices.ContainsFunc(s.Tenants[0].Problems, func(p adminapi.Problem) bool { return p.Code == c.code && p.Next != "" })
				}, func() {
					s, _ := w.client.Status(t.Context(), acme)
					t.Logf("problems: %+v", s.Tenants[0].Problems)
				})
				w.ZD.ClearFaults()
			}
			w.sync(t, adminapi.Sync{Full: true})
			w.agree(t)
			noEffectTwice(t, w.ZD)
			if s, _ := w.client.Status(t.Context(), acme); len(s.Tenants[0].Problems) != 0 {
				t.Errorf("the problem did not close itself: %+v", s.Tenants[0].Problems)
			}
		})
	}
}

// One tenant's broken PeopleSoft and refused Zendesk do not keep another tenant waiting, and neither sees the other.
func TestOtherTenantsGoOn(t *testing.T) {
	w := newWorld(t, 100, 20)
	other := newCompany(t, 100, 20)
	w.apply(t)
	file := other.TenantFile()
	file = "tenant: other" + file[len("tenant: acme"):]
	values := map[string]map[string]string{"other": w.values()[string(acme)]}
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "other.yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
	other.ZD.Fault(zdsim.Fault{Status: 401, Times: -1})
	if err := other.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.Sync(t.Context(), "other", adminapi.Sync{Full: true}); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	if n := len(other.ZD.Users()); n > 1 { // the account's owner
		t.Errorf("%d users in the account of the other tenant", n)
	}
}
