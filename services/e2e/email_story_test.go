package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func TestAnAddressThatMovedIsGivenUpFirst(t *testing.T) {
	twice(t, func(t *testing.T, middle func(*mailing)) {
		p, k := mailroom(t, replacing, 2)
		p.email(t, k[1], mover(0)) // wants what the first one still has
		p.sync(t, adminapi.Sync{})
		p.told1(t, k[1], "EMAIL_TAKEN", "employee/"+k[0])
		middle(p)
		p.email(t, k[0], "new@example.com")
		p.read(t)
		until(t, 30*time.Second, "both have moved", func() bool { return p.holds(k[0], "new@example.com") && p.holds(k[1], mover(0)) })
		p.calm(t)
		p.agree(t)
	})
}

func TestAChainOfMovesGoesFromItsEnd(t *testing.T) {
	twice(t, func(t *testing.T, middle func(*mailing)) {
		p, k := mailroom(t, replacing, 3)
		p.email(t, k[0], "new@example.com")
		p.email(t, k[1], mover(0))
		p.email(t, k[2], mover(1))
		p.read(t)
		middle(p)
		until(t, 30*time.Second, "all have moved", func() bool {
			return p.holds(k[0], "new@example.com") && p.holds(k[1], mover(0)) && p.holds(k[2], mover(1))
		})
		p.calm(t)
		p.agree(t)
	})
}

func TestALeaversAddressGoesToTheJoiner(t *testing.T) {
	twice(t, func(t *testing.T, middle func(*mailing)) {
		p, k := mailroom(t, replacing, 1)
		p.terminate(t, k[0])
		e, err := p.PS.Hire(pssim.NewHire{First: "Robin", Last: "Joiner", Email: mover(0)}, p.PS.Today())
		if err != nil {
			t.Fatal(err)
		}
		p.told()
		p.read(t)
		middle(p)
		until(t, 30*time.Second, "the joiner has the address", func() bool { return p.holds(e.Key(), mover(0)) }, p.tell(t, k[0], e.Key()))
		if u, ok := p.ZD.UserByExternalID(ext(k[0])); !ok || !u.Suspended || !p.holds(k[0], "psft-emp-"+k[0]+"@former.example.com") {
			t.Errorf("the leaver: %+v", u)
		}
		p.calm(t)
		p.agree(t)
		// The leaver comes back with a new address and leaves the parking place.
		if _, err := p.PS.Rehire(k[0], p.PS.Today()); err != nil {
			t.Fatal(err)
		}
		p.email(t, k[0], "back@example.com")
		p.read(t)
		until(t, 30*time.Second, "the leaver is back", func() bool { return p.holds(k[0], "back@example.com") })
		p.calm(t)
		p.agree(t)
	})
}

func TestWithoutAPolicyTheJoinerWaitsAndIsToldWhatHeals(t *testing.T) {
	t.Parallel()
	p, k := mailroom(t, adding, 1)
	p.terminate(t, k[0])
	e, err := p.PS.Hire(pssim.NewHire{First: "Robin", Last: "Joiner", Email: mover(0)}, p.PS.Today())
	if err != nil {
		t.Fatal(err)
	}
	p.told()
	p.sync(t, adminapi.Sync{})
	p.told1(t, e.Key(), "EMAIL_WAIT", "employee/"+k[0], "employees.email.change", "parking_domain")
	if _, ok := p.ZD.UserByExternalID(ext(e.Key())); ok || !p.holds(k[0], mover(0)) {
		t.Fatal("something was written")
	}
	if _, err := p.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: p.TenantFile() + replacing, Actor: "test", Values: p.values()}); err != nil {
		t.Fatal(err)
	}
	until(t, 30*time.Second, "the setting heals it", func() bool { return p.holds(e.Key(), mover(0)) })
	p.calm(t)
	p.agree(t)
}

func TestTwoThatSwapAddressesWaitForAPerson(t *testing.T) { ringOf(t, 2) }

func TestARingOfThreeWaitsForAPerson(t *testing.T) { ringOf(t, 3) }

func ringOf(t *testing.T, n int) {
	twice(t, func(t *testing.T, middle func(*mailing)) {
		p, k := mailroom(t, replacing, n)
		for i := range k {
			p.email(t, k[i], mover((i+1)%n))
		}
		p.sync(t, adminapi.Sync{})
		p.hold(t, "ring", n)
		for _, key := range k {
			p.told1(t, key, "EMAIL_CYCLE", "employee/"+k[0], "the plan: 1.")
		}
		p.untouched(t, k...)
		middle(p)
		h := p.hold(t, "ring", n)
		p.approve(t, h)
		until(t, 30*time.Second, "the first one is parked", func() bool {
			return slices.ContainsFunc(p.ZD.Effects(), func(e zdsim.Effect) bool {
				u, ok := e.After.(*zdsim.User)
				return ok && slices.ContainsFunc(addresses(*u), func(a string) bool { return strings.HasSuffix(a, "@former.example.com") })
			})
		})
		middle(p)
		until(t, time.Minute, "the ring has turned", func() bool {
			for i := range k {
				if !p.holds(k[i], mover((i+1)%n)) {
					return false
				}
			}
			return true
		})
		p.calm(t)
		p.agree(t)
		if list := p.stopped(t); len(list) > 0 {
			t.Errorf("holds are left: %+v", list)
		}
		for _, key := range k {
			if f, open := p.finding(t, key, "EMAIL_CYCLE", "EMAIL_WAIT", "EMAIL_TAKEN"); open {
				t.Errorf("left open: %+v", f)
			}
		}
	})
}

func TestARejectedSwapIsNotWritten(t *testing.T) {
	twice(t, func(t *testing.T, middle func(*mailing)) {
		p, k := mailroom(t, replacing, 2)
		p.email(t, k[0], mover(1))
		p.email(t, k[1], mover(0))
		p.sync(t, adminapi.Sync{})
		h := p.hold(t, "ring", 2)
		if _, err := p.client.Reject(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "a mistake"}); err != nil {
			t.Fatal(err)
		}
		middle(p)
		p.sync(t, adminapi.Sync{Full: true})
		p.untouched(t, k...)
		// PeopleSoft takes it back: nothing is left of it.
		p.email(t, k[0], mover(0))
		p.email(t, k[1], mover(1))
		p.sync(t, adminapi.Sync{})
		until(t, 30*time.Second, "nothing is open", func() bool {
			_, open := p.finding(t, k[0], "EMAIL_CYCLE", "EMAIL_WAIT")
			return !open
		})
		p.untouched(t, k...)
		p.calm(t)
		p.agree(t)
	})
}

func TestARehireUnderANewNumberTakesTheUserOverOnlyWhenAPersonSaysSo(t *testing.T) {
	twice(t, func(t *testing.T, middle func(*mailing)) {
		p, k := mailroom(t, replacing, 1)
		old, _ := p.ZD.UserByExternalID(ext(k[0]))
		p.terminate(t, k[0])
		p.sync(t, adminapi.Sync{})
		p.begun = len(p.ZD.Effects())
		e, err := p.PS.Hire(pssim.NewHire{First: "Kit", Last: "Movera", Email: mover(0), Title: "Returner"}, p.PS.Today())
		if err != nil {
			t.Fatal(err)
		}
		p.told()
		p.sync(t, adminapi.Sync{})
		p.hold(t, "relink", 1)
		p.told1(t, e.Key(), "EMAIL_OWNED", "employee/"+k[0])
		middle(p)
		p.sync(t, adminapi.Sync{Full: true})
		p.untouched(t, k[0], e.Key())
		if u, ok := p.ZD.UserByExternalID(ext(k[0])); !ok || !u.Suspended || value(u.Email) != mover(0) {
			t.Fatalf("touched without approval: %+v", u)
		}
		h := p.hold(t, "relink", 1)
		p.approve(t, h)
		middle(p)
		until(t, 30*time.Second, "the user is taken over", func() bool {
			u, ok := p.ZD.UserByExternalID(ext(e.Key()))
			return ok && u.ID == old.ID && !u.Suspended && u.UserFields["job_title"] == "Returner"
		})
		p.quiet(t)
		// Nothing of the old record writes to it ever again.
		n := len(p.ZD.Effects())
		if _, err := p.PS.ChangeTitle(k[0], "Ghost", p.PS.Today()); err != nil {
			t.Fatal(err)
		}
		if _, err := p.client.Sync(t.Context(), acme, adminapi.Sync{Kind: "employee", Key: k[0]}); err != nil {
			t.Fatal(err)
		}
		p.sync(t, adminapi.Sync{Full: true})
		if more := p.ZD.Effects()[n:]; len(more) > 0 {
			t.Errorf("written: %+v", more)
		}
		p.pure(t)
		for key, want := range map[string]string{e.Key(): "approve", k[0]: "relink"} {
			rows, err := p.client.Audit(t.Context(), acme, audit.Query{Ref: record.Ref{Kind: record.Employee, Key: key}})
			if err != nil || !slices.ContainsFunc(rows, func(r adminapi.AuditEntry) bool { return r.Verb == want }) {
				t.Errorf("the story of %s has no %s: %v", key, want, err)
			}
		}
	})
}

func TestAnAddressThatIsTrulySharedStaysWhereItIs(t *testing.T) {
	t.Parallel()
	p, k := mailroom(t, replacing, 2)
	p.email(t, k[1], mover(0))
	p.sync(t, adminapi.Sync{})
	p.told1(t, k[1], "EMAIL_TAKEN", "employee/"+k[0])
	p.told1(t, k[0], "SHARED_EMAIL")
	if !p.holds(k[0], mover(0)) || !p.holds(k[1], mover(1)) {
		t.Error("an address was moved")
	}
	p.pure(t)
}
