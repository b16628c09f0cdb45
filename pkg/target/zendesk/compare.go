package zendesk

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/ml-connector/ml-connector/pkg/address"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
)

// Names of managed fields in a Diff; custom fields stand there with their path.
const (
	fieldName     = "name"
	fieldEmail    = "email"
	fieldPhone    = "phone"
	fieldExternal = "external_id"
	fieldSuspend  = "suspended"
	fieldRole     = "role"
	prefixUser    = "user_fields."
	prefixOrg     = "organization_fields."
)

// managedPath accepts custom fields only: tags, notes, details and memberships belong to the agents (design.md 6).
func managedPath(p string) bool {
	for _, prefix := range []string{prefixUser, prefixOrg} {
		if key, ok := strings.CutPrefix(p, prefix); ok {
			return key != "" && strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
		}
	}
	return false
}

// diffUser lists what must change so that the user is as wanted. A blank name, email or phone changes nothing.
func diffUser(held wireUser, want directory.User) []audit.Change {
	var d diffs
	d.differ(fieldExternal, held.ExternalID, want.ExternalID, strings.EqualFold)
	d.differ(fieldName, held.Name, want.Name, sameText)
	d.differ(fieldEmail, strings.ToLower(held.Email), strings.ToLower(strings.TrimSpace(wantedAddress(want))), address.Same)
	d.differ(fieldPhone, held.Phone, want.Phone, samePhone)
	d.fields(fieldTexts(prefixUser, held.UserFields), want.Fields)
	switch {
	case want.State == directory.Suspended && !held.Suspended:
		d.add(fieldSuspend, "false", "true")
	case want.State == directory.Active && held.Suspended:
		d.add(fieldSuspend, "true", "false")
	}
	return d.list
}

// diffOrg does the same; an organization that holds its alternative name keeps it.
func diffOrg(held wireOrg, want directory.Organization) []audit.Change {
	var d diffs
	d.differ(fieldExternal, held.ExternalID, want.ExternalID, strings.EqualFold)
	if want.AltName == "" || !sameText(held.Name, want.AltName) {
		d.differ(fieldName, held.Name, want.Name, sameText)
	}
	d.fields(fieldTexts(prefixOrg, held.OrganizationFields), want.Fields)
	return d.list
}

type diffs struct{ list []audit.Change }

func (d *diffs) add(field, before, after string) {
	d.list = append(d.list, audit.Change{Field: field, Before: before, After: after})
}

func (d *diffs) differ(field, held, want string, same func(a, b string) bool) {
	if want != "" && !same(held, want) {
		d.add(field, held, want)
	}
}

// fields compares only what the account defines: every defined field is in the answer, null or not (zendesk.md 1.2),
// and a write to an undefined one would never show. Check names the missing ones. An answer without any custom field
// says nothing about what is defined: there all of them count as blank.
func (d *diffs) fields(held, want map[string]string) {
	for _, k := range sortedKeys(want) {
		if now, defined := held[k]; (defined || len(held) == 0) && !sameField(now, want[k]) {
			d.add(k, held[k], want[k])
		}
	}
}

// showable leaves out changes of custom fields that the account does not define: every defined field is in an answer,
// null or not (zendesk.md 1.2), and a write to another one never shows. Check names the missing ones.
func showable(list []audit.Change, held map[string]string) []audit.Change {
	return slices.DeleteFunc(slices.Clone(list), func(c audit.Change) bool {
		_, defined := held[c.Field]
		return managedPath(c.Field) && !defined
	})
}

// sameText compares in NFC (failures.md U01): an accent may come back as two characters.
func sameText(a, b string) bool {
	return a == b || norm.NFC.String(strings.TrimSpace(a)) == norm.NFC.String(strings.TrimSpace(b))
}

func sameField(held, want string) bool {
	want = fieldText(want)
	return sameText(held, want) || held == "false" && strings.TrimSpace(want) == ""
}

func samePhone(a, b string) bool { return phoneDigits(a) == phoneDigits(b) }

func phoneDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

func has(list []audit.Change, field string) bool {
	for _, c := range list {
		if c.Field == field {
			return true
		}
	}
	return false
}

func only(list []audit.Change, allowed []string) bool {
	for _, c := range list {
		ok := false
		for _, a := range allowed {
			ok = ok || a == c.Field
		}
		if !ok {
			return false
		}
	}
	return true
}
