package ib

import "github.com/ml-connector/ml-connector/pkg/erp"

// slot is a field that is kept. Keys and change times have numbers; the rest is an erp.Field.
type slot struct {
	key   keySlot
	field erp.Field
	day   bool // the field must be a date or blank
}

// keySlot is a field that names, orders or dates a row.
type keySlot uint8

const (
	noKey keySlot = iota
	emplID
	emplRcd
	effDate
	effSeq
	nameType
	emailType
	phoneType
	setID
	vendorID
	addressNo
	deptID
	jobCode
	positionNo
	locationID
	lastUpdate
	lastChild
)

// String is the delivered field name, for notes.
func (k keySlot) String() string {
	return [...]string{"", "EMPLID", "EMPL_RCD", "EFFDT", "EFFSEQ", "NAME_TYPE", "E_ADDR_TYPE", "PHONE_TYPE", "SETID", "VENDOR_ID",
		"ADDRESS_SEQ_NUM", "DEPTID", "JOBCODE", "POSITION_NBR", "LOCATION", "LASTUPDDTTM", "LAST_CHILD_UPDDTTM"}[k]
}

// slotOf is the allow-list: a field that it does not know never becomes a value (peoplesoft.md 2.6, 2.7, 2.10, 2.11).
func slotOf(k kind, name string) slot {
	if key := commonKey(name); key != noKey {
		return slot{key: key}
	}
	switch k {
	case personRec:
		if name == "DT_OF_DEATH" {
			return slot{field: erp.Deceased, day: true}
		}
	case nameRec:
		return nameSlot(name)
	case emailRec, phoneRec:
		return contactSlot(k, name)
	case asgnRec:
		switch name {
		case "BUSINESS_TITLE":
			return slot{field: erp.Title}
		case "PER_ORG":
			return slot{field: erp.PerOrg}
		}
	case jobRec:
		return jobSlot(name)
	case vendorRec:
		return vendorSlot(name)
	case addrRec:
		return addrSlot(name)
	case deptRec, jobcodeRec, positionRec, locationRec:
		return referenceSlot(k, name)
	}
	return slot{}
}

// commonKey are the keys that rows below may inherit, and what dates a row.
func commonKey(name string) keySlot {
	switch name {
	case "EMPLID":
		return emplID
	case "EMPL_RCD", "EMPL_RCD#":
		return emplRcd
	case "EFFDT":
		return effDate
	case "EFFSEQ":
		return effSeq
	case "NAME_TYPE":
		return nameType
	case "E_ADDR_TYPE":
		return emailType
	case "PHONE_TYPE":
		return phoneType
	case "SETID":
		return setID
	case "VENDOR_ID":
		return vendorID
	case "ADDRESS_SEQ_NUM":
		return addressNo
	case "LASTUPDDTTM":
		return lastUpdate
	case "LAST_CHILD_UPDDTTM":
		return lastChild
	}
	return noKey
}

func nameSlot(name string) slot {
	switch name {
	case "NAME_DISPLAY":
		return slot{field: erp.DisplayName}
	case "NAME":
		return slot{field: erp.FormalName}
	case "FIRST_NAME":
		return slot{field: erp.FirstName}
	case "LAST_NAME":
		return slot{field: erp.LastName}
	case "EFF_STATUS":
		return slot{field: erp.EffStatus}
	}
	return slot{}
}

func contactSlot(k kind, name string) slot {
	switch {
	case k == emailRec && name == "EMAIL_ADDR":
		return slot{field: erp.MailAddress}
	case k == phoneRec && name == "PHONE":
		return slot{field: erp.PhoneNumber}
	case k == emailRec && name == "PREF_EMAIL_FLAG", k == phoneRec && name == "PREF_PHONE_FLAG":
		return slot{field: erp.Preferred}
	}
	return slot{}
}

func jobSlot(name string) slot {
	var f erp.Field
	switch name {
	case "PER_ORG":
		f = erp.PerOrg
	case "SETID_DEPT":
		f = erp.DeptSet
	case "DEPTID":
		f = erp.Dept
	case "SETID_JOBCODE":
		f = erp.JobCodeSet
	case "JOBCODE":
		f = erp.JobCode
	case "POSITION_NBR":
		f = erp.Position
	case "SUPERVISOR_ID":
		f = erp.Supervisor
	case "REPORTS_TO":
		f = erp.ReportsTo
	case "HR_STATUS":
		f = erp.HRStatus
	case "EMPL_STATUS":
		f = erp.EmplStatus
	case "JOB_INDICATOR":
		f = erp.JobIndicator
	case "ACTION":
		f = erp.Reason
	case "LOCATION":
		f = erp.Location
	case "COMPANY":
		f = erp.Company
	case "LAST_HIRE_DT":
		return slot{field: erp.LastHire, day: true}
	case "TERMINATION_DT":
		return slot{field: erp.Terminated, day: true}
	}
	return slot{field: f}
}

func vendorSlot(name string) slot {
	switch name {
	case "NAME1":
		return slot{field: erp.VendorName}
	case "VENDOR_NAME_SHORT":
		return slot{field: erp.VendorShort}
	case "VENDOR_STATUS":
		return slot{field: erp.VendorStatus}
	case "VENDOR_CLASS":
		return slot{field: erp.VendorClass}
	case "VENDOR_PERSISTENCE":
		return slot{field: erp.Persistence}
	case "CORPORATE_SETID":
		return slot{field: erp.ParentSet}
	case "CORPORATE_VENDOR":
		return slot{field: erp.ParentVendor}
	case "PRIM_ADDR_SEQ_NUM":
		return slot{field: erp.PrimaryAddrNo}
	}
	return slot{}
}

func addrSlot(name string) slot {
	switch name {
	case "EMAILID":
		return slot{field: erp.MailAddress}
	case "ADDRESS1":
		return slot{field: erp.Street}
	case "CITY":
		return slot{field: erp.City}
	case "STATE":
		return slot{field: erp.State}
	case "POSTAL":
		return slot{field: erp.Postal}
	case "COUNTRY":
		return slot{field: erp.Country}
	case "EFF_STATUS":
		return slot{field: erp.EffStatus}
	}
	return slot{}
}

func referenceSlot(k kind, name string) slot {
	switch {
	case name == "DESCR":
		return slot{field: erp.Text}
	case name == "EFF_STATUS":
		return slot{field: erp.EffStatus}
	case k == deptRec && name == "DEPTID":
		return slot{key: deptID}
	case k == jobcodeRec && name == "JOBCODE":
		return slot{key: jobCode}
	case k == positionRec && name == "POSITION_NBR":
		return slot{key: positionNo}
	case k == locationRec && name == "LOCATION":
		return slot{key: locationID}
	}
	return slot{}
}
