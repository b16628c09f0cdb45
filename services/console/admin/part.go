package admin

import (
	"context"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// part is what of a hold a person decides on: all of it when only is empty.
type part struct {
	only []record.Ref
	hash string // of it as it was looked at
}

// of are the items that belong to the part.
func (p part) of(items []store.GuardItem) []store.GuardItem {
	if len(p.only) == 0 {
		return items
	}
	return slices.DeleteFunc(slices.Clone(items), func(it store.GuardItem) bool { return !slices.Contains(p.only, it.Ref) })
}

// part finds the records with the keys in the hold. The hold was looked at as it is, so that each of them was too.
func (a *API) part(ctx context.Context, t tenant.ID, h store.Hold, keys []string) (part, error) {
	p := part{hash: h.Hash}
	if len(keys) == 0 {
		return p, nil
	}
	switch h.Group.Change {
	case store.Suspension, store.EmailChange, store.Creation, store.Adoption:
	default:
		return p, wrongly("decide on all of it: leave out --only", "hold %s cannot be decided in parts: its records depend on each other", h.ID)
	}
	items, err := a.items(ctx, t, h.ID)
	if err != nil {
		return p, err
	}
	for _, k := range keys {
		ref := record.Ref{Kind: h.Group.Kind, Key: k}
		if !slices.ContainsFunc(items, func(it store.GuardItem) bool { return it.Ref == ref }) {
			return p, wrongly("see who is in it with `ml-connector holds show "+string(t)+" "+h.ID+"`", "%s is not in hold %s", ref, h.ID)
		}
		if !slices.Contains(p.only, ref) {
			p.only = append(p.only, ref)
		}
	}
	chosen := p.of(items)
	p.hash = store.HashItems(chosen)
	return p, nil
}
