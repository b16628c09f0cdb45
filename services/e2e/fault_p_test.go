package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

// misread is a row of failures.md 3.4 in which a full read of PeopleSoft goes wrong.
type misread struct {
	setup  setup
	fault  pssim.Fault
	codes  []string // of the cycle of employees, which then concludes nothing; none: the cycle may pass
	writes bool     // the records that were read may be written while it lasts
	field  string   // that the trail names beside rejected rows
	most   int      // calls of PeopleSoft while it lasts; 0 is any number
	before func(t *testing.T, o *ordeal)
}

// play reads while the fault lasts: the cycle says what is wrong, nothing is concluded. It ends, and everything arrives.
func (m misread) play(t *testing.T) {
	o := newOrdeal(t, m.setup)
	if m.before != nil {
		m.before(t, o)
	}
	writes, calls := o.ZD.Counters().Writes, o.PS.Counts().Requests
	if err := o.PS.Fault(m.fault); err != nil {
		t.Fatal(err)
	}
	o.changes(t, 0)
	cycles := o.sync(t, adminapi.Sync{Full: true, Kind: "employees"})
	for _, c := range cycles {
		if len(m.codes) > 0 && (c.State == "complete" || c.Problem == nil || !slices.Contains(m.codes, c.Problem.Code) || c.Problem.Next == "") {
			t.Errorf("cycle %+v, problem %+v, want one of %v with a next step", c, c.Problem, m.codes)
		}
		if len(m.codes) == 0 && c.State != "complete" {
			t.Errorf("cycle %+v, problem %+v", c, c.Problem)
		}
	}
	if n := o.PS.Counts().Requests - calls; m.most > 0 && n > m.most {
		t.Errorf("%d calls, want at most %d", n, m.most)
	}
	if n := o.ZD.Counters().Writes - writes; n != 0 && !m.writes {
		t.Errorf("%d writes from a read that is no good", n)
	}
	if !slices.ContainsFunc(o.PS.Requests(), func(r pssim.Request) bool { return len(r.Faults) > 0 }) {
		t.Error("no call met the fault")
	}
	if m.field != "" {
		until(t, 30*time.Second, "the trail tells of rejected rows", func() bool {
			told, err := o.client.Audit(t.Context(), acme, audit.Query{Stage: audit.Poller, Outcome: audit.Failed})
			return err == nil && slices.ContainsFunc(told, func(e adminapi.AuditEntry) bool {
				return e.Key != "" && e.Code == "SRC_SCHEMA" && strings.Contains(e.Detail, m.field)
			})
		})
	}
	if n := len(o.suspended()); n > 1 { // changes terminates one
		t.Errorf("%d people were suspended", n)
	}
	o.PS.ClearFaults()
	o.judged(t)
}

func misreads() map[string]misread {
	f := func(k pssim.FaultKind, edit ...func(*pssim.Fault)) pssim.Fault {
		out := pssim.Fault{Kind: k, Query: "ML_EMPLOYEES"}
		for _, e := range edit {
			e(&out)
		}
		return out
	}
	skip := func(f *pssim.Fault) { f.Skip = 1 }
	delay := func(d time.Duration) func(*pssim.Fault) { return func(f *pssim.Fault) { f.Delay = d } }
	column := func(name string) func(*pssim.Fault) { return func(f *pssim.Fault) { f.Column = name } }
	n := func(n int) func(*pssim.Fault) { return func(f *pssim.Fault) { f.N = n } }
	status := func(s int) func(*pssim.Fault) { return func(f *pssim.Fault) { f.Status = s } }
	notData, impatient := []string{"SRC_NOT_DATA"}, setup{tuning: func(t *assembly.Tuning) { t.Silence = 250 * time.Millisecond }}
	pages := setup{file: []string{"employees: { query: ML_EMPLOYEES, max_rows: 100,", "employees: { query: ML_EMPLOYEES, max_rows: 20,"}}
	return map[string]misread{
		"P01 the sign-in page":                     {fault: f(pssim.FaultSignIn), codes: []string{"SRC_NOT_DATA", "SRC_AUTH"}},
		"P01 the gateway's page":                   {fault: f(pssim.FaultGateway), codes: notData},
		"P01 a web server's page":                  {fault: f(pssim.FaultWebLogic), codes: notData},
		"P01 nothing":                              {fault: f(pssim.FaultEmptyBody), codes: []string{"SRC_NOT_DATA", "SRC_TRUNCATED"}},
		"P02 a JSON error with 200":                {fault: f(pssim.FaultErrorJSON), codes: []string{"SRC_FAULT"}},
		"P02 an error document with 200":           {fault: f(pssim.FaultErrorXML), codes: []string{"SRC_FAULT"}},
		"P02 a SOAP fault with 200":                {fault: f(pssim.FaultSOAP), codes: []string{"SRC_FAULT", "SRC_AUTH"}},
		"P03 a short answer":                       {setup: pages, fault: f(pssim.FaultShortLength, skip), codes: []string{"SRC_TRUNCATED"}, writes: true},
		"P03 a chunk that is cut":                  {setup: pages, fault: f(pssim.FaultChunkCut, skip), codes: []string{"SRC_TRUNCATED"}, writes: true},
		"P03 a clean cut":                          {setup: pages, fault: f(pssim.FaultCut, skip), codes: []string{"SRC_TRUNCATED"}, writes: true},
		"P04 a cap that nobody tells of":           {fault: f(pssim.FaultCap, n(7)), writes: true},
		"P05 more rows of one instant than a page": {setup: pages, fault: f(pssim.FaultSlow, delay(time.Millisecond)), writes: true, before: func(t *testing.T, o *ordeal) { did(t)(o.PS.Touch(60)) }},
		"P06 no rows":                              {fault: f(pssim.FaultZeroRows), codes: []string{"SRC_EMPTY_SUSPECT"}},
		"P06 half of the rows":                     {fault: f(pssim.FaultHalfRows), codes: []string{"SRC_SHRUNK"}, writes: true},
		"P06 the rows of one department":           {fault: f(pssim.FaultDepartment, func(f *pssim.Fault) { f.Value = "0010100" }), codes: []string{"SRC_SHRUNK", "SRC_EMPTY_SUSPECT"}, writes: true},
		"P09 rows twice":                           {fault: f(pssim.FaultDuplicates), writes: true},
		"P10 the key is missing":                   {fault: f(pssim.FaultDropColumn, column("EMPLID")), codes: []string{"SRC_SCHEMA"}},
		"P11 every date in another form":           {fault: f(pssim.FaultDrift, column("EFFDT")), codes: []string{"SRC_SCHEMA"}},
		"P11 a few dates in another form":          {fault: f(pssim.FaultDrift, column("EFFDT"), n(5)), writes: true, field: "EFFDT"}, // the row that the check reads among them
		"P12 the password is refused":              {fault: f(pssim.FaultStatus, status(401)), codes: []string{"SRC_AUTH"}, most: 2},
		"P12 the query is forbidden":               {fault: f(pssim.FaultStatus, status(403)), codes: []string{"SRC_FORBIDDEN"}, most: 2},
		"P13 a node that is not there":             {fault: f(pssim.FaultWrongNode), codes: []string{"SRC_NOT_FOUND"}, most: 2},
		"P14 an answer that does not begin":        {setup: impatient, fault: f(pssim.FaultSlow, delay(5*time.Second)), codes: []string{"SRC_TIMEOUT"}},
		"P14 an answer that stalls":                {setup: impatient, fault: f(pssim.FaultStall, delay(5*time.Second)), codes: []string{"SRC_TIMEOUT"}},
		"P14 an answer in drops":                   {setup: impatient, fault: f(pssim.FaultDrip, n(16), delay(20*time.Millisecond)), codes: []string{"SRC_TIMEOUT"}},
		"P01 data that calls itself a page":        {fault: f(pssim.FaultHTMLType), codes: notData},
		"P02 an error document with 500":           {fault: f(pssim.FaultStatus, status(500)), codes: []string{"SRC_FAULT", "SRC_DOWN"}},
		"P13 a redirect to another host":           {fault: f(pssim.FaultRedirect), codes: []string{"SRC_REDIRECT"}, most: 2},
	}
}

// yesterday: every row is there, in the state of an hour ago. Nothing goes back to it.
func yesterday(t *testing.T) {
	o := newOrdeal(t, setup{})
	o.changes(t, 0)
	o.sync(t, adminapi.Sync{Full: true})
	o.agree(t)
	writes := o.ZD.Counters().Writes
	if err := o.PS.Fault(pssim.Fault{Kind: pssim.FaultStale, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	for _, c := range o.sync(t, adminapi.Sync{Full: true}) {
		if c.Problem != nil && !slices.Contains([]string{"SRC_STALE", "SRC_SHRUNK"}, c.Problem.Code) {
			t.Errorf("cycle %+v, problem %+v", c, c.Problem)
		}
	}
	if n := o.ZD.Counters().Writes - writes; n != 0 {
		t.Errorf("%d writes of an older state", n)
	}
	o.agree(t)
	o.PS.ClearFaults()
	o.changes(t, 1)
	o.judged(t)
}

func TestFaultScriptOfPeopleSoft(t *testing.T) {
	for name, m := range misreads() {
		t.Run(name, m.play)
	}
	t.Run("P08 a row that was committed late", lateRow)
	t.Run("P12 a wrong password does not lock the account", lockOut)
	t.Run("P16 the state of an hour ago", yesterday)
	t.Run("P15 the connection works and the query does not", twoLights)
}

// lateRow: a change becomes visible only after a later stamp was read. The overlap of the next cycle finds it.
func lateRow(t *testing.T) {
	o := newOrdeal(t, setup{})
	keys := o.staff(2)
	if _, err := o.PS.Apply(pssim.Event{Type: "change-title", EmplID: keys[0], Title: "Late Title", LateSeconds: 2}); err != nil {
		t.Fatal(err)
	}
	did(t)(o.PS.ChangeTitle(keys[1], "Title in Time", o.PS.Today()))
	o.sync(t, adminapi.Sync{})
	if o.ours(t, keys[0]).UserFields["job_title"] == "Late Title" || o.ours(t, keys[1]).UserFields["job_title"] != "Title in Time" {
		t.Fatal("nothing was late")
	}
	<-time.After(2100 * time.Millisecond)
	o.sync(t, adminapi.Sync{})
	o.agree(t)
	o.judged(t)
}

// lockOut: a wrong password is tried at most twice, also when people ask for more cycles; three lock the account.
func lockOut(t *testing.T) {
	o := newOrdeal(t, setup{ps: func(p *pssim.Options) { p.LockAfter = 3 }})
	right := o.Secrets["DEMO_PS_PASSWORD"]
	o.Secrets["DEMO_PS_PASSWORD"] = "changed-elsewhere"
	o.applyFile(t)
	for range 2 {
		for _, c := range o.sync(t, adminapi.Sync{Kind: "employees"}) {
			if c.Problem == nil || c.Problem.Code != "SRC_AUTH" || c.Problem.Next == "" {
				t.Errorf("cycle %+v, problem %+v", c, c.Problem)
			}
		}
		if o.PS.Locked() {
			t.Fatal("the account is locked")
		}
	}
	o.Secrets["DEMO_PS_PASSWORD"] = right
	o.applyFile(t)
	o.changes(t, 0)
	o.judged(t)
}

// twoLights: check shows what works beside what does not.
func twoLights(t *testing.T) {
	o := newOrdeal(t, setup{})
	if err := o.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, Status: 403, Query: "ML_EMPLOYEES"}); err != nil {
		t.Fatal(err)
	}
	c, err := o.client.Check(t.Context(), acme, false)
	if err != nil || c.OK {
		t.Fatalf("%+v, %v", c, err)
	}
	states := map[string]int{}
	for _, s := range c.Steps {
		if s.Connection == "peoplesoft.hcm" {
			states[s.State]++
		}
	}
	if states["ok"] == 0 || states["failed"] != 1 || !slices.ContainsFunc(c.Steps, func(s adminapi.Step) bool {
		return s.Connection == "peoplesoft.hcm" && s.Code == "SRC_FORBIDDEN" && s.Next != ""
	}) {
		t.Errorf("steps %+v", c.Steps)
	}
	o.PS.ClearFaults()
	if c, err := o.client.Check(t.Context(), acme, false); err != nil || !c.OK {
		t.Errorf("%+v, %v", c, err)
	}
}
