package real

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// customer is a company with its own PeopleSoft and Zendesk, and what must never happen to it.
type customer struct {
	*demo.Company
	tenant tenant.ID
	sys    *system
	judge  *demo.Judge
	rnd    *rand.Rand
	hired  int
	seen   int             // effects looked at
	made   map[string]bool // external ids of objects that were created
	mails  map[string]map[string]bool
}

func (s *system) add(t *testing.T, name string, seed uint64) *customer {
	t.Helper()
	c, err := demo.NewCompany(25, 4, seed, 0, 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run(t, c.Parts...))
	values := map[string]map[string]string{name: {"peoplesoft.hcm.password": c.Secrets["DEMO_PS_PASSWORD"], "peoplesoft.fscm.password": c.Secrets["DEMO_PS_PASSWORD"],
		"zendesk.client_secret": c.Secrets["DEMO_ZD_SECRET"]}}
	file := named(c.TenantFile(), name)
	if seed%2 == 0 {
		file += "employees:\n  email: { change: in_place, parking_domain: former.example.com }\n"
	}
	if _, err := s.client.Apply(t.Context(), adminapi.Apply{Name: name + ".yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
	out := &customer{Company: c, tenant: tenant.ID(name), sys: s, judge: demo.NewJudge(c), rnd: rand.New(rand.NewPCG(seed, 1)), made: map[string]bool{}, mails: map[string]map[string]bool{}}
	out.told()
	out.judge.Remember()
	return out
}

// live is a handful of things that happen, some of them read at once.
func (c *customer) live() error {
	for range 4 + c.rnd.IntN(8) {
		people := c.PS.Truth("").Employees
		p, q := people[c.rnd.IntN(len(people))], people[c.rnd.IntN(len(people))]
		day := c.PS.Today()
		past := dayOf(c.PS.Today(), -1-c.rnd.IntN(20))
		c.hired++
		deeds := []func() (pssim.Effect, error){
			func() (pssim.Effect, error) {
				return c.PS.Hire(pssim.NewHire{First: "Kit", Last: fmt.Sprintf("%s%d", c.tenant, c.hired), Email: fmt.Sprintf("kit%d@%s.example", c.hired, c.tenant)}, day)
			},
			func() (pssim.Effect, error) { return c.PS.Terminate(p.EmplID, day) },
			func() (pssim.Effect, error) { return c.PS.Terminate(p.EmplID, past) },
			func() (pssim.Effect, error) { return c.PS.FutureTerminate(p.EmplID, dayOf(day, 3)) },
			func() (pssim.Effect, error) { return c.PS.Withdraw(p.EmplID, dayOf(day, 3)) },
			func() (pssim.Effect, error) { return c.PS.Rehire(p.EmplID, day) },
			func() (pssim.Effect, error) { return c.PS.ChangeTitle(p.EmplID, fmt.Sprint("Title ", c.hired), day) },
			func() (pssim.Effect, error) {
				return c.PS.Rename(p.EmplID, "Robin", fmt.Sprintf("%s%d", c.tenant, c.hired))
			},
			func() (pssim.Effect, error) {
				return c.PS.ChangeEmail(p.EmplID, fmt.Sprintf("new%d@%s.example", c.hired, c.tenant))
			},
			func() (pssim.Effect, error) { return c.PS.ChangeEmail(p.EmplID, q.Email) },
			func() (pssim.Effect, error) { return c.PS.BlankEmail(p.EmplID) },
			func() (pssim.Effect, error) { return c.PS.SwapEmails(p.EmplID, q.EmplID) },
			func() (pssim.Effect, error) { return c.PS.Touch(5) },
			func() (pssim.Effect, error) {
				return c.PS.VendorAdd(fmt.Sprintf("Vendor %s %d", c.tenant, c.hired), "")
			},
		}
		_, _ = deeds[c.rnd.IntN(len(deeds))]() // what PeopleSoft refuses does not happen
		c.told()
		c.judge.Remember()
		if c.rnd.IntN(4) == 0 {
			if _, err := c.sys.client.Sync(context.Background(), c.tenant, adminapi.Sync{}); err != nil {
				return err
			}
		}
	}
	return nil
}

func dayOf(day string, n int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, n).Format(time.DateOnly)
}

// told remembers which addresses a record ever had.
func (c *customer) told() {
	for _, e := range c.PS.Truth("").Employees {
		id := "psft:emp:" + e.EmplID
		if c.mails[id] == nil {
			c.mails[id] = map[string]bool{"psft-emp-" + strings.ToLower(e.EmplID) + "@former.example.com": true}
		}
		c.mails[id][strings.ToLower(strings.TrimSpace(e.Email))] = true
	}
}

// verdict reads everything, says yes to whatever waits for a person, and compares.
func (c *customer) verdict(ctx context.Context) error {
	asked, err := c.sys.client.Sync(ctx, c.tenant, adminapi.Sync{Full: true})
	if err != nil {
		return err
	}
	for _, id := range asked.Cycles {
		if err := until(ctx, 2*time.Minute, func() bool {
			cy, ok, err := c.sys.client.Cycle(ctx, c.tenant, id)
			return err == nil && ok && cy.State != "running"
		}); err != nil {
			return fmt.Errorf("cycle %s: %w", id, err)
		}
	}
	var diff []string
	began := time.Now()
	err = until(ctx, time.Minute, func() bool {
		if q, stages, err := c.sys.client.Quiet(ctx, c.tenant); err != nil || !q {
			diff = []string{fmt.Sprintf("not quiet: %v %+v", err, stages)}
			if time.Since(began) < 10*time.Second { // what waits behind a hold keeps it from being quiet
				return false
			}
		}
		if n, err := c.approve(ctx); err != nil || n > 0 {
			diff = []string{fmt.Sprintf("%d holds wait: %v", n, err)}
			return false
		}
		excused := map[string]bool{}
		found, err := c.sys.client.Findings(ctx, c.tenant)
		for _, f := range found {
			excused[f.Key] = excused[f.Key] || f.Hold || c.known(f)
		}
		diff = c.judge.Verdict(excused)
		return err == nil && len(diff) == 0
	})
	return errors.Join(c.safe(), wrap(err, diff))
}

// known are differences that the rules want. Polling does not show that a job row was deleted, so the record stays as the
// row said, with a finding (design.md 1: absence is never evidence). Who was parked in the middle of a ring and then lost
// the address in PeopleSoft keeps what the desk has, with a finding.
func (c *customer) known(f adminapi.Finding) bool {
	switch f.Code {
	case "ROW_VANISHED":
		return true
	case "MISSING_EMAIL":
		for _, u := range c.ZD.Users() {
			if u.ExternalID != nil && *u.ExternalID == "psft:emp:"+f.Key {
				return strings.HasSuffix(value(u.Email), "@former.example.com")
			}
		}
	}
	return false
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func wrap(err error, diff []string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", err, strings.Join(diff[:min(len(diff), 5)], "\n"))
}

// approve says yes to what waits for a person; the source is read again before.
func (c *customer) approve(ctx context.Context) (n int, why error) {
	holds, why := c.sys.client.Holds(ctx, c.tenant)
	for _, h := range holds {
		if h.State != "waiting" || h.Items == 0 {
			continue
		}
		n++
		if _, err := c.sys.client.Approve(ctx, c.tenant, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "all true"}); err != nil {
			why = fmt.Errorf("hold %s of %d: %w", h.ID, h.Items, err)
			continue
		}
		c.sys.approved.Add(1)
	}
	return n, why
}

// safe looks at every write since the last time (failures.md O3, O4, O6).
func (c *customer) safe() error {
	var wrong []error
	all := c.ZD.Effects()
	for _, e := range all[c.seen:] {
		after, ok := e.After.(*zdsim.User)
		if e.RequestID == "" || !ok || after == nil {
			continue
		}
		id := ""
		if after.ExternalID != nil {
			id = *after.ExternalID
		}
		if e.Verb == "create" && c.made[id] {
			wrong = append(wrong, fmt.Errorf("O3: %s was created twice", id))
		}
		c.made[id] = c.made[id] || e.Verb == "create"
		for _, a := range addresses(after) {
			if !c.mails[id][a] {
				wrong = append(wrong, fmt.Errorf("O6: %s has the address %s, which was never its own", id, a))
			}
		}
		for _, of := range append(addresses(after), after.Name) {
			if at := strings.Index(of, "tenant"); at >= 0 && !strings.Contains(of, string(c.tenant)) {
				wrong = append(wrong, fmt.Errorf("O6: %s has %q of another tenant", id, of))
			}
		}
	}
	c.seen = len(all)
	return errors.Join(wrong...)
}

func addresses(u *zdsim.User) (list []string) {
	for _, i := range u.Identities {
		if i.Type == "email" {
			list = append(list, strings.ToLower(i.Value))
		}
	}
	return list
}
