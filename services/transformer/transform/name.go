package transform

import (
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// name chooses the person's display name: the current row of the first NAME_TYPE in the policy's order that has one
// (preferred before primary by default). known is false when no name row is in effect at all.
func (d *draft) name() (name string, known bool) {
	rows := d.view.of(erp.Name)
	for _, typ := range d.policy.NameTypes {
		for _, r := range rows {
			if !strings.EqualFold(r.id.Row, typ) {
				continue
			}
			known = true
			if name = d.text("name", displayName(r)); name != "" {
				d.explain("name of type %s", label(r.id.Row))
				return name, true
			}
		}
	}
	if d.usable() {
		d.flag(fault.MissingName, "no name of the types "+strings.Join(d.policy.NameTypes, ", "))
	}
	return "", known
}

// displayName is NAME_DISPLAY, else first and last name, else NAME turned around.
func displayName(r row) string {
	if s := tidy(r.get(erp.DisplayName)); s != "" {
		return s
	}
	first, last := tidy(r.get(erp.FirstName)), tidy(r.get(erp.LastName))
	if s := strings.TrimSpace(first + " " + last); s != "" {
		return s
	}
	return turned(tidy(r.get(erp.FormalName)))
}

// turned makes "First Middle Last" of PeopleSoft's "Last,First Middle".
func turned(s string) string {
	last, first, ok := strings.Cut(s, ",")
	if !ok {
		return s
	}
	return strings.TrimSpace(strings.TrimSpace(first) + " " + strings.TrimSpace(last))
}

// tidy is the value when a reader would see anything of it, as it stands: what is wrong in it is flagged later.
func tidy(s string) string {
	s = strings.TrimFunc(s, margin)
	if strings.IndexFunc(s, visible) < 0 {
		return ""
	}
	return s
}
