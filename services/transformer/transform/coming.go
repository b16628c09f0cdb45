package transform

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Coming is something that will change by itself, without a message. It names no person and no value.
type Coming struct {
	Ref  record.Ref
	Day  erp.Date  // in the tenant's zone
	At   time.Time // the instant
	What []string  // hire, rehire, leave; name, email, phone or a mapped field; active, inactive; text; else the state
}

// Calendar is what will change by itself.
type Calendar struct {
	List []Coming         // by time, at most as many as were asked for
	Days map[erp.Date]int // how many changes each day brings, also of those that are not listed
	More bool             // there are more records with dates than were looked at
}

// Due lists rows by their next date, with the promise of store.Ledger.
type Due interface {
	DueRows(ctx context.Context, t tenant.ID, day string, after record.Ref, limit int) ([]store.LedgerRow, error)
}

const (
	calendarRows  = 5000 // records that are looked at
	calendarSteps = 50   // dates of one record
	calendarPage  = 500
)

// ComingUp tells what changes by itself from now to the end of the day until: each record with a next date is resolved
// as of its dates and compared with what held before. Texts of reference data are left out: a change of a department is
// told by its code, a change of its text as a change of that text. It writes nothing.
func ComingUp(ctx context.Context, rows Due, t tenant.ID, p Policy, now time.Time, until erp.Date, most int) (Calendar, error) {
	c := Calendar{Days: map[erp.Date]int{}}
	seen, after := 0, record.Ref{}
	for seen < calendarRows {
		page, err := rows.DueRows(ctx, t, string(shift(until, 1)), after, calendarPage)
		if err != nil {
			return c, err
		}
		for _, row := range page {
			list, err := ahead(row, p, now, until)
			if err != nil { // told where the record is resolved; the others are listed
				list = nil
			}
			for _, one := range list {
				c.Days[one.Day]++
			}
			c.List = append(c.List, list...)
			after = row.Ref
		}
		if seen += len(page); len(page) < calendarPage {
			c.trim(most)
			return c, nil
		}
	}
	c.More = true
	c.trim(most)
	return c, nil
}

func (c *Calendar) trim(most int) {
	slices.SortStableFunc(c.List, func(a, b Coming) int { return cmp.Or(a.At.Compare(b.At), compareRef(a.Ref, b.Ref)) })
	c.List = c.List[:min(len(c.List), most)]
}

// ahead lists what will change about one record.
func ahead(row store.LedgerRow, p Policy, now time.Time, until erp.Date) (list []Coming, err error) {
	facts, err := event.DecodeLedger(row.Facts)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, fault.Unclassified, "ledger row of "+row.Ref.String())
	}
	d := asOf(row.Ref, facts, now, p)
	for range calendarSteps {
		next := d.nextDate(p.zone())
		if next == "" {
			return list, nil
		}
		at, err := when(next, p.zone())
		day := erp.Today(at, p.zone())
		if err != nil || day > until {
			return list, nil //nolint:nilerr // a date that is none never comes
		}
		then := asOf(row.Ref, facts, at, p)
		if what := moves(d, then, p); len(what) > 0 {
			list = append(list, Coming{row.Ref, day, at, what})
		}
		d = then
	}
	return list, nil
}

func asOf(ref record.Ref, facts []erp.Fact, at time.Time, p Policy) Decision {
	if ref.Kind != record.Reference {
		return ResolveAt(ref, facts, at, p, nil)
	}
	text, next := ReferenceText(facts, erp.Today(at, p.zone()))
	return Decision{Text: text, Next: next}
}

// moves names what differs between two decisions; a change of state says everything about it.
func moves(a, b Decision, p Policy) (what []string) {
	from, to := a.Entry.State(), b.Entry.State()
	switch {
	case a.Text != b.Text:
		return []string{"text"}
	case from != to:
		return []string{verb(from, to, b.Entry.User != nil)}
	case to != directory.Active:
		return nil
	}
	add := func(name string, differs bool) {
		if differs && !slices.Contains(what, name) {
			what = append(what, name)
		}
	}
	fields := func(mapping, before, after map[string]string) {
		for _, source := range slices.Sorted(maps.Keys(mapping)) {
			add(source, before[mapping[source]] != after[mapping[source]])
		}
	}
	if u, v := a.Entry.User, b.Entry.User; u != nil && v != nil {
		add("name", u.Name != v.Name)
		add("email", u.Email != v.Email)
		add("phone", u.Phone != v.Phone)
		fields(p.UserFields, u.Fields, v.Fields)
	}
	if o, v := a.Entry.Organization, b.Entry.Organization; o != nil && v != nil {
		add("name", o.Name != v.Name)
		fields(p.OrganizationFields, o.Fields, v.Fields)
	}
	return what
}

func verb(from, to directory.State, user bool) string {
	switch {
	case user && from == directory.Suspended && to == directory.Active:
		return "rehire"
	case user && to == directory.Active:
		return "hire"
	case to == directory.Suspended:
		return "leave"
	}
	return string(to)
}
