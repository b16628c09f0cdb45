// Package targettest is the contract of target.Target as a test: every adapter runs it against its simulator.
package targettest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Account is one empty account of a target: custom fields user_fields.department and organization_fields.status are
// text fields there. Holds answers the external ids of all objects, with the name of each, at the other side.
type Account struct {
	Target target.Target
	Holds  func() map[string]string
}

// Run holds the target that open gives to the contract. open is called with a fresh test each time, and gives an
// account that no other call gave.
func Run(t *testing.T, open func(t *testing.T) Account) {
	t.Helper()
	t.Run("one outcome for each input, in its order", func(t *testing.T) { inOrder(t, open(t)) })
	t.Run("the second plan has nothing to do", func(t *testing.T) { second(t, open(t)) })
	t.Run("leavers and rehires stay one object", func(t *testing.T) { leaver(t, open(t)) })
	t.Run("nobody is created only to be suspended", func(t *testing.T) { neverActive(t, open(t)) })
	t.Run("no object of another record is touched", func(t *testing.T) { others(t, open(t)) })
	t.Run("two accounts never meet", func(t *testing.T) { apart(t, open(t), open(t)) })
	t.Run("an ended context ends the call", func(t *testing.T) { ended(t, open(t)) })
	t.Run("unknown jobs are over", func(t *testing.T) { settled(t, open(t)) })
}

const (
	acme   = tenant.ID("acme")
	globex = tenant.ID("globex")
)

type journal struct {
	mu   sync.Mutex
	jobs []string
}

func (j *journal) Job(_ context.Context, id string, _ []record.Ref) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.jobs = append(j.jobs, id)
	return nil
}

func user(who string, n int) target.Item {
	key := fmt.Sprintf("%s%04d", who, n)
	return target.Item{Ref: record.Ref{Kind: record.Employee, Key: key}, Version: 1, Wanted: directory.Entry{User: &directory.User{
		ExternalID: "psft:emp:" + key, Name: "Person " + key, Email: key + "@corp.example", State: directory.Active,
		Fields: map[string]string{"user_fields.department": "Finance"},
	}}}
}

func org(who string, n int) target.Item {
	key := fmt.Sprintf("%s%04d", who, n)
	return target.Item{Ref: record.Ref{Kind: record.Vendor, Key: "SHARE/" + key}, Version: 1, Wanted: directory.Entry{Organization: &directory.Organization{
		ExternalID: "psft:vendor:SHARE:" + key, Name: "Vendor " + key, AltName: "Vendor " + key + " (" + key + ")", State: directory.Active,
		Fields: map[string]string{"organization_fields.status": "Active"},
	}}}
}

func some(who string, n int) (list []target.Item) {
	for i := range n {
		list = append(list, user(who, i), org(who, i))
	}
	return list
}

// apply plans and applies; it fails the test when an answer is not the one to its input.
func apply(t *testing.T, a Account, id tenant.ID, items []target.Item) []target.Outcome {
	t.Helper()
	ps := plan(t, a, id, items)
	cs := make([]target.Change, len(ps))
	for i, p := range ps {
		if p.Err != nil {
			t.Fatalf("plan %s: %v", p.Item.Ref, p.Err)
		}
		cs[i] = p.Change
	}
	os, err := a.Target.Apply(t.Context(), id, cs, &journal{})
	if err != nil || len(os) != len(cs) {
		t.Fatalf("%d outcomes of %d changes: %v", len(os), len(cs), err)
	}
	for i, o := range os {
		if o.Change.Ref != items[i].Ref || o.Err != nil {
			t.Fatalf("outcome %d: %s %v, want one of %s", i, o.Change.Ref, o.Err, items[i].Ref)
		}
	}
	return os
}

func plan(t *testing.T, a Account, id tenant.ID, items []target.Item) []target.Planned {
	t.Helper()
	ps, err := a.Target.Plan(t.Context(), id, items)
	if err != nil || len(ps) != len(items) {
		t.Fatalf("%d plans of %d items: %v", len(ps), len(items), err)
	}
	for i, p := range ps {
		if p.Item.Ref != items[i].Ref {
			t.Fatalf("plan %d is of %s, want %s", i, p.Item.Ref, items[i].Ref)
		}
	}
	return ps
}

func link(items []target.Item, os []target.Outcome) []target.Item {
	out := make([]target.Item, len(items))
	for i, it := range items {
		it.TargetID, it.Known, it.Memory = os[i].TargetID, os[i].Holds, os[i].Memory
		out[i] = it
	}
	return out
}

func verbs(t *testing.T, ps []target.Planned, want target.Verb) {
	t.Helper()
	for _, p := range ps {
		if p.Err != nil || p.Change.Verb != want {
			t.Errorf("%s: %s (%s) %v, want %s", p.Item.Ref, p.Change.Verb, p.Change.Why, p.Err, want)
		}
	}
}

func inOrder(t *testing.T, a Account) {
	items := some("a", 130)
	os := apply(t, a, acme, items)
	ids, held := map[string]bool{}, a.Holds()
	for i, o := range os {
		w := items[i].Wanted
		kind := "user "
		name := ""
		if w.User != nil {
			name = w.User.Name
		} else {
			kind, name = "organization ", w.Organization.Name
		}
		if o.TargetID == "" || ids[kind+o.TargetID] || held[w.ExternalID()] != name {
			t.Errorf("%s: object %q, held as %q, want %q", items[i].Ref, o.TargetID, held[w.ExternalID()], name)
		}
		ids[kind+o.TargetID] = true
	}
}

func second(t *testing.T, a Account) {
	items := some("a", 20)
	linked := link(items, apply(t, a, acme, items))
	verbs(t, plan(t, a, acme, linked), target.Nothing)
	verbs(t, plan(t, a, acme, items), target.Nothing) // without links too: found by external id
	for _, it := range linked {
		if it.Known.Digest() == (directory.Entry{}).Digest() {
			t.Errorf("%s: the outcome says nothing of what is held", it.Ref)
		}
	}
}

func leaver(t *testing.T, a Account) {
	items := link([]target.Item{user("a", 1)}, apply(t, a, acme, []target.Item{user("a", 1)}))
	gone := *items[0].Wanted.User
	gone.State = directory.Suspended
	left := items[0]
	left.Wanted = directory.Entry{User: &gone}
	verbs(t, plan(t, a, acme, []target.Item{left}), target.Suspend)
	left = link([]target.Item{left}, apply(t, a, acme, []target.Item{left}))[0]
	verbs(t, plan(t, a, acme, []target.Item{left}), target.Nothing)
	left.Wanted = items[0].Wanted
	verbs(t, plan(t, a, acme, []target.Item{left}), target.Restore)
	if back := apply(t, a, acme, []target.Item{left})[0]; back.TargetID != items[0].TargetID {
		t.Errorf("came back as %s, was %s", back.TargetID, items[0].TargetID)
	}
}

func neverActive(t *testing.T, a Account) {
	before := len(a.Holds())
	it := user("a", 1)
	it.Wanted.User.State = directory.Suspended
	p := plan(t, a, acme, []target.Item{it})
	verbs(t, p, target.Nothing)
	if p[0].Change.Code != string(fault.SkipNeverActive) {
		t.Errorf("code %q", p[0].Change.Code)
	}
	apply(t, a, acme, []target.Item{it})
	if n := len(a.Holds()); n != before {
		t.Errorf("%d objects, had %d", n, before)
	}
}

func others(t *testing.T, a Account) {
	apply(t, a, acme, some("a", 5))
	before := a.Holds()
	thief := user("b", 1)
	thief.Wanted.User.Email = user("a", 1).Wanted.User.Email
	p := plan(t, a, acme, []target.Item{thief})[0]
	if fault.KindOf(p.Err) != fault.Held {
		t.Errorf("an address of another record: %s %v, want held", p.Change.Verb, p.Err)
	}
	apply(t, a, acme, some("c", 5))
	now := a.Holds()
	for ext, name := range before {
		if now[ext] != name {
			t.Errorf("%s was %q, is %q", ext, name, now[ext])
		}
	}
}

func apart(t *testing.T, a, b Account) {
	var wg sync.WaitGroup
	wg.Go(func() { apply(t, a, acme, some("a", 30)) })
	wg.Go(func() { apply(t, b, globex, some("b", 30)) })
	wg.Wait()
	for ext := range b.Holds() {
		if _, both := a.Holds()[ext]; both && ext != "" {
			t.Errorf("%s is in both accounts", ext)
		}
	}
	verbs(t, plan(t, a, acme, some("b", 1)), target.Create)
}

func ended(t *testing.T, a Account) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Target.Plan(ctx, acme, some("a", 1)); err == nil {
		t.Error("a plan without time succeeded")
	}
}

func settled(t *testing.T, a Account) {
	if err := a.Target.Settle(t.Context(), acme, []string{"nobody-knows-this-job"}); err != nil {
		t.Error(err)
	}
	if a.Target.CallLife() <= 0 {
		t.Error("a call lives no time")
	}
	if b := a.Target.Budget(t.Context(), acme); b.Share <= 0 || b.Share > 1 || b.JobLimit < 1 {
		t.Errorf("budget %+v", b)
	}
}
