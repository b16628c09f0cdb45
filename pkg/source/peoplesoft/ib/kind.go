package ib

import "github.com/ml-connector/ml-connector/pkg/erp"

// kind is a PeopleSoft record that facts come from, by its delivered name.
type kind uint8

const (
	other kind = iota // any record that is not read; its keys are, because rows below inherit them
	personRec
	nameRec
	emailRec
	phoneRec
	asgnRec
	jobRec
	vendorRec
	addrRec
	deptRec
	jobcodeRec
	positionRec
	locationRec
)

// kindOf finds the record that belongs to a family; nothing else is read from a message of it.
func kindOf(f family, name string) kind {
	switch f {
	case people:
		return peopleKind(name)
	case vendors:
		switch name {
		case "VENDOR":
			return vendorRec
		case "VENDOR_ADDR":
			return addrRec
		}
	case references:
		switch name {
		case "DEPT_TBL":
			return deptRec
		case "JOBCODE_TBL":
			return jobcodeRec
		case "POSITION_DATA":
			return positionRec
		case "LOCATION_TBL":
			return locationRec
		}
	}
	return other
}

func peopleKind(name string) kind {
	switch name {
	case "PERSON":
		return personRec
	case "NAMES":
		return nameRec
	case "EMAIL_ADDRESSES":
		return emailRec
	case "PERSONAL_PHONE":
		return phoneRec
	case "PER_ORG_ASGN", "EMPLOYMENT": // EMPLOYMENT is its name before 8.9 (peoplesoft.md 2.7)
		return asgnRec
	case "JOB":
		return jobRec
	}
	return other
}

// String is the delivered record name, for notes.
func (k kind) String() string {
	return [...]string{"record", "PERSON", "NAMES", "EMAIL_ADDRESSES", "PERSONAL_PHONE", "PER_ORG_ASGN", "JOB", "VENDOR",
		"VENDOR_ADDR", "DEPT_TBL", "JOBCODE_TBL", "POSITION_DATA", "LOCATION_TBL"}[k]
}

// facet is the facet of the facts of a record.
func (k kind) facet() erp.Facet {
	switch k {
	case personRec:
		return erp.Person
	case nameRec:
		return erp.Name
	case emailRec:
		return erp.Email
	case phoneRec:
		return erp.Phone
	case asgnRec:
		return erp.Assignment
	case jobRec:
		return erp.Job
	case vendorRec:
		return erp.Vendor
	case addrRec:
		return erp.Address
	}
	return erp.Reference
}
