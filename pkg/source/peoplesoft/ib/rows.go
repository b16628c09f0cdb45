package ib

import (
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// maxNotes bounds the complaints of one message.
const maxNotes = 100

// row is one row of a record of the Transaction that is being read.
type row struct {
	kind   kind
	parent int // index of the row around it, -1 at level 0
	action byte
	values []value
	bad    string // a field name: the row holds it twice, or as a number where zeros count
}

type value struct {
	slot slot
	text string
}

// rowset collects the rows of one Transaction, whatever they are written in, and hands them on when it is complete.
type rowset struct {
	family family
	opts   *Options
	sent   erp.Stamp
	yield  func(source.Record) error
	stats  *Stats

	rows      []row
	space     []value
	index     map[spot]int // facts of records with many, see settle
	open      bool         // a Transaction is open
	seq       byte         // MSG_SEQ_FLG of the Transaction: H, T or 0
	base      string
	lang      string
	folded    [64]byte
	lastText  string
	lastStamp erp.Stamp
	headers   int
	footers   int
}

// openRow begins a row and returns its index.
func (t *rowset) openRow(k kind, parent int) (int, error) {
	if len(t.rows) >= t.opts.Limits.Rows {
		return 0, tooLarge("one Transaction holds more rows than are accepted")
	}
	if n := len(t.rows); n < cap(t.rows) { // keeps the room of the last Transaction's values
		t.rows = t.rows[:n+1]
		t.rows[n] = row{kind: k, parent: parent, values: t.rows[n].values[:0]}
	} else {
		t.rows = append(t.rows, row{kind: k, parent: parent, values: t.room(k)})
	}
	return len(t.rows) - 1, nil
}

// room is space for the values of a row: most of what a row of its kind has.
func (t *rowset) room(k kind) []value {
	n := 2
	switch k {
	case other:
	case jobRec:
		n = 24
	default:
		n = 8
	}
	if len(t.space) < n {
		t.space = make([]value, 64)
	}
	out := t.space[:0:n]
	t.space = t.space[n:]
	return out
}

// set keeps a value that slotOf allows.
func (t *rowset) set(at int, s slot, text string) {
	r := &t.rows[at]
	for i := range r.values {
		if r.values[i].slot == s {
			if r.values[i].text != text {
				r.bad = "a field twice with different values"
			}
			return
		}
	}
	r.values = append(r.values, value{s, text})
}

// own is the row's own key value without the space around it.
func (r *row) own(k keySlot) (string, bool) {
	for i := range r.values {
		if r.values[i].slot.key == k {
			return strings.TrimSpace(r.values[i].text), true
		}
	}
	return "", false
}

// key is a key value of the row, or of the nearest row around it that has one.
func (t *rowset) key(at int, k keySlot) string {
	for ; at >= 0; at = t.rows[at].parent {
		if v, ok := t.rows[at].own(k); ok && v != "" {
			return v
		}
	}
	return ""
}

// recordName is the delivered name of a record; the bytes of name are not kept.
func (t *rowset) kind(name []byte) kind {
	name = t.upper(name)
	if to, ok := t.opts.Records[string(name)]; ok {
		return kindOf(t.family, to)
	}
	return kindOf(t.family, string(name))
}

// slot is what becomes of a field of a record.
func (t *rowset) slot(k kind, name []byte) slot {
	name = t.upper(name)
	if len(t.opts.Fields) > 0 {
		if to, ok := t.opts.Fields[k.String()+"."+string(name)]; ok {
			return slotOf(k, to)
		}
		if to, ok := t.opts.Fields[string(name)]; ok {
			return slotOf(k, to)
		}
	}
	return slotOf(k, string(name))
}

// upper folds a name of ASCII letters in place of a copy; delivered names need nothing.
func (t *rowset) upper(name []byte) []byte {
	if len(name) > len(t.folded) || !lower(name) {
		return name
	}
	n := copy(t.folded[:], name)
	for i, c := range t.folded[:n] {
		if c >= 'a' && c <= 'z' {
			t.folded[i] = c - 'a' + 'A'
		}
	}
	return t.folded[:n]
}

func lower(name []byte) bool {
	for _, c := range name {
		if c >= 'a' && c <= 'z' {
			return true
		}
	}
	return false
}

// begin opens a Transaction.
func (t *rowset) begin() {
	t.rows, t.open, t.seq, t.base, t.lang = t.rows[:0], true, 0, "", ""
}

// end closes it and hands its records on.
func (t *rowset) end() error {
	if !t.open {
		return nil
	}
	t.open = false
	t.stats.Transactions++
	switch t.seq {
	case 'H':
		t.headers++
	case 'T':
		t.footers++
	}
	return t.emit()
}

// note adds a complaint; the detail never holds a value.
func (t *rowset) note(n source.Note) {
	if len(t.stats.Notes) < maxNotes {
		t.stats.Notes = append(t.stats.Notes, n)
	}
}
