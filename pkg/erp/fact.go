// Package erp is the vocabulary of the source: facts as PeopleSoft states them, before anybody decides what they
// mean. It knows nothing of the target. All values are text: keys keep their leading zeros, numbers are not
// interpreted, a present blank ("") differs from an absent field (peoplesoft.md 2.3).
package erp

import (
	"cmp"
	"strings"
)

// Facet is the part of a record that a fact is about. A partial message speaks of some facets and says nothing
// about the others.
type Facet string

// The facets of an employee, those of a vendor, and that of reference data. In brackets: what Row holds.
const (
	Person     Facet = "person"     // person-level data [""]
	Name       Facet = "name"       // a name, effective-dated where the source says so [NAME_TYPE, PRI when unknown]
	Email      Facet = "email"      // an email address [E_ADDR_TYPE, BUSN when unknown]
	Phone      Facet = "phone"      // a phone number [PHONE_TYPE, BUSN when unknown]
	Assignment Facet = "assignment" // PER_ORG_ASGN [EMPL_RCD]
	Job        Facet = "job"        // JOB, effective-dated by EFFDT and EFFSEQ [EMPL_RCD]
	Vendor     Facet = "vendor"     // VENDOR, not effective-dated [""]
	Address    Facet = "address"    // VENDOR_ADDR [ADDRESS_SEQ_NUM]
	Reference  Facet = "reference"  // a text that other records point to: DEPT_TBL, JOBCODE_TBL, POSITION_DATA [""]
)

// Action says what happened to the row.
type Action string

// The two actions a fact can state. Drop removes this row from the ledger and never anything from the target.
const (
	Set  Action = "set"
	Drop Action = "drop"
)

// Fact is one row about a record as the source states it.
type Fact struct {
	Facet   Facet
	Row     string // which row of the facet, see the facets
	EffDate Date   // first day on which the row holds; "" when the facet is not effective-dated
	EffSeq  int    // several rows on one day: the highest holds
	Action  Action
	Stamp   Stamp            // when the source last changed the row; "" when it does not say
	Fields  map[Field]string // allow-listed fields that were present; blank is "", absent is not in the map
}

// ID is the key of a fact within its record: two facts with the same ID are versions of the same row.
type ID struct {
	Facet   Facet
	Row     string
	EffDate Date
	EffSeq  int
}

// ID returns the key of the fact within its record.
func (f Fact) ID() ID { return ID{f.Facet, f.Row, f.EffDate, f.EffSeq} }

// Compare orders fact keys: by facet, row, effective date, effective sequence.
func (a ID) Compare(b ID) int {
	return cmp.Or(strings.Compare(string(a.Facet), string(b.Facet)), strings.Compare(a.Row, b.Row),
		strings.Compare(string(a.EffDate), string(b.EffDate)), cmp.Compare(a.EffSeq, b.EffSeq))
}
