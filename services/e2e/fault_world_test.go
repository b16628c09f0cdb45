package e2e

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/e2e/linktest"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// setup is what is special about the world of one fault.
type setup struct {
	employees int // 60 when 0
	ps        func(*pssim.Options)
	zd        func(*zdsim.Options)
	file      []string // pairs of texts of the tenant file
	tuning    func(*assembly.Tuning)
	links     bool // both simulators stand behind links that can be hurt
	ingress   bool
	empty     bool // no first load before the fault
	idle      bool // no tenant file yet
}

// ordeal is a company and a system, in which one row of the catalogue of failures happens.
type ordeal struct {
	*world
	dir    string
	file   []string
	psLink *linktest.Link
	zdLink *linktest.Link
	mark   int // requests to Zendesk before the fault
}

// newOrdeal starts a world of its own and loads it. The rows of a table run side by side: they wait more than they work.
func newOrdeal(t *testing.T, s setup) *ordeal {
	t.Helper()
	t.Parallel()
	o := &ordeal{world: &world{Company: special(t, s)}, dir: t.TempDir(), file: s.file}
	o.judge = demo.NewJudge(o.Company)
	if s.links {
		o.psLink, o.zdLink = linktest.New(t, host(o.PSURL)), linktest.New(t, host(o.ZDURL))
		o.PSURL, o.ZDURL = "http://"+o.psLink.Address(), "http://"+o.zdLink.Address()
	}
	tuning := fast()
	if s.tuning != nil {
		s.tuning(&tuning)
	}
	if o.tuning = &tuning; s.ingress {
		o.ingress = freePort(t)
	}
	o.start(t, o.dir, "")
	if !s.idle {
		o.applyFile(t)
	}
	if !s.empty {
		o.sync(t, adminapi.Sync{Full: true})
		o.agree(t)
	}
	o.mark = len(o.ZD.Requests())
	return o
}

func host(url string) string { return strings.TrimPrefix(url, "http://") }

// special is demo.NewCompany with other simulators.
func special(t *testing.T, s setup) *demo.Company {
	t.Helper()
	c := &demo.Company{Secrets: map[string]string{"DEMO_PS_PASSWORD": "demo-password-of-the-simulator", "DEMO_ZD_SECRET": "demo-secret-of-the-simulator"}}
	if s.employees == 0 {
		s.employees = 60
	}
	ps := pssim.Options{Seed: 1, Employees: s.employees, Vendors: 10, User: "MLCONN", Password: c.Secrets["DEMO_PS_PASSWORD"]}
	zd := zdsim.Options{Seed: 1, JobDuration: func(int) time.Duration { return 10 * time.Millisecond },
		Auth: zdsim.Auth{Clients: []zdsim.OAuthClient{{ID: "ml_connector", Secret: c.Secrets["DEMO_ZD_SECRET"], ExpiresIn: 7200}}}}
	if s.ps != nil {
		s.ps(&ps)
	}
	if s.zd != nil {
		s.zd(&zd)
	}
	c.PS, c.ZD = pssim.New(ps), zdsim.New(zd)
	for key, title := range map[string]string{"department": "Department", "job_title": "Job title"} {
		c.ZD.SeedField("user", zdsim.Field{Type: "text", Key: key, Title: title})
	}
	listen := func() (net.Listener, string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l, "http://" + l.Addr().String()
	}
	pl, psURL := listen()
	zl, zdURL := listen()
	c.PSURL, c.ZDURL = psURL, zdURL
	c.Parts = []app.Component{
		{Name: "sim-peoplesoft", Run: func(ctx context.Context) error { return app.Serve(ctx, pl, c.PS) }},
		{Name: "sim-zendesk", Run: func(ctx context.Context) error { return app.Serve(ctx, zl, c.ZD) }},
	}
	run(t, c.Parts...)
	return c
}

// applyFile applies the tenant file with the row's differences; each must fit.
func (o *ordeal) applyFile(t *testing.T) {
	t.Helper()
	text := o.TenantFile()
	for i := 0; i < len(o.file); i += 2 {
		if !strings.Contains(text, o.file[i]) {
			t.Fatalf("the tenant file does not say %q", o.file[i])
		}
		text = strings.Replace(text, o.file[i], o.file[i+1], 1)
	}
	values := o.values()
	values[string(acme)]["peoplesoft.ib.password"] = ibPassword
	if _, err := o.client.Apply(t.Context(), adminapi.Apply{Name: "fault.yaml", File: text, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
}

// ask asks for a cycle and does not wait for it.
func (o *ordeal) ask(t *testing.T, s adminapi.Sync) []string {
	t.Helper()
	asked, err := o.client.Sync(t.Context(), acme, s)
	if err != nil {
		t.Fatal(err)
	}
	return asked.Cycles
}

// changes makes one change of each sort in PeopleSoft. Nobody of them is touched by another call of changes.
func (o *ordeal) changes(t *testing.T, round int) {
	t.Helper()
	o.judge.Remember()
	who := o.staff(60)[8*round:]
	today := o.PS.Today()
	v := o.PS.Truth("").Vendors[slices.IndexFunc(o.PS.Truth("").Vendors, func(v pssim.VendorTruth) bool { return v.State == "active" && v.InScope })]
	must := func(_ pssim.Effect, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(o.PS.Terminate(who[0], today))
	must(o.PS.ChangeEmail(who[1], "moved."+who[1]+"@example.com"))
	for _, k := range who[2:7] {
		must(o.PS.ChangeTitle(k, "Keeper of the Books", today))
	}
	for range 3 {
		must(o.PS.Hire(pssim.NewHire{First: "Kit", Last: "Newcomer" + who[0]}, today))
	}
	must(o.PS.VendorRename(v.SetID, v.VendorID, "Renamed Goods "+who[0]))
}

// sees waits until status tells a problem with the code and what to do about it.
func (o *ordeal) sees(t *testing.T, code string) (p adminapi.Problem) {
	t.Helper()
	until(t, 40*time.Second, "status says "+code, func() bool {
		s, err := o.client.Status(t.Context(), acme)
		if err != nil {
			return false
		}
		i := slices.IndexFunc(s.Tenants[0].Problems, func(p adminapi.Problem) bool { return p.Code == code && p.Next != "" })
		if i >= 0 {
			p = s.Tenants[0].Problems[i]
		}
		return i >= 0
	}, func() {
		s, _ := o.client.Status(t.Context(), acme)
		t.Logf("problems %+v, breaker %s, struck %d", s.Tenants[0].Problems, s.Tenants[0].Breaker, o.ZD.Struck())
	})
	return p
}

// waits gives the findings of a code that hold a record.
func (o *ordeal) waits(t *testing.T, code string) (list []adminapi.Finding) {
	t.Helper()
	found, err := o.client.Findings(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.Code == code && f.Hold {
			list = append(list, f)
			if f.Next == "" {
				t.Errorf("%+v says no next step", f)
			}
		}
	}
	return list
}

// judged reads everything, waits for quiet and runs the oracles: Zendesk holds what PeopleSoft says, nothing happened
// twice, nobody was deleted, no object of somebody else was written, no problem is left.
func (o *ordeal) judged(t *testing.T) {
	t.Helper()
	o.sync(t, adminapi.Sync{Full: true})
	o.agree(t)
	noEffectTwice(t, o.ZD)
	o.noWrongPerson(t)
	var left []adminapi.Problem
	until(t, 40*time.Second, "the problem closes itself", func() bool {
		s, err := o.client.Status(t.Context(), acme)
		if err == nil {
			left = slices.DeleteFunc(s.Tenants[0].Problems, func(p adminapi.Problem) bool { return p.Code == "ADOPTION_REVIEW" }) // a note
		}
		return err == nil && len(left) == 0
	}, func() { t.Logf("left: %+v", left) })
}

// noWrongPerson reads the log of effects: we write what is ours, what nobody had marked, and nothing of staff.
func (o *ordeal) noWrongPerson(t *testing.T) {
	t.Helper()
	for _, e := range o.ZD.Effects() {
		before, ok := e.Before.(*zdsim.User)
		if e.RequestID == "" || !ok || before == nil || len(e.Changed) == 0 {
			continue
		}
		was := value(before.ExternalID)
		after, _ := e.After.(*zdsim.User)
		if was != "" && !strings.HasPrefix(was, "psft:") || was != "" && after != nil && !strings.EqualFold(value(after.ExternalID), was) || before.Role != "end-user" {
			t.Errorf("user %d (%s, %q) was written: %s %v", e.ID, before.Role, was, e.Verb, e.Changed)
		}
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }
