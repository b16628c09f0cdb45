package ib

import (
	"strings"

	"github.com/ml-connector/ml-connector/pkg/internal/guard"
)

// place is what an open element is.
type place uint8

const (
	aroundPlace place = iota // the root, MsgData and whatever else may stand around Transactions
	transactionPlace
	rowPlace
	camaPlace
	maybePlace // a field, or a record if an element follows inside it
)

// level is an open element of a rowset.
type level struct {
	place   place
	row     int  // its row, or that of the nearest row around it; -1 outside
	last    int  // the last row that began directly inside; -1 when none did
	early   bool // a PSCAMA came before any row here: each belongs to the row behind it
	pending bool // such a PSCAMA waits in xmlRows.before
	kind    kind // of a maybePlace, should it turn out to be a record
	cama    bool // a maybePlace named PSCAMA
	wanted  bool // a maybePlace whose text is kept as slot or field of PSCAMA
}

// xmlRows reads the rows of one rowset as a stream. It does not depend on nesting: a record counts by its name
// wherever it stands (peoplesoft.md 2.1).
type xmlRows struct {
	*rowset
	r      *guard.Reader
	levels []level
	slot   slot   // of the maybePlace on top
	name   string // of a field of PSCAMA
	text   string
	cama   cama
	before cama
}

// read reads from behind the root's start tag to the root's end tag.
func (x *xmlRows) read() error {
	x.levels = append(x.levels[:0], level{place: aroundPlace, row: -1, last: -1})
	for len(x.levels) > 0 {
		t, err := x.r.Next()
		switch {
		case err != nil:
			return err
		case t == guard.Start:
			err = x.start()
		case t == guard.End:
			err = x.stop()
		case t == guard.Text:
			if top := x.top(); top.place == maybePlace && top.wanted {
				x.text = string(x.r.Text())
			}
		default:
			return guard.ErrCut
		}
		if err != nil {
			return err
		}
	}
	return x.end()
}

func (x *xmlRows) top() *level { return &x.levels[len(x.levels)-1] }

func (x *xmlRows) start() error {
	name := x.r.Name()
	if x.top().place == maybePlace {
		if err := x.promote(false); err != nil {
			return err
		}
	}
	up := x.top()
	if up.place == aroundPlace {
		switch string(name) {
		case "FieldTypes":
			return x.r.Skip()
		case "MsgData":
			x.push(level{place: aroundPlace, row: -1, last: -1})
			return nil
		case "Transaction":
			return x.transaction()
		}
	}
	if string(name) == "PSCAMA" {
		x.maybe(level{cama: true})
	} else {
		x.field(up, name)
	}
	if string(x.r.Attr("class")) == "R" {
		return x.promote(true)
	}
	return nil
}

func (x *xmlRows) push(l level) { x.levels = append(x.levels, l) }

func (x *xmlRows) maybe(l level) {
	l.place, l.row, l.last = maybePlace, x.top().row, -1
	x.text = ""
	x.push(l)
}

// field opens what is a field of the row around it until an element shows up inside.
func (x *xmlRows) field(up *level, name []byte) {
	l := level{}
	if up.place == camaPlace {
		if l.wanted = camaField(name); l.wanted {
			x.name = string(name)
		}
		x.maybe(l)
		return
	}
	l.kind = x.rowset.kind(name)
	if up.place == rowPlace {
		x.slot = x.rowset.slot(x.rows[up.row].kind, name)
		l.wanted = x.slot != slot{}
	}
	x.maybe(l)
}

func (x *xmlRows) transaction() error {
	if err := x.end(); err != nil {
		return err
	}
	x.begin()
	x.push(level{place: transactionPlace, row: -1, last: -1})
	return nil
}

// promote makes a record of the top level, which is a maybePlace. An unknown element outside a Transaction that does
// not claim to be a record is one more wrapper.
func (x *xmlRows) promote(class bool) error {
	top := x.top()
	if top.cama {
		top.place, top.wanted = camaPlace, false
		x.cama = cama{}
		return nil
	}
	up := &x.levels[len(x.levels)-2]
	if up.place == aroundPlace && top.kind == other && !class {
		top.place = aroundPlace
		return nil
	}
	if up.place == aroundPlace { // no Transaction around it: each row of the top is one
		if err := x.end(); err != nil {
			return err
		}
		x.begin()
	}
	at, err := x.openRow(top.kind, up.row)
	if err != nil {
		return err
	}
	if up.pending {
		x.belongs(x.before, at)
		up.pending = false
	}
	up.last = at
	top.place, top.row, top.wanted = rowPlace, at, false
	return nil
}

func (x *xmlRows) stop() error {
	top := *x.top()
	x.levels = x.levels[:len(x.levels)-1]
	if len(x.levels) == 0 {
		return nil
	}
	up := x.top()
	switch top.place {
	case transactionPlace:
		if top.pending {
			x.belongs(x.before, top.last)
		}
		return x.end()
	case camaPlace:
		x.stopCama(up)
	case maybePlace:
		if !top.wanted {
			return nil
		}
		if up.place == camaPlace {
			x.cama.put(x.name, strings.TrimSpace(x.text))
		} else {
			x.set(up.row, x.slot, x.text)
		}
	}
	return nil
}

// stopCama finds the row that a PSCAMA describes: the one before it at its level, else the one around it. In a
// Transaction that begins with a PSCAMA, each describes the row behind it.
func (x *xmlRows) stopCama(up *level) {
	if !x.open {
		return
	}
	if up.place == transactionPlace && (up.last < 0 || up.early) {
		if up.pending {
			x.belongs(x.before, up.last)
		}
		x.belongs(x.cama, -1)
		x.before, up.pending, up.early = x.cama, true, true
		return
	}
	at := up.last
	if at < 0 {
		at = up.row
	}
	x.belongs(x.cama, at)
}
