package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// settlers is a company whose Zendesk held users before the first load: one with an employee's address, one with an
// employee's name, and one who is nobody's.
type settlers struct {
	*world
	adopted, beside    string // employees
	known, same, other int64  // users
	before             int64  // writes of the seeding
}

func settled(t *testing.T) *settlers {
	t.Helper()
	s := &settlers{world: &world{Company: newCompany(t, 120, 10)}}
	s.judge = demo.NewJudge(s.Company)
	names := map[string]int{}
	for _, e := range s.PS.Truth("").Employees {
		names[e.Name]++
	}
	for _, e := range s.PS.Truth("").Employees {
		switch plain := e.Active && e.InScope && e.NextChange == "" && e.Email != "" && len(e.PerOrg) == 1 && names[e.Name] == 1; {
		case !plain:
		case s.adopted == "":
			s.adopted, s.known = e.EmplID, s.ZD.SeedUser(zdsim.NewUser{Name: "By Mail", Email: e.Email})
		case s.beside == "":
			s.beside, s.same = e.EmplID, s.ZD.SeedUser(zdsim.NewUser{Name: e.Name, Email: "private@elsewhere.example"})
		}
	}
	s.other = s.ZD.SeedUser(zdsim.NewUser{Name: "A Customer", Email: "customer@elsewhere.example"})
	s.before = int64(s.ZD.Counters().Writes)
	return s
}

// untouched fails the test when a user of others was written, or anybody was made for the two in doubt.
func (s *settlers) untouched(t *testing.T) {
	t.Helper()
	for _, e := range s.ZD.Effects() {
		if e.RequestID != "" && (e.ID == s.known || e.ID == s.same || e.ID == s.other) {
			t.Errorf("user %d was written: %s %v", e.ID, e.Verb, e.Changed)
		}
	}
	for _, k := range []string{s.adopted, s.beside} {
		if _, is := s.ZD.UserByExternalID("psft:emp:" + k); is {
			t.Errorf("%s has a user although nobody decided", k)
		}
	}
}

func (s *settlers) approve(t *testing.T) {
	t.Helper()
	h := s.one(t, 2)
	if _, err := s.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "looked at both"}); err != nil {
		t.Fatal(err)
	}
	s.world.settled(t)
	if u, ok := s.ZD.UserByExternalID("psft:emp:" + s.adopted); !ok || u.ID != s.known {
		t.Errorf("%s was not adopted: %+v", s.adopted, u)
	}
	if u, ok := s.ZD.UserByExternalID("psft:emp:" + s.beside); !ok || u.ID == s.same {
		t.Errorf("%s has no user of its own: %+v", s.beside, u)
	}
	s.agree(t)
	noEffectTwice(t, s.ZD)
}

// The first load of an account with users of others: nothing is written before everything was read and the report was
// made; then who is new flows, and who is in doubt waits for a person, also over a restart and another full read.
func TestTheFirstLoadAsksWhoTheUsersInZendeskAre(t *testing.T) {
	s := settled(t)
	dir := t.TempDir()
	s.start(t, dir, "")
	if err := s.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
	s.apply(t)
	until(t, 3*time.Minute, "status says what the first write waits for", func() bool {
		st, err := s.client.Status(t.Context(), acme)
		return err == nil && slices.ContainsFunc(st.Tenants[0].Problems, func(p adminapi.Problem) bool {
			return p.Code == "ADOPTION_REVIEW" && p.Hold && strings.Contains(p.Detail, "sync acme --full") && p.Next != ""
		})
	})
	if n := int64(s.ZD.Counters().Writes) - s.before; n != 0 {
		t.Fatalf("%d writes before the report", n)
	}
	s.PS.ClearFaults()
	s.sync(t, adminapi.Sync{Full: true})
	h := s.one(t, 2)
	if h.Change != "adopt" || !slices.Contains(s.problems(t), "ADOPTION_REVIEW") {
		t.Fatalf("hold %+v, problems %v", h, s.problems(t))
	}
	if n := len(s.ZD.Users()); n < 60 {
		t.Errorf("%d users: who is new does not flow", n)
	}
	s.untouched(t)
	d, err := s.client.Hold(t.Context(), acme, h.ID)
	if err != nil || len(d.Records) != 2 || !strings.Contains(fmt.Sprint(d.Records), fmt.Sprint(s.known)) || !strings.Contains(fmt.Sprint(d.Records), fmt.Sprint(s.same)) {
		t.Errorf("the hold does not say who is there: %+v, %v", d, err)
	}
	s.stop()
	s.start(t, dir, "")
	s.sync(t, adminapi.Sync{Full: true})
	if again := s.one(t, 2); again.Hash != h.Hash {
		t.Errorf("a restart and a full read changed the hold: %+v, was %+v", again, h)
	}
	if list, sum := s.plan(t, adminapi.PlanQuery{}); sum.Waits["ADOPTION_REVIEW"] != 2 || planned(list, s.adopted).Hold != h.ID {
		t.Errorf("the plan: %+v, %+v", sum, planned(list, s.adopted))
	}
	if _, err := s.PS.ChangeTitle(s.adopted, "Keeper of the Books", s.PS.Today()); err != nil {
		t.Fatal(err)
	}
	s.sync(t, adminapi.Sync{})
	if now := s.one(t, 2); now.Hash == h.Hash {
		t.Error("the hold is not bound to what is wanted")
	}
	s.untouched(t)
	s.approve(t)
}

func TestARejectedAdoptionIsNotMadeAndOneWhoLeftIsNotAskedAbout(t *testing.T) {
	s := settled(t)
	s.start(t, t.TempDir(), "")
	s.apply(t)
	s.sync(t, adminapi.Sync{Full: true})
	s.one(t, 2)
	s.terminate(t, s.beside)
	s.sync(t, adminapi.Sync{})
	h := s.one(t, 1)
	if _, err := s.client.Reject(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "somebody else"}); err != nil {
		t.Fatal(err)
	}
	s.world.settled(t)
	s.sync(t, adminapi.Sync{Full: true})
	s.untouched(t)
}

func TestTheTenantFileCanAnswerForThePerson(t *testing.T) {
	s := settled(t)
	s.start(t, t.TempDir(), "")
	if _, err := s.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: s.TenantFile() + "  adopt: true\n", Actor: "test", Values: s.values()}); err != nil {
		t.Fatal(err)
	}
	s.sync(t, adminapi.Sync{Full: true})
	if list := s.stopped(t); len(list) != 0 {
		t.Errorf("holds %+v", list)
	}
	if u, ok := s.ZD.UserByExternalID("psft:emp:" + s.adopted); !ok || u.ID != s.known {
		t.Errorf("not adopted: %+v", u)
	}
	s.agree(t)
}

// A process that is killed before the report, while it is made, and while its hold waits writes nothing of it.
func TestKillNineInTheFirstLoadAdoptsNobodyUnasked(t *testing.T) {
	s := settled(t)
	bin := programs(t, "ml-connector")
	dir := t.TempDir()
	config, data := filepath.Join(dir, "config.yaml"), filepath.Join(dir, "data")
	if err := os.WriteFile(config, []byte(tuningFile), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func() *child {
		c := spawn(t, filepath.Join(bin, "ml-connector"), nil, "serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0", "--ingress", "127.0.0.1:0")
		until(t, 3*time.Minute, "the process answers", func() bool {
			client, err := adminapi.FindLocal(data)
			if err != nil {
				return false
			}
			s.client = client
			_, err = client.Status(t.Context(), "")
			return err == nil
		}, func() { t.Log(c.log.tail(2000)) })
		return c
	}
	c := start()
	s.apply(t)
	for i := range 6 {
		_, _ = s.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
		<-time.After(time.Duration(i) * 250 * time.Millisecond)
		c.kill()
		s.untouched(t)
		c = start()
	}
	c.last = true
	s.sync(t, adminapi.Sync{Full: true})
	s.untouched(t)
	s.approve(t)
	if code := c.term(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
}
