package poll

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// patience is how many records more than twice the good read's a full read may go on with a single value.
const patience = 20

// uniform looks at the fields in which records differ from each other: a broken join, a masked column or a wrong
// security view gives everybody the same name, department, status or email, or none. A full read in which a field
// still has one value after more than twice as many records as it took in the last good one is refused, before the
// page is stored: a false value that was stored would be written. seen is the window with what the page showed.
func (c *cycle) uniform(w event.Window, page source.Page) (seen event.Window, err error) {
	if !w.Full {
		return w, nil
	}
	w.Same, w.Varied = maps.Clone(w.Same), maps.Clone(w.Varied)
	for i, r := range page.Records {
		for _, f := range r.Facts {
			for field, value := range telling(f) {
				w = spread(w, field, value, w.Records+i+1)
			}
		}
	}
	count := w.Records + len(page.Records)
	for _, field := range slices.Sorted(maps.Keys(w.Same)) {
		usual := c.cursor.Varied[field]
		if usual > 0 && w.Varied[field] == 0 && count > 2*usual+patience && !c.feed.Uniform {
			return w, fault.New(fault.Config, fault.SourceUniform, fmt.Sprintf(
				"all %d records have the same %s; in the last good read the second value came with record %d", count, field, usual))
		}
	}
	return w, nil
}

// spread notes one value of a field, seen at the n-th record.
func spread(w event.Window, field, value string, n int) event.Window {
	sum := sha256.Sum256([]byte(value))
	digest := hex.EncodeToString(sum[:4]) // tells two values apart, and no value
	first, known := w.Same[field]
	switch {
	case !known:
		if w.Same == nil {
			w.Same = map[string]string{}
		}
		w.Same[field] = digest
	case first != digest && w.Varied[field] == 0:
		if w.Varied == nil {
			w.Varied = map[string]int{}
		}
		w.Varied[field] = n
	}
	return w
}

// telling are the values of a fact in which records differ. A field that the source does not show is not among them.
func telling(f erp.Fact) map[string]string {
	of := map[string][]erp.Field{}
	switch f.Facet {
	case erp.Name:
		of["name"] = []erp.Field{erp.DisplayName, erp.FormalName, erp.FirstName, erp.LastName}
	case erp.Email:
		of["email"] = []erp.Field{erp.MailAddress}
	case erp.Job:
		of["department"] = []erp.Field{erp.Dept, erp.DeptText}
		of["status"] = []erp.Field{erp.HRStatus, erp.EmplStatus}
	case erp.Vendor:
		of["name"], of["status"], of["email"] = []erp.Field{erp.VendorName}, []erp.Field{erp.VendorStatus}, []erp.Field{erp.MailAddress}
	}
	out := map[string]string{}
	for name, fields := range of {
		var values []string
		known := false
		for _, field := range fields {
			value, there := f.Fields[field]
			known, values = known || there, append(values, strings.TrimSpace(value))
		}
		if known {
			out[name] = strings.Join(values, "\x1f")
		}
	}
	return out
}
