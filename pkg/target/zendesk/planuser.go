package zendesk

import (
	"context"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// sighting is what was found for one wanted user.
type sighting struct {
	user   *wireUser // linked, or carrying our external id
	owner  *wireUser // who has the wanted address, when nobody carries the external id
	strayd bool      // the linked object carries another record's external id
}

func (t *Target) planUsers(ctx context.Context, items []target.Item, idx []int, out []target.Planned) error {
	if len(idx) == 0 {
		return nil
	}
	found := make(map[int]*sighting, len(idx))
	for _, i := range idx {
		found[i] = &sighting{}
	}
	linked, open := split(items, idx)
	stray, err := t.seeLinked(ctx, items, linked, found)
	if err != nil {
		return err
	}
	if err := t.seeOpen(ctx, items, open, stray, found); err != nil {
		return err
	}
	first := map[string]int{}
	for _, i := range idx {
		out[i].Change, out[i].Err = t.decideUser(items[i], found[i])
		t.oneAddress(&out[i], first, i)
	}
	return nil
}

// split separates items with a link from those without.
func split(items []target.Item, idx []int) (linked, open []int) {
	for _, i := range idx {
		if parseID(items[i].TargetID) > 0 {
			linked = append(linked, i)
		} else {
			open = append(open, i)
		}
	}
	return linked, open
}

// seeLinked reads the linked users. A user that carries another record's external id is not ours to touch: such items
// are looked up by external id like unlinked ones.
func (t *Target) seeLinked(ctx context.Context, items []target.Item, idx []int, found map[int]*sighting) (stray []int, err error) {
	ids := make([]string, 0, len(idx))
	for _, i := range idx {
		ids = append(ids, items[i].TargetID)
	}
	got, err := t.usersByID(ctx, ids, anyUrgent(items, idx))
	if err != nil {
		return nil, err
	}
	for _, i := range idx {
		u, ok := got[parseID(items[i].TargetID)]
		switch {
		case !ok || u.gone():
		case u.ExternalID != "" && !mine(u, items[i].Wanted.User):
			found[i].strayd = true
			stray = append(stray, i)
		default:
			found[i].user = &u
		}
	}
	return stray, nil
}

// mine tells whether a linked user stands for the record, or for the one that the record takes it over from.
func mine(u wireUser, want *directory.User) bool {
	return strings.EqualFold(u.ExternalID, want.ExternalID) || want.Takes != "" && strings.EqualFold(u.ExternalID, want.Takes)
}

// seeOpen looks by external id, then by address for those that may be created.
func (t *Target) seeOpen(ctx context.Context, items []target.Item, idx, stray []int, found map[int]*sighting) error {
	counted := t.users.take(ctx, len(idx))
	if err := t.seeExternal(ctx, items, append(slices.Clone(idx), stray...), counted, found); err != nil {
		return err
	}
	var missing []int
	for _, i := range idx {
		if found[i].user == nil && items[i].Wanted.User.State == directory.Active {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return each(ctx, len(missing), func(ctx context.Context, n int) error {
		return t.seeAddress(ctx, items[missing[n]], counted, found[missing[n]])
	})
}

// seeExternal asks the census where it can tell, and Zendesk for the rest and for every hit.
func (t *Target) seeExternal(ctx context.Context, items []target.Item, idx []int, counted bool, found map[int]*sighting) error {
	var ask []string
	for _, i := range idx {
		ext := items[i].Wanted.ExternalID()
		if id, knows := t.users.ext(ext); counted && knows && id == 0 {
			continue
		}
		ask = append(ask, ext)
	}
	got, err := t.usersByExternal(ctx, ask, anyUrgent(items, idx))
	if err != nil {
		return err
	}
	for _, i := range idx {
		if u, ok := got[strings.ToLower(items[i].Wanted.ExternalID())]; ok {
			found[i].user = &u
		}
	}
	return nil
}

// seeAddress finds who has the wanted address, and notes the proof when nobody has.
func (t *Target) seeAddress(ctx context.Context, it target.Item, counted bool, s *sighting) error {
	u := it.Wanted.User
	if u.Email == "" {
		return nil
	}
	if id, knows := t.users.key(u.Email); counted && knows && id == 0 {
		return nil
	}
	owner, err := t.userByAddress(ctx, u.Email, it.Urgent)
	if err != nil {
		return err
	}
	s.owner = owner
	return nil
}

func (t *Target) decideUser(it target.Item, s *sighting) (target.Change, error) {
	want := *it.Wanted.User
	switch {
	case s.user != nil:
		if s.user.ExternalID != "" {
			t.claims.seen(s.user.ExternalID, fold(s.user.Email))
		}
		return t.decideKnown(it, *s.user, want)
	case s.strayd:
		return target.Change{Item: it}, held(fault.TargetGone, "the linked user carries another record's external id now")
	case parseID(it.TargetID) > 0:
		return target.Change{Item: it}, held(fault.TargetGone, "the linked user is not there any more")
	case want.State != directory.Active:
		return neverActive(it), nil
	case s.owner != nil:
		return t.decideOwner(it, *s.owner, want)
	}
	c := target.Change{Item: it, Verb: target.Create, Why: "nobody has this external id or address", Diff: diffUser(t.newUser(want), want)}
	c.TargetID = ""
	return c, nil
}

// newUser has blank values for every wanted field, so that a diff against it lists them all.
func (t *Target) newUser(want directory.User) wireUser {
	return wireUser{UserFields: t.fields.blanks(prefixUser, want.Fields)}
}

// decideKnown compares a user that is ours. Staff is touched only as far as the policy goes (failures.md Z18).
func (t *Target) decideKnown(it target.Item, u wireUser, want directory.User) (target.Change, error) {
	if want.State == directory.Suspended {
		want.Phone = "" // a leaver's number may belong to somebody else by now, as the address may: see wantedAddress
	}
	d := diffUser(u, want)
	c, err := t.rule(change(it, u.ID, u.entry(), d))
	if d = c.Diff; err != nil {
		return c, err
	}
	if len(d) == 0 || !u.staff() {
		return t.returning(c, u, want), nil
	}
	leaves := c.Verb == target.Suspend && u.Role == roleAgent && (want.FreeSeat || t.cfg.FreeSeats)
	switch {
	case leaves:
		c.Diff = append([]audit.Change{{Field: fieldRole, Before: u.Role, After: roleEndUser}}, c.Diff...)
		c.Why = "an agent leaves: downgraded to free the seat, then suspended"
		return c, nil
	case c.Verb == target.Update && u.Role == "agent" && only(d, t.cfg.StaffFields):
		return c, nil
	}
	return c, held(fault.TargetProtected, "the user is "+article(u.Role)+" and "+c.Why)
}

func article(role string) string {
	if strings.HasPrefix(role, "a") {
		return "an " + word(role)
	}
	return "a " + word(role)
}

// decideOwner adopts an end user without external id, by policy; anybody else is left alone (failures.md Z17).
func (t *Target) decideOwner(it target.Item, u wireUser, want directory.User) (target.Change, error) {
	c := change(it, u.ID, u.entry(), diffUser(u, want))
	switch {
	case u.ExternalID != "":
		return c, t.blocked(fault.EmailOwned, u, want.Email)
	case u.staff():
		return c, t.blocked(fault.EmailOwned, u, want.Email)
	case !t.cfg.Adopt:
		return c, held(fault.AdoptionRefused, "user "+idText(u.ID)+" has this address and no external id")
	}
	c.Adopted = true
	c.Why = "adopted by email: " + c.Why
	return c, nil
}

// oneAddress lets the first of several new records of one plan have an address; the others wait.
func (t *Target) oneAddress(p *target.Planned, first map[string]int, i int) {
	if p.Err != nil || p.Change.Verb != target.Create && !p.Change.Adopted {
		return
	}
	email := fold(p.Item.Wanted.User.Email)
	if email == "" {
		return
	}
	if _, taken := first[email]; taken {
		p.Err = held(fault.EmailTaken, "another record of the same batch wants this address")
		return
	}
	first[email] = i
}

func anyUrgent(items []target.Item, idx []int) bool {
	return slices.ContainsFunc(idx, func(i int) bool { return items[i].Urgent })
}
