package zendesk

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Plan implements target.Target: it reads what the account holds for every item and says what has to be done. It
// looks by link, then by external id, then by email or name, and writes nothing.
func (t *Target) Plan(ctx context.Context, _ tenant.ID, items []target.Item) ([]target.Planned, error) {
	given := items
	items, unknown := t.fitted(ctx, items)
	out := make([]target.Planned, len(items))
	var users, orgs []int
	for i, it := range items {
		out[i] = target.Planned{Item: it, Change: target.Change{Item: it}}
		switch err := wellFormed(it); {
		case err != nil:
			out[i].Err = err
		case it.Wanted.State() == directory.Untouched:
			out[i].Change = settled(it, "left as it is")
		case it.Wanted.User != nil:
			users = append(users, i)
		default:
			orgs = append(orgs, i)
		}
	}
	if err := t.planOrgs(ctx, items, orgs, out); err != nil {
		return nil, err
	}
	if err := t.planUsers(ctx, items, users, out); err != nil {
		return nil, err
	}
	tell(out, given, unknown)
	return out, nil
}

// wellFormed refuses what could not be looked up safely: a comma splits external_ids (zendesk.md 3.2).
func wellFormed(it target.Item) error {
	w := it.Wanted
	if w.State() == directory.Untouched {
		return nil
	}
	if (w.User == nil) == (w.Organization == nil) {
		return fault.New(fault.Internal, fault.Unclassified, "plan "+it.Ref.String()+": want exactly one of user and organization")
	}
	if ext := w.ExternalID(); !printable(ext) || len(ext) > 255 {
		return fault.New(fault.Invalid, fault.TargetInvalid, "the external id is empty, too long, or holds a comma or blank")
	}
	fields, name := map[string]string(nil), ""
	if u := w.User; u != nil {
		fields, name = u.Fields, u.Name
		if u.Email != "" && !mailLike(u.Email) {
			return fault.New(fault.Invalid, fault.BadEmail, "the email is not an address")
		}
	} else {
		fields, name = w.Organization.Fields, w.Organization.Name
	}
	for k := range fields {
		if !managedPath(k) {
			return fault.New(fault.Config, fault.BadConfig, "the mapping names "+k+": only user_fields.<key> and organization_fields.<key> are written")
		}
	}
	if blank(name) && it.TargetID == "" && w.State() == directory.Active {
		return fault.New(fault.Invalid, fault.MissingName, "nothing can be created without a name")
	}
	return nil
}

// settled is a change that does nothing.
func settled(it target.Item, why string) target.Change {
	return target.Change{Item: it, Verb: target.Nothing, Why: why}
}

func neverActive(it target.Item) target.Change {
	c := settled(it, "never active: nothing is created only to be suspended")
	c.Code = string(fault.SkipNeverActive)
	return c
}

// change is what turns held into wanted by d.
func change(it target.Item, id int64, held directory.Entry, d []audit.Change) target.Change {
	it.TargetID = idText(id)
	c := target.Change{Item: it, Verb: target.Update, Object: it.TargetID, Held: held, Diff: d}
	switch {
	case len(d) == 0:
		c.Verb, c.Why = target.Nothing, "already as wanted"
		return c
	case has(d, fieldSuspend) && it.Wanted.State() == directory.Suspended:
		c.Verb = target.Suspend
	case has(d, fieldSuspend):
		c.Verb = target.Restore
	}
	c.Why = differs(d)
	return c
}

func differs(d []audit.Change) string {
	why := ""
	for i, c := range d {
		if i > 0 {
			why += ", "
		}
		why += c.Field
	}
	if len(d) == 1 {
		return why + " differs"
	}
	return why + " differ"
}

func held(code fault.Code, detail string) error { return fault.New(fault.Held, code, detail) }
