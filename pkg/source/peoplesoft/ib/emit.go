package ib

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// maxFacts is how many facts one record may carry (schemas/events/facts.v1.json allows 5,000); more come in several.
const maxFacts = 2000

// emit turns the rows of the Transaction into records, in the order in which their keys appear.
func (t *rowset) emit() error {
	var list []source.Record
	clear(t.index)
	at, last := map[record.Ref]int{}, -1
	for i := range t.rows {
		r := &t.rows[i]
		if r.kind == other {
			r.action = t.action(i)
			continue
		}
		if t.seq != 0 && t.key(i, emplID) == "" && t.key(i, setID) == "" {
			continue // the empty row of a header or trailer
		}
		t.stats.Rows++
		r.action = t.action(i)
		ref, f, ok := t.fact(i)
		if !ok {
			continue
		}
		if last < 0 || list[last].Ref != ref { // a Transaction is nearly always about one record
			if n, known := at[ref]; known {
				last = n
			} else {
				list, last = t.record(list, ref, i), len(list)
				at[ref] = last
			}
		}
		if len(list[last].Facts) >= maxFacts {
			list, last = t.record(list, ref, i), len(list)
			at[ref] = last
		}
		list[last].Facts = t.settle(last, list[last].Facts, f)
	}
	for _, rec := range list {
		t.stats.Records++
		if err := t.yield(rec); err != nil {
			return stop{err}
		}
	}
	return nil
}

// record adds one for ref with room for the facts of the rows that are left.
func (t *rowset) record(list []source.Record, ref record.Ref, row int) []source.Record {
	return append(list, source.Record{Ref: ref, Facts: make([]erp.Fact, 0, min(len(t.rows)-row, 16))})
}

// Actions beyond those of PSCAMA: what became of a row because of the one around it.
const (
	deletedAnchor = 'X' // below a deleted person or vendor: for a person to look at, never a deletion
)

// action is what happened to a row: its own PSCAMA, else deletion and originals go down from the row around it,
// whose action was settled before.
func (t *rowset) action(at int) byte {
	r := &t.rows[at]
	up := byte(0)
	if r.parent >= 0 {
		up = t.rows[r.parent].action
	}
	own := r.action
	switch {
	case up == deletedAnchor:
		return deletedAnchor
	case (own == 'D' || own == 'K') && (r.kind == personRec || r.kind == vendorRec):
		t.note(source.Note{Ref: t.ref(at), Code: string(fault.BadEnvelope), Detail: r.kind.String() + " was deleted or its key changed in PeopleSoft: look at it, nothing is deactivated by itself"})
		return deletedAnchor
	case own == 0 && (up == 'D' || up == 'K' || up == 'O'):
		return up
	}
	return own
}

// fact makes the fact of a row; false when it gives none.
func (t *rowset) fact(at int) (record.Ref, erp.Fact, bool) {
	r := &t.rows[at]
	ref := t.ref(at)
	if r.action == 'O' || r.action == deletedAnchor || t.foreign(r.kind) {
		t.stats.Ignored++
		return ref, erp.Fact{}, false
	}
	f, why := t.build(at)
	if why == "" && ref.Key == "" {
		why = "no key, or not a key"
	}
	if why != "" {
		t.stats.Ignored++
		t.note(source.Note{Ref: ref, Code: string(fault.SourceSchema), Detail: r.kind.String() + ": " + why})
		return ref, f, false
	}
	return ref, f, f.Action == erp.Drop || len(f.Fields) > 0
}

// foreign says that the texts of a Transaction are a translation (peoplesoft.md 2.10).
func (t *rowset) foreign(k kind) bool {
	return k.facet() == erp.Reference && t.lang != "" && t.base != "" && t.lang != t.base
}

func (t *rowset) build(at int) (f erp.Fact, why string) {
	r := &t.rows[at]
	f = erp.Fact{Facet: r.kind.facet(), Action: erp.Set, Stamp: t.stamp(at)}
	if r.bad != "" {
		return f, r.bad
	}
	if f.Row, why = t.rowName(at); why != "" {
		return f, why
	}
	if why = t.effective(at, &f); why != "" {
		return f, why
	}
	if r.action == 'D' || r.action == 'K' {
		f.Action = erp.Drop
		return f, ""
	}
	f.Fields, why = r.fields()
	return f, why
}

// rowName names the row within its facet, as the polling half does (package peoplesoft).
func (t *rowset) rowName(at int) (string, string) {
	var name string
	switch t.rows[at].kind {
	case nameRec:
		name = orText(t.key(at, nameType), "PRI")
	case emailRec:
		name = orText(t.key(at, emailType), "BUSN")
	case phoneRec:
		name = orText(t.key(at, phoneType), "BUSN")
	case jobRec, asgnRec:
		return number(t.key(at, emplRcd), emplRcd)
	case addrRec:
		return number(t.key(at, addressNo), addressNo)
	}
	if !clean64(name) || len(name) > 40 {
		return "", "a type that is not one"
	}
	return name, ""
}

func orText(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// number reads a small number; absent and blank are 0, as in PeopleSoft (peoplesoft.md 2.3).
func number(text string, k keySlot) (string, string) {
	n, why := small(text, k)
	return strconv.Itoa(n), why
}

func small(text string, k keySlot) (int, string) {
	if text == "" {
		return 0, ""
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 9999 {
		return 0, k.String() + " is not a number"
	}
	return n, ""
}

// effective reads the row's own effective date and sequence.
func (t *rowset) effective(at int, f *erp.Fact) string {
	switch t.rows[at].kind {
	case nameRec, jobRec, addrRec, deptRec, jobcodeRec, positionRec, locationRec:
	default:
		return ""
	}
	r := &t.rows[at]
	text, _ := r.own(effDate)
	if text == "" {
		if r.kind == jobRec {
			return "no EFFDT"
		}
		return ""
	}
	day, err := erp.ParseDate(text)
	if err != nil {
		return "EFFDT is not a date between 1900 and 2200"
	}
	f.EffDate = day
	if r.kind != jobRec {
		return ""
	}
	var why string
	text, _ = r.own(effSeq)
	f.EffSeq, why = small(text, effSeq)
	return why
}

// fields are the row's allow-listed values; a present blank is "".
func (r *row) fields() (map[erp.Field]string, string) {
	out := make(map[erp.Field]string, len(r.values))
	for i := range r.values {
		s, text := r.values[i].slot, rightTrimmed(r.values[i].text)
		switch {
		case s.field == "":
			continue
		case len(text) > 4000:
			return nil, "a field longer than 4,000 bytes"
		case s.day && strings.TrimSpace(text) != "":
			day, err := erp.ParseDate(text)
			if err != nil {
				return nil, string(s.field) + " is not a date"
			}
			text = string(day)
		}
		out[s.field] = text
	}
	return out, ""
}

// rightTrimmed drops what PeopleSoft pads with.
func rightTrimmed(s string) string {
	for s != "" && strings.IndexByte(" \t\r\n", s[len(s)-1]) >= 0 {
		s = s[:len(s)-1]
	}
	return s
}

// few is how many facts are searched one by one; longer lists have an index.
const few = 16

// spot is where a fact stands: in which record of the Transaction, under which ID.
type spot struct {
	record int
	id     erp.ID
}

// settle adds a fact to those of its record. A row that one message sets twice is as the later says; a row that it
// drops and sets was deleted and entered again: the state is the content of the message (peoplesoft.md 2.2).
func (t *rowset) settle(record int, facts []erp.Fact, f erp.Fact) []erp.Fact {
	if i := t.find(record, facts, f.ID()); i >= 0 {
		if f.Action == erp.Set || facts[i].Action == erp.Drop {
			facts[i] = f
		}
		return facts
	}
	facts = append(facts, f)
	if len(facts) > few {
		from := len(facts) - 1
		if len(facts) == few+1 {
			from = 0
		}
		for i := from; i < len(facts); i++ {
			t.index[spot{record, facts[i].ID()}] = i
		}
	}
	return facts
}

func (t *rowset) find(record int, facts []erp.Fact, id erp.ID) int {
	if len(facts) > few {
		if i, ok := t.index[spot{record, id}]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(facts, func(f erp.Fact) bool { return f.ID() == id })
}
