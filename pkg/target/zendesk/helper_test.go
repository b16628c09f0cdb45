package zendesk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme = tenant.ID("acme")

// account is a simulated Zendesk with a target in front of it.
type account struct {
	*testing.T
	sim     *sim.Sim
	target  *Target
	journal journal
}

// journal remembers what it was told.
type journal struct {
	mu   sync.Mutex
	jobs []string
	refs int
	err  error
}

func (j *journal) Job(_ context.Context, id string, refs []record.Ref) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.jobs, j.refs = append(j.jobs, id), j.refs+len(refs)
	return j.err
}

func token() Auth {
	return APIToken{Email: "ops@acme.example", Token: secret.New("canary-token-7f3a9c")}
}

// overHTTP opens a target against the simulator behind a real server, with fast looks at jobs.
func overHTTP(t *testing.T, o sim.Options, edit ...func(*Config)) *account {
	t.Helper()
	a := &account{T: t, sim: sim.New(o)}
	srv := httptest.NewUnstartedServer(a.sim)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	cfg := Default()
	cfg.BaseURL, cfg.Auth, cfg.Poll, cfg.Patience = srv.URL, token(), 5*time.Millisecond, 5*time.Second
	for _, f := range edit {
		f(&cfg)
	}
	tg, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	a.target = tg
	a.fields()
	return a
}

// inBubble opens a target that talks to the simulator without a network, for synctest: an hour costs nothing there.
func inBubble(t *testing.T, o sim.Options, edit ...func(*Config)) *account {
	t.Helper()
	o.Now = time.Now
	a := &account{T: t, sim: sim.New(o)}
	cfg := Default()
	cfg.BaseURL, cfg.Auth = "https://acme.zendesk.example", token()
	for _, f := range edit {
		f(&cfg)
	}
	tg, err := assemble(cfg.filled(), direct{a.sim})
	if err != nil {
		t.Fatal(err)
	}
	a.target = tg
	a.fields()
	return a
}

// beside opens another target on the same account: a replica that shares nothing with the first.
func (a *account) beside(edit ...func(*Config)) *account {
	a.Helper()
	cfg := Default()
	cfg.BaseURL, cfg.Auth = "https://acme.zendesk.example", token()
	for _, f := range edit {
		f(&cfg)
	}
	tg, err := assemble(cfg.filled(), direct{a.sim})
	if err != nil {
		a.Fatal(err)
	}
	return &account{T: a.T, sim: a.sim, target: tg}
}

func (a *account) fields() {
	for _, key := range []string{"department", "job_title"} {
		a.sim.SeedField("user", sim.Field{Type: "text", Key: key, Title: key})
	}
	a.sim.SeedField("organization", sim.Field{Type: "text", Key: "status", Title: "Status"})
}

// direct is the wire without a wire: the handler runs in the caller's goroutine, as long as latency asks.
type direct struct{ handler http.Handler }

func (d direct) Do(ctx context.Context, req *http.Request) (r httpx.Response, err error) {
	takes := time.NewTimer(latency) // in a synctest bubble: the time that a call takes
	defer takes.Stop()
	<-takes.C
	defer func() {
		if p := recover(); p != nil {
			r, err = httpx.Response{}, &fault.Error{Kind: fault.Transient, Code: fault.TargetNotData, Detail: "cut", Unknown: true, Err: fmt.Errorf("%v", p)}
		}
	}()
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, req.WithContext(ctx))
	return httpx.Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}, nil
}

const latency = 40 * time.Millisecond

func person(n int) target.Item {
	id := fmt.Sprintf("%06d", n)
	return target.Item{Ref: record.Ref{Kind: record.Employee, Key: id}, Version: 1, Wanted: directory.Entry{User: &directory.User{
		ExternalID: "psft:emp:" + id, Name: fmt.Sprintf("Person %d", n), Email: fmt.Sprintf("person%d@corp.example", n), State: directory.Active,
		Fields: map[string]string{"user_fields.department": "Finance", "user_fields.job_title": "Analyst"},
	}}}
}

func people(from, to int) (list []target.Item) {
	for n := from; n <= to; n++ {
		list = append(list, person(n))
	}
	return list
}

func vendor(n int, name string) target.Item {
	id := fmt.Sprintf("%010d", n)
	return target.Item{Ref: record.Ref{Kind: record.Vendor, Key: "SHARE/" + id}, Version: 1, Wanted: directory.Entry{Organization: &directory.Organization{
		ExternalID: "psft:vendor:SHARE:" + id, Name: name, AltName: name + " (" + id + ")", State: directory.Active,
		Fields: map[string]string{"organization_fields.status": "Active"},
	}}}
}

func with(it target.Item, f func(u *directory.User)) target.Item {
	u := *it.Wanted.User
	f(&u)
	it.Wanted.User = &u
	return it
}

func (a *account) plan(items ...target.Item) []target.Planned {
	a.Helper()
	ps, err := a.target.Plan(a.Context(), acme, items)
	if err != nil {
		a.Fatalf("plan: %v", err)
	}
	if len(ps) != len(items) {
		a.Fatalf("plan: %d answers to %d items", len(ps), len(items))
	}
	return ps
}

// planOne wants a change, not an error.
func (a *account) planOne(it target.Item) target.Change {
	a.Helper()
	p := a.plan(it)[0]
	if p.Err != nil {
		a.Fatalf("plan %s: %v", it.Ref, p.Err)
	}
	return p.Change
}

func (a *account) planErr(it target.Item, code fault.Code) error {
	a.Helper()
	p := a.plan(it)[0]
	if fault.CodeOf(p.Err) != code || fault.KindOf(p.Err) != fault.Held {
		a.Fatalf("plan %s: %v (%s, verb %s), want held as %s", it.Ref, p.Err, fault.KindOf(p.Err), p.Change.Verb, code)
	}
	return p.Err
}

func (a *account) apply(cs ...target.Change) []target.Outcome {
	a.Helper()
	os, err := a.target.Apply(a.Context(), acme, cs, &a.journal)
	if err != nil {
		a.Fatalf("apply: %v", err)
	}
	if len(os) != len(cs) {
		a.Fatalf("apply: %d outcomes of %d changes", len(os), len(cs))
	}
	return os
}

// sync plans and applies, wants no errors, and answers the items with the links they now have.
func (a *account) sync(items ...target.Item) []target.Item {
	a.Helper()
	var cs []target.Change
	for _, p := range a.plan(items...) {
		if p.Err != nil {
			a.Fatalf("plan %s: %v", p.Item.Ref, p.Err)
		}
		cs = append(cs, p.Change)
	}
	out := make([]target.Item, len(items))
	for i, o := range a.apply(cs...) {
		if o.Err != nil {
			a.Fatalf("apply %s: %v", o.Change.Ref, o.Err)
		}
		out[i] = items[i]
		out[i].TargetID, out[i].Known, out[i].Memory = o.TargetID, o.Holds, o.Memory
	}
	return out
}

// quiet wants a second plan to have nothing to do.
func (a *account) quiet(items ...target.Item) {
	a.Helper()
	for _, p := range a.plan(items...) {
		if p.Err != nil || p.Change.Verb != target.Nothing {
			a.Fatalf("second plan of %s: %s %v %v, want nothing", p.Item.Ref, p.Change.Verb, p.Change.Diff, p.Err)
		}
	}
}

func (a *account) user(id string) sim.User {
	a.Helper()
	u, ok := a.sim.User(parseID(id))
	if !ok {
		a.Fatalf("no user %q", id)
	}
	return u
}

// unharmed wants every written object to carry an external id that we own, and nothing deleted or over budget.
func (a *account) unharmed() {
	a.Helper()
	c := a.sim.Counters()
	if c.Deletes != 0 || c.TooMany != 0 || c.OverBudget != 0 || c.Mails != 0 {
		a.Errorf("deletes %d, 429s %d %v, over budget %d, mails %d: want none", c.Deletes, c.TooMany, c.Limited, c.OverBudget, c.Mails)
	}
}

// codeOf is kind and code of an error in one word, for tables.
func codeOf(err error) string {
	var e *fault.Error
	if errors.As(err, &e) {
		return strings.TrimSpace(string(e.Kind) + " " + string(e.Code))
	}
	return fmt.Sprint(err)
}
