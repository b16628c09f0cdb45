// Package record names one employee or vendor: the unit that facts are about, that a wanted state belongs to and
// that a link ties to an object of the target.
package record

import (
	"fmt"
	"strings"
)

// Kind says what sort of record it is.
type Kind string

// The two kinds of records, and reference data: texts of departments, job codes and positions that employees point to.
// Reference data has facts and a ledger row, and no object in the target.
const (
	Employee  Kind = "employee"
	Vendor    Kind = "vendor"
	Reference Kind = "reference"
)

// Kinds lists the kinds that have objects in the target, in the order in which they are read and written
// (organizations before users).
func Kinds() []Kind { return []Kind{Vendor, Employee} }

// ParseKind accepts the kind as it stands on subjects and its plural as it stands on the command line.
func ParseKind(s string) (Kind, error) {
	switch strings.TrimSuffix(s, "s") {
	case string(Employee):
		return Employee, nil
	case string(Vendor):
		return Vendor, nil
	}
	return "", fmt.Errorf("kind %q: want employees or vendors", s)
}

// Plural is the name of the kind in the tenant file and on the command line.
func (k Kind) Plural() string { return string(k) + "s" }

// Ref names a record within a tenant. An employee's Key is EMPLID with its leading zeros, a vendor's is
// SETID/VENDOR_ID (design.md 6, 8); reference data's is dept/SETID/DEPTID, jobcode/SETID/JOBCODE or
// position/POSITION_NBR.
type Ref struct {
	Kind Kind
	Key  string
}

// String is for logs and messages to people.
func (r Ref) String() string { return string(r.Kind) + "/" + r.Key }

// VendorKey joins the two parts of a vendor's key.
func VendorKey(setID, vendorID string) string { return setID + "/" + vendorID }

// SplitVendorKey undoes VendorKey; ok is false when the key has no SETID.
func SplitVendorKey(key string) (setID, vendorID string, ok bool) { return strings.Cut(key, "/") }
