package transform

import (
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// EmployeeFields lists the source fields that Policy.UserFields may map, sorted.
func EmployeeFields() []string {
	return []string{"company", "department", "department_code", "employee_id", "job_code", "last_hire", "location", "per_org",
		"phone", "position", "reports_to", "supervisor", "terminated", "title"}
}

// VendorFields lists the source fields that Policy.OrganizationFields may map, sorted.
func VendorFields() []string {
	return []string{"city", "class", "country", "email", "parent", "persistence", "phone", "postal", "setid", "short_name", "state",
		"status", "street", "vendor_id"}
}

// userFields fills what the tenant mapped. A value that the source never mentioned stays out of the map, so that the
// desk's own is left alone; one that it mentioned as blank clears the desk's.
func (d *draft) userFields(u *directory.User, main job) {
	for _, field := range slices.Sorted(maps.Keys(d.policy.UserFields)) {
		value, known := d.employeeField(field, main)
		path := d.policy.UserFields[field]
		switch {
		case !known:
		case path == PhonePath:
			u.Phone = value
		default:
			if u.Fields == nil {
				u.Fields = make(map[string]string, len(d.policy.UserFields))
			}
			u.Fields[path] = value
		}
	}
}

func (d *draft) employeeField(field string, main job) (value string, known bool) {
	switch field {
	case "employee_id":
		return d.ref.Key, true
	case "department":
		return d.department(main.now)
	case "title":
		return d.title(main)
	case "phone":
		return d.phone()
	}
	value, known = main.now.lookup(jobField(field))
	return d.text(field, value), known
}

// jobField is the column of the job row behind a mapped field.
func jobField(field string) erp.Field {
	switch field {
	case "department_code":
		return erp.Dept
	default:
		return erp.Field(field) // company, job_code, last_hire, location, per_org, position, reports_to, supervisor, terminated
	}
}

// department is the department's text in the job row, else that of the reference data, else its code with a flag
// (peoplesoft.md 2.7).
func (d *draft) department(job row) (value string, known bool) {
	text, a := job.lookup(erp.DeptText)
	code, b := job.lookup(erp.Dept)
	for _, s := range []string{text, d.lookup(deptTable, job.get(erp.DeptSet), code)} {
		if value = d.text("department", s); value != "" {
			return value, true
		}
	}
	value = d.text("department", code)
	if d.usable() {
		d.flag(fault.MissingDepartment, missing("department", value))
	}
	return value, a || b
}

// lookup is the text of reference data; "" when there is none.
func (d *draft) lookup(table string, codes ...string) string {
	if key, ok := point(table, codes...); ok && len(d.texts) > 0 {
		return d.texts[key]
	}
	return ""
}

// title is the assignment's business title, else the text of the position, else the text of the job code in the job
// row, else in the reference data, else the code with a flag (peoplesoft.md 2.7).
func (d *draft) title(main job) (value string, known bool) {
	var business string
	if a, ok := d.view.one(erp.Assignment, main.rcd); ok {
		business, known = a.lookup(erp.Title)
	}
	text, a := main.now.lookup(erp.JobText)
	code, b := main.now.lookup(erp.JobCode)
	known = known || a || b
	position := d.lookup(positionTable, main.now.get(erp.Position))
	for _, s := range []string{business, position, text, d.lookup(jobCodeTable, main.now.get(erp.JobCodeSet), code)} {
		if value = d.text("title", s); value != "" {
			return value, true
		}
	}
	value = d.text("title", code)
	if d.usable() {
		d.flag(fault.MissingTitle, missing("title", value))
	}
	return value, known
}

func missing(what, code string) string {
	if code != "" {
		return "only the code of the " + what + " is known"
	}
	return "no " + what
}

// phone chooses a number like email chooses an address; numbers are free text in PeopleSoft.
func (d *draft) phone() (value string, known bool) {
	rows := d.view.of(erp.Phone)
	d.pick(rows, d.policy.PhoneTypes, func(r row) bool {
		value = d.text("phone", r.get(erp.PhoneNumber))
		return value != ""
	})
	return value, len(rows) > 0
}

// organizationFields fills what the tenant mapped, by the rules of userFields.
func (d *draft) organizationFields(o *directory.Organization, v row) {
	for _, field := range slices.Sorted(maps.Keys(d.policy.OrganizationFields)) {
		value, known := d.vendorField(field, v)
		if !known {
			continue
		}
		if o.Fields == nil {
			o.Fields = make(map[string]string, len(d.policy.OrganizationFields))
		}
		o.Fields[d.policy.OrganizationFields[field]] = value
	}
}

func (d *draft) vendorField(field string, v row) (value string, known bool) {
	set, id, _ := record.SplitVendorKey(d.ref.Key)
	switch field {
	case "setid":
		return set, true
	case "vendor_id":
		return id, true
	case "parent":
		return d.parent(v)
	}
	value, known = v.lookup(erp.Field(field))
	if tidy(value) == "" {
		if a, ok := d.address(v); ok {
			if s, there := a.lookup(erp.Field(field)); there {
				value, known = s, true
			}
		}
	}
	return d.text(field, value), known
}

// parent is the key of the vendor that this one belongs to, SETID/VENDOR_ID: a VENDOR_ID alone may name another vendor
// of another SETID (peoplesoft.md 2.11), so that without CORPORATE_SETID nothing is concluded.
func (d *draft) parent(v row) (key string, known bool) {
	set, id := strings.TrimSpace(v.get(erp.ParentSet)), strings.TrimSpace(v.get(erp.ParentVendor))
	switch _, told := v.lookup(erp.ParentVendor); {
	case id == "":
		return "", told
	case set == "":
		d.explain("CORPORATE_VENDOR without CORPORATE_SETID: which vendor is the parent is not known")
		return "", false
	}
	return d.text("parent", record.VendorKey(set, id)), true
}

// address is the vendor's primary address in effect: the one that PRIM_ADDR_SEQ_NUM names, else the only one.
func (d *draft) address(v row) (row, bool) {
	rows := d.view.of(erp.Address)
	if no := strings.TrimSpace(v.get(erp.PrimaryAddrNo)); no != "" {
		for _, r := range rows {
			if compareRcd(r.id.Row, no) == 0 {
				return r, true
			}
		}
		return row{}, false
	}
	if len(rows) == 1 {
		return rows[0], true
	}
	return row{}, false
}
