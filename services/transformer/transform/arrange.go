package transform

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/address"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// far is how many records an address is followed from one to the next; who is behind that many waits for the others.
const far = 64

// ordered tells whether a change waits for the order of addresses and not for a limit of the guard.
func ordered(c store.Change) bool {
	return c == store.Address || c == store.Ring || c == store.Relink
}

// arrange gives every result that comes to want an address its place in the order of address changes, and parks the
// addresses that must be free. It comes before the guard weighs: what waits here is not counted yet.
func (s *Service) arrange(ctx context.Context, at moment, results []*result, items map[record.Ref]store.GuardItem) error {
	start := map[record.Ref]claim{}
	for _, r := range results {
		r.turn = turn{}
		if r.task.ref.Kind != record.Employee || r.wanted == nil || r.decision.Entry.User == nil {
			continue
		}
		if r.stay(at); r.contends(items[r.task.ref]) {
			start[r.task.ref] = r.claim(items[r.task.ref])
		}
	}
	if len(start) == 0 {
		return reencode(results)
	}
	batch := map[record.Ref]claim{}
	for _, r := range results {
		if r.task.ref.Kind == record.Employee && r.wanted != nil {
			batch[r.task.ref] = r.claim(items[r.task.ref])
		}
	}
	g, err := s.claims(ctx, at, start, batch)
	if err != nil {
		return err
	}
	for _, r := range results {
		if _, asked := start[r.task.ref]; asked {
			r.place(at, g, items[r.task.ref])
		}
	}
	return reencode(results)
}

// stay keeps what an earlier decision about the object's address began: a parked leaver stays parked, and an object
// that was taken over stays with the record that took it.
func (r *result) stay(at moment) {
	u, was := r.decision.Entry.User, r.was.User
	u.Park, u.Takes = "", ""
	if was != nil {
		u.Takes = was.Takes
	}
	if u.State != directory.Suspended {
		return
	}
	switch {
	case r.task.park && at.policy.Mail.InPlace && at.policy.Mail.Parking != "":
		u.Park = at.policy.Mail.parked(r.task.ref.Key)
	case was != nil && was.State == directory.Suspended:
		u.Park = was.Park
	}
}

// contends tells whether the record wants an address that it was not handed before, or waited for one.
func (r *result) contends(item store.GuardItem) bool {
	u, was := r.decision.Entry.User, r.was.User
	if u.State != directory.Active || u.Email == "" {
		return false
	}
	if item.State == store.ItemRejected && !ordered(item.Change) {
		return false // a person said no: nobody's address is moved for it
	}
	return was == nil || was.State != directory.Active || was.Park != "" || !address.Same(was.Email, u.Email) ||
		r.task.order || ordered(item.Change)
}

func (r *result) claim(item store.GuardItem) claim {
	c := claimOf(r.task.ref, r.decision.Entry.User, emailOf(r.decision.Entry))
	c.approved(item)
	return c
}

func claimOf(ref record.Ref, u *directory.User, wants string) claim {
	c := claim{ref: ref}
	if u == nil {
		return c
	}
	if u.Name != "" {
		c.names = append(c.names, u.Name)
	}
	if key, ok := strings.CutPrefix(u.Takes, EmployeeID("")); ok {
		c.takes = record.Ref{Kind: record.Employee, Key: key}
	}
	switch u.State {
	case directory.Suspended:
		c.left = true
	case directory.Active:
		c.wants = wants
	}
	return c
}

func (c *claim) approved(item store.GuardItem) {
	if item.Change == store.Ring && item.State == store.ItemGranted && item.Granted == item.Content {
		c.hold = item.Hold
	}
}

// place turns the turn about a result into what is handed on: its decision, the decision with a parked address, or
// nothing yet.
func (r *result) place(at moment, g claims, item store.GuardItem) {
	v, u := g.decide(r.task.ref), r.decision.Entry.User
	wants := g.of[r.task.ref].wants
	agreed := item.State == store.ItemGranted && item.Granted == item.Content
	switch {
	case v.step == parks && agreed:
		u.Park, r.passing = at.policy.Mail.parked(r.task.ref.Key), true
	case v.step == goes && item.Change == store.Ring && agreed && item.Content == wants:
		r.passing, r.settled = true, true
	case v.step == reviews && item.Change == store.Relink && agreed && item.Content == v.content(wants):
		u.Takes, r.passing, r.settled = EmployeeID(v.behind.Key), true, true
	case v.step == follows && item.Change == store.Ring && agreed && item.Content == wants:
		r.waits, r.passing = true, true // its turn comes
	case v.step != goes:
		r.turn = v
	}
}

// reencode brings the bytes of the decisions up to date with what was added to them.
func reencode(results []*result) error {
	for _, r := range results {
		if u := r.decision.Entry.User; r.wanted != nil && u != nil && (u.Park != "" || u.Takes != "") {
			b, err := event.EncodeEntry(r.decision.Entry)
			if err != nil {
				return fault.Wrap(err, fault.Internal, fault.Unclassified, "encode "+r.task.ref.String())
			}
			r.wanted = b
		}
	}
	return nil
}

// claims finds out who holds the wanted addresses, what those want in turn, and so on. What is in the batch counts
// before what is stored.
func (s *Service) claims(ctx context.Context, at moment, start, batch map[record.Ref]claim) (claims, error) {
	g := claims{of: maps.Clone(start), holders: map[string][]record.Ref{}, mail: at.policy.Mail}
	ask := wantsOf(start, g.holders)
	for depth := 0; len(ask) > 0 && depth < far; depth++ {
		links, err := s.deps.Guard.Holding(ctx, at.tenant, ask)
		if err != nil {
			return g, err
		}
		for _, email := range ask {
			g.holders[email] = []record.Ref{}
		}
		found := map[record.Ref]store.Link{}
		for _, l := range links {
			g.holders[l.Email] = append(g.holders[l.Email], l.Ref)
			c, known := g.of[l.Ref]
			if !known {
				found[l.Ref] = l
				continue
			}
			c.holds = l.Email
			g.of[l.Ref] = c
		}
		next, err := s.holders(ctx, at, found, batch)
		if err != nil {
			return g, err
		}
		maps.Copy(g.of, next)
		ask = wantsOf(next, g.holders)
	}
	for _, email := range ask { // behind so many others: it waits for them
		g.holders[email] = nil
	}
	return g, nil
}

func wantsOf(of map[record.Ref]claim, asked map[string][]record.Ref) (emails []string) {
	for _, c := range of {
		if _, known := asked[c.wants]; c.wants != "" && c.wants != c.holds && !known {
			emails = append(emails, c.wants)
		}
	}
	slices.Sort(emails)
	return slices.Compact(emails)
}

// holders are the claims of records whose objects hold an address that somebody else wants.
func (s *Service) holders(ctx context.Context, at moment, links map[record.Ref]store.Link, batch map[record.Ref]claim) (map[record.Ref]claim, error) {
	if len(links) == 0 {
		return nil, nil
	}
	refs := slices.SortedFunc(maps.Keys(links), compareRef)
	rows, err := s.deps.Ledger.Rows(ctx, at.tenant, refs)
	if err != nil {
		return nil, err
	}
	items, err := s.deps.Guard.GuardItems(ctx, at.tenant, refs)
	if err != nil {
		return nil, err
	}
	out := make(map[record.Ref]claim, len(refs))
	for _, ref := range refs {
		c, own := batch[ref]
		if !own {
			if c, err = stored(ref, rows[ref], items[ref]); err != nil {
				return nil, err
			}
		}
		if known, err := event.DecodeEntry(links[ref].Known); err == nil && known.User != nil && known.User.Name != "" {
			c.names = append(c.names, known.User.Name)
		}
		if c.holds = links[ref].Email; c.stuck == "" && !c.left {
			if c.stuck, err = s.held(ctx, at, ref); err != nil {
				return nil, err
			}
		}
		out[ref] = c
	}
	return out, nil
}

// stored is the claim of a record as its row and its item tell it.
func stored(ref record.Ref, row store.LedgerRow, item store.GuardItem) (claim, error) {
	doc := row.Wanted
	if ordered(item.Change) { // what is handed on is not what it wants
		doc = item.After
	}
	e, err := event.DecodeEntry(doc)
	if err != nil {
		return claim{}, fault.Wrap(err, fault.Internal, fault.Unclassified, "ledger row of "+ref.String())
	}
	c := claimOf(ref, e.User, row.Email)
	if c.approved(item); item.Ref == (record.Ref{}) || ordered(item.Change) {
		return c, nil
	}
	c.pending = true
	switch item.State {
	case store.ItemHeld:
		c.stuck = "its own change waits for a person as part of hold " + item.Hold
	case store.ItemRejected:
		c.stuck = "a person rejected its own change with hold " + item.Hold
	}
	return c, nil
}

// held says why the writer does not bring a record any further.
func (s *Service) held(ctx context.Context, at moment, ref record.Ref) (string, error) {
	found, err := s.deps.Ledger.Findings(ctx, at.tenant, store.FindingQuery{Kind: ref.Kind, Key: ref.Key, Holds: true, Limit: 20})
	for _, f := range found {
		if f.Ref == ref && f.Stage == audit.Writer {
			return "its own change waits with " + string(f.Code), err
		}
	}
	return "", err
}

// wait keeps a result back for the order of addresses and stages its item.
func (r *result) wait(at moment, item store.GuardItem, has bool) {
	v, wants := r.turn, emailOf(r.decision.Entry)
	r.waits, r.task.waits, r.note = true, true, v.why
	next := store.GuardItem{Ref: r.task.ref, Cause: r.task.cause, Change: store.Address, State: store.ItemStaged, Content: v.content(wants),
		Digest: store.DigestItem(r.before.Wanted, r.wanted), Before: r.before.Wanted, After: r.wanted, Revision: r.before.Revision + 1, At: at.now}
	switch {
	case v.step == rings && at.policy.Mail.able():
		next.Change = store.Ring
	case v.step == reviews:
		next.Change = store.Relink
	case v.stuck:
		next.State = store.ItemStuck
	}
	same := has && item.Change == next.Change && item.Content == next.Content
	switch {
	case same && item.Digest == next.Digest && bytes.Equal(item.After, next.After):
	case same && next.Change != store.Address: // it stays part of its hold, whose hash moves
		next.Cause = item.Cause
		r.move = &store.GuardMove{Item: next}
	default:
		r.move = &store.GuardMove{Item: next, Fresh: true}
	}
}

// able tells whether an address can be moved out of the way.
func (m Mail) able() bool { return m.InPlace && m.Parking != "" }
