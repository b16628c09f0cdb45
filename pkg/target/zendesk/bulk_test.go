package zendesk

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// owned wants every record to have exactly the user that its outcome names.
func (a *account) owned(items []target.Item, os []target.Outcome) {
	a.Helper()
	for i, o := range os {
		u, ok := a.sim.UserByExternalID(items[i].Wanted.User.ExternalID)
		switch {
		case o.Err != nil:
			a.Errorf("%s: %v", items[i].Ref, o.Err)
		case !ok || idText(u.ID) != o.TargetID || u.Name != items[i].Wanted.User.Name || *u.Email != items[i].Wanted.User.Email:
			a.Errorf("%s: outcome names user %s, the account has %d %s", items[i].Ref, o.TargetID, u.ID, u.Name)
		}
	}
}

func (a *account) changes(items ...target.Item) (cs []target.Change) {
	a.Helper()
	for _, p := range a.plan(items...) {
		if p.Err != nil {
			a.Fatalf("plan %s: %v", p.Item.Ref, p.Err)
		}
		cs = append(cs, p.Change)
	}
	return cs
}

func TestEveryShapeOfBulkResults(t *testing.T) {
	for name, o := range map[string]sim.Options{
		"as recorded":                             {},
		"with an index":                           {Quirks: sim.Quirks{ResultIndex: true}},
		"failures name an index":                  {Quirks: sim.Quirks{UpsertFailureIndex: true}},
		"in another order":                        {Quirks: sim.Quirks{ShuffleResults: true}},
		"in another order with an index":          {Quirks: sim.Quirks{ShuffleResults: true, ResultIndex: true}},
		"without email":                           {Quirks: sim.Quirks{ResultsWithoutEmail: true}},
		"without email in another order":          {Quirks: sim.Quirks{ResultsWithoutEmail: true, ShuffleResults: true}},
		"some are missing":                        {Quirks: sim.Quirks{DropResults: 7}},
		"some are missing, no email, other order": {Quirks: sim.Quirks{DropResults: 7, ResultsWithoutEmail: true, ShuffleResults: true}},
		"status not visible at first":             {JobHiddenFor: 30 * time.Millisecond},
		"the email chooses the user":              {Quirks: sim.Quirks{UpsertPrefersEmail: true}},
		"another external id is refused":          {Quirks: sim.Quirks{UpsertRefusesOtherExternal: true}},
		"no job type":                             {Quirks: sim.Quirks{NoJobType: true}},
		"three jobs of the account at most":       {MaxJobs: 3},
		"too many jobs answers 400":               {MaxJobs: 1, Quirks: sim.Quirks{TooManyJobsStatus: 400}},
		"imports are switched off":                {ImportGate: true},
		"imports are switched off, flat body":     {ImportGate: true, Quirks: sim.Quirks{GateFlatBody: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := overHTTP(t, o)
			items := people(1, 230)
			items[3] = with(items[3], func(u *directory.User) { u.Email = "" })
			cs := a.changes(items...)
			// These addresses are taken by strangers after the plan, and before the jobs: they must not become ours.
			for _, n := range []int{10, 150} {
				a.sim.SeedUser(sim.NewUser{Name: "Stranger", Email: items[n].Wanted.User.Email, ExternalID: "crm:" + items[n].Ref.Key, Role: "agent"})
			}
			os := a.apply(cs...)
			for _, n := range []int{150, 10} {
				if o.Quirks.UpsertRefusesOtherExternal || o.ImportGate {
					if fault.CodeOf(os[n].Err) != fault.EmailOwned {
						t.Errorf("taken address: %v", os[n].Err)
					}
				}
				os, items = append(os[:n], os[n+1:]...), append(items[:n], items[n+1:]...)
			}
			items[3].Wanted = with(items[3], func(u *directory.User) { u.Email = "x@x.example" }).Wanted
			if os[3].Err != nil || os[3].TargetID == "" {
				t.Errorf("record without email: %v", os[3].Err)
			}
			a.owned(append(items[:3:3], items[4:]...), append(os[:3:3], os[4:]...))
			for i, o := range os {
				if items[i].TargetID = o.TargetID; o.Err != nil {
					t.Fatal(o.Err)
				}
				items[i] = with(items[i], func(u *directory.User) { u.Name += " II"; u.Email = "" })
			}
			for i, o := range a.apply(a.changes(items...)...) {
				if u := a.user(items[i].TargetID); o.Err != nil || u.Name != items[i].Wanted.User.Name {
					t.Errorf("update of %s: %v, name %s", items[i].Ref, o.Err, u.Name)
				}
			}
			a.quiet(items...)
			if len(a.journal.jobs) != int(a.sim.Counters().Jobs) {
				t.Errorf("%d jobs journaled of %d", len(a.journal.jobs), a.sim.Counters().Jobs)
			}
		})
	}
}

func TestGateIsRememberedForADayAndShownByCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{ImportGate: true})
		a.sync(people(1, 20)...)
		a.sync(people(21, 40)...)
		const gate = "POST /api/v2/users/create_many"
		if n := a.sim.Counters().Calls[gate]; n != 1 {
			t.Errorf("the gate was tried %d times, want once", n)
		}
		warned := false
		for _, s := range a.target.Check(t.Context(), acme) {
			warned = warned || s.Name == "import-gate" && s.Code == string(fault.TargetImportGate)
		}
		if !warned {
			t.Error("check does not warn of the gate")
		}
		time.Sleep(25 * time.Hour)
		a.sync(people(41, 60)...)
		if n := a.sim.Counters().Calls[gate]; n != 2 {
			t.Errorf("after a day the gate was tried %d times, want twice", n)
		}
	})
}

func TestFatesOfJobs(t *testing.T) {
	for name, tc := range map[string]struct {
		job     sim.JobFault
		want    string // outcome of the records that the job did not reach
		applied int
	}{
		"failed before the first record": {sim.JobFault{Status: "failed"}, "transient ZD_JOB_FAILED", 0},
		"killed in the middle":           {sim.JobFault{Status: "killed", Applied: 20}, "transient ZD_JOB_FAILED", 20},
		"stuck in the middle":            {sim.JobFault{Status: "working", Applied: 20}, "transient JOB_UNKNOWN", 20},
		"a status nobody knows":          {sim.JobFault{Status: "paused", Applied: 3}, "transient JOB_UNKNOWN", 3},
		"completed with missing results": {sim.JobFault{Drop: 13}, "<nil>", 50},
		"completed in another order":     {sim.JobFault{Shuffle: true}, "<nil>", 50},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := inBubble(t, sim.Options{JobDuration: realJob})
				items := people(1, 50)
				cs := a.changes(items...)
				a.sim.Fault(sim.Fault{Method: "POST", Path: "/api/v2/users/create_many", Job: &tc.job})
				ok := 0
				for i, o := range a.apply(cs...) {
					if o.Err == nil {
						ok++
						u, _ := a.sim.UserByExternalID(items[i].Wanted.User.ExternalID)
						if idText(u.ID) != o.TargetID {
							t.Errorf("%s: user %s, want %d", items[i].Ref, o.TargetID, u.ID)
						}
						continue
					}
					if codeOf(o.Err) != tc.want || fault.IsUnknown(o.Err) != strings.Contains(tc.want, "UNKNOWN") {
						t.Errorf("%s: %v, want %s", items[i].Ref, o.Err, tc.want)
					}
				}
				if ok != tc.applied {
					t.Errorf("%d records done, want %d", ok, tc.applied)
				}
			})
		})
	}
}

func TestJobWhoseQueueingAnswerIsLostIsUnknown(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	cs := a.changes(people(1, 10)...)
	a.sim.Fault(sim.Fault{Method: "POST", Path: "/api/v2/users/create_many", Drop: "after"})
	for _, o := range a.apply(cs...) {
		if !fault.IsUnknown(o.Err) {
			t.Errorf("%v", o.Err)
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(a.sim.Users()) < 11 {
		if time.Now().After(deadline) {
			t.Fatal("the lost job never ran")
		}
	}
	a.quiet(people(1, 10)...)
}

func TestJournalThatFailsStopsTheBatch(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	cs := a.changes(people(1, 300)...)
	a.journal.err = errors.New("disk full")
	for _, o := range a.apply(cs...) {
		if o.Err == nil || !strings.Contains(o.Err.Error(), "disk full") {
			t.Fatalf("%v", o.Err)
		}
	}
}

func TestStoppedWhileAJobRunsLeavesItsRecordsUnknownAndSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{JobDuration: realJob})
		cs := a.changes(people(1, 50)...)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		os, err := a.target.Apply(ctx, acme, cs, &a.journal)
		if err != nil || !fault.IsUnknown(os[0].Err) || len(a.journal.jobs) != 1 {
			t.Fatalf("%v %v, %d jobs", err, os[0].Err, len(a.journal.jobs))
		}
		began := time.Now()
		if err := a.target.Settle(t.Context(), acme, append(a.journal.jobs, "V3-nobody-knows", "")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 3*time.Second || took > 30*time.Second {
			t.Errorf("settled after %s", took)
		}
		a.quiet(people(1, 50)...)
	})
}

func TestWritesThatDoNotStickAreNoticedOnSuspensions(t *testing.T) {
	for name, n := range map[string]int{"singly": 1, "in bulk": 4} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{})
			items := a.sync(people(1, n)...)
			for i := range items {
				items[i] = with(items[i], func(u *directory.User) { u.State = directory.Suspended })
			}
			cs := a.changes(items...)
			a.sim.Fault(sim.Fault{Method: "PUT", Path: "/api/v2/users/*", Lose: true})
			bad := 0
			for i, o := range a.apply(cs...) {
				if o.Err == nil && !a.user(items[i].TargetID).Suspended {
					bad++
				}
			}
			if bad > 0 && n > 1 {
				t.Errorf("%d suspensions reported that did not stick", bad)
			}
		})
	}
}

func TestUrgentGoesBeforeBulk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 400, JobDuration: realJob})
		items := a.sync(people(1, 100)...)
		for i := range items {
			items[i] = with(items[i], func(u *directory.User) { u.Name += " II" })
		}
		items[99] = with(items[99], func(u *directory.User) { u.State = directory.Suspended })
		items[99].Urgent = true
		cs := a.changes(items...)
		began := time.Now()
		done := make(chan struct{})
		go func() { defer close(done); a.apply(cs...) }()
		time.Sleep(500 * time.Millisecond)
		if !a.user(items[99].TargetID).Suspended {
			t.Error("the urgent suspension has not arrived after half a second")
		}
		<-done
		if time.Since(began) < 3*time.Second {
			t.Error("the bulk part took no time: the test proves nothing")
		}
		a.unharmed()
	})
}

func TestBulkUpdatesThatAreRefusedGoSingly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 400, ImportGate: true, Quirks: sim.Quirks{GateUpdateMany: true, GateOrganizations: true}})
		items := a.sync(people(1, 120)...)
		for i := range items {
			items[i] = with(items[i], func(u *directory.User) { u.Name += " II" })
		}
		began := time.Now()
		a.sync(items...)
		if took := time.Since(began); took > 140*time.Second {
			t.Errorf("120 single updates took %s, want about one a second", took)
		}
		a.quiet(items...)
		a.sync(vendor(1, "Acme"), vendor(2, "Globex"), vendor(3, "Initech"), vendor(4, "Hooli"))
		a.unharmed()
	})
}

// Single updates share one a second: thirty leavers at once are gone in the time of a job.
func TestACrowdOfUrgentChangesGoesAsAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 400, JobDuration: realJob})
		items := a.sync(people(1, 30)...)
		for i := range items {
			items[i] = with(items[i], func(u *directory.User) { u.State = directory.Suspended })
			items[i].Urgent = true
		}
		cs, began := a.changes(items...), time.Now()
		a.apply(cs...)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("30 urgent suspensions took %s", took)
		}
		for _, it := range items {
			if !a.user(it.TargetID).Suspended {
				t.Errorf("%s is not suspended", it.Ref)
			}
		}
		a.unharmed()
	})
}
