package directory_test

import (
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/pkg/directory"
)

func user(change func(*directory.User)) directory.Entry {
	u := directory.User{ExternalID: "psft:emp:1", Name: "Kim Doe", Email: "kim@example.com", Phone: "1", Fields: map[string]string{"user_fields.a": "1", "user_fields.b": ""}, State: directory.Active}
	change(&u)
	return directory.Entry{User: &u}
}

func organization(change func(*directory.Organization)) directory.Entry {
	o := directory.Organization{ExternalID: "psft:vendor:A:1", Name: "Hoses", AltName: "Hoses (1)", Fields: map[string]string{"organization_fields.a": "1"}, State: directory.Active}
	change(&o)
	return directory.Entry{Organization: &o}
}

// TestEveryWantedValueCounts changes one value at a time: each digest must differ from all others.
func TestEveryWantedValueCounts(t *testing.T) {
	seen := map[string]string{}
	for name, e := range map[string]directory.Entry{
		"nothing":                  {},
		"a user":                   user(func(*directory.User) {}),
		"external id":              user(func(u *directory.User) { u.ExternalID = "psft:emp:2" }),
		"name":                     user(func(u *directory.User) { u.Name = "Kim" }),
		"email":                    user(func(u *directory.User) { u.Email = "" }),
		"phone":                    user(func(u *directory.User) { u.Phone = "" }),
		"state":                    user(func(u *directory.User) { u.State = directory.Suspended }),
		"free seat":                user(func(u *directory.User) { u.FreeSeat = true }),
		"an address to hold":       user(func(u *directory.User) { u.Park = "x" }),
		"a record to take over":    user(func(u *directory.User) { u.Takes = "x" }),
		"a field's value":          user(func(u *directory.User) { u.Fields["user_fields.a"] = "2" }),
		"a cleared field":          user(func(u *directory.User) { delete(u.Fields, "user_fields.b") }),
		"a value moved":            user(func(u *directory.User) { u.Fields = map[string]string{"user_fields.a": "", "user_fields.b": "1"} }),
		"a border moved":           user(func(u *directory.User) { u.Name, u.Email = "Kim Doek", "im@example.com" }),
		"an organization":          organization(func(*directory.Organization) {}),
		"organization external id": organization(func(o *directory.Organization) { o.ExternalID = "x" }),
		"organization name":        organization(func(o *directory.Organization) { o.Name = "x" }),
		"alternative name":         organization(func(o *directory.Organization) { o.AltName = "" }),
		"organization state":       organization(func(o *directory.Organization) { o.State = directory.Inactive }),
		"organization field":       organization(func(o *directory.Organization) { o.Fields = nil }),
	} {
		d := e.Digest()
		if other, taken := seen[d]; taken {
			t.Errorf("%q and %q have one digest", name, other)
		}
		seen[d] = name
		if d != e.Digest() || len(d) != 64 {
			t.Errorf("%q: digest %q is not stable", name, d)
		}
	}
}

func TestLetterCaseOfAnAddressDoesNotCount(t *testing.T) {
	if user(func(u *directory.User) { u.Email = "KIM@Example.com" }).Digest() != user(func(*directory.User) {}).Digest() {
		t.Fatal("an address in capitals is another address")
	}
}

func TestDigestDependsOnValuesOnly(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gen := rapid.MapOf(rapid.String(), rapid.String())
		a, b := gen.Draw(rt, "a"), gen.Draw(rt, "b")
		da := user(func(u *directory.User) { u.Fields = a }).Digest()
		if again := user(func(u *directory.User) { u.Fields = maps.Clone(a) }).Digest(); again != da {
			rt.Fatal("equal fields, different digests")
		}
		db := user(func(u *directory.User) { u.Fields = b }).Digest()
		if (da == db) != maps.Equal(a, b) {
			rt.Fatalf("%v and %v: equal digests %v", a, b, da == db)
		}
	})
}

func TestEntryAnswersForWhicheverIsSet(t *testing.T) {
	for name, c := range map[string]struct {
		entry directory.Entry
		id    string
		state directory.State
	}{
		"a user":          {user(func(u *directory.User) { u.State = directory.Suspended }), "psft:emp:1", directory.Suspended},
		"an organization": {organization(func(o *directory.Organization) { o.State = directory.Inactive }), "psft:vendor:A:1", directory.Inactive},
		"nothing":         {directory.Entry{}, "", directory.Untouched},
	} {
		t.Run(name, func(t *testing.T) {
			if c.entry.ExternalID() != c.id || c.entry.State() != c.state {
				t.Fatalf("%q %q", c.entry.ExternalID(), c.entry.State())
			}
		})
	}
}

func TestNoStateDeletes(t *testing.T) {
	for _, s := range []directory.State{directory.Active, directory.Suspended, directory.Inactive, directory.Untouched} {
		if strings.Contains(string(s), "delet") || strings.Contains(string(s), "remov") {
			t.Errorf("state %s", s)
		}
	}
}
