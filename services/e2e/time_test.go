package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// A full read in which everybody is the same concludes nothing: nothing is written, nobody is suspended, nothing waits
// for an approval that a tired person might give.
func TestAReadInWhichEverybodyIsTheSameConcludesNothing(t *testing.T) {
	w, _ := guarded(t)
	for name, f := range map[string]pssim.Fault{
		"one name":             {Column: "NAME_DISPLAY,FIRST_NAME,LAST_NAME", Value: "MASKED"},
		"no names":             {Column: "NAME_DISPLAY,FIRST_NAME,LAST_NAME", Value: ""},
		"one department":       {Column: "DEPTID,DEPT_DESCR", Value: "10000,Everybody"},
		"one email":            {Column: "EMAIL_ADDR", Value: "all@example.com"},
		"everybody terminated": {Column: "HR_STATUS,EMPL_STATUS", Value: "I,T"},
		"no status at all":     {Column: "HR_STATUS,EMPL_STATUS", Value: ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.ZD.Effects())
			f.Kind, f.Query = pssim.FaultUniform, "ML_EMPLOYEES"
			if err := w.PS.Fault(f); err != nil {
				t.Fatal(err)
			}
			for _, c := range w.sync(t, adminapi.Sync{Kind: "employees", Full: true}) {
				if c.State != "incomplete" || c.Problem == nil || c.Problem.Code != "SRC_UNIFORM" || c.Problem.Next == "" {
					t.Errorf("cycle %+v, problem %+v", c, c.Problem)
				}
			}
			if n := len(w.ZD.Effects()); n != before || len(w.stopped(t)) != 0 {
				t.Errorf("%d effects in Zendesk, holds %+v", n-before, w.stopped(t))
			}
			w.PS.ClearFaults()
		})
	}
	for _, c := range w.sync(t, adminapi.Sync{Full: true}) {
		if c.State != "complete" {
			t.Errorf("it does not heal: %+v", c)
		}
	}
	mustSuspend(t, w)
	w.agree(t)
}

// What comes by itself stands in status, by key and verb; a hire with a lead is there before the first day, a leaver
// with a lag stays; another policy makes another plan at once.
func TestComingUpLeadAndLag(t *testing.T) {
	w, dir := guarded(t)
	if err := w.PS.SetRows(pssim.All); err != nil { // the query shows rows of later days, as deploy/peoplesoft has it
		t.Fatal(err)
	}
	policy := func(change string) {
		t.Helper()
		file := w.TenantFile() + change
		if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: file, Actor: "test", Values: w.values()}); err != nil {
			t.Fatal(err)
		}
	}
	today, err := time.Parse(time.DateOnly, w.PS.Today())
	if err != nil {
		t.Fatal(err)
	}
	in := func(days int) string { return today.AddDate(0, 0, days).Format(time.DateOnly) }
	policy("employees:\n  hire: { lead: 3d }\n  leaver: { lag: 2d }\n")
	gone := w.staff(1)[0]
	w.terminate(t, gone)
	hired := func(days int) string {
		t.Helper()
		e, err := w.PS.Hire(pssim.NewHire{First: "Kit", Last: "Newcomer"}, in(days))
		if err != nil {
			t.Fatal(err)
		}
		return e.Key()
	}
	soon, later := hired(2), hired(10)
	w.sync(t, adminapi.Sync{})
	mustSuspend(t, w)
	if _, ok := w.ZD.UserByExternalID("psft:emp:" + soon); !ok {
		t.Error("a hire in two days is not there with a lead of three")
	}
	if _, ok := w.ZD.UserByExternalID("psft:emp:" + later); ok {
		t.Error("a hire in ten days is there already")
	}
	coming := func() map[string]string {
		t.Helper()
		s, err := w.client.Status(t.Context(), acme)
		if err != nil || s.Tenants[0].Coming == nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, c := range s.Tenants[0].Coming.List {
			out[c.Key] = c.Day + " " + strings.Join(c.What, "+")
		}
		return out
	}
	if got := coming(); got[gone] != in(2)+" leave" || got[later] != in(7)+" hire" || got[soon] != "" {
		t.Errorf("coming up: %s %q, %s %q, %s %q", gone, got[gone], later, got[later], soon, got[soon])
	}
	w.stop()
	w.start(t, dir, "")
	w.quiet(t)
	mustSuspend(t, w)
	policy("")
	until(t, time.Minute, "the leaver of today is suspended", func() bool { return slices.Contains(w.suspended(), gone) })
	w.quiet(t)
	if got := coming(); got[gone] != "" || got[later] != in(10)+" hire" {
		t.Errorf("coming up: %s %q, %s %q", gone, got[gone], later, got[later])
	}
}
