package peoplesoft

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// line is a row with its key, or with what is wrong with it.
type line struct {
	row
	key, order string
	err        error
}

// lines brings the rows of an answer under canonical names and gives each its key.
func (r *reading) lines(t table) ([]line, []source.Note, error) {
	if len(t.rows) == 0 {
		return nil, nil, nil
	}
	actual := headings(t.rows)
	found, err := match(r.kind, actual, r.columns)
	if err != nil {
		return nil, nil, err
	}
	if missing := absent(required(r.kind), found); len(missing) > 0 {
		return nil, nil, fault.New(fault.Config, fault.SourceSchema, "the answer has no column "+strings.Join(missing, ", "))
	}
	out := make([]line, 0, len(t.rows))
	padded := false
	for _, cells := range t.rows {
		l := line{row: make(row, len(found))}
		for name, from := range found {
			c := cells[from] // a value left out of a row whose column is known is an empty one (peoplesoft.md 3.2)
			if c.text, err = r.digits(name, c, &padded); err != nil {
				return nil, nil, err
			}
			l.row[name] = c.text
		}
		l.key, l.order, l.err = l.row.key(r.kind)
		out = append(out, l)
	}
	return out, r.remarks(actual, padded), nil
}

func headings(rows []map[string]cell) []string {
	set := map[string]bool{}
	for _, cells := range rows {
		for name := range cells {
			set[name] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func absent(want []string, found map[string]string) []string {
	var missing []string
	for _, name := range want {
		if found[name] == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

// digits guards keys that came as a number: their leading zeros are lost, and only a configured length brings them
// back (peoplesoft.md 3.2).
func (r *reading) digits(name string, c cell, padded *bool) (string, error) {
	keys := name == "EMPLID" || name == "VENDOR_ID" || name == "SUPERVISOR_ID"
	text := strings.TrimSpace(c.text)
	if !keys || text == "" {
		return c.text, nil
	}
	if c.number && r.keyLength == 0 && name != "SUPERVISOR_ID" {
		return "", fault.New(fault.Config, fault.SourceSchema, "column "+name+" comes as a number and has lost its leading zeros: make it a character column or set key_length")
	}
	if (c.number || r.untyped) && r.keyLength > len(text) && strings.Trim(text, "0123456789") == "" {
		*padded = true
		return strings.Repeat("0", r.keyLength-len(text)) + text, nil
	}
	return c.text, nil
}

func (r *reading) remarks(actual []string, padded bool) []source.Note {
	var notes []source.Note
	add := func(detail string) {
		notes = append(notes, source.Note{Ref: record.Ref{Kind: r.kind}, Code: string(fault.SourceSchema), Detail: detail})
	}
	for _, name := range actual {
		if slices.Contains(sensitive(), bare(name)) {
			add("column " + bare(name) + " is never taken: remove it from the query")
		}
	}
	if padded {
		add("keys came without their leading zeros and were padded to " + strconv.Itoa(r.keyLength) + " digits")
	}
	return notes
}

// page builds what lines say. whole tells that the query was not limited to a time window.
func (r *reading) page(lines []line, whole bool) (source.Page, error) {
	b := builder{reading: r, at: map[string]int{}, spoilt: map[string]bool{}}
	for _, l := range lines {
		b.add(l)
	}
	if b.bad > 1 && b.bad*5 > len(lines) {
		return source.Page{}, fault.New(fault.Transient, fault.SourceSchema,
			strconv.Itoa(b.bad)+" of "+strconv.Itoa(len(lines))+" rows cannot be read, such as "+b.page.Notes[0].Detail)
	}
	b.page.Rows = len(lines)
	if whole {
		b.whole()
	}
	return b.page, nil
}

// builder groups facts by record in the order of the rows.
type builder struct {
	*reading
	page   source.Page
	at     map[string]int // place of a record in the page
	spoilt map[string]bool
	bad    int
}

func (b *builder) add(l line) {
	facts, err := []erp.Fact(nil), l.err
	if err == nil {
		facts, err = l.facts(b.kind, b.cols, b.unescape)
	}
	if err != nil {
		b.bad++
		b.spoilt[l.key] = true
		b.note(l.key, describe(err))
		return
	}
	i, seen := b.at[l.key]
	if !seen {
		i = len(b.page.Records)
		b.at[l.key] = i
		b.page.Records = append(b.page.Records, source.Record{Ref: record.Ref{Kind: b.kind, Key: l.key}})
	}
	if stamp, err := l.stamp(); err == nil { // also of a row that has no field to take
		b.page.Newest = max(b.page.Newest, stamp)
	}
	for _, f := range facts {
		b.merge(&b.page.Records[i], f)
	}
}

func describe(err error) string {
	if v, ok := errors.AsType[badValue](err); ok {
		return v.Error()
	}
	return "row cannot be read"
}

func (b *builder) note(key, detail string) {
	b.page.Notes = append(b.page.Notes, source.Note{Ref: record.Ref{Kind: b.kind, Key: key}, Code: string(fault.SourceSchema), Detail: detail})
}

// merge adds f, or settles it with the same row that a join brought twice (failures.md P09): the preferred one, else
// the first; the later change time.
func (b *builder) merge(r *source.Record, f erp.Fact) {
	for i, have := range r.Facts {
		if have.ID() != f.ID() {
			continue
		}
		if !maps.Equal(have.Fields, f.Fields) {
			b.note(r.Ref.Key, "several rows for "+string(f.Facet)+" "+f.Row+": the preferred or else the first one was taken")
			if f.Fields[erp.Preferred] == "Y" && have.Fields[erp.Preferred] != "Y" {
				have.Fields = f.Fields
			}
		}
		have.Stamp = max(have.Stamp, f.Stamp)
		r.Facts[i] = have
		return
	}
	r.Facts = append(r.Facts, f)
}

// whole marks the facets of records of which every row could be read.
func (b *builder) whole() {
	if b.spoilt[""] {
		return // a row without a key may belong to any of them
	}
	for i, r := range b.page.Records {
		if b.spoilt[r.Ref.Key] {
			continue
		}
		set := map[erp.Facet]bool{}
		for _, f := range r.Facts {
			set[f.Facet] = true
		}
		b.page.Records[i].Whole = slices.Sorted(maps.Keys(set))
	}
}
