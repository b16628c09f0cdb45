package peoplesoft

import (
	"fmt"
	"net/http"
	"strings"
)

// execute runs ExecuteQuery: {PUBLIC|PRIVATE}/{QUERY}/{format}/NONFILE (peoplesoft.md 3.1).
func (s *Sim) execute(r *http.Request, to route, hit script) answer {
	if len(to.rest) != 4 {
		return notFound()
	}
	owner, query := strings.ToUpper(to.rest[0]), strings.ToUpper(to.rest[1])
	format, file := strings.ToUpper(to.rest[2]), strings.ToUpper(to.rest[3])
	if (owner != "PUBLIC" && owner != "PRIVATE") || file != "NONFILE" || (format != "JSON" && format != "XMLP") {
		return brokerError(http.StatusInternalServerError, 31, fmt.Sprintf("Integration Gateway - %s/%s/%s: not supported (228,31)", owner, format, file))
	}
	people := query == s.opt.EmployeeQuery
	a, err := s.readAsk(query, format, r.URL.RawQuery)
	switch {
	case !people && query != s.opt.VendorQuery, !s.serves(to.node, people):
		return a.answer(queryError(a, fmt.Sprintf("query %s: not found, or no access", query)))
	case err != nil:
		return a.answer(queryError(a, err.Error()))
	}
	y, err := s.style(a, hit)
	if err != nil {
		return a.answer(queryError(a, err.Error()))
	}
	return a.answer(s.run(a, y, hit))
}

// answer puts what the log wants to know on an answer.
func (a ask) answer(out answer) answer {
	out.query, out.prompts = a.query, a.prompts
	return out
}

func (s *Sim) style(a ask, hit script) (*style, error) {
	all := employeeColumns()
	if a.query != s.opt.EmployeeQuery {
		all = vendorColumns()
	}
	cols, err := pick(all, a.fields)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	y := &style{Quirks: s.quirks, query: a.query, format: a.format, cols: cols, zone: s.opt.Zone, drift: hit[FaultDrift]}
	if f := hit[FaultDropColumn]; f != nil {
		y.drop = f.Column
	}
	if f := hit[FaultUniform]; f != nil {
		y.same = map[string]string{}
		values := strings.Split(f.Value, ",")
		for i, name := range strings.Split(f.Column, ",") {
			y.same[name] = values[min(i, len(values)-1)]
		}
	}
	y.offset = hit.security().offset
	y.label()
	return y, nil
}

func (s *Sim) run(a ask, y *style, hit script) answer {
	r := s.fetch(a, hit)
	out := answer{status: http.StatusOK, kind: typeJSON, rows: len(r.hits)}
	if a.format == "XMLP" {
		out.kind, out.body = typeXML, y.writeXML(r)
		return out
	}
	out.body = y.writeJSON(r)
	return out
}

// fetch finds the rows of a call and lets the faults change them.
func (s *Sim) fetch(a ask, hit script) result {
	if f := hit[FaultCap]; f != nil && (a.max == 0 || a.max > f.N) {
		a.max = max(f.N, 1)
	}
	var r result
	if a.query == s.opt.EmployeeQuery {
		r = s.employees(a, hit.security())
	} else {
		r = s.suppliers(a, hit.security())
	}
	hit.reshape(&r, s.opt.Seed)
	return r
}
