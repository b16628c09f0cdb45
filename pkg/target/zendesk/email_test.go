package zendesk

import (
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

func (a *account) addresses(id string) (list []string) {
	a.Helper()
	for _, i := range a.user(id).Identities {
		if i.Type == "email" {
			list = append(list, i.Value)
		}
	}
	return list
}

// write plans and applies one item.
func (a *account) write(it target.Item) target.Outcome {
	a.Helper()
	p := a.plan(it)[0]
	if p.Err != nil {
		return target.Outcome{Change: p.Change, Err: p.Err}
	}
	if p.Change.Verb == target.Nothing {
		return target.Outcome{Change: p.Change, TargetID: p.Change.TargetID}
	}
	return a.apply(p.Change)[0]
}

func inPlace(c *Config) { c.EmailInPlace = true }

func TestTheWaysInWhichAnAddressChanges(t *testing.T) {
	const first, second, parked = "person1@corp.example", "new@corp.example", "psft-emp-1@former.example.com"
	for name, c := range map[string]struct {
		edit func(*Config)
		then func(*directory.User)
		want []string
	}{
		"added, the old one stays":       {func(*Config) {}, func(u *directory.User) { u.Email = second }, []string{second, first}},
		"replaced, the old one is free":  {inPlace, func(u *directory.User) { u.Email = second }, []string{second}},
		"other capitals are no change":   {inPlace, func(u *directory.User) { u.Email = strings.ToUpper(first) }, []string{first}},
		"parked":                         {inPlace, func(u *directory.User) { u.Email, u.Park = second, parked }, []string{parked}},
		"a leaver keeps it":              {inPlace, func(u *directory.User) { u.Email, u.State = second, directory.Suspended }, []string{first}},
		"a leaver whose is needed parks": {inPlace, func(u *directory.User) { u.Park, u.State = parked, directory.Suspended }, []string{parked}},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{}, c.edit)
			it := with(a.sync(people(1, 1)...)[0], c.then)
			if o := a.write(it); o.Err != nil {
				t.Fatal(o.Err)
			}
			if got := a.addresses(it.TargetID); !slices.Equal(got, c.want) {
				t.Errorf("addresses %v, want %v", got, c.want)
			}
			if n := a.sim.Counters().Mails; n > 0 {
				t.Errorf("%d mails", n)
			}
			if p := a.plan(it)[0]; p.Change.Verb != target.Nothing {
				t.Errorf("the second run would write %v", p.Change.Diff)
			}
		})
	}
}

func TestAReplacedAddressIsFreeForTheNext(t *testing.T) {
	a := overHTTP(t, sim.Options{}, inPlace)
	items := a.sync(people(1, 1)...)
	moved := with(items[0], func(u *directory.User) { u.Email = "new@corp.example" })
	if o := a.write(moved); o.Err != nil {
		t.Fatal(o.Err)
	}
	next := with(person(2), func(u *directory.User) { u.Email = "person1@corp.example" })
	if o := a.write(next); o.Err != nil || !slices.Equal(a.addresses(o.TargetID), []string{"person1@corp.example"}) {
		t.Errorf("%v", o.Err)
	}
}

func TestWhoeverHasAnAddressIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Config)
		want []string
	}{
		"as a second one, with the setting that heals": {func(*Config) {}, []string{"employee/000001", "second address", "employees.email.change: in_place"}},
		"as a second one, by hand":                     {inPlace, []string{"employee/000001", "by hand"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{}, c.edit)
			items := a.sync(people(1, 2)...)
			a.target.cfg.EmailInPlace = false
			if o := a.write(with(items[0], func(u *directory.User) { u.Email = "new@corp.example" })); o.Err != nil {
				t.Fatal(o.Err)
			}
			c.edit(&a.target.cfg)
			o := a.write(with(items[1], func(u *directory.User) { u.Email = "person1@corp.example" }))
			if fault.CodeOf(o.Err) != fault.EmailTaken || fault.KindOf(o.Err) != fault.Held {
				t.Fatalf("%v", o.Err)
			}
			for _, w := range c.want {
				if !strings.Contains(o.Err.Error(), w) {
					t.Errorf("%v does not say %q", o.Err, w)
				}
			}
			if got := a.addresses(items[1].TargetID); !slices.Equal(got, []string{"person2@corp.example"}) {
				t.Errorf("addresses %v", got)
			}
		})
	}
}

func TestAnObjectIsTakenOverOnlyByTheRecordThatMay(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	old := a.sync(people(1, 1)...)[0]
	left := with(old, func(u *directory.User) { u.State = directory.Suspended })
	if o := a.write(left); o.Err != nil {
		t.Fatal(o.Err)
	}
	back := with(person(2), func(u *directory.User) { u.Email, u.Name = "person1@corp.example", old.Wanted.User.Name })
	back.TargetID = old.TargetID
	if p := a.plan(back)[0]; p.Err == nil {
		t.Fatalf("without approval: %+v", p.Change)
	}
	back = with(back, func(u *directory.User) { u.Takes = old.Wanted.User.ExternalID })
	if o := a.write(back); o.Err != nil || o.Change.Verb != target.Restore || o.TargetID != old.TargetID {
		t.Fatalf("%v %s", o.Err, o.Change.Verb)
	}
	u := a.user(old.TargetID)
	if u.Suspended || *u.ExternalID != back.Wanted.User.ExternalID || *u.Email != "person1@corp.example" {
		t.Errorf("user %+v", u)
	}
	if p := a.plan(back)[0]; p.Change.Verb != target.Nothing {
		t.Errorf("the second run would write %v", p.Change.Diff)
	}
	gone := with(old, func(u *directory.User) { u.State = directory.Suspended })
	gone.TargetID = ""
	if p := a.plan(gone)[0]; p.Change.Verb != target.Nothing || p.Err != nil {
		t.Errorf("the old record: %+v %v", p.Change, p.Err)
	}
}

func TestDomainsInOtherScriptsCompareInPunycode(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	it := with(person(1), func(u *directory.User) { u.Email = "kit@xn--bcher-kva.example" })
	it = a.sync(it)[0]
	if p := a.plan(with(it, func(u *directory.User) { u.Email = "Kit@Bücher.example" }))[0]; p.Change.Verb != target.Nothing {
		t.Errorf("%v", p.Change.Diff)
	}
}

func TestANameThatBecomesFreeIsTaken(t *testing.T) {
	a := overHTTP(t, sim.Options{})
	items := a.sync(vendor(1, "Acme"), vendor(2, "Acme"))
	c := a.planOne(items[1])
	if c.Verb != target.Nothing || c.Code != string(fault.OrgNameTaken) || !strings.Contains(c.Why, "vendor/SHARE/0000000001") {
		t.Fatalf("%s %s %q", c.Verb, c.Code, c.Why)
	}
	first := items[0]
	first.Wanted = vendor(1, "Acme Hoses").Wanted
	a.sync(first)
	a.sync(items[1])
	if c := a.planOne(items[1]); c.Verb != target.Nothing || c.Code != "" || c.Held.Organization.Name != "Acme" {
		t.Errorf("%s %s %+v", c.Verb, c.Code, c.Held.Organization)
	}
	a.quiet(items[1])
}
