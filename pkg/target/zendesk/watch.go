package zendesk

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	sampled  = 97     // about one write in a hundred is read again (failures.md Z22); a prime is in step with nothing
	lookLate = 5      // times Config.Look: so long samples wait for others to share the call with
	mostKept = 50_000 // memory is bounded: beyond it only suspensions are kept
	mostNear = 2000   // newest writes outside the sample that are looked at as well when one of the sample does not show
)

// watch remembers writes that are to be looked at again.
type watch struct {
	after time.Duration // when a write is looked at
	mu    sync.Mutex
	n     int // writes since the start
	list  map[record.Ref]*watched
	near  map[record.Ref]*watched // writes that nobody looks at as long as the sample shows
	order []*watched              // the same, oldest first, and some that were written again
}

// watched is one reported write. soon ones do not wait for others to share the call.
type watched struct {
	c    target.Change
	id   string
	at   time.Time
	soon bool
}

func newWatch(after time.Duration) *watch {
	return &watch{after: after, list: map[record.Ref]*watched{}, near: map[record.Ref]*watched{}}
}

// add takes an outcome in: every suspension, of the rest one in a hundred. The newest of the others are kept aside.
func (w *watch) add(o target.Outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	soon := o.Change.Verb == target.Suspend
	if o.TargetID == "" {
		return
	}
	c := o.Change
	c.Held = o.Holds
	x := &watched{c: c, id: o.TargetID, at: time.Now(), soon: soon}
	if soon || w.n%sampled == 0 && len(w.list) < mostKept {
		w.list[c.Ref] = x
		return
	}
	w.near[c.Ref] = x
	if w.order = append(w.order, x); len(w.order) > mostNear {
		if old := w.order[0]; w.near[old.c.Ref] == old {
			delete(w.near, old.c.Ref)
		}
		w.order[0], w.order = nil, w.order[1:]
	}
}

// widen puts what was kept aside on the list: one write does not show, so that others may not either.
func (w *watch) widen() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ref, x := range w.near {
		if len(w.list) >= mostKept {
			break
		}
		x.soon = true
		w.list[ref] = x
	}
	clear(w.near)
	w.order = nil
}

// drop forgets a record that is about to be written again.
func (w *watch) drop(ref record.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.list, ref)
	delete(w.near, ref)
}

// due are the writes to look at now, of one kind. Samples wait for a full call or until they are old.
func (w *watch) due(org bool) []*watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	var out []*watched
	worth := 0
	for _, x := range w.list {
		if age := now.Sub(x.at); (x.c.Wanted.Organization != nil) == org && age >= w.after {
			out = append(out, x)
			if x.soon || age >= lookLate*w.after {
				worth++
			}
		}
	}
	if worth == 0 && len(out) < perCall {
		return nil
	}
	slices.SortFunc(out, func(a, b *watched) int { return a.at.Compare(b.at) })
	return out
}

// over takes a write off the list; false says that the record was written again meanwhile and the look tells nothing.
func (w *watch) over(x *watched) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.list[x.c.Ref] != x {
		return false
	}
	delete(w.list, x.c.Ref)
	return true
}

// Verify implements target.Verifier.
func (t *Target) Verify(ctx context.Context, _ tenant.ID) ([]target.Doubt, error) {
	var out []target.Doubt
	for _, org := range []bool{false, true} {
		for part := range slices.Chunk(t.watch.due(org), perCall) {
			list, err := t.lookAgain(ctx, part, org)
			if err != nil {
				return out, err
			}
			out = append(out, list...)
		}
	}
	return out, nil
}

func (t *Target) lookAgain(ctx context.Context, part []*watched, org bool) (out []target.Doubt, err error) {
	ids := make([]string, len(part))
	for n, x := range part {
		ids[n] = x.id
	}
	var users map[int64]wireUser
	var orgs []wireOrg
	if org {
		orgs, err = t.orgsBy(ctx, "ids", ids, false)
	} else {
		users, err = t.usersByID(ctx, ids, false)
	}
	if err != nil {
		return nil, err
	}
	for _, x := range part {
		doubt := hides(x, users, orgs)
		if t.watch.over(x) && doubt != nil {
			out = append(out, target.Doubt{Ref: x.c.Ref, Err: doubt})
			t.watch.widen()
		}
	}
	return out, nil
}

// hides tells what of a write does not show in the object as it is now.
func hides(x *watched, users map[int64]wireUser, orgs []wireOrg) error {
	var left []audit.Change
	ext, there := "", false
	if x.c.Wanted.Organization != nil {
		at := slices.IndexFunc(orgs, func(o wireOrg) bool { return o.ID == parseID(x.id) })
		if there = at >= 0; there {
			ext = orgs[at].ExternalID
			left = open(showable(diffOrg(orgs[at], written(x.c)), fieldTexts(prefixOrg, orgs[at].OrganizationFields)), x.c)
		}
	} else if u, ok := users[parseID(x.id)]; ok && !u.gone() {
		there, ext = true, u.ExternalID
		left = open(showable(diffUser(u, *x.c.Wanted.User), fieldTexts(prefixUser, u.UserFields)), x.c)
	}
	switch {
	case !there:
		return lost("the object is not there")
	case !strings.EqualFold(ext, x.c.Wanted.ExternalID()):
		return lost("the object carries another external id")
	case len(left) > 0:
		return lost(differs(left))
	}
	return nil
}

func lost(what string) error {
	return fault.New(fault.Transient, fault.TargetNotApplied, "Zendesk accepted a write and does not show it: "+what)
}
