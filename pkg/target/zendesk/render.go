package zendesk

import (
	"maps"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// userBody renders the fields of a diff, and nothing else, as the body of a user write. The address is left out: a
// write does not change it (zendesk.md 1.5).
func userBody(d []audit.Change) map[string]any {
	b, custom := map[string]any{}, map[string]any{}
	for _, c := range d {
		switch c.Field {
		case fieldName, fieldExternal, fieldPhone:
			b[c.Field] = c.After
		case fieldSuspend:
			b[c.Field] = c.After == "true"
		default:
			if key, ok := strings.CutPrefix(c.Field, prefixUser); ok {
				custom[key] = fieldValue(c)
			}
		}
	}
	if len(custom) > 0 {
		b["user_fields"] = custom
	}
	return b
}

// newUserBody adds the address; it is the only place where one is sent in a user.
func newUserBody(d []audit.Change, email string) map[string]any {
	b := userBody(d)
	b["skip_verify_email"] = true
	if email != "" {
		b[fieldEmail] = strings.ToLower(strings.TrimSpace(email))
	}
	return b
}

func orgBody(d []audit.Change) map[string]any {
	b, custom := map[string]any{}, map[string]any{}
	for _, c := range d {
		if c.Field == fieldName || c.Field == fieldExternal {
			b[c.Field] = c.After
		} else if key, ok := strings.CutPrefix(c.Field, prefixOrg); ok {
			custom[key] = fieldValue(c)
		}
	}
	if len(custom) > 0 {
		b["organization_fields"] = custom
	}
	return b
}

// fieldValue keeps the type of a checkbox; blank clears.
func fieldValue(c audit.Change) any {
	boolean := func(s string) bool { return s == "true" || s == "false" }
	switch {
	case strings.TrimSpace(c.After) == "":
		return nil
	case boolean(c.Before) && boolean(c.After): // only a checkbox reads as true or false
		return c.After == "true"
	}
	return c.After
}

// after is held with a diff applied: what the target holds once the change is through.
func after(c target.Change, d []audit.Change) directory.Entry {
	if c.Wanted.Organization != nil {
		o := directory.Organization{State: directory.Active}
		if c.Held.Organization != nil {
			o = *c.Held.Organization
		}
		o.Fields = applyFields(o.Fields, d)
		set(d, map[string]*string{fieldName: &o.Name, fieldExternal: &o.ExternalID})
		return directory.Entry{Organization: &o}
	}
	u := directory.User{State: directory.Active}
	if c.Held.User != nil {
		u = *c.Held.User
	}
	u.Fields = applyFields(u.Fields, d)
	set(d, map[string]*string{fieldName: &u.Name, fieldExternal: &u.ExternalID, fieldEmail: &u.Email, fieldPhone: &u.Phone})
	if has(d, fieldSuspend) {
		u.State = c.Wanted.State()
	}
	return directory.Entry{User: &u}
}

func set(d []audit.Change, into map[string]*string) {
	for _, c := range d {
		if p := into[c.Field]; p != nil {
			*p = c.After
		}
	}
}

func applyFields(m map[string]string, d []audit.Change) map[string]string {
	out := maps.Clone(m)
	for _, c := range d {
		if strings.HasPrefix(c.Field, prefixUser) || strings.HasPrefix(c.Field, prefixOrg) {
			if out == nil {
				out = map[string]string{}
			}
			out[c.Field] = c.After
		}
	}
	return out
}

func without(d []audit.Change, fields ...string) []audit.Change {
	var out []audit.Change
	for _, c := range d {
		if !only([]audit.Change{c}, fields) {
			out = append(out, c)
		}
	}
	return out
}
