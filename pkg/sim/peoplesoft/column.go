package peoplesoft

import (
	"fmt"
	"strconv"
	"strings"
)

type kind int

const (
	charKind   kind = iota
	numberKind      // a JSON number, bare in XML
	dateKind        // CCYY-MM-DD, bare in XML
	stampKind       // LASTUPDDTTM
)

// hit is one row of a result: a job of a person, or a vendor.
type hit struct {
	p     *person
	j     *job
	v     *vendor
	setup *setup
}

// column is one column of a query: its name where the query author named it, and its name with record alias.
type column struct {
	name, alias string
	kind        kind
	key         bool // a key made of digits
	text        func(h hit) string
	stamp       func(h hit) wall
}

// employeeColumns are the columns recommended for ML_EMPLOYEES, in order (peoplesoft.md 3.3).
func employeeColumns() []column {
	return []column{
		{name: "EMPLID", alias: "A.EMPLID", key: true, text: func(h hit) string { return h.p.id }},
		{name: "EMPL_RCD", alias: "A.EMPL_RCD", kind: numberKind, text: func(h hit) string { return strconv.Itoa(h.j.rcd) }},
		{name: "EFFDT", alias: "A.EFFDT", kind: dateKind, text: func(h hit) string { return h.j.effdt }},
		{name: "EFFSEQ", alias: "A.EFFSEQ", kind: numberKind, text: func(h hit) string { return strconv.Itoa(h.j.seq) }},
		{name: "NAME_DISPLAY", alias: "D.NAME_DISPLAY", text: func(h hit) string { return h.p.display }},
		{name: "FIRST_NAME", alias: "D.FIRST_NAME", text: func(h hit) string { return h.p.first }},
		{name: "LAST_NAME", alias: "D.LAST_NAME", text: func(h hit) string { return h.p.last }},
		{name: "EMAIL_ADDR", alias: "E.EMAIL_ADDR", text: func(h hit) string { return h.p.email }},
		{name: "PHONE", alias: "F.PHONE", text: func(h hit) string { return h.p.phone }},
		{name: "DEPTID", alias: "A.DEPTID", key: true, text: func(h hit) string { return h.j.dept }},
		{name: "SETID_DEPT", alias: "A.SETID_DEPT", text: func(h hit) string { return h.setup.setID }},
		{name: "DEPT_DESCR", alias: "B.DESCR", text: func(h hit) string { return h.setup.depts[h.j.dept] }},
		{name: "JOBCODE", alias: "A.JOBCODE", key: true, text: func(h hit) string { return h.j.jobCode }},
		{name: "JOB_TITLE", alias: "C.DESCR", text: func(h hit) string { return h.setup.title(h.j) }},
		{name: "POSITION_NBR", alias: "A.POSITION_NBR", key: true, text: func(h hit) string { return h.j.position }},
		{name: "SUPERVISOR_ID", alias: "A.SUPERVISOR_ID", key: true, text: func(h hit) string { return h.j.supervisor }},
		{name: "HR_STATUS", alias: "A.HR_STATUS", text: func(h hit) string { return h.j.hrStatus }},
		{name: "EMPL_STATUS", alias: "A.EMPL_STATUS", text: func(h hit) string { return h.j.emplStatus }},
		{name: "PER_ORG", alias: "A.PER_ORG", text: func(h hit) string { return h.j.perOrg }},
		{name: "JOB_INDICATOR", alias: "A.JOB_INDICATOR", text: func(h hit) string { return h.j.indicator }},
		{name: "LOCATION", alias: "A.LOCATION", text: func(h hit) string { return h.j.location }},
		{name: "COMPANY", alias: "A.COMPANY", text: func(h hit) string { return h.setup.company }},
		{name: "LAST_HIRE_DT", alias: "A.LAST_HIRE_DT", kind: dateKind, text: func(h hit) string { return h.j.lastHireDt }},
		{name: "TERMINATION_DT", alias: "A.TERMINATION_DT", kind: dateKind, text: func(h hit) string { return h.j.terminatedDt }},
		{name: "LASTUPDDTTM", alias: "A.LASTUPDDTTM", kind: stampKind, stamp: func(h hit) wall { return h.p.rowStamp(h.j) }},
	}
}

// vendorColumns are the columns recommended for ML_VENDORS, in order.
func vendorColumns() []column {
	return []column{
		{name: "SETID", alias: "A.SETID", text: func(h hit) string { return h.v.setID }},
		{name: "VENDOR_ID", alias: "A.VENDOR_ID", key: true, text: func(h hit) string { return h.v.id }},
		{name: "NAME1", alias: "A.NAME1", text: func(h hit) string { return h.v.name }},
		{name: "VENDOR_NAME_SHORT", alias: "A.VENDOR_NAME_SHORT", text: func(h hit) string { return h.v.short }},
		{name: "VENDOR_STATUS", alias: "A.VENDOR_STATUS", text: func(h hit) string { return h.v.status }},
		{name: "VENDOR_CLASS", alias: "A.VENDOR_CLASS", text: func(h hit) string { return h.v.class }},
		{name: "VENDOR_PERSISTENCE", alias: "A.VENDOR_PERSISTENCE", text: func(h hit) string { return h.v.persistence }},
		{name: "EMAILID", alias: "B.EMAILID", text: func(h hit) string { return h.v.email }},
		{name: "PHONE", alias: "C.PHONE", text: func(h hit) string { return h.v.phone }},
		{name: "CITY", alias: "B.CITY", text: func(h hit) string { return h.v.city }},
		{name: "COUNTRY", alias: "B.COUNTRY", text: func(h hit) string { return h.v.country }},
		{name: "LASTUPDDTTM", alias: "A.LASTUPDDTTM", kind: stampKind, stamp: func(h hit) wall { return h.v.stamp }},
	}
}

// pick keeps the columns that filterfields names, by alias-qualified or plain name; none named: all.
func pick(all []column, fields []string) ([]column, error) {
	if len(fields) == 0 {
		return all, nil
	}
	var kept []column
	for _, c := range all {
		for _, f := range fields {
			if f = strings.TrimSpace(f); f == c.alias || f == c.name {
				kept = append(kept, c)
				break
			}
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("filterfields %q: no such column", strings.Join(fields, ","))
	}
	return kept, nil
}
