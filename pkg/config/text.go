package config

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

var (
	emailTypeShape  = regexp.MustCompile(`^[A-Z0-9]{1,4}$`)
	nodeShape       = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,29}$`)
	psNameShape     = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,29}$`)
	promptShape     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,29}$`)
	keyShape        = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,60}$`)
	rowPathShape    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,60}(\.[A-Za-z0-9_-]{1,60}){0,9}$`)
	vendorShape     = regexp.MustCompile(`^[A-Z0-9]{1,5}/[A-Z0-9_-]{1,10}$`)
	deskFieldShape  = regexp.MustCompile(`^(name|phone|(user|organization)_fields\.[a-z0-9_]{1,60})$`)
	userPathShape   = regexp.MustCompile(`^user_fields\.[a-z0-9_]{1,60}$`)
	customPathShape = regexp.MustCompile(`^(user|organization)_fields\.[a-z0-9_]{1,60}$`)
	orgPathShape    = regexp.MustCompile(`^organization_fields\.[a-z0-9_]{1,60}$`)
	domainShape     = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	addressShape    = regexp.MustCompile(`^[^@\s]{1,64}@[^@\s]{1,190}$`)
	layoutShape     = regexp.MustCompile(`2006.*01.*02|01.*02.*2006|02.*01.*2006`)
)

// Name is the tenant's name.
type Name tenant.ID

// UnmarshalText accepts what tenant.Parse accepts.
func (n *Name) UnmarshalText(b []byte) error {
	id, err := tenant.Parse(string(b))
	if err != nil {
		return bad{want: "1 to 40 lower-case letters, digits or hyphens, starting and ending with a letter or digit", got: show(b)}
	}
	*n = Name(id)
	return nil
}

// Node is a PeopleSoft node name.
type Node string

// UnmarshalText accepts up to 30 letters, digits, underscores and hyphens.
func (n *Node) UnmarshalText(b []byte) error {
	return match(n, b, nodeShape, "a node name of up to 30 letters, digits, _ or -, for example PSFT_HR")
}

// PSName is the name of a PeopleSoft object: a query or a column.
type PSName string

// UnmarshalText accepts up to 30 capital letters, digits and underscores.
func (n *PSName) UnmarshalText(b []byte) error {
	return match(n, b, psNameShape, "up to 30 capital letters, digits or _, starting with a letter, for example ML_EMPLOYEES")
}

// Prompt is the unique prompt name of a query; case matters.
type Prompt string

// UnmarshalText accepts up to 30 letters, digits and underscores; a comma could not be sent (peoplesoft.md 3.1).
func (p *Prompt) UnmarshalText(b []byte) error {
	return match(p, b, promptShape, "up to 30 letters, digits or _, starting with a letter, for example FROM_DTTM")
}

// Key is the name of a parameter.
type Key string

// UnmarshalText accepts up to 60 letters, digits, dots, underscores and hyphens.
func (k *Key) UnmarshalText(b []byte) error {
	return match(k, b, keyShape, "up to 60 letters, digits, dots, _ or -")
}

// RowPath is a dotted path into an answer.
type RowPath string

// UnmarshalText accepts names joined by dots.
func (p *RowPath) UnmarshalText(b []byte) error {
	return match(p, b, rowPathShape, "names joined by dots, for example data.items")
}

// VendorKey is SETID/VENDOR_ID with all zeros.
type VendorKey string

// UnmarshalText accepts a SETID of up to 5 and a VENDOR_ID of up to 10 characters (peoplesoft.md 2.11).
func (k *VendorKey) UnmarshalText(b []byte) error {
	return match(k, b, vendorShape, "SETID/VENDOR_ID with all zeros, for example SHARE/0000000011")
}

// UserPath is a field of a Zendesk user.
type UserPath string

// UnmarshalText accepts user_fields.<key>.
func (p *UserPath) UnmarshalText(b []byte) error {
	return match(p, b, userPathShape, "user_fields.<key> in lower case, for example user_fields.department")
}

// OrganizationPath is a field of a Zendesk organization.
type OrganizationPath string

// UnmarshalText accepts organization_fields.<key>.
func (p *OrganizationPath) UnmarshalText(b []byte) error {
	return match(p, b, orgPathShape, "organization_fields.<key> in lower case, for example organization_fields.vendor_status")
}

// Address is an email address.
type Address string

// UnmarshalText accepts one address.
func (a *Address) UnmarshalText(b []byte) error {
	return match(a, b, addressShape, "an email address, for example ops@example.com")
}

// Layout is a Go time layout with a whole date in it.
type Layout string

// UnmarshalText accepts a layout that has year, month and day and no comma (peoplesoft.md 3.1).
func (l *Layout) UnmarshalText(b []byte) error {
	if strings.Contains(string(b), ",") || len(b) > 60 {
		return bad{want: "a Go layout without comma, for example 2006-01-02", got: show(b)}
	}
	return match(l, b, layoutShape, "a Go layout of a date, for example 2006-01-02 or 2006-01-02T15:04:05")
}

// Text is a short printable text.
type Text string

// UnmarshalText accepts 1 to 200 printable characters without space at either end.
func (t *Text) UnmarshalText(b []byte) error { return short(t, b) }

// Path is the name of a file.
type Path string

// UnmarshalText accepts 1 to 200 printable characters.
func (p *Path) UnmarshalText(b []byte) error { return short(p, b) }

// Col is the name of a column or field as the other side gives it; query authors rename them as they like.
type Col string

// UnmarshalText accepts 1 to 200 printable characters.
func (c *Col) UnmarshalText(b []byte) error { return short(c, b) }

func short[T ~string](to *T, b []byte) error {
	s := string(b)
	if s == "" || len(s) > 200 || !printable(s) || strings.TrimSpace(s) != s {
		return bad{want: "1 to 200 printable characters without space at either end"}
	}
	*to = T(s)
	return nil
}

func word[T ~string](to *T, b []byte, words ...T) error {
	if !slices.Contains(words, T(b)) {
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = string(w)
		}
		return bad{want: oneOf(list), got: show(b), hint: nearest(string(b), list)}
	}
	*to = T(b)
	return nil
}

func match[T ~string](to *T, b []byte, shape *regexp.Regexp, want string) error {
	if !shape.Match(b) || !printable(string(b)) {
		return bad{want: want, got: show(b)}
	}
	*to = T(b)
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
