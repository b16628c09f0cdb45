package e2e

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// urgentBound is how long a suspension may take from its record's read to Zendesk while a first load runs.
const urgentBound = 3 * time.Second

// Somebody leaves in the middle of a first load, while thousands wait for Zendesk's limit of calls. From the moment
// PeopleSoft is asked about the leaver the suspension overtakes them all, and passes the guard on its way: one leaver is
// no mass change. What PeopleSoft said before is resolved before: the test begins when the writer is what is waited for.
// MLC_URGENT_USERS sets the size of the company (100000 is the proof, 20000 the default).
func TestASuspensionOvertakesAFirstLoad(t *testing.T) {
	employees := 20_000
	if n, err := strconv.Atoi(os.Getenv("MLC_URGENT_USERS")); err == nil {
		employees = n
	}
	company, err := demo.NewCompany(employees, 20, 1, 200, 2*time.Second)
	must(t, err)
	run(t, company.Parts...)
	w := &world{Company: company}
	w.judge = demo.NewJudge(company)
	w.start(t, t.TempDir(), "")
	w.apply(t)
	_, err = w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
	must(t, err)
	var users []zdsim.User
	until(t, 2*time.Minute, "only the writer is behind", func() bool {
		_, stages, err := w.client.Quiet(t.Context(), acme)
		users = w.ZD.Users()
		return err == nil && len(users) > 500 && before(stages, "zendesk-writer")
	})
	who := ""
	here := map[string]bool{}
	for _, u := range users {
		if u.ExternalID != nil {
			here[*u.ExternalID] = true
		}
	}
	for _, e := range w.PS.Truth("").Employees {
		if e.Active && e.InScope && e.NextChange == "" && len(e.PerOrg) == 1 && here["psft:emp:"+e.EmplID] {
			who = e.EmplID
			break
		}
	}
	w.judge.Remember()
	_, err = w.PS.Terminate(who, w.PS.Today())
	must(t, err)
	began := time.Now()
	_, err = w.client.Sync(t.Context(), acme, adminapi.Sync{Kind: "employees", Key: who})
	must(t, err)
	suspended := func() bool {
		for _, e := range w.ZD.Effects() {
			if e.Verb == "suspend" && e.ExternalID == "psft:emp:"+who {
				return true
			}
		}
		return false
	}
	until(t, time.Minute, "the leaver is suspended", suspended)
	took := time.Since(began)
	loaded := len(w.ZD.Users())
	t.Logf("suspended after %s, with %d of about %d users loaded", took.Round(10*time.Millisecond), loaded, employees)
	if took > urgentBound {
		t.Errorf("suspended after %s, want at most %s", took, urgentBound)
	}
	if loaded > employees*8/10 {
		t.Errorf("%d users were loaded already: the load was over, nothing was overtaken", loaded)
	}
}

// before tells whether every stage in front of one is quiet, and this one is not.
func before(stages []adminapi.Stage, last string) bool {
	for _, s := range stages {
		if s.Stage == last {
			return !s.Quiet
		}
		if !s.Quiet {
			return false
		}
	}
	return false
}
