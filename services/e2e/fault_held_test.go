package e2e

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
)

// The rows of failures.md 3.5 that end in a record that waits for a person: what must not be written is not written.
func TestFaultScriptOfWhatIsHeld(t *testing.T) {
	for name, play := range map[string]func(t *testing.T){
		"Z10 somebody deleted the user":                      func(t *testing.T) { deletedUser(t, zdsim.Quirks{}) },
		"Z10 somebody deleted the user, and its address 404": func(t *testing.T) { deletedUser(t, zdsim.Quirks{DeletedAre404: true}) },
		"Z12 the address is taken":                           takenAddress,
		"Z12 the name of the organization is taken":          takenName,
		"Z12 a value that Zendesk refuses":                   refusedValue,
		"Z12 a whole bulk call is refused":                   refusedCall,
		"Z17 an address of somebody else":                    func(t *testing.T) { strangers(t, true, zdsim.Quirks{}) },
		"Z17 the address chooses the user":                   func(t *testing.T) { strangers(t, true, zdsim.Quirks{UpsertPrefersEmail: true}) },
		"Z17 an upsert that refuses":                         func(t *testing.T) { strangers(t, true, zdsim.Quirks{UpsertRefusesOtherExternal: true}) },
		"Z17 strangers who came after the first load":        func(t *testing.T) { strangers(t, false, zdsim.Quirks{}) },
		"Z17 they came later and the address chooses":        func(t *testing.T) { strangers(t, false, zdsim.Quirks{UpsertPrefersEmail: true}) },
		"Z22 a suspension does not stick":                    func(t *testing.T) { lostSuspension(t, false) },
		"Z22 and the process ends":                           func(t *testing.T) { lostSuspension(t, true) },
		"Z22 every fiftieth write":                           everyFiftieth,
		"Z15 the process comes back 25 hours later":          dayLater,
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

// refusedCall: one record makes Zendesk refuse every call that holds it; the others of the call are written.
func refusedCall(t *testing.T) {
	o := newOrdeal(t, setup{})
	keys := o.staff(3)
	o.ZD.Fault(zdsim.Fault{Path: "/api/v2/users/*", Contains: "Oddly Named", Status: 422, Times: -1})
	for i, title := range []string{"Keeper of the Books", "Oddly Named", "Keeper of the Keys"} {
		did(t)(o.PS.ChangeTitle(keys[i], title, o.PS.Today()))
	}
	o.sync(t, adminapi.Sync{Full: true})
	for i, title := range map[int]string{0: "Keeper of the Books", 2: "Keeper of the Keys"} {
		if got := o.ours(t, keys[i]).UserFields["job_title"]; got != title {
			t.Errorf("%s is %v, want %s", keys[i], got, title)
		}
	}
	if got := o.ours(t, keys[1]).UserFields["job_title"]; got == "Oddly Named" {
		t.Error("the refused record was written: the fault did not strike")
	}
	if n := o.ZD.Counters().Jobs; n == 0 || o.ZD.Struck() < 2 {
		t.Errorf("%d jobs, %d calls refused", n, o.ZD.Struck())
	}
	did(t)(o.PS.ChangeTitle(keys[1], "Well Named", o.PS.Today()))
	o.judged(t)
}

// soonLook is the minute after which a write is looked at again, in the rows that wait for it.
const soonLook = 6 * time.Second

func looksSoon(s setup) setup {
	s.tuning = func(t *assembly.Tuning) { t.Look = soonLook }
	return s
}

// lostSuspension: Zendesk answers that the user is suspended, and it is not. It is noticed by the look a minute later (soonLook here),
// or by the next process.
func lostSuspension(t *testing.T, ends bool) {
	o := newOrdeal(t, looksSoon(setup{}))
	key := o.staff(1)[0]
	o.ZD.Fault(zdsim.Fault{Path: "/api/v2/users/*", Contains: `"suspended":true`, Lose: true, Times: 1})
	o.terminate(t, key)
	begun := time.Now()
	o.sync(t, adminapi.Sync{Full: true})
	if early := time.Since(begun) < soonLook; early && o.ours(t, key).Suspended || o.ZD.Struck() != 1 {
		t.Fatalf("suspended %t, %d calls struck: nothing was lost", o.ours(t, key).Suspended, o.ZD.Struck())
	}
	if ends {
		o.stop()
		o.start(t, o.dir, "")
	}
	until(t, 100*time.Second, "the suspension is there after all", func() bool { return o.ours(t, key).Suspended })
	took := time.Since(begun)
	if !ends && took < soonLook {
		t.Errorf("noticed after %v: not by the look %v later", took, soonLook)
	}
	o.judged(t)
	list, err := o.client.Audit(t.Context(), acme, audit.Query{Ref: record.Ref{Key: key}})
	if err != nil || !slices.ContainsFunc(list, func(e adminapi.AuditEntry) bool { return strings.HasPrefix(e.Cause, "verify") }) {
		t.Errorf("the audit trail does not tell of the look: %v, %+v", err, list)
	}
}

// dayLater: the process ends while a job runs that took effect for twenty records; when it comes back, 25 hours have
// passed for Zendesk and the job is forgotten. Nobody is made twice, nobody is missing. Our clock does not tell of that
// day, which status says; the oracles look when the clocks agree again, behind calls that show it.
func dayLater(t *testing.T) {
	var ahead atomic.Int64
	o := newOrdeal(t, setup{empty: true, zd: func(z *zdsim.Options) {
		z.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	}})
	o.ZD.Fault(zdsim.Fault{Method: "POST", Path: "/api/v2/users/*", Contains: "psft:emp:", Job: &zdsim.JobFault{Status: "working", Applied: 20}, Times: 1})
	o.ask(t, adminapi.Sync{Full: true})
	until(t, time.Minute, "a part of the job took effect", func() bool { return len(o.ZD.Users()) > 20 })
	o.stop()
	ahead.Store(int64(25 * time.Hour))
	asked := len(o.ZD.Requests())
	o.start(t, o.dir, "")
	o.sync(t, adminapi.Sync{Full: true})
	o.agree(t)
	if !slices.ContainsFunc(o.ZD.Requests()[asked:], func(r zdsim.Request) bool { return strings.Contains(r.Path, "/job_statuses") }) {
		t.Error("nobody asked for the job: it was not remembered")
	}
	if p := o.sees(t, "CLOCK_SKEW"); !strings.Contains(p.Detail, "ahead") || p.Hold {
		t.Errorf("status tells of the clock so: %+v", p)
	}
	ahead.Store(0)
	o.changes(t, 0)
	o.judged(t)
}

// everyFiftieth: every 50th write does not stick, from the first load on. Everybody who was to be made is there, and
// everybody who was to be suspended is, in the end.
func everyFiftieth(t *testing.T) {
	o := newOrdeal(t, looksSoon(setup{employees: 250, empty: true, zd: func(z *zdsim.Options) { z.LoseEvery = 50 }}))
	o.sync(t, adminapi.Sync{Full: true})
	if o.ZD.Counters().Lost == 0 {
		t.Fatal("nothing was lost")
	}
	o.agree(t)
	o.ZD.SetLoseEvery(2)
	keys := o.staff(3)
	o.terminate(t, keys...)
	o.sync(t, adminapi.Sync{Full: true})
	o.ZD.SetLoseEvery(0)
	until(t, 100*time.Second, "all three are suspended", func() bool {
		return !slices.ContainsFunc(keys, func(k string) bool { return !o.ours(t, k).Suspended })
	})
	o.judged(t)
}

// strangers: future employees' addresses belong to somebody else, to an agent and to an admin; one belongs to nobody's
// user. They are there before the first load, or come after it.
func strangers(t *testing.T, first bool, q zdsim.Quirks) {
	o := newOrdeal(t, setup{empty: first, idle: first, zd: func(z *zdsim.Options) { z.Quirks = q }})
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
	if first {
		o.applyFile(t)
		o.sync(t, adminapi.Sync{Full: true})
		h := o.one(t, 1) // the known one waits for a person
		if _, err := o.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim"}); err != nil {
			t.Fatal(err)
		}
	}
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
