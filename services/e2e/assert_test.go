package e2e

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const globex = tenant.ID("globex")

// pair is one system with two tenants, each with a company of its own; the first tenant's writer can be bent.
type pair struct {
	*world        // acme
	other  *world // globex
	dir    string
	bend   func(target.Change) target.Change // nil: an honest writer
}

func newPair(t *testing.T) *pair {
	t.Helper()
	t.Parallel()
	p := &pair{world: &world{Company: newCompany(t, 60, 10)}, other: &world{Company: newCompany(t, 40, 10)}, dir: t.TempDir()}
	p.judge, p.other.judge = demo.NewJudge(p.Company), demo.NewJudge(p.other.Company)
	p.open(t)
	p.apply(t)
	values := map[string]map[string]string{string(globex): p.other.values()[string(acme)]}
	file := strings.ReplaceAll(p.other.TenantFile(), "tenant: acme", "tenant: globex")
	if _, err := p.client.Apply(t.Context(), adminapi.Apply{Name: "globex.yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
	p.sync(t, adminapi.Sync{Full: true})
	p.agree(t)
	p.otherGoesOn(t)
	return p
}

// open starts the system on its folder, as it was left.
func (p *pair) open(t *testing.T) {
	t.Helper()
	sys, err := embedded.Open(t.Context(), embedded.Options{Data: p.dir, Listen: "127.0.0.1:0", Log: logger(), Tuning: fast()})
	if err != nil {
		t.Fatal(err)
	}
	if bend := p.bend; bend != nil {
		sys.Core.Bend = func(tg target.Target) target.Target { return bent{tg, bend} }
	}
	end := run(t, app.Component{Name: "system", Run: sys.Run})
	p.sys, p.client, p.other.client = sys, sys.Client(), sys.Client()
	closed := false
	p.stop = func() {
		if !closed {
			closed = true
			end()
			sys.Close(context.Background())
		}
	}
	t.Cleanup(p.stop)
	until(t, time.Minute, "the system answers", func() bool { _, err := p.client.Status(t.Context(), ""); return err == nil })
}

// restart starts the system anew, with another writer.
func (p *pair) restart(t *testing.T, bend func(target.Change) target.Change) {
	t.Helper()
	p.stop()
	p.bend = bend
	p.open(t)
}

// bent is a writer with a bug: it changes acme's changes on their way to the account.
type bent struct {
	target.Target
	with func(target.Change) target.Change
}

func (b bent) Apply(ctx context.Context, t tenant.ID, changes []target.Change, j target.Journal) ([]target.Outcome, error) {
	if t == acme {
		changes = slices.Clone(changes)
		for i := range changes {
			changes[i] = b.with(changes[i])
		}
	}
	return b.Target.Apply(ctx, t, changes, j)
}

// otherGoesOn has a change of the other tenant arrive.
func (p *pair) otherGoesOn(t *testing.T) {
	t.Helper()
	who := p.other.staff(1)[0]
	if _, err := p.other.PS.ChangeTitle(who, "Title of "+time.Now().Format(time.RFC3339Nano), p.other.PS.Today()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.Sync(t.Context(), globex, adminapi.Sync{Full: true}); err != nil {
		t.Fatal(err)
	}
	until(t, time.Minute, "the other tenant's change arrives", func() bool {
		return len(p.other.judge.Verdict(map[string]bool{})) == 0
	})
}

// stands waits for the stop of acme's writer and looks at everything that tells about it.
func (p *pair) stands(t *testing.T, about string) {
	t.Helper()
	code := string(fault.SafetyStop)
	var told adminapi.Problem
	until(t, 30*time.Second, "status tells of the safety stop", func() bool {
		s, err := p.client.Status(t.Context(), acme)
		if err != nil {
			return false
		}
		i := slices.IndexFunc(s.Tenants[0].Problems, func(x adminapi.Problem) bool { return x.Code == code && strings.Contains(x.Where, "zendesk.stop") })
		if i >= 0 {
			told = s.Tenants[0].Problems[i]
		}
		return i >= 0
	}, func() { s, _ := p.client.Status(t.Context(), acme); t.Logf("%+v", s.Tenants[0].Problems) })
	if !strings.Contains(told.Detail, about) || !strings.Contains(told.Next, "ml-connector resume") || !told.Hold {
		t.Errorf("status says %+v, want it to tell about %q and how to go on", told, about)
	}
	c, err := p.client.Check(t.Context(), acme, false)
	if err != nil || c.OK || !slices.ContainsFunc(c.Steps, func(s adminapi.Step) bool { return s.Name == "writer" && s.Code == code && s.Next != "" }) {
		t.Errorf("check says %+v, %v", c.Steps, err)
	}
	page := ""
	until(t, 20*time.Second, "metrics tell of the stop", func() bool {
		page = p.page("/metrics")
		return strings.Contains(page, `mlc_writer_stopped{tenant="acme"} 1`) && strings.Contains(page, `mlc_writer_stopped{tenant="globex"} 0`)
	}, func() { t.Log(page) })
	if n := p.audited(t, "stop"); n != 1 {
		t.Errorf("%d audit entries of the stop, want 1", n)
	}
}

// page is what the operators' port answers without a password.
func (w *world) page(path string) string {
	resp, err := http.Get("http://" + w.sys.Address() + path)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

func (p *pair) audited(t *testing.T, verb string) (n int) {
	t.Helper()
	rows, err := p.client.Audit(t.Context(), acme, audit.Query{Ref: record.Ref{Key: store.WriterStop().Key}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Verb == verb && r.Detail != "" {
			n++
		}
	}
	return n
}

// silent makes sure that nothing that a writer would ask or write reaches acme's account, while the other tenant works.
func (p *pair) silent(t *testing.T, since int) {
	t.Helper()
	p.otherGoesOn(t)
	p.otherGoesOn(t)
	for _, r := range p.ZD.Requests()[since:] {
		if r.Method != http.MethodGet || strings.Contains(r.Path, "show_many") && strings.Contains(r.Path, "/users/") {
			t.Errorf("%s %s after the violation", r.Method, r.Path)
		}
	}
}

// A bug of each sort is put between the writer's decision and the account. Nothing of it leaves, the tenant's writer
// stands still, also after a restart, everybody else goes on, and a person lets it go on.
func TestAViolationStopsThatTenantsWriterUntilAPersonLetsItGoOn(t *testing.T) {
	for name, tc := range map[string]struct {
		bend  func(target.Change) target.Change
		about string
	}{
		"O4 a merge": {func(c target.Change) target.Change {
			c.TargetID += "/merge"
			c.Object = c.TargetID
			return c
		}, "not on the list of permitted calls"},
		"O6 another record's object": {func(c target.Change) target.Change { c.TargetID += "1"; return c }, "is not the one that was read"},
		"O6 another record's external id": {func(c target.Change) target.Change {
			if c.Wanted.User != nil {
				u := *c.Wanted.User
				u.ExternalID += "1"
				c.Wanted.User = &u
			}
			return c
		}, "belongs to another record"},
		"O6 an object that carries another record": {func(c target.Change) target.Change {
			if c.Held.User != nil {
				u := *c.Held.User
				u.ExternalID += "1"
				c.Held.User = &u
			}
			return c
		}, "carries another record's external id"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t)
			p.restart(t, tc.bend)
			effects, mark := len(p.ZD.Effects()), len(p.ZD.Requests())
			if _, err := p.PS.ChangeTitle(p.staff(1)[0], "Keeper of the Books", p.PS.Today()); err != nil {
				t.Fatal(err)
			}
			if _, err := p.client.Sync(t.Context(), acme, adminapi.Sync{}); err != nil {
				t.Fatal(err)
			}
			p.stands(t, tc.about)
			p.through(t, effects, mark)
		})
	}
}

// through is what follows every stop: silence, a restart that changes nothing, and a person.
func (p *pair) through(t *testing.T, effects, mark int) {
	t.Helper()
	for _, r := range p.ZD.Requests()[mark:] {
		if r.Method != http.MethodGet && !strings.Contains(r.Path, "/oauth/") {
			t.Errorf("%s %s left", r.Method, r.Path)
		}
	}
	p.silent(t, len(p.ZD.Requests()))
	p.restart(t, nil)
	p.stands(t, "")
	p.silent(t, len(p.ZD.Requests()))
	if n := len(p.ZD.Effects()); n != effects {
		t.Errorf("%d effects although the writer stands still", n-effects)
	}
	if _, err := p.client.Resume(t.Context(), acme, adminapi.Resume{By: "test"}); err == nil {
		t.Error("resumed without a reason")
	}
	if _, err := p.client.Resume(t.Context(), globex, adminapi.Resume{By: "test", Reason: "x"}); err == nil {
		t.Error("resumed a writer that does not stand still")
	}
	out, err := p.client.Resume(t.Context(), acme, adminapi.Resume{By: "pat", Reason: "mended the bug"})
	if err != nil || out.Detail == "" {
		t.Fatalf("%+v, %v", out, err)
	}
	if p.audited(t, "resume") != 1 {
		t.Error("nobody can read who let the writer go on")
	}
	p.sync(t, adminapi.Sync{Full: true})
	p.agree(t)
	noEffectTwice(t, p.ZD)
}

// A change that waits for a person is on the writer's stream all the same: somebody changed the store by hand, or the
// transformer has a bug.
func TestWhatIsHeldIsNotWrittenWhateverTheStreamSays(t *testing.T) {
	p := newPair(t)
	who := record.Ref{Kind: record.Employee, Key: p.staff(1)[0]}
	rows, err := p.sys.Core.Store.Rows(t.Context(), acme, []record.Ref{who})
	if err != nil {
		t.Fatal(err)
	}
	row := rows[who]
	state, err := event.DecodeEntry(row.Wanted)
	if err != nil || state.User == nil {
		t.Fatalf("%+v, %v", row, err)
	}
	u := *state.User
	u.State = "suspended"
	state.User = &u
	after, err := event.EncodeEntry(state)
	if err != nil {
		t.Fatal(err)
	}
	next := row
	next.Revision++
	held := store.GuardItem{Ref: who, Change: store.Suspension, Cause: "cycle/doctored", State: store.ItemRejected, Content: "suspended", Before: row.Wanted, After: after, Revision: next.Revision, At: time.Now()}
	if ok, err := p.sys.Core.Store.SaveLedger(t.Context(), acme, []store.LedgerSave{{Row: next, Expect: row.Revision, Guard: &store.GuardMove{Item: held, Fresh: true}}}); err != nil || !ok[0] {
		t.Fatal(ok, err)
	}
	effects, mark := len(p.ZD.Effects()), len(p.ZD.Requests())
	e, err := event.With(event.Event{ID: "wanted/doctored", Source: "transformer", Type: event.WantedV1, Subject: who.String(), Tenant: acme, Time: time.Now(),
		Version: next.Revision, Cause: "cycle/doctored"}, event.WantedOf(who, state, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.sys.Core.Bus.PutWanted(t.Context(), acme, []event.Event{e}); err != nil {
		t.Fatal(err)
	}
	p.stands(t, "was about to be written")
	for _, r := range p.ZD.Requests()[mark:] {
		if r.Method != http.MethodGet && !strings.Contains(r.Path, "/oauth/") {
			t.Errorf("%s %s left", r.Method, r.Path)
		}
	}
	p.restart(t, nil)
	p.stands(t, "")
	p.silent(t, len(p.ZD.Requests()))
	if n := len(p.ZD.Effects()); n != effects {
		t.Errorf("%d effects although the writer stands still", n-effects)
	}
	if _, err := p.PS.ChangeTitle(who.Key, "Keeper of the Books", p.PS.Today()); err != nil { // what repairs it: a newer state
		t.Fatal(err)
	}
	if _, err := p.client.Sync(t.Context(), acme, adminapi.Sync{}); err != nil {
		t.Fatal(err)
	}
	until(t, time.Minute, "the newer state is on the stream", func() bool {
		e, err := p.sys.Core.Bus.Wanted(t.Context(), acme, who)
		return err == nil && e.Version > next.Revision
	})
	if _, err := p.client.Resume(t.Context(), acme, adminapi.Resume{By: "pat", Reason: "a newer state replaced it"}); err != nil {
		t.Fatal(err)
	}
	p.sync(t, adminapi.Sync{Full: true})
	p.agree(t)
}
