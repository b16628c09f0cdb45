package peoplesoft

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// The two custom REST services, for readers of the kind rest-generic (peoplesoft.md 3.5). Their shapes and
// field names are this company's own.
const (
	vendorService   = "ML_VENDORS_REST.v1"   // {"data":{"items":[…],"count":n}}
	employeeService = "ML_EMPLOYEES_REST.v1" // a plain array
)

// generic answers a custom service. Window and position come as query parameters from, to, after, limit, key
// or as path segments …/{from}/{to}/{after}, where "-" is no bound.
func (s *Sim) generic(r *http.Request, to route, hit script) answer {
	people := strings.EqualFold(to.service, employeeService)
	if (!people && !strings.EqualFold(to.service, vendorService)) || !s.serves(to.node, people) {
		return notFound()
	}
	a, err := s.genericAsk(r, to, people)
	if err != nil {
		return a.answer(brokerError(http.StatusBadRequest, 32, err.Error()))
	}
	y, err := s.style(a, hit)
	if err != nil {
		return a.answer(brokerError(http.StatusBadRequest, 32, err.Error()))
	}
	found := s.fetch(a, hit)
	out := answer{status: http.StatusOK, kind: typeJSON, rows: len(found.hits)}
	if people {
		out.body = y.plainArray(found)
	} else {
		out.body = y.nestedItems(found)
	}
	return a.answer(out)
}

func (s *Sim) genericAsk(r *http.Request, to route, people bool) (ask, error) {
	a := ask{query: s.opt.VendorQuery, format: "JSON", prompts: map[string]string{}}
	if people {
		a.query = s.opt.EmployeeQuery
	}
	values := r.URL.Query()
	for i, name := range []string{"from", "to", "after"} {
		text := values.Get(name)
		if i < len(to.rest) && to.rest[i] != "-" {
			text = to.rest[i]
		}
		if text != "" {
			a.prompts[name] = text
		}
	}
	a.after, a.key = a.prompts["after"], values.Get("key")
	if raw := values.Get("limit"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 0 {
			return a, fmt.Errorf("limit %q: not a number", raw)
		}
		a.max = n
	}
	if err := setWall(&a.from, "from", a.prompts["from"], s.opt.Zone); err != nil {
		return a, err
	}
	return a, setWall(&a.to, "to", a.prompts["to"], s.opt.Zone)
}

// plainArray writes people as a plain array under this service's own names.
func (y *style) plainArray(r result) []byte {
	rename := map[string]string{
		"EMPLID": "personNumber", "EMPL_RCD": "assignment", "EFFDT": "validFrom", "EFFSEQ": "sequence", "NAME_DISPLAY": "fullName", "FIRST_NAME": "givenName",
		"LAST_NAME": "familyName", "EMAIL_ADDR": "mail", "PHONE": "phone", "DEPTID": "orgUnit", "SETID_DEPT": "orgSet", "DEPT_DESCR": "orgUnitName",
		"JOBCODE": "jobCode", "JOB_TITLE": "jobTitle", "HR_STATUS": "hrStatus", "EMPL_STATUS": "payrollStatus", "PER_ORG": "relation",
		"JOB_INDICATOR": "jobIndicator", "LASTUPDDTTM": "changedAt",
	}
	y.relabel(rename)
	y.NoRowNumber, y.OneRowObject = true, false
	var b bytes.Buffer
	y.writeRows(&b, r)
	return b.Bytes()
}

// relabel keeps the columns that have a new name.
func (y *style) relabel(names map[string]string) {
	var cols []column
	y.labels = nil
	for _, c := range y.cols {
		if label, ok := names[c.name]; ok {
			cols, y.labels = append(cols, c), append(y.labels, label)
		}
	}
	y.cols = cols
}

// nestedItems writes vendors below data.items, with contact and address as objects of their own.
func (y *style) nestedItems(r result) []byte {
	cols := map[string]*column{}
	for i := range y.cols {
		cols[y.cols[i].name] = &y.cols[i]
	}
	var b bytes.Buffer
	b.WriteString(`{"data":{"items":[`)
	for i, h := range r.hits {
		if i > 0 {
			b.WriteByte(',')
		}
		field := func(label, name string) {
			v := y.value(cols[name], h, i)
			if v.form == missing {
				v = value{form: null}
			}
			writeText(&b, label)
			b.WriteByte(':')
			writeValue(&b, v)
		}
		nestedItem(&b, field)
	}
	fmt.Fprintf(&b, `],"count":%d}}`, y.numRows(r))
	return b.Bytes()
}

func nestedItem(b *bytes.Buffer, field func(label, column string)) {
	b.WriteByte('{')
	for _, f := range [][2]string{
		{"setId", "SETID"}, {"supplierId", "VENDOR_ID"}, {"name", "NAME1"}, {"shortName", "VENDOR_NAME_SHORT"}, {"status", "VENDOR_STATUS"},
		{"class", "VENDOR_CLASS"}, {"persistence", "VENDOR_PERSISTENCE"}, {"changedAt", "LASTUPDDTTM"},
	} {
		field(f[0], f[1])
		b.WriteByte(',')
	}
	b.WriteString(`"contact":{`)
	field("email", "EMAILID")
	b.WriteByte(',')
	field("phone", "PHONE")
	b.WriteString(`},"address":{`)
	field("city", "CITY")
	b.WriteByte(',')
	field("country", "COUNTRY")
	b.WriteString(`}}`)
}
