package zendesk

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

func TestEmailChangeKeepsTheOldAddressAndSendsNoMail(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	it := a.sync(person(1))[0]
	moved := it
	moved.Wanted = with(it, func(u *directory.User) {
		u.Email, u.Fields = "new@corp.example", map[string]string{"user_fields.job_title": "Lead"}
	}).Wanted
	a.sync(moved)
	u := a.user(it.TargetID)
	if *u.Email != "new@corp.example" || u.UserFields["job_title"] != "Lead" || len(u.Identities) != 2 {
		t.Errorf("email %s, title %v, %d identities", *u.Email, u.UserFields["job_title"], len(u.Identities))
	}
	a.quiet(moved)
	a.sync(it) // and back: the old one is a secondary address of the same user
	if u := a.user(it.TargetID); *u.Email != "person1@corp.example" || len(u.Identities) != 2 {
		t.Errorf("email %s after the way back, %d identities", *u.Email, len(u.Identities))
	}
	a.unharmed()
}

func TestEmailSwapNeverMixesPeople(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	items := a.sync(people(1, 2)...)
	swapped := slices.Clone(items)
	swapped[0].Wanted = with(items[0], func(u *directory.User) { u.Email = "person2@corp.example" }).Wanted
	swapped[1].Wanted = with(items[1], func(u *directory.User) { u.Email = "person1@corp.example" }).Wanted
	var cs []target.Change
	for _, p := range a.plan(swapped...) {
		cs = append(cs, p.Change)
	}
	for _, o := range a.apply(cs...) {
		if fault.KindOf(o.Err) != fault.Held || fault.CodeOf(o.Err) != fault.EmailTaken {
			t.Errorf("%s: %v, want held as EMAIL_TAKEN", o.Change.Ref, o.Err)
		}
	}
	for i, it := range items {
		if u := a.user(it.TargetID); *u.Email != person(i+1).Wanted.User.Email || *u.ExternalID != it.Wanted.User.ExternalID {
			t.Errorf("user %s: %s %s", it.TargetID, *u.Email, *u.ExternalID)
		}
	}
}

func TestLeaverAndRehireAreOneUserAndAgentsNotesSurvive(t *testing.T) {
	for name, n := range map[string]int{"singly": 1, "in bulk": 5} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{})
			for i := 1; i <= n; i++ {
				p := person(i).Wanted.User
				a.sim.SeedUser(sim.NewUser{Name: p.Name, Email: p.Email, ExternalID: p.ExternalID, Tags: []string{"vip", "de"}})
			}
			items := a.sync(people(1, n)...)
			gone := make([]target.Item, n)
			for i, it := range items {
				gone[i] = with(it, func(u *directory.User) { u.State = directory.Suspended })
			}
			a.sync(gone...)
			for _, it := range gone {
				if u := a.user(it.TargetID); !u.Suspended || !u.Active || len(u.Tags) != 2 {
					t.Errorf("%s suspended %v active %v tags %v", it.Ref, u.Suspended, u.Active, u.Tags)
				}
			}
			a.quiet(gone...)
			back := a.sync(items...)
			for i, it := range back {
				if it.TargetID != items[i].TargetID || a.user(it.TargetID).Suspended {
					t.Errorf("%s came back as %s", it.Ref, it.TargetID)
				}
			}
			for _, e := range a.sim.Effects() {
				for _, f := range []string{"tags", "notes", "details", "role", "organization_id"} {
					if e.RequestID != "" && e.Verb != "create" && slices.Contains(e.Changed, f) {
						t.Errorf("%s of %d was changed", f, e.ID)
					}
				}
			}
			a.unharmed()
		})
	}
}

func TestAgentIsDowngradedThenSuspendedAndRemembered(t *testing.T) {
	a := overHTTP(t, sim.Options{Quirks: sim.Quirks{RoleWithSuspendedHalf: true}})
	id := a.sim.SeedUser(seed(func(n *sim.NewUser) { n.Role = "agent" }))
	leaver := with(person(1), func(u *directory.User) { u.State, u.FreeSeat = directory.Suspended, true })
	out := a.sync(leaver)[0]
	if u := a.user(out.TargetID); u.ID != id || u.Role != "end-user" || !u.Suspended {
		t.Fatalf("role %s suspended %v", u.Role, u.Suspended)
	}
	var m memory
	if err := json.Unmarshal(out.Memory, &m); err != nil || m.Role != "agent" {
		t.Errorf("memory %s: %v", out.Memory, err)
	}
	a.quiet(out)
	back := person(1)
	back.TargetID, back.Memory = out.TargetID, out.Memory
	again := a.sync(back)[0]
	if u := a.user(again.TargetID); u.Suspended || u.Role != "end-user" || string(again.Memory) != string(out.Memory) {
		t.Errorf("after the rehire: suspended %v role %s memory %s", u.Suspended, u.Role, again.Memory)
	}
}

func TestPhoneIsReplaced(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	it := a.sync(with(person(1), func(u *directory.User) { u.Phone = "+1 555 0100" }))[0]
	a.quiet(it)
	moved := with(it, func(u *directory.User) { u.Phone = "+1 555 0199" })
	a.sync(moved)
	a.quiet(moved)
}

func TestAnswerLostAfterTheEffectIsUnknownAndFoundByTheNextPlan(t *testing.T) {
	for name, f := range map[string]sim.Fault{
		"connection cut":         {Drop: "after"},
		"502 with a page":        {Status: 502, Body: "<html>bad gateway</html>", AfterEffect: true},
		"200 with a page":        {HTML: true, AfterEffect: true},
		"200 with nothing":       {Empty: true, AfterEffect: true},
		"answer cut in the body": {Truncate: 20},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{})
			c := a.planOne(person(1))
			f.Method, f.Path = "POST", "/api/v2/users"
			a.sim.Fault(f)
			o := a.apply(c)[0]
			if !fault.IsUnknown(o.Err) || fault.KindOf(o.Err) != fault.Transient {
				t.Fatalf("outcome %v, want unknown", o.Err)
			}
			c = a.planOne(person(1))
			if c.Verb != target.Nothing || c.TargetID == "" {
				t.Errorf("next plan: %s %v", c.Verb, c.Diff)
			}
		})
	}
}

func TestOnlyACallThatWasAnsweredIsOver(t *testing.T) {
	for name, tc := range map[string]struct {
		path   string
		status int
		want   bool
	}{
		"500":                         {"/api/v2/users", 500, true},
		"502":                         {"/api/v2/users", 502, true},
		"503":                         {"/api/v2/users", 503, true},
		"504: it may still run":       {"/api/v2/users", 504, false},
		"a job refused by 503":        {"/api/v2/users/create_many", 503, true},
		"a job, queued before a 500?": {"/api/v2/users/create_many", 500, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{})
			k := call{method: "POST", path: tc.path}
			err := a.target.client.refusal(k, answer{Status: tc.status})
			if !fault.IsUnknown(err) || fault.IsOver(err) != tc.want {
				t.Errorf("unknown %t, over %t, want %t", fault.IsUnknown(err), fault.IsOver(err), tc.want)
			}
			k.method = "GET"
			if err := a.target.client.refusal(k, answer{Status: tc.status}); fault.IsUnknown(err) || fault.IsOver(err) {
				t.Errorf("a read has an outcome: %v", err)
			}
		})
	}
}

func TestLostCreateBeforeTheEffectIsCreatedByTheNextPlan(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	c := a.planOne(person(1))
	a.sim.Fault(sim.Fault{Method: "POST", Path: "/api/v2/users", Drop: "before"})
	if o := a.apply(c)[0]; !fault.IsUnknown(o.Err) {
		t.Fatalf("%v", o.Err)
	}
	a.sync(person(1))
	a.quiet(person(1))
}

func TestSingleFailures(t *testing.T) {
	for name, tc := range map[string]struct {
		fault sim.Fault
		want  string
		whole bool // the call as a whole fails
	}{
		"401 twice stops the connection":       {sim.Fault{Path: "/api/v2/users/{id}", Times: -1, Status: 401, Body: `{"error":"Couldn't authenticate you"}`}, "auth ZD_AUTH", true},
		"403 on every call is a missing right": {sim.Fault{Path: "/api/v2/users/{id}", Times: -1, Status: 403, Body: `{"error":{"title":"Forbidden","message":"x"}}`}, "auth ZD_FORBIDDEN", true},
		"404 means that it was removed":        {sim.Fault{Path: "/api/v2/users/{id}", Status: 404, Body: `{"error":"RecordNotFound","description":"Not found"}`}, "held ZD_GONE", false},
		"404 of the endpoint is configuration": {sim.Fault{Path: "/api/v2/users/{id}", Status: 404, Body: `{"error":"InvalidEndpoint","description":"Not found"}`}, "config ZD_NOT_FOUND", true},
		"422 is a dead letter":                 {sim.Fault{Path: "/api/v2/users/{id}", Status: 422, Body: `{"error":"RecordInvalid","description":"Record validation errors","details":{"name":[{"description":"Name: is too short"}]}}`}, "invalid ZD_INVALID", false},
		"400 is a dead letter":                 {sim.Fault{Path: "/api/v2/users/{id}", Status: 400, Body: `{"error":{"title":"Invalid attribute","message":"x"}}`}, "invalid ZD_INVALID", false},
		"500 leaves it unknown":                {sim.Fault{Path: "/api/v2/users/{id}", Status: 500}, "transient ZD_DOWN", false},
		"a redirect is never followed":         {sim.Fault{Path: "/api/v2/users/{id}", Status: 302, Header: map[string]string{"Location": "https://elsewhere.example/"}}, "config ZD_REDIRECT", true},
		"409 is tried again and passes":        {sim.Fault{Path: "/api/v2/users/{id}", Times: 1, Status: 409, Body: `{"error":"DatabaseConflict"}`}, "<nil>", false},
		"429 with a short wait passes":         {sim.Fault{Path: "/api/v2/users/{id}", Times: 1, Status: 429, Header: map[string]string{"Retry-After": "1"}}, "<nil>", false},
		"429 with a very long wait comes back": {sim.Fault{Path: "/api/v2/users/{id}", Times: 1, Status: 429, Header: map[string]string{"Retry-After": "1000000000"}}, "rate_limited ZD_RATE_LONG", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := overHTTP(t, sim.Options{})
			it := a.sync(person(1))[0]
			c := a.planOne(with(it, func(u *directory.User) { u.Name = "Other" }))
			tc.fault.Method = "PUT"
			a.sim.Fault(tc.fault)
			os, err := a.target.Apply(t.Context(), acme, []target.Change{c}, &a.journal)
			if tc.whole {
				if os != nil || codeOf(err) != tc.want {
					t.Fatalf("%v, %v, want failure as a whole: %s", os, err, tc.want)
				}
				return
			}
			if err != nil || codeOf(os[0].Err) != tc.want {
				t.Fatalf("%v, %v, want %s", os, err, tc.want)
			}
		})
	}
}

func TestNothingIsDeletedByConstruction(t *testing.T) {
	for _, r := range routes() {
		if !slices.Contains([]string{"GET", "POST", "PUT"}, r.method) || strings.Contains(r.path, "destroy") || strings.Contains(r.path, "merge") {
			t.Errorf("%s %s is permitted", r.method, r.path)
		}
	}
	for _, bad := range [][2]string{
		{"DELETE", "/api/v2/users/1"}, {"PUT", "/api/v2/users/1/merge"}, {"POST", "/api/v2/users/destroy_many"},
		{"PUT", "/api/v2/users/1/../2"}, {"PUT", "/api/v2/users/"}, {"GET", "/api/v2/users/1a"}, {"PATCH", "/api/v2/users/1"},
	} {
		if _, _, err := permit(routes(), bad[0], bad[1]); err == nil {
			t.Errorf("%s %s is permitted", bad[0], bad[1])
		}
	}
}
