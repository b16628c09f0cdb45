package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// Tenant files of the two ways in which an address changes.
const (
	replacing = "employees:\n  email: { change: in_place, parking_domain: former.example.com }\n"
	adding    = ""
)

// mailing is a company whose addresses change hands, with a record of who may hold which.
type mailing struct {
	*world
	dir   string
	may   map[string]map[string]bool // external id to addresses that were its own at any time
	begun int                        // effects before anything changed hands
}

// mailroom is a loaded company under a policy; its people get addresses of their own to be moved around.
func mailroom(t *testing.T, policy string, people int) (*mailing, []string) {
	t.Helper()
	w := &world{Company: newCompany(t, 40, 2)}
	w.judge = demo.NewJudge(w.Company)
	p := &mailing{world: w, dir: t.TempDir(), may: map[string]map[string]bool{}}
	w.start(t, p.dir, "")
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: w.TenantFile() + policy, Actor: "test", Values: w.values()}); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{Full: true})
	var keys []string
	for i := range people {
		e, err := w.PS.Hire(pssim.NewHire{First: "Kit", Last: fmt.Sprintf("Mover%c", 'a'+i), Email: fmt.Sprintf("mover%d@example.com", i)}, w.PS.Today())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, e.Key())
	}
	p.told()
	w.sync(t, adminapi.Sync{})
	w.agree(t)
	p.begun = len(w.ZD.Effects())
	return p, keys
}

func ext(key string) string { return "psft:emp:" + key }

func mover(i int) string { return fmt.Sprintf("mover%d@example.com", i) }

// told remembers every address that PeopleSoft says now.
func (p *mailing) told() {
	for _, e := range p.PS.Truth("").Employees {
		id := ext(e.EmplID)
		if p.may[id] == nil {
			p.may[id] = map[string]bool{"psft-emp-" + strings.ToLower(e.EmplID) + "@former.example.com": true}
		}
		p.may[id][strings.ToLower(e.Email)] = true
	}
}

func (p *mailing) email(t *testing.T, key, to string) {
	t.Helper()
	if _, err := p.PS.ChangeEmail(key, to); err != nil {
		t.Fatal(err)
	}
	p.told()
}

func (p *mailing) read(t *testing.T) {
	t.Helper()
	if _, err := p.client.Sync(t.Context(), acme, adminapi.Sync{}); err != nil {
		t.Fatal(err)
	}
}

func (p *mailing) again(t *testing.T) {
	t.Helper()
	p.stop()
	p.start(t, p.dir, "")
}

// holds tells whether a record's user has exactly these addresses, the primary one first.
func (p *mailing) holds(key string, want ...string) bool {
	u, ok := p.ZD.UserByExternalID(ext(key))
	return ok && slices.Equal(addresses(u), want)
}

func addresses(u zdsim.User) (list []string) {
	for _, i := range u.Identities {
		if i.Type == "email" {
			list = append(list, i.Value)
		}
	}
	return list
}

// finding is the code of a record's open finding with one of the codes.
func (p *mailing) finding(t *testing.T, key string, codes ...string) (adminapi.Finding, bool) {
	t.Helper()
	found, err := p.client.Findings(t.Context(), acme)
	if err != nil {
		return adminapi.Finding{}, false
	}
	i := slices.IndexFunc(found, func(f adminapi.Finding) bool { return f.Key == key && slices.Contains(codes, f.Code) })
	if i < 0 {
		return adminapi.Finding{}, false
	}
	return found[i], true
}

func (p *mailing) told1(t *testing.T, key, code string, parts ...string) {
	t.Helper()
	var f adminapi.Finding
	until(t, 30*time.Second, code+" for "+key, func() (ok bool) { f, ok = p.finding(t, key, code); return ok }, func() {
		all, _ := p.client.Findings(t.Context(), acme)
		t.Logf("findings: %+v", all)
	})
	for _, part := range parts {
		if !strings.Contains(f.Detail, part) {
			t.Errorf("%s of %s does not say %q: %s", code, key, part, f.Detail)
		}
	}
}

// pure walks Zendesk's log: at no step may an object hold an address that never was its record's own, and no two
// objects one address.
func (p *mailing) pure(t *testing.T) {
	t.Helper()
	at := map[string]int64{}
	for _, e := range p.ZD.Effects() {
		u, ok := e.After.(*zdsim.User)
		if !ok || e.Lost {
			continue
		}
		for a, id := range at {
			if id == u.ID {
				delete(at, a)
			}
		}
		if !u.Active {
			continue
		}
		id := value(u.ExternalID)
		for _, a := range addresses(*u) {
			if other, taken := at[a]; taken {
				t.Errorf("step %d: %s is held by users %d and %d", e.Seq, a, other, u.ID)
			}
			at[a] = u.ID
			if strings.HasPrefix(id, "psft:emp:") && !p.may[id][a] {
				t.Errorf("step %d: %s holds %s, which was never its own", e.Seq, id, a)
			}
		}
	}
}

// calm waits until nothing moves and checks that a second full run writes nothing.
func (p *mailing) calm(t *testing.T) {
	t.Helper()
	p.quiet(t)
	p.pure(t)
	n := len(p.ZD.Effects())
	p.sync(t, adminapi.Sync{Full: true})
	if more := p.ZD.Effects()[n:]; len(more) > 0 {
		t.Errorf("the second run wrote %d times: %+v", len(more), more[0])
	}
}

// tell logs the stories of records and what waits.
func (p *mailing) tell(t *testing.T, keys ...string) func() {
	return func() {
		found, _ := p.client.Findings(t.Context(), acme)
		for _, key := range keys {
			rows, _ := p.client.Audit(t.Context(), acme, audit.Query{Ref: record.Ref{Kind: record.Employee, Key: key}})
			for _, r := range rows {
				t.Logf("%s: %s %s %s %s %s %v %v", key, r.Stage, r.Verb, r.Outcome, r.Code, r.Detail, r.Changes, r.Explain)
			}
			for _, f := range found {
				if f.Key == key {
					t.Logf("%s: open %s %s", key, f.Code, f.Detail)
				}
			}
		}
		t.Logf("holds: %+v", p.stopped(t))
	}
}

func (p *mailing) untouched(t *testing.T, keys ...string) {
	t.Helper()
	for _, e := range p.ZD.Effects()[p.begun:] {
		if slices.ContainsFunc(keys, func(k string) bool { return ext(k) == e.ExternalID }) {
			t.Errorf("step %d: %s of %s although nobody approved it: %v", e.Seq, e.Verb, e.ExternalID, e.Changed)
		}
	}
}

// hold is the waiting hold of a kind.
func (p *mailing) hold(t *testing.T, change string, items int) (h adminapi.Hold) {
	t.Helper()
	until(t, 30*time.Second, "a hold of kind "+change, func() bool {
		for _, x := range p.stopped(t) {
			if x.Change == change && x.Items == items {
				h = x
				return true
			}
		}
		return false
	}, func() { t.Logf("holds: %+v", p.stopped(t)) })
	return h
}

func (p *mailing) approve(t *testing.T, h adminapi.Hold) {
	t.Helper()
	if _, err := p.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "asked both"}); err != nil {
		t.Fatal(err)
	}
}

// twice runs a story once as it is and once with a restart in its middle.
func twice(t *testing.T, story func(t *testing.T, middle func(*mailing))) {
	t.Parallel()
	t.Run("in one go", func(t *testing.T) { t.Parallel(); story(t, func(*mailing) {}) })
	t.Run("with a restart in the middle", func(t *testing.T) { t.Parallel(); story(t, func(p *mailing) { p.again(t) }) })
}
