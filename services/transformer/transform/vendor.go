package transform

import (
	"slices"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// vendor resolves a vendor to the organization that the desk should hold.
func (d *draft) vendor() *directory.Organization {
	o := &directory.Organization{ExternalID: VendorID(d.ref.Key)}
	v, ok := d.view.one(erp.Vendor, "")
	if why := d.outside(v, ok); why != "" {
		d.leave(fault.OutOfScope, why)
	} else {
		d.standing(v)
	}
	d.vendorName(o, v)
	d.organizationFields(o, v)
	o.State = d.state
	return o
}

// outside says why the vendor is out of scope; "" when it is in scope. A column that the query does not show filters
// nothing, except the flag column, which exists to choose.
func (d *draft) outside(v row, present bool) string {
	p := d.policy
	if len(p.VendorKeys) > 0 && !slices.Contains(p.VendorKeys, d.ref.Key) {
		return "not in the tenant's list of vendors"
	}
	if !present {
		return ""
	}
	if len(p.VendorFlags) > 0 && !has(p.VendorFlags, label(v.get(erp.ScopeFlag))) {
		return "the query's flag column does not choose it"
	}
	if class := label(vendorClass(v.get(erp.VendorClass))); class != "" && len(p.VendorClass) > 0 && !has(p.VendorClass, class) {
		return "VENDOR_CLASS " + class + " is outside the scope"
	}
	if how := label(persistence(v.get(erp.Persistence))); how != "" && len(p.VendorPersistence) > 0 && !has(p.VendorPersistence, how) {
		return "VENDOR_PERSISTENCE " + how + " is outside the scope"
	}
	return ""
}

// standing decides the state by VENDOR_STATUS (peoplesoft.md 2.8). An organization is never suspended: what is no
// longer a vendor stays and is marked inactive.
func (d *draft) standing(v row) {
	code, known := vendorStatus(v.get(erp.VendorStatus))
	code = label(code)
	switch {
	case code != "" && has(d.policy.VendorStatus, code):
		d.become(directory.Active, "VENDOR_STATUS %s", code)
	case code == "":
		d.flag(fault.UnknownStatus, "no VENDOR_STATUS")
		d.become(directory.Untouched, "no vendor status has arrived")
	case !known:
		d.flag(fault.UnknownStatus, "VENDOR_STATUS "+code+" is not known")
		d.become(directory.Untouched, "nothing is concluded from the unknown VENDOR_STATUS %s", code)
	case code == "E" || code == "U":
		d.become(directory.Untouched, "VENDOR_STATUS %s: waits for its approval", code)
	default: // I, X, D; and A where the tenant's list leaves it out
		d.become(directory.Inactive, "VENDOR_STATUS %s", code)
	}
}

// vendorName fills the name and the one to use when another organization has it already (peoplesoft.md 2.11).
func (d *draft) vendorName(o *directory.Organization, v row) {
	_, id, _ := record.SplitVendorKey(d.ref.Key)
	short := d.text("short_name", v.get(erp.VendorShort))
	o.Name = d.text("name", v.get(erp.VendorName))
	if o.Name == "" {
		if d.usable() {
			d.flag(fault.MissingName, "NAME1 is blank")
		}
		o.Name = short
	}
	if o.Name == "" {
		o.Name = d.text("key", d.ref.Key)
	}
	o.AltName = distinct(o.Name, short, id, d.ref.Key)
}

// distinct appends the first tail that says something to the name, within the length a name may have.
func distinct(name string, tails ...string) string {
	for _, t := range tails {
		t, _, _ = clean(t)
		if t != "" && t != name {
			tail := " (" + shorten(t, 60) + ")"
			return shorten(name, MaxText-len([]rune(tail))) + tail
		}
	}
	return name
}
