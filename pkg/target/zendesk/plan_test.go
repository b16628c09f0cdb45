package zendesk

import (
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

func TestPlanOfOneUser(t *testing.T) {
	suspended := func(u *directory.User) { u.State = directory.Suspended }
	for name, tc := range map[string]struct {
		seed  sim.NewUser
		edit  func(u *directory.User)
		cfg   func(c *Config)
		verb  target.Verb
		code  fault.Code // of a hold, or of the change
		holds bool
	}{
		"a new employee is created":                       {verb: target.Create},
		"a leaver who never was there is skipped":         {edit: suspended, verb: target.Nothing, code: fault.SkipNeverActive},
		"an untouched record is left alone":               {edit: func(u *directory.User) { u.State = directory.Untouched }, verb: target.Nothing},
		"a user as wanted needs nothing":                  {seed: asWanted(), verb: target.Nothing},
		"an address in other case is the same":            {seed: asWanted(), edit: func(u *directory.User) { u.Email = "PERSON1@Corp.Example" }, verb: target.Nothing},
		"an external id in other case is the same":        {seed: seed(func(n *sim.NewUser) { n.ExternalID = "PSFT:EMP:000001" }), verb: target.Nothing},
		"a name in other composition is the same":         {seed: seed(func(n *sim.NewUser) { n.Name = "Rene\u0301" }), edit: func(u *directory.User) { u.Name = "Ren\u00e9" }, verb: target.Nothing},
		"a missing address clears nothing":                {seed: asWanted(), edit: func(u *directory.User) { u.Email = "" }, verb: target.Nothing},
		"a missing phone clears nothing":                  {seed: seed(func(n *sim.NewUser) { n.Phone = "+15550100" }), verb: target.Nothing},
		"a field that the account lacks changes nothing":  {seed: asWanted(), edit: func(u *directory.User) { u.Fields["user_fields.unknown"] = "x" }, verb: target.Nothing},
		"a changed title is an update":                    {seed: asWanted(), edit: func(u *directory.User) { u.Fields["user_fields.job_title"] = "Lead" }, verb: target.Update},
		"a leaver is suspended":                           {seed: asWanted(), edit: suspended, verb: target.Suspend},
		"a rehire is restored":                            {seed: seed(func(n *sim.NewUser) { n.Suspended = true }), verb: target.Restore},
		"a suspended leaver needs nothing":                {seed: seed(func(n *sim.NewUser) { n.Suspended = true }), edit: suspended, verb: target.Nothing},
		"a user known by email is adopted":                {seed: seed(func(n *sim.NewUser) { n.ExternalID = "" }), verb: target.Update},
		"a user known by email is refused by policy":      {seed: seed(func(n *sim.NewUser) { n.ExternalID = "" }), cfg: func(c *Config) { c.Adopt = false }, code: fault.AdoptionRefused, holds: true},
		"an address of another record is not taken":       {seed: seed(func(n *sim.NewUser) { n.ExternalID = "psft:emp:999999" }), code: fault.EmailOwned, holds: true},
		"an address of an agent is not taken":             {seed: seed(func(n *sim.NewUser) { n.ExternalID, n.Role = "", "agent" }), code: fault.EmailOwned, holds: true},
		"an address of an admin is not taken":             {seed: seed(func(n *sim.NewUser) { n.ExternalID, n.Role = "", "admin" }), code: fault.EmailOwned, holds: true},
		"a leaver is not adopted by email":                {seed: seed(func(n *sim.NewUser) { n.ExternalID = "" }), edit: suspended, verb: target.Nothing, code: fault.SkipNeverActive},
		"an admin who leaves is held":                     {seed: seed(func(n *sim.NewUser) { n.Role = "admin" }), edit: suspended, code: fault.TargetProtected, holds: true},
		"an admin who leaves is held with free seats too": {seed: seed(func(n *sim.NewUser) { n.Role = "admin" }), edit: func(u *directory.User) { u.State, u.FreeSeat = directory.Suspended, true }, code: fault.TargetProtected, holds: true},
		"an agent who leaves is held":                     {seed: seed(func(n *sim.NewUser) { n.Role = "agent" }), edit: suspended, code: fault.TargetProtected, holds: true},
		"an agent who leaves frees the seat by policy":    {seed: seed(func(n *sim.NewUser) { n.Role = "agent" }), edit: func(u *directory.User) { u.State, u.FreeSeat = directory.Suspended, true }, verb: target.Suspend},
		"an agent as wanted needs nothing":                {seed: seed(func(n *sim.NewUser) { n.Role = "agent" }), verb: target.Nothing},
		"an agent with another title is held":             {seed: seed(func(n *sim.NewUser) { n.Role = "agent" }), edit: func(u *directory.User) { u.Fields["user_fields.job_title"] = "Lead" }, code: fault.TargetProtected, holds: true},
		"an agent with another title is updated by policy": {
			seed: seed(func(n *sim.NewUser) { n.Role = "agent" }), edit: func(u *directory.User) { u.Fields["user_fields.job_title"] = "Lead" },
			cfg: func(c *Config) { c.StaffFields = []string{"user_fields.job_title"} }, verb: target.Update,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{}, func(c *Config) {
				if tc.cfg != nil {
					tc.cfg(c)
				}
			})
			if tc.seed.Name != "" {
				a.sim.SeedUser(tc.seed)
			}
			it := person(1)
			if tc.edit != nil {
				it = with(it, tc.edit)
			}
			before := a.sim.Counters().Writes
			if tc.holds {
				a.planErr(it, tc.code)
			} else if c := a.planOne(it); c.Verb != tc.verb || c.Code != string(tc.code) {
				t.Errorf("verb %s code %q (%s, %v), want %s %q", c.Verb, c.Code, c.Why, c.Diff, tc.verb, tc.code)
			} else {
				a.sync(it)
			}
			if tc.verb == target.Nothing || tc.holds {
				if n := a.sim.Counters().Writes; n != before {
					t.Errorf("%d writes, want none", n-before)
				}
				return
			}
			a.quiet(it)
		})
	}
}

func asWanted() sim.NewUser {
	return sim.NewUser{
		Name: "Person 1", Email: "person1@corp.example", ExternalID: "psft:emp:000001",
		Fields: map[string]any{"department": "Finance", "job_title": "Analyst"},
	}
}

func seed(f func(n *sim.NewUser)) sim.NewUser {
	n := asWanted()
	f(&n)
	return n
}

func TestPlanByLink(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	id := idText(a.sim.SeedUser(asWanted()))
	linked := person(1)
	linked.TargetID = id
	a.quiet(linked)
	if !a.sim.Deactivate(parseID(id)) {
		t.Fatal("not deactivated")
	}
	a.planErr(linked, fault.TargetGone)

	stolen := person(2)
	stolen.TargetID = idText(a.sim.SeedUser(seed(func(n *sim.NewUser) { n.ExternalID, n.Email = "psft:emp:000777", "other@corp.example" })))
	a.planErr(stolen, fault.TargetGone)
}

func TestPlanFindsSecondaryAddresses(t *testing.T) {
	for name, many := range map[string]bool{"by search": false, "by census": true} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{})
			id := a.sim.SeedUser(sim.NewUser{Name: "Jane", Email: "jane@corp.example", ExternalID: "psft:emp:000500"})
			owner := target.Item{Ref: person(500).Ref, TargetID: idText(id), Wanted: directory.Entry{User: &directory.User{
				ExternalID: "psft:emp:000500", Name: "Jane", Email: "jane.doe@corp.example", State: directory.Active,
			}}}
			a.sync(owner) // jane@corp.example is a secondary address from here on
			items := []target.Item{with(person(1), func(u *directory.User) { u.Email = "Jane@corp.example" })}
			if many {
				items = append(items, people(2, 40)...)
			}
			p := a.plan(items...)[0]
			if fault.CodeOf(p.Err) != fault.EmailOwned {
				t.Fatalf("%s %v, want EMAIL_OWNED", p.Change.Verb, p.Err)
			}
		})
	}
}

func TestOneAddressForTwoNewRecordsGoesToTheFirst(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	share := func(n int) target.Item {
		return with(person(n), func(u *directory.User) { u.Email = "shared@corp.example" })
	}
	ps := a.plan(share(1), share(2))
	if ps[0].Err != nil || fault.CodeOf(ps[1].Err) != fault.EmailTaken {
		t.Fatalf("%v, %v", ps[0].Err, ps[1].Err)
	}
	// Two plans made before either was applied must not meet in one user.
	p1, p2 := a.plan(share(3))[0], a.plan(share(4))[0]
	o1 := a.apply(p1.Change)[0]
	o2 := a.apply(p2.Change)[0]
	if o1.Err != nil || fault.KindOf(o2.Err) != fault.Held {
		t.Fatalf("%v, %v", o1.Err, o2.Err)
	}
	if u := a.user(o1.TargetID); *u.ExternalID != "psft:emp:000003" {
		t.Errorf("the user belongs to %s now", *u.ExternalID)
	}
}

func TestOrganizations(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	a.sim.SeedOrganization(sim.NewOrganization{Name: "Acme", ExternalID: "crm:1"})
	adopt := a.sim.SeedOrganization(sim.NewOrganization{Name: "Globex", Tags: []string{"vip"}})
	items := []target.Item{vendor(1, "ACME"), vendor(2, "Globex"), vendor(3, "Initech"), vendor(4, "initech"), vendor(5, "Umbrella")}
	ps := a.plan(items...)
	for i, want := range []string{"ORG_NAME_TAKEN", "", "", "ORG_NAME_TAKEN", ""} {
		if ps[i].Err != nil || ps[i].Change.Code != want {
			t.Errorf("item %d: code %q err %v, want %q", i, ps[i].Change.Code, ps[i].Err, want)
		}
	}
	if !ps[1].Change.Adopted || ps[1].Change.TargetID != idText(adopt) {
		t.Errorf("globex was not adopted: %+v", ps[1].Change)
	}
	linked := a.sync(items...)
	a.quiet(linked...)
	a.quiet(items...)
	names := map[string]string{}
	for _, o := range a.sim.Organizations() {
		if o.ExternalID != nil {
			names[*o.ExternalID] = o.Name
		}
		if o.ID == adopt && len(o.Tags) != 1 {
			t.Errorf("tags of the adopted organization: %v", o.Tags)
		}
	}
	if names["psft:vendor:SHARE:0000000001"] != "ACME (0000000001)" || names["psft:vendor:SHARE:0000000004"] != "initech (0000000004)" || names["crm:1"] != "Acme" {
		t.Errorf("names: %v", names)
	}
	inactive := vendor(9, "Never There")
	inactive.Wanted.Organization.State = directory.Inactive
	if c := a.planOne(inactive); c.Verb != target.Nothing || c.Code != string(fault.SkipNeverActive) {
		t.Errorf("inactive vendor: %s %s", c.Verb, c.Code)
	}
	a.sim.SeedOrganization(sim.NewOrganization{Name: "Hooli"})
	a.sim.SeedOrganization(sim.NewOrganization{Name: "Hooli (0000000010)", ExternalID: "crm:2"})
	renamed := linked[4]
	renamed.Wanted = vendor(5, "Hooli").Wanted
	renamed.Wanted.Organization.AltName = "Hooli (0000000010)"
	if err := a.planErr(renamed, fault.OrgNameTaken); !strings.Contains(err.Error(), "organization ") || !strings.Contains(err.Error(), " has the name") {
		t.Errorf("the other organization is not named: %v", err)
	}
	a.unharmed()
}
