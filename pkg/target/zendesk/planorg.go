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

// orgSight is what was found for one wanted organization.
type orgSight struct {
	org      *wireOrg
	named    *wireOrg // another organization that has the wanted name
	altNamed *wireOrg // another that has the alternative name
}

func (t *Target) planOrgs(ctx context.Context, items []target.Item, idx []int, out []target.Planned) error {
	if len(idx) == 0 {
		return nil
	}
	found := make(map[int]*orgSight, len(idx))
	for _, i := range idx {
		found[i] = &orgSight{}
	}
	linked, open := split(items, idx)
	if err := t.seeLinkedOrgs(ctx, items, linked, found); err != nil {
		return err
	}
	counted := t.orgs.take(ctx, len(open))
	if err := t.seeExternalOrgs(ctx, items, open, counted, found); err != nil {
		return err
	}
	if err := t.seeNames(ctx, items, idx, counted, found); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, i := range idx {
		out[i].Change, out[i].Err = t.decideOrg(items[i], found[i], names)
	}
	return nil
}

func (t *Target) seeLinkedOrgs(ctx context.Context, items []target.Item, idx []int, found map[int]*orgSight) error {
	var ids []string
	for _, i := range idx {
		ids = append(ids, items[i].TargetID)
	}
	got, err := t.orgsBy(ctx, "ids", ids, anyUrgent(items, idx))
	if err != nil {
		return err
	}
	for _, i := range idx {
		at := slices.IndexFunc(got, func(o wireOrg) bool { return o.ID == parseID(items[i].TargetID) })
		if at >= 0 && (got[at].ExternalID == "" || strings.EqualFold(got[at].ExternalID, items[i].Wanted.ExternalID())) {
			found[i].org = &got[at]
		}
	}
	return nil
}

func (t *Target) seeExternalOrgs(ctx context.Context, items []target.Item, idx []int, counted bool, found map[int]*orgSight) error {
	var ask []string
	for _, i := range idx {
		ext := items[i].Wanted.ExternalID()
		if id, knows := t.orgs.ext(ext); counted && knows && id == 0 {
			continue
		}
		ask = append(ask, ext)
	}
	got, err := t.orgsBy(ctx, "external_ids", ask, anyUrgent(items, idx))
	if err != nil {
		return err
	}
	for _, i := range idx {
		at := slices.IndexFunc(got, func(o wireOrg) bool { return strings.EqualFold(o.ExternalID, items[i].Wanted.ExternalID()) })
		if at >= 0 {
			found[i].org = &got[at]
		}
	}
	return nil
}

// seeNames finds who has the names that would be written.
func (t *Target) seeNames(ctx context.Context, items []target.Item, idx []int, counted bool, found map[int]*orgSight) error {
	var ask []int
	for _, i := range idx {
		if org := found[i].org; org == nil && parseID(items[i].TargetID) == 0 || org != nil && misnamed(*org, *items[i].Wanted.Organization) {
			ask = append(ask, i)
		}
	}
	return each(ctx, len(ask), func(ctx context.Context, n int) error {
		it, s := items[ask[n]], found[ask[n]]
		want := it.Wanted.Organization
		if s.org == nil && want.State != directory.Active {
			return nil
		}
		var err error
		if s.named, err = t.otherNamed(ctx, want.Name, s.org, counted, it.Urgent); err != nil || s.named == nil {
			return err
		}
		s.altNamed, err = t.otherNamed(ctx, want.AltName, s.org, counted, it.Urgent)
		return err
	})
}

func (t *Target) otherNamed(ctx context.Context, name string, self *wireOrg, counted, urgent bool) (*wireOrg, error) {
	if blank(name) {
		return nil, nil
	}
	if id, knows := t.orgs.key(strings.TrimSpace(name)); counted && knows && id == 0 {
		return nil, nil
	}
	o, err := t.orgByName(ctx, name, urgent)
	if err != nil || o == nil || self != nil && o.ID == self.ID {
		return nil, err
	}
	return o, nil
}

func (t *Target) decideOrg(it target.Item, s *orgSight, names map[string]bool) (target.Change, error) {
	want := *it.Wanted.Organization
	if s.org == nil && parseID(it.TargetID) > 0 {
		return target.Change{Item: it}, held(fault.TargetGone, "the linked organization is not there or carries another external id")
	}
	if s.org == nil && want.State != directory.Active {
		return neverActive(it), nil
	}
	c := target.Change{Item: it, Verb: target.Create, Why: "no organization has this external id or name", Diff: diffOrg(t.newOrg(want), want)}
	keeps := false
	if s.org != nil {
		if alternative(*s.org, want) {
			if keeps = s.named != nil || names[fold(want.Name)]; !keeps {
				want.AltName = "" // the name is free now
			}
		}
		var err error
		if c, err = t.rule(change(it, s.org.ID, s.org.entry(), diffOrg(*s.org, want))); err != nil {
			return c, err
		}
	}
	if s.org == nil && s.named != nil && s.named.ExternalID == "" {
		return t.adoptOrg(it, *s.named, want)
	}
	if keeps {
		c.Code, c.Why = string(fault.OrgNameTaken), c.Why+"; the alternative name stays: "+hasName(s)
	}
	if !has(c.Diff, fieldName) {
		return c, nil
	}
	return chooseName(c, want, s, names)
}

// alternative tells whether an organization holds the alternative of its name.
func alternative(o wireOrg, want directory.Organization) bool {
	return !blank(want.AltName) && sameText(o.Name, want.AltName) && !sameText(o.Name, want.Name)
}

// misnamed tells whether an organization has another name than it should have, be it the alternative one.
func misnamed(o wireOrg, want directory.Organization) bool {
	return alternative(o, want) || has(diffOrg(o, want), fieldName)
}

// hasName names the other organization that has a wanted name (failures.md D06).
func hasName(s *orgSight) string {
	switch {
	case s.named == nil:
		return "another record of the same batch has the name"
	case strings.HasPrefix(strings.ToLower(s.named.ExternalID), vendors):
		set, id, _ := strings.Cut(s.named.ExternalID[len(vendors):], ":")
		return "organization " + idText(s.named.ID) + " has the name, which stands for vendor/" + word(set) + "/" + word(id)
	case s.named.ExternalID != "":
		return "organization " + idText(s.named.ID) + " has the name and another external id"
	}
	return "organization " + idText(s.named.ID) + " has the name"
}

// vendors begins the external ids that this product gives to organizations (design.md 8).
const vendors = "psft:vendor:"

func (t *Target) newOrg(want directory.Organization) wireOrg {
	return wireOrg{OrganizationFields: t.fields.blanks(prefixOrg, want.Fields)}
}

func (t *Target) adoptOrg(it target.Item, o wireOrg, want directory.Organization) (target.Change, error) {
	c := change(it, o.ID, o.entry(), diffOrg(o, want))
	if !t.cfg.Adopt {
		return c, held(fault.AdoptionRefused, "organization "+idText(o.ID)+" has this name and no external id")
	}
	c.Adopted, c.Why = true, "adopted by name: "+c.Why
	return c, nil
}

// chooseName takes the wanted name, or the alternative one when another organization or an earlier record of the same
// plan has it (failures.md D06).
func chooseName(c target.Change, want directory.Organization, s *orgSight, names map[string]bool) (target.Change, error) {
	name, taken := want.Name, s.named != nil || names[fold(want.Name)]
	if taken && !blank(want.AltName) && s.altNamed == nil && !names[fold(want.AltName)] {
		name, taken = want.AltName, false
		c.Code = string(fault.OrgNameTaken)
		c.Why += "; the name is taken, the alternative is used: " + hasName(s)
	}
	if taken {
		return c, held(fault.OrgNameTaken, "the name and its alternative belong to other organizations: "+hasName(s))
	}
	names[fold(name)] = true
	c.Diff = renamed(c.Diff, name)
	return c, nil
}

func renamed(d []audit.Change, name string) []audit.Change {
	d = slices.Clone(d)
	for i := range d {
		if d[i].Field == fieldName {
			d[i].After = name
		}
	}
	return d
}
