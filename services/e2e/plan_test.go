package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/secret"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/cli"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// plan makes a plan and fails the test when Zendesk was written meanwhile.
func (w *world) plan(t testing.TB, q adminapi.PlanQuery) (list []adminapi.PlanRecord, sum adminapi.PlanSummary) {
	t.Helper()
	before := w.ZD.Counters().Writes
	sum, err := w.client.Plan(t.Context(), acme, q, func(l adminapi.PlanLine) error {
		if l.Record != nil {
			list = append(list, *l.Record)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := w.ZD.Counters().Writes - before; n != 0 {
		t.Fatalf("a plan made %d writes", n)
	}
	return list, sum
}

func (w *world) applyMode(t testing.TB, mode string) {
	t.Helper()
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: "mode: " + mode + "\n" + w.TenantFile(), Actor: "test", Values: w.values()}); err != nil {
		t.Fatal(err)
	}
}

func planned(list []adminapi.PlanRecord, key string) adminapi.PlanRecord {
	if i := slices.IndexFunc(list, func(r adminapi.PlanRecord) bool { return r.Key == key }); i >= 0 {
		return list[i]
	}
	return adminapi.PlanRecord{}
}

func TestAPlanListsExactlyWhatARunWouldChange(t *testing.T) {
	w := newWorld(t, 250, 20)
	w.applyMode(t, "observe")
	w.sync(t, adminapi.Sync{Full: true})
	list, sum := w.plan(t, adminapi.PlanQuery{})
	users, orgs := len(w.ZD.Users()), len(w.ZD.Organizations())
	if sum.Changes["employees/create"] < 180 || sum.Changes["vendors/create"] < 10 || len(list) < 190 || sum.Mode != "observe" || len(sum.Reads) != 2 {
		t.Fatalf("the first plan: %d records, %+v", len(list), sum)
	}
	w.applyMode(t, "live")
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	if got := len(w.ZD.Users()) - users; got != sum.Changes["employees/create"] {
		t.Errorf("%d users were created, the plan said %+v", got, sum.Changes)
	}
	if got := len(w.ZD.Organizations()) - orgs; got != sum.Changes["vendors/create"] {
		t.Errorf("%d organizations were created, the plan said %+v", got, sum.Changes)
	}
	list, sum = w.plan(t, adminapi.PlanQuery{})
	if len(sum.Changes) != 0 || sum.Drift != 0 || len(list) != sumOf(sum.Waits) {
		t.Fatalf("the plan after the load: %+v %+v", list, sum)
	}
	waited := len(list)

	w.applyMode(t, "observe")
	staff := w.staff(40)
	titled, gone := staff[0], staff[1]
	if _, err := w.PS.ChangeTitle(titled, "Keeper of the Books", w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	w.terminate(t, gone)
	w.sync(t, adminapi.Sync{})
	list, sum = w.plan(t, adminapi.PlanQuery{})
	if len(list) != waited+2 || sum.Changes["employees/update"] != 1 || sum.Changes["employees/suspend"] != 1 || len(sum.Changes) != 2 {
		t.Fatalf("the plan after two changes: %+v %+v", list, sum)
	}
	up, out := planned(list, titled), planned(list, gone)
	if up.Verb != "update" || up.Match != "exact" || len(up.Changes) != 1 || up.Changes[0].After != "Keeper of the Books" {
		t.Errorf("the new title: %+v", up)
	}
	if out.Verb != "suspend" || !slices.ContainsFunc(out.Explain, func(s string) bool { return strings.Contains(s, "suspended: no job in scope is active") }) {
		t.Errorf("the leaver: %+v", out)
	}
	one, _ := w.plan(t, adminapi.PlanQuery{Kind: "employees", Key: staff[2]})
	if len(one) != 1 || one[0].State != "same" || !slices.ContainsFunc(one[0].Explain, func(s string) bool { return strings.Contains(s, "active") }) {
		t.Errorf("somebody for whom nothing is to be done: %+v", one)
	}

	w.terminate(t, staff[3:33]...)
	w.sync(t, adminapi.Sync{})
	list, sum = w.plan(t, adminapi.PlanQuery{})
	if sum.Waits["GUARD_SUSPEND"] != 30 || planned(list, staff[3]).State != "wait" || planned(list, staff[3]).Hold == "" || len(sum.Guard) == 0 {
		t.Errorf("the guard in the plan: %+v", sum)
	}
}

func sumOf(m map[string]int) (n int) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestThePlanTellsWhatSomebodyElseChangedInZendesk(t *testing.T) {
	w, _ := guarded(t)
	k := w.staff(1)[0]
	u, _ := w.ZD.UserByExternalID("psft:emp:" + k)
	w.ZD.SetSuspended(u.ID, true)
	list, sum := w.plan(t, adminapi.PlanQuery{})
	if r := planned(list, k); r.State != "drift" || r.Verb != "restore" || sum.Drift != 1 {
		t.Errorf("%+v %+v", r, sum)
	}
}

func TestTheAdoptionReportSaysWhomTheUsersStandFor(t *testing.T) {
	w := &world{Company: newCompany(t, 250, 20)}
	w.judge = demo.NewJudge(w.Company)
	people := map[string]int{}
	var staff []struct{ id, name, mail string }
	for _, e := range w.PS.Truth("").Employees {
		people[e.Name]++
		if e.Active && e.InScope && e.NextChange == "" && e.Email != "" && len(e.PerOrg) == 1 {
			staff = append(staff, struct{ id, name, mail string }{e.EmplID, e.Name, e.Email})
		}
	}
	staff = slices.DeleteFunc(staff, func(s struct{ id, name, mail string }) bool { return people[s.name] > 1 })
	w.ZD.SeedUser(zdsim.NewUser{Name: "Old Name", Email: "moved.before@example.com", ExternalID: "psft:emp:" + staff[0].id})
	adopted := w.ZD.SeedUser(zdsim.NewUser{Name: "By Mail", Email: staff[1].mail})
	w.ZD.SeedUser(zdsim.NewUser{Name: "Another's", Email: staff[2].mail, ExternalID: "crm-77"})
	w.ZD.SeedAgent("An Agent", staff[3].mail)
	namesake := w.ZD.SeedUser(zdsim.NewUser{Name: staff[4].name, Email: "private@elsewhere.example"})
	stranger := w.ZD.SeedUser(zdsim.NewUser{Name: "A Customer", Email: "customer@elsewhere.example"})
	left := w.ZD.SeedUser(zdsim.NewUser{Name: "Long Gone", Email: "gone@elsewhere.example", ExternalID: "psft:emp:9999999"})
	w.start(t, t.TempDir(), "")
	w.applyMode(t, "observe")
	w.sync(t, adminapi.Sync{Full: true})
	until(t, time.Minute, "status asks for a look", func() bool { return slices.Contains(w.problems(t), "ADOPTION_REVIEW") })

	list, sum := w.plan(t, adminapi.PlanQuery{})
	if len(sum.Adoption) != 2 {
		t.Fatalf("no report: %+v", sum)
	}
	a := sum.Adoption[1]
	if a.Kind != "employee" || a.Exact < 1 || a.Adopt != 1 || a.Review != 3 || a.Orphans != 2 || a.Ours != 1 || a.Staff < 2 {
		t.Errorf("report %+v", a)
	}
	if want := []string{fmt.Sprint(stranger), fmt.Sprint(left)}; !slices.Equal(a.OrphanIDs, want) {
		t.Errorf("orphans %v, want %v", a.OrphanIDs, want)
	}
	for name, c := range map[string]struct {
		key, match, state, code, in string
	}{
		"our external id":                  {staff[0].id, "exact", "change", "", ""},
		"an end user with the address":     {staff[1].id, "adopt", "change", "", fmt.Sprint(adopted)},
		"the address has another record's": {staff[2].id, "review", "wait", "EMAIL_OWNED", "another external id"},
		"the address belongs to an agent":  {staff[3].id, "review", "wait", "EMAIL_OWNED", "an agent"},
		"somebody with the same name":      {staff[4].id, "review", "change", "", fmt.Sprint(namesake)},
		"somebody whom nobody in there is": {staff[5].id, "new", "change", "", ""},
	} {
		r := planned(list, c.key)
		if r.Match != c.match || r.State != c.state || r.Code != c.code || !strings.Contains(r.Why+r.TargetID, c.in) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	s, err := w.client.Status(t.Context(), acme)
	if err != nil || !slices.ContainsFunc(s.Tenants[0].Problems, func(p adminapi.Problem) bool {
		return p.Code == "ADOPTION_REVIEW" && strings.Contains(p.Detail, "3 to review") && p.Next != "" && !p.Hold
	}) {
		t.Errorf("status %+v, %v", s.Tenants[0].Problems, err)
	}
	w.applyMode(t, "live")
	w.sync(t, adminapi.Sync{Full: true})
	h := w.one(t, 2)
	if _, err := w.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim"}); err != nil {
		t.Fatal(err)
	}
	w.settled(t)
	if _, sum := w.plan(t, adminapi.PlanQuery{}); len(sum.Adoption) != 0 || slices.Contains(w.problems(t), "ADOPTION_REVIEW") {
		t.Errorf("after the load: %+v, problems %v", sum, w.problems(t))
	}
	if u, _ := w.ZD.User(stranger); u.Suspended {
		t.Error("an orphan was touched")
	}
}

func TestPlanOnTheCommandLine(t *testing.T) {
	w, dir := guarded(t)
	who := w.staff(1)[0]
	w.applyMode(t, "observe")
	w.terminate(t, who)
	w.sync(t, adminapi.Sync{})
	command := func(args ...string) (string, int) {
		var out bytes.Buffer
		err := cli.Main(t.Context(), app.Env{Args: append([]string{"--data", dir}, args...), Stdout: &out, Stderr: &bytes.Buffer{}, Getenv: func(string) string { return "" }})
		return out.String(), app.ExitCode(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"everything":            {[]string{"plan", "acme"}, app.ExitOK, "suspend        employee/" + who},
		"the counts":            {[]string{"plan", "acme", "--summary"}, app.ExitOK, "changes    employees/suspend 1\n"},
		"one record":            {[]string{"plan", "acme", "--key", who}, app.ExitOK, `suspended: "false" -> "true"`},
		"a record nobody knows": {[]string{"plan", "acme", "--key", "nobody"}, app.ExitInput, ""},
		"a tenant nobody knows": {[]string{"plan", "initech"}, app.ExitInput, ""},
		"a wrong kind":          {[]string{"plan", "acme", "--kind", "cars"}, app.ExitInput, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if out, code := command(c.args...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
	for _, args := range [][]string{{"plan", "acme", "--json"}, {"plan", "acme", "--json", "--kind", "vendors"}} {
		out, code := command(args...)
		var doc struct {
			Records []adminapi.PlanRecord `json:"records"`
			Summary adminapi.PlanSummary  `json:"summary"`
		}
		if err := json.Unmarshal([]byte(out), &doc); err != nil || code != app.ExitOK || doc.Summary.Tenant != "acme" {
			t.Errorf("%v: exit code %d, %v: %s", args, code, err, out)
		}
	}
	w.ZD.Fault(zdsim.Fault{Status: 503, Times: -1})
	if out, code := command("plan", "acme"); code != app.ExitOutside {
		t.Errorf("Zendesk is down: exit code %d: %s", code, out)
	}
	w.ZD.ClearFaults()
}

// A console that runs as a service of its own has no writer beside it: it opens the account itself.
func TestAConsoleWithoutAWriterPlans(t *testing.T) {
	w, _ := guarded(t)
	w.applyMode(t, "observe")
	w.terminate(t, w.staff(2)...)
	w.sync(t, adminapi.Sync{})
	mux := http.NewServeMux()
	token := secret.New(strings.Repeat("t", 32))
	w.sys.Core.Admin(token, nil, func(string) string { return "" }).Routes(mux)
	console := httptest.NewServer(mux)
	t.Cleanup(console.Close)
	w.client = adminapi.NewClient(console.URL, token)
	if list, sum := w.plan(t, adminapi.PlanQuery{}); sum.Changes["employees/suspend"] != 2 || len(list) != 2 {
		t.Errorf("%+v %+v", list, sum)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.client.Plan(ctx, acme, adminapi.PlanQuery{}, func(adminapi.PlanLine) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a plan that was ended: %v", err)
	}
}

// A large plan keeps nothing of its records.
func TestAPlanOfTwentyThousandRecordsNeedsLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN: 20,000 records take a while")
	}
	w := newWorld(t, 20_000, 0)
	w.patience = 10 * time.Minute
	w.applyMode(t, "observe")
	w.sync(t, adminapi.Sync{Kind: "employees", Full: true})
	var most atomic.Uint64
	end, done := make(chan struct{}), make(chan struct{})
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // what is measured is what is kept, not what waits to be collected
	runtime.GC()
	base := heap()
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				most.Store(max(most.Load(), heap()))
			}
		}
	}()
	began, n := time.Now(), 0
	sum, err := w.client.Plan(t.Context(), acme, adminapi.PlanQuery{}, func(l adminapi.PlanLine) error {
		if l.Record != nil {
			n++
		}
		return nil
	})
	close(end)
	<-done
	if err != nil || n < 15_000 {
		t.Fatalf("%d records, %v, %+v", n, err, sum)
	}
	grown := int64(most.Load()) - int64(base)
	t.Logf("20,000 records: %v, heap grew by at most %d MiB over %d MiB", time.Since(began).Round(time.Millisecond), grown>>20, base>>20)
	if grown > 150<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
