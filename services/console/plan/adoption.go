package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// maxOrphans is how many orphans are named; all are counted.
const maxOrphans = 1000

// AdoptionRef is the pseudo-record that the adoption report and its finding are about.
func AdoptionRef() record.Ref { return record.Ref{Kind: "connection", Key: "zendesk.adoption"} }

// census tells whom the objects of an account could stand for, before anything was written.
type census struct {
	external, email, name map[uint64]bool   // what records have, by kind and value
	namesake              map[uint64]string // names of objects that no key ties to a record, with the object
	reports               map[record.Kind]*adminapi.Adoption
}

func newCensus() *census {
	return &census{external: map[uint64]bool{}, email: map[uint64]bool{}, name: map[uint64]bool{}, namesake: map[uint64]string{},
		reports: map[record.Kind]*adminapi.Adoption{}}
}

func of(kind record.Kind, value string) uint64 { return digest(string(kind) + " " + value) }

// want notes the keys of a record. Only somebody who is active could be mixed up with an object.
func (c *census) want(d Resolved) {
	if ext := d.Wanted.ExternalID(); ext != "" {
		c.external[of(d.Ref.Kind, ext)] = true
	}
	if d.Wanted.State() != directory.Active {
		return
	}
	name := nameOf(d.Wanted)
	if u := d.Wanted.User; u != nil && u.Email != "" {
		c.email[of(d.Ref.Kind, u.Email)] = true
	}
	if name != "" {
		c.name[of(d.Ref.Kind, name)] = true
	}
}

func nameOf(e directory.Entry) string {
	switch {
	case e.User != nil:
		return e.User.Name
	case e.Organization != nil:
		return e.Organization.Name
	}
	return ""
}

// survey reads the whole account where nothing was written yet.
func (r *run) survey(ctx context.Context) error {
	lister, ok := r.Target.(target.Lister)
	if r.known == nil || !ok {
		r.known = nil
		return nil
	}
	for _, kind := range r.kinds {
		a := &adminapi.Adoption{Kind: string(kind), OrphanIDs: []string{}}
		r.known.reports[kind] = a
		if err := r.list(ctx, lister, kind, a); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) list(ctx context.Context, lister target.Lister, kind record.Kind, a *adminapi.Adoption) error {
	return lister.List(ctx, r.t, kind, func(page []target.Object) error {
		for _, o := range page {
			a.Objects++
			if o.Staff {
				a.Staff++
			}
			r.known.see(kind, o, r.Prefix[kind] != "" && hasPrefix(o.ExternalID, r.Prefix[kind]), a)
		}
		if err := r.progress(0); err != nil {
			return err
		}
		return r.pace(ctx)
	})
}

// see counts an object that stands for nobody. Somebody with the name of a record and no key in common is not one: who
// it is only a person can tell.
func (c *census) see(kind record.Kind, o target.Object, ours bool, a *adminapi.Adoption) {
	switch {
	case o.ExternalID != "" && c.external[of(kind, o.ExternalID)]:
	case o.Email != "" && c.email[of(kind, o.Email)]:
	case kind == record.Vendor && c.name[of(kind, o.Name)]:
	case c.name[of(kind, o.Name)]:
		c.namesake[of(kind, o.Name)] = o.ID
	case o.Staff:
	default:
		a.Orphans++
		if ours {
			a.Ours++
		}
		if len(a.OrphanIDs) < maxOrphans {
			a.OrphanIDs = append(a.OrphanIDs, o.ID)
		}
	}
}

// met counts a record by how its object is told. A new one whose name somebody has already is told for review: it
// would be created all the same.
func (c *census) met(d Resolved, out *adminapi.PlanRecord) {
	if id, is := c.namesake[of(d.Ref.Kind, nameOf(d.Wanted))]; is && out.Match == adminapi.MatchNew {
		out.Match, out.Why = adminapi.MatchReview, out.Why+"; user "+id+" has the same name and another address"
	}
	a := c.reports[d.Ref.Kind]
	switch out.Match {
	case adminapi.MatchExact:
		a.Exact++
	case adminapi.MatchAdopt:
		a.Adopt++
	case adminapi.MatchReview:
		a.Review++
	case adminapi.MatchNew:
		a.New++
	}
}

// report gives the reports in the order of the kinds.
func (c *census) report(kinds []record.Kind) (list []adminapi.Adoption) {
	for _, k := range kinds {
		if a := c.reports[k]; a != nil {
			list = append(list, *a)
		}
	}
	return list
}

// errEnough ends a listing.
var errEnough = errors.New("enough was seen")

func hasPrefix(s, prefix string) bool {
	return strings.HasPrefix(strings.ToLower(s), strings.ToLower(prefix))
}

// Strangers tells whether the account holds an object of a kind that is neither staff nor carries an external id of
// our form. It reads the first page only: where that has none, nobody is there or everybody is ours.
func Strangers(ctx context.Context, l target.Lister, t tenant.ID, kind record.Kind, prefix string) (found bool, err error) {
	err = l.List(ctx, t, kind, func(page []target.Object) error {
		for _, o := range page {
			found = found || !o.Staff && !hasPrefix(o.ExternalID, prefix)
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// Told is adoption reports in one line, without anybody's data.
func Told(reports []adminapi.Adoption) string {
	text := ""
	for i, ad := range reports {
		if i > 0 {
			text += "; "
		}
		text += fmt.Sprintf("%ss: %d in Zendesk, %d exact, %d to adopt, %d to review, %d new, %d orphans", ad.Kind, ad.Objects, ad.Exact, ad.Adopt,
			ad.Review, ad.New, ad.Orphans)
	}
	return text
}
