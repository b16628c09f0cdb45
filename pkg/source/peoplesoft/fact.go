package peoplesoft

import (
	"errors"
	"html"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// row is one row of an answer under canonical names; a column that the answer does not have is not in it.
type row map[string]string

// badValue names a column and what is wrong with it, never the value.
type badValue struct{ column, what string }

func (b badValue) Error() string { return "column " + b.column + ": " + b.what }

// key is the record's key, and the part of it that paging goes by.
func (r row) key(kind record.Kind) (key, order string, err error) {
	names := []string{"EMPLID"}
	if kind == record.Vendor {
		names = []string{"SETID", "VENDOR_ID"}
	}
	var parts []string
	for _, name := range names {
		part := strings.TrimSpace(r[name])
		if part == "" {
			return "", strings.TrimSpace(r[names[len(names)-1]]), badValue{name, "no key"}
		}
		if strings.ContainsFunc(part, func(c rune) bool { return c < ' ' || c == 0x7f || c == '/' }) || len(part) > 64 {
			return "", strings.TrimSpace(r[names[len(names)-1]]), badValue{name, "not a key"}
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/"), parts[len(parts)-1], nil
}

// facts turns a row into facts. Every field is on the allow-list of its facet: columns is where they come from.
func (r row) facts(kind record.Kind, cols []column, unescape bool) ([]erp.Fact, error) {
	stamp, err := r.stamp()
	if err != nil {
		return nil, err
	}
	at, err := r.effective(kind)
	if err != nil {
		return nil, err
	}
	fields, err := r.fields(cols, unescape)
	if err != nil {
		return nil, err
	}
	var facts []erp.Fact
	for _, facet := range slices.Sorted(maps.Keys(fields)) {
		f := erp.Fact{Facet: facet, Row: r.facetRow(facet, at.rcd), Action: erp.Set, Stamp: stamp, Fields: fields[facet]}
		if facet == erp.Job {
			f.EffDate, f.EffSeq = at.date, at.seq
		}
		facts = append(facts, f)
	}
	return facts, nil
}

// effective is the part of JOB's key below the person.
type effective struct {
	date erp.Date
	seq  int
	rcd  string
}

func (r row) effective(kind record.Kind) (effective, error) {
	if kind == record.Vendor {
		return effective{}, nil
	}
	date, err := parseDay(r["EFFDT"])
	if err != nil {
		return effective{}, badValue{"EFFDT", "not a date between 1900 and 2200, such as 2026-03-02"}
	}
	seq, err := r.count("EFFSEQ")
	if err != nil {
		return effective{}, err
	}
	rcd, err := r.count("EMPL_RCD")
	return effective{date, seq, strconv.Itoa(rcd)}, err
}

// count reads a small number; absent and blank are 0, as in PeopleSoft (peoplesoft.md 2.3).
func (r row) count(name string) (int, error) {
	text := strings.TrimSpace(r[name])
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 99999 {
		return 0, badValue{name, "not a number"}
	}
	return n, nil
}

func (r row) stamp() (erp.Stamp, error) {
	text := strings.TrimSpace(r["LASTUPDDTTM"])
	if text == "" {
		return "", nil
	}
	s, err := parseStamp(text)
	if err != nil {
		return "", badValue{"LASTUPDDTTM", "not a date and time, such as 2026-03-02T08:15:30"}
	}
	if t, err := s.Wall(); err != nil || t.Year() < 1900 || t.Year() > 2200 {
		return "", badValue{"LASTUPDDTTM", "year out of range 1900 to 2200"}
	}
	return s, nil
}

func (r row) fields(cols []column, unescape bool) (map[erp.Facet]map[erp.Field]string, error) {
	out := map[erp.Facet]map[erp.Field]string{}
	var bad []error
	for _, c := range cols {
		text, present := r[c.name]
		if !present || (c.use != fieldUse && c.use != dateUse) {
			continue
		}
		text = strings.TrimRight(text, " \t\r\n")
		if c.use == dateUse {
			day, err := optionalDate(text)
			if err != nil {
				bad = append(bad, badValue{c.name, "not a date, such as 2026-03-02"})
			}
			text = day
		}
		if unescape {
			text = html.UnescapeString(text)
		}
		if out[c.facet] == nil {
			out[c.facet] = map[erp.Field]string{}
		}
		out[c.facet][c.field] = text
	}
	if title, ok := out[erp.Assignment]; ok && out[erp.Job] != nil {
		if org, has := out[erp.Job][erp.PerOrg]; has {
			title[erp.PerOrg] = org
		}
	}
	return out, errors.Join(bad...)
}

func optionalDate(text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" {
		return "", nil
	}
	d, err := parseDay(text)
	return string(d), err
}

// facetRow names the row within its facet, with the defaults of package erp.
func (r row) facetRow(f erp.Facet, rcd string) string {
	switch f {
	case erp.Name:
		return orText(strings.TrimSpace(r["NAME_TYPE"]), "PRI")
	case erp.Email:
		return orText(strings.TrimSpace(r["E_ADDR_TYPE"]), "BUSN")
	case erp.Phone:
		return orText(strings.TrimSpace(r["PHONE_TYPE"]), "BUSN")
	case erp.Job, erp.Assignment:
		return rcd
	}
	return ""
}
