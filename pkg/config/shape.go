package config

import (
	"slices"
	"strings"
)

// CustomPath is a custom field of a Zendesk user or organization.
type CustomPath string

// UnmarshalText accepts user_fields.<key> and organization_fields.<key>.
func (p *CustomPath) UnmarshalText(b []byte) error {
	return match(p, b, customPathShape, "user_fields.<key> or organization_fields.<key> in lower case")
}

// Shape is what `check --fix` makes of a mapped field that the account lacks, and what `check` compares an existing one
// with (zendesk.md 7.1).
type Shape struct {
	Type FieldType `json:"type" need:"text, textarea, checkbox, date, integer, decimal or dropdown"`
	// Options are the texts of a dropdown, as the mapped values say them.
	Options []Text `json:"options,omitempty"`
}

func (s *Shape) check(c *complaints) {
	if s.Type == Dropdown && len(s.Options) == 0 {
		c.at("options", bad{what: "required: the texts of the dropdown, for example [R, P, O]"})
	}
	if s.Type != Dropdown && s.Type != "" && len(s.Options) > 0 {
		c.at("options", bad{what: "has no effect with type " + string(s.Type), want: "type: dropdown beside it"})
	}
	for i, o := range s.Options {
		if slices.ContainsFunc(s.Options[:i], func(other Text) bool { return strings.EqualFold(string(other), string(o)) }) {
			c.at("options", bad{what: show(string(o)) + " is there twice", want: "each text once"})
		}
	}
}

// FieldType is a sort of custom field.
type FieldType string

// The sorts that mapped values fit in.
const (
	PlainText FieldType = "text"
	TextArea  FieldType = "textarea"
	Checkbox  FieldType = "checkbox"
	Date      FieldType = "date"
	Integer   FieldType = "integer"
	Decimal   FieldType = "decimal"
	Dropdown  FieldType = "dropdown"
)

// UnmarshalText accepts the seven sorts.
func (f *FieldType) UnmarshalText(b []byte) error {
	return word(f, b, PlainText, TextArea, Checkbox, Date, Integer, Decimal, Dropdown)
}
