package zendesk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shape is how a custom field that the account lacks is made (zendesk.md 7.1). The zero value is a text field.
type Shape struct {
	Type    string   // text, textarea, checkbox, date, integer, decimal or dropdown; "" is text
	Options []string // texts of a dropdown, as the mapped values say them
}

func (s Shape) kind() string {
	if s.Type == "" {
		return "text"
	}
	return s.Type
}

// body is the definition. The value of an option is a tag on the user as well, so that it begins with the field's key.
func (s Shape) body(key string) map[string]any {
	b := map[string]any{"type": s.kind(), "key": key, "title": title(key), "description": "Kept true to PeopleSoft by ml-connector"}
	if s.kind() == "dropdown" {
		b["custom_field_options"] = s.choices(key)
	}
	return b
}

func (s Shape) choices(key string) (list []map[string]string) {
	taken := map[string]bool{}
	for _, name := range s.Options {
		tag := key + "_" + strings.Map(tagRune, strings.ToLower(name))
		for n, base := 2, tag; taken[tag]; n++ {
			tag = base + "_" + strconv.Itoa(n)
		}
		taken[tag] = true
		list = append(list, map[string]string{"name": name, "value": tag})
	}
	return list
}

// tagRune is what a tag takes in place of a rune of a text in lower case.
func tagRune(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '_'
}

// misfits tells which fields of the account are not as the settings define them: another sort, or a dropdown that lacks
// options. Their values are left out of writes where they do not fit.
func (c *catalog) misfits(shapes map[string]Shape) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range sortedKeys(shapes) {
		d, defined := c.defs[f]
		s := shapes[f]
		lacks := slices.DeleteFunc(slices.Clone(s.Options), func(o string) bool { return d.options[fold(o)] != "" })
		switch {
		case !defined:
		case d.kind != s.kind() && (d.kind != "tagger" || s.kind() != "dropdown"):
			out = append(out, fmt.Sprintf("%s is a %s field in the account, the settings say %s", f, clean(d.kind), s.kind()))
		case len(lacks) > 0:
			out = append(out, fmt.Sprintf("%s has no option %s", f, strings.Join(lacks, ", ")))
		}
	}
	return out
}

// plain is a number or a day as Zendesk shows it back; false when the value is none.
func (d fieldDef) plain(v string) (string, bool) {
	switch d.kind {
	case "integer":
		n, err := strconv.ParseInt(v, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	case "decimal":
		n, err := strconv.ParseFloat(v, 64)
		return strconv.FormatFloat(n, 'f', -1, 64), err == nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if day, err := time.Parse(layout, v); err == nil {
			return day.Format(time.DateOnly), true
		}
	}
	return v, false
}
