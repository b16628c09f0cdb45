package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// The rows of failures.md 3.5 that end in a record that waits for a person: what must not be written is not written.
func TestFaultScriptOfWhatIsHeld(t *testing.T) {
	for name, play := range map[string]func(t *testing.T){
		"Z10 somebody deleted the user":                      func(t *testing.T) { deletedUser(t, zdsim.Quirks{}) },
		"Z10 somebody deleted the user, and its address 404": func(t *testing.T) { deletedUser(t, zdsim.Quirks{DeletedAre404: true}) },
		"Z12 the address is taken":                           takenAddress,
		"Z12 the name of the organization is taken":          takenName,
		"Z12 a value that Zendesk refuses":                   refusedValue,
		"Z17 an address of somebody else":                    func(t *testing.T) { strangers(t, zdsim.Quirks{}) },
		"Z17 the address chooses the user":                   func(t *testing.T) { strangers(t, zdsim.Quirks{UpsertPrefersEmail: true}) },
		"Z17 an upsert that refuses":                         func(t *testing.T) { strangers(t, zdsim.Quirks{UpsertRefusesOtherExternal: true}) },
		"Z18 an agent leaves":                                func(t *testing.T) { staffLeaves(t, "agent") },
		"Z18 an admin leaves":                                func(t *testing.T) { staffLeaves(t, "admin") },
	} {
		t.Run(name, play)
	}
}

func did(t *testing.T) func(pssim.Effect, error) {
	return func(_ pssim.Effect, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// user is our user of an employee.
func (o *ordeal) ours(t *testing.T, key string) zdsim.User {
	t.Helper()
	u, ok := o.ZD.UserByExternalID("psft:emp:" + key)
	if !ok {
		t.Fatalf("%s has no user", key)
	}
	return u
}

// only wants exactly one record to wait, with this code.
func (o *ordeal) only(t *testing.T, code string, keys ...string) {
	t.Helper()
	var got []string
	for _, f := range o.waits(t, code) {
		got = append(got, f.Key)
	}
	slices.Sort(got)
	slices.Sort(keys)
	if !slices.Equal(got, keys) {
		t.Errorf("%s holds %v, want %v", code, got, keys)
	}
}

func deletedUser(t *testing.T, q zdsim.Quirks) {
	o := newOrdeal(t, setup{zd: func(z *zdsim.Options) { z.Quirks = q }})
	key := o.staff(1)[0]
	if !o.ZD.Deactivate(o.ours(t, key).ID) {
		t.Fatal("not deleted")
	}
	users := len(o.ZD.Users())
	did(t)(o.PS.ChangeTitle(key, "Keeper of the Books", o.PS.Today()))
	o.judged(t)
	o.only(t, "ZD_GONE", key)
	if n := len(o.ZD.Users()); n != users {
		t.Errorf("%d users, there were %d: the deleted one was made again", n, users)
	}
}

// takenAddress: two employees exchange addresses through a third one that nobody gives up.
func takenAddress(t *testing.T) {
	o := newOrdeal(t, setup{})
	key := o.staff(1)[0]
	o.ZD.SeedUser(zdsim.NewUser{Name: "Stranger", Email: "stranger@example.com", ExternalID: "crm:1"})
	did(t)(o.PS.ChangeEmail(key, "stranger@example.com"))
	did(t)(o.PS.ChangeTitle(key, "Keeper of the Books", o.PS.Today()))
	o.judged(t)
	found := append(o.waits(t, "EMAIL_TAKEN"), o.waits(t, "EMAIL_OWNED")...)
	if len(found) != 1 || found[0].Key != key {
		t.Errorf("findings %+v", found)
	}
	if u := o.ours(t, key); u.UserFields["job_title"] != "Keeper of the Books" {
		t.Error("the other field waits too")
	}
	did(t)(o.PS.ChangeEmail(key, "free."+key+"@example.com"))
	o.judged(t)
	if n := len(append(o.waits(t, "EMAIL_TAKEN"), o.waits(t, "EMAIL_OWNED")...)); n != 0 {
		t.Errorf("%d still wait though the source changed", n)
	}
}

// takenName: the name belongs to an organization of somebody else; the vendor gets its name with an addition.
func takenName(t *testing.T) {
	o := newOrdeal(t, setup{})
	id := o.ZD.SeedOrganization(zdsim.NewOrganization{Name: "Example Paper Mill", ExternalID: "crm:7"})
	v := o.vendor()
	did(t)(o.PS.VendorRename(v.SetID, v.VendorID, "Example Paper Mill"))
	o.sync(t, adminapi.Sync{Full: true})
	noEffectTwice(t, o.ZD)
	all := o.ZD.Organizations()
	i := slices.IndexFunc(all, func(x zdsim.Organization) bool { return value(x.ExternalID) == "psft:vendor:"+v.SetID+":"+v.VendorID })
	if i < 0 || !strings.HasPrefix(all[i].Name, "Example Paper Mill (") {
		t.Errorf("the vendor's organization: %+v", all[max(i, 0)])
	}
	for _, e := range o.ZD.Effects() {
		if e.Kind == "organization" && e.ID == id && e.RequestID != "" {
			t.Errorf("the stranger's organization was written: %+v", e.Changed)
		}
	}
}

func (o *ordeal) vendor() pssim.VendorTruth {
	all := o.PS.Truth("").Vendors
	return all[slices.IndexFunc(all, func(v pssim.VendorTruth) bool { return v.State == "active" && v.InScope })]
}

// refusedValue: one record is refused for ever; another arrives, a change of the source mends it.
func refusedValue(t *testing.T) {
	o := newOrdeal(t, setup{})
	keys := o.staff(2)
	bad := `{"error":"RecordInvalid","description":"Record validation errors","details":{"name":[{"description":"Name: is too odd"}]}}`
	o.ZD.Fault(zdsim.Fault{Contains: "Oddly Named", Path: "/api/v2/users/{id}", Status: 422, Body: bad, Times: -1})
	did(t)(o.PS.ChangeTitle(keys[0], "Oddly Named", o.PS.Today()))
	o.sync(t, adminapi.Sync{Full: true})
	did(t)(o.PS.ChangeTitle(keys[1], "Keeper of the Books", o.PS.Today()))
	o.sync(t, adminapi.Sync{Full: true})
	if o.ours(t, keys[1]).UserFields["job_title"] != "Keeper of the Books" {
		t.Error("another record waits too")
	}
	found, err := o.client.Findings(t.Context(), acme)
	if err != nil || !slices.ContainsFunc(found, func(f adminapi.Finding) bool {
		return f.Key == keys[0] && f.Code == "ZD_INVALID" && strings.Contains(f.Detail, "too odd")
	}) {
		t.Errorf("findings %+v, %v", found, err)
	}
	did(t)(o.PS.ChangeTitle(keys[0], "Well Named", o.PS.Today()))
	o.judged(t)
}

// strangers: future employees' addresses belong to somebody else, to an agent and to an admin; one belongs to nobody's user.
func strangers(t *testing.T, q zdsim.Quirks) {
	o := newOrdeal(t, setup{empty: true, idle: true, zd: func(z *zdsim.Options) { z.Quirks = q }})
	ids := []int64{
		o.ZD.SeedUser(zdsim.NewUser{Name: "Customer", Email: "kit.a@example.com", ExternalID: "crm:1"}),
		o.ZD.SeedUser(zdsim.NewUser{Name: "Agent", Email: "kit.b@example.com", Role: "agent"}),
		o.ZD.SeedUser(zdsim.NewUser{Name: "Admin", Email: "kit.c@example.com", Role: "admin"}),
	}
	free := o.ZD.SeedUser(zdsim.NewUser{Name: "Known", Email: "kit.d@example.com"})
	var keys []string
	for _, name := range []string{"a", "b", "c", "d"} {
		e, err := o.PS.Hire(pssim.NewHire{First: "Kit", Last: "Newcomer " + strings.ToUpper(name), Email: "kit." + name + "@example.com"}, o.PS.Today())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Key())
	}
	o.applyFile(t)
	o.judged(t)
	o.only(t, "EMAIL_OWNED", keys[:3]...)
	if u := o.ours(t, keys[3]); u.ID != free {
		t.Errorf("the known user was not adopted: %d, want %d", u.ID, free)
	}
	for _, e := range o.ZD.Effects() {
		if e.RequestID != "" && slices.Contains(ids, e.ID) {
			t.Errorf("user %d was written: %s %v", e.ID, e.Verb, e.Changed)
		}
	}
}

func staffLeaves(t *testing.T, role string) {
	o := newOrdeal(t, setup{})
	key := o.staff(1)[0]
	u := o.ours(t, key)
	if !o.ZD.SetRole(u.ID, role) {
		t.Fatal("no role")
	}
	o.terminate(t, key)
	o.judged(t)
	o.only(t, "ZD_ROLE_PROTECTED", key)
	if u := o.ours(t, key); u.Suspended || u.Role != role {
		t.Errorf("%s is %s, suspended %t", key, u.Role, u.Suspended)
	}
}
