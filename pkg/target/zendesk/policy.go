package zendesk

import (
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// Policy says whose value stays in a field that somebody changed in Zendesk since we wrote it. Every plan reads the
// object first, so that what is compared is never older than the plan.
type Policy string

// The policies.
const (
	SourceWins Policy = "source_wins"
	TargetWins Policy = "target_wins" // a blank value is filled again
	AskPerson  Policy = "ask"
)

// rule applies the policies to the change of an object that is there already. A suspension or a return waits for
// nobody's answer: it goes without the fields in question.
func (t *Target) rule(c target.Change) (target.Change, error) {
	var kept, asked []string
	for _, d := range c.Diff {
		p := t.cfg.Policies[d.Field]
		if p != TargetWins && p != AskPerson || !changedThere(d, c.Known) {
			continue
		}
		if kept = append(kept, d.Field); p == AskPerson {
			asked = append(asked, d.Field)
		}
	}
	if len(kept) == 0 {
		return c, nil
	}
	if len(asked) > 0 && c.Verb == target.Update {
		return c, held(fault.TargetFieldChanged, "changed in Zendesk since it was written: "+strings.Join(asked, ", "))
	}
	c.Diff = without(c.Diff, kept...)
	c.Held = forget(c.Held, kept)
	c.Why = strings.Join(kept, ", ") + " changed in Zendesk and kept by policy"
	if len(c.Diff) == 0 {
		c.Verb = target.Nothing
		return c, nil
	}
	c.Why = differs(c.Diff) + "; " + c.Why
	return c, nil
}

// changedThere tells that the value in Zendesk is neither what we wrote nor, where we wrote nothing, blank.
func changedThere(d audit.Change, known directory.Entry) bool {
	ours := ""
	switch {
	case known.User != nil:
		ours = fieldOf(d.Field, known.User.Name, known.User.Phone, known.User.Fields)
	case known.Organization != nil:
		ours = fieldOf(d.Field, known.Organization.Name, "", known.Organization.Fields)
	}
	if blank(ours) {
		return !blank(d.Before) && d.Before != "false"
	}
	if d.Field == fieldPhone {
		return !samePhone(d.Before, ours)
	}
	return !sameField(d.Before, ours)
}

func fieldOf(field, name, phone string, fields map[string]string) string {
	switch field {
	case fieldName:
		return name
	case fieldPhone:
		return phone
	}
	return fields[field]
}

// forget takes values that are not ours out of what is held, so that the next plan does not take them for ours.
func forget(e directory.Entry, fields []string) directory.Entry {
	name, phone := slices.Contains(fields, fieldName), slices.Contains(fields, fieldPhone)
	drop := func(m map[string]string) map[string]string {
		m = maps.Clone(m)
		for _, f := range fields {
			delete(m, f)
		}
		return m
	}
	if e.User != nil {
		u := *e.User
		if u.Fields = drop(u.Fields); name {
			u.Name = ""
		}
		if phone {
			u.Phone = ""
		}
		return directory.Entry{User: &u}
	}
	if e.Organization != nil {
		o := *e.Organization
		if o.Fields = drop(o.Fields); name {
			o.Name = ""
		}
		return directory.Entry{Organization: &o}
	}
	return e
}
