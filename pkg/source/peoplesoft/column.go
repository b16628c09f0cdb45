package peoplesoft

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// use says what a column is for.
type use int

const (
	keyUse   use = iota // part of the record's key
	rowUse              // names the row within its facet, or orders it
	stampUse            // change time
	fieldUse            // becomes a field
	dateUse             // becomes a field that must be a date or blank
)

// column is one canonical PeopleSoft column and what becomes of it.
type column struct {
	name     string
	use      use
	facet    erp.Facet
	field    erp.Field
	other    string // a second usual name
	explicit bool   // only when mapped: the name alone does not say whose it is
}

// columns of a kind; nothing else is ever taken from an answer. Names from peoplesoft.md 2.6, 2.7, 2.11 and 3.3.
func columns(kind record.Kind) []column {
	if kind == record.Vendor {
		return vendorColumns()
	}
	return employeeColumns()
}

func employeeColumns() []column {
	list := []column{
		{name: "EMPLID", use: keyUse}, {name: "EMPL_RCD", use: rowUse}, {name: "EFFDT", use: rowUse}, {name: "EFFSEQ", use: rowUse},
		{name: "NAME_TYPE", use: rowUse}, {name: "E_ADDR_TYPE", use: rowUse}, {name: "PHONE_TYPE", use: rowUse}, {name: "LASTUPDDTTM", use: stampUse},
		{name: "DT_OF_DEATH", use: dateUse, facet: erp.Person, field: erp.Deceased},
		{name: "NAME_DISPLAY", facet: erp.Name, field: erp.DisplayName}, {name: "NAME", facet: erp.Name, field: erp.FormalName},
		{name: "FIRST_NAME", facet: erp.Name, field: erp.FirstName}, {name: "LAST_NAME", facet: erp.Name, field: erp.LastName},
		{name: "EFF_STATUS", facet: erp.Name, field: erp.EffStatus, explicit: true},
		{name: "EMAIL_ADDR", facet: erp.Email, field: erp.MailAddress, other: "EMAILID"}, {name: "PREF_EMAIL_FLAG", facet: erp.Email, field: erp.Preferred},
		{name: "PHONE", facet: erp.Phone, field: erp.PhoneNumber}, {name: "PREF_PHONE_FLAG", facet: erp.Phone, field: erp.Preferred},
		{name: "BUSINESS_TITLE", facet: erp.Assignment, field: erp.Title}, {name: "PER_ORG", facet: erp.Job, field: erp.PerOrg},
		{name: "SETID_DEPT", facet: erp.Job, field: erp.DeptSet}, {name: "DEPTID", facet: erp.Job, field: erp.Dept},
		{name: "DEPT_DESCR", facet: erp.Job, field: erp.DeptText}, {name: "SETID_JOBCODE", facet: erp.Job, field: erp.JobCodeSet},
		{name: "JOBCODE", facet: erp.Job, field: erp.JobCode}, {name: "JOB_TITLE", facet: erp.Job, field: erp.JobText},
		{name: "POSITION_NBR", facet: erp.Job, field: erp.Position}, {name: "SUPERVISOR_ID", facet: erp.Job, field: erp.Supervisor},
		{name: "REPORTS_TO", facet: erp.Job, field: erp.ReportsTo}, {name: "HR_STATUS", facet: erp.Job, field: erp.HRStatus},
		{name: "EMPL_STATUS", facet: erp.Job, field: erp.EmplStatus}, {name: "JOB_INDICATOR", facet: erp.Job, field: erp.JobIndicator},
		{name: "ACTION", facet: erp.Job, field: erp.Reason}, {name: "LOCATION", facet: erp.Job, field: erp.Location}, {name: "COMPANY", facet: erp.Job, field: erp.Company},
		{name: "LAST_HIRE_DT", use: dateUse, facet: erp.Job, field: erp.LastHire}, {name: "TERMINATION_DT", use: dateUse, facet: erp.Job, field: erp.Terminated},
	}
	return withUse(list)
}

func vendorColumns() []column {
	v := erp.Vendor
	return withUse([]column{
		{name: "SETID", use: keyUse}, {name: "VENDOR_ID", use: keyUse}, {name: "LASTUPDDTTM", use: stampUse},
		{name: "NAME1", facet: v, field: erp.VendorName}, {name: "VENDOR_NAME_SHORT", facet: v, field: erp.VendorShort},
		{name: "VENDOR_STATUS", facet: v, field: erp.VendorStatus}, {name: "VENDOR_CLASS", facet: v, field: erp.VendorClass},
		{name: "VENDOR_PERSISTENCE", facet: v, field: erp.Persistence}, {name: "EMAILID", facet: v, field: erp.MailAddress, other: "EMAIL_ADDR"},
		{name: "PHONE", facet: v, field: erp.PhoneNumber}, {name: "ADDRESS1", facet: v, field: erp.Street}, {name: "CITY", facet: v, field: erp.City},
		{name: "STATE", facet: v, field: erp.State}, {name: "POSTAL", facet: v, field: erp.Postal}, {name: "COUNTRY", facet: v, field: erp.Country},
		{name: "SCOPE_FLAG", facet: v, field: erp.ScopeFlag}, {name: "CORPORATE_SETID", facet: v, field: erp.ParentSet}, {name: "CORPORATE_VENDOR", facet: v, field: erp.ParentVendor},
		{name: "PRIM_ADDR_SEQ_NUM", facet: v, field: erp.PrimaryAddrNo},
	})
}

func withUse(list []column) []column {
	for i := range list {
		if list[i].field != "" && list[i].use != dateUse {
			list[i].use = fieldUse
		}
	}
	return list
}

// required columns: without them a row cannot become a fact.
func required(kind record.Kind) []string {
	if kind == record.Vendor {
		return []string{"SETID", "VENDOR_ID"}
	}
	return []string{"EMPLID", "EFFDT"}
}

// wanted columns: without them the mapping misses something that people look for.
func wanted(kind record.Kind) []string {
	if kind == record.Vendor {
		return []string{"NAME1", "VENDOR_STATUS", "VENDOR_CLASS", "VENDOR_PERSISTENCE", "LASTUPDDTTM"}
	}
	return []string{"EMPL_RCD", "EFFSEQ", "NAME_DISPLAY", "EMAIL_ADDR", "HR_STATUS", "EMPL_STATUS", "PER_ORG", "DEPT_DESCR", "JOB_TITLE", "LASTUPDDTTM"}
}

// sensitive columns are never taken; an operator who selects them hears of it.
func sensitive() []string {
	return []string{"NATIONAL_ID", "BIRTHDATE", "BIRTHPLACE", "COMPRATE", "ANNUAL_RT", "MONTHLY_RT", "HOURLY_RT", "SEX", "MAR_STATUS", "ETHNIC_GRP_CD",
		"BANK_ACCOUNT_NUM", "BANK_ID_QUAL", "BNK_ID_NBR", "IBAN_ID", "ACCOUNT_NUM", "TAX_ID", "TIN", "STD_ID_NUM"}
}

func names(kind record.Kind) []string {
	var list []string
	for _, c := range columns(kind) {
		list = append(list, c.name)
	}
	return list
}

func known(kind record.Kind, name string) bool { return slices.Contains(names(kind), name) }

var aliasPrefix = regexp.MustCompile(`^[A-Z]{1,2}\.`)

// bare is a column's name without record alias, folded.
func bare(name string) string { return strings.ToUpper(aliasPrefix.ReplaceAllString(name, "")) }

// match finds for every canonical column the column of the answer: by the mapping, else exactly, else without case,
// else without the record alias. Two candidates of one rank must be told apart by the mapping (peoplesoft.md 3.2).
func match(kind record.Kind, actual []string, mapping map[string]string) (map[string]string, error) {
	found := map[string]string{}
	for _, c := range columns(kind) {
		for _, name := range []string{c.name, c.other} {
			if name == "" || found[c.name] != "" || (c.explicit && mapping[c.name] == "") {
				continue
			}
			if m := mapping[c.name]; m != "" {
				name = m
			}
			hit, err := pick(name, actual)
			if err != nil {
				return nil, err
			}
			if hit != "" {
				found[c.name] = hit
			}
		}
	}
	return found, nil
}

func pick(name string, actual []string) (string, error) {
	ranks := []func(string) bool{
		func(a string) bool { return a == name },
		func(a string) bool { return strings.EqualFold(a, name) },
		func(a string) bool { return bare(a) == strings.ToUpper(name) },
	}
	for _, fits := range ranks {
		var hits []string
		for _, a := range actual {
			if fits(a) {
				hits = append(hits, a)
			}
		}
		if len(hits) > 1 {
			slices.Sort(hits)
			return "", fault.New(fault.Config, fault.SourceSchema, "column "+name+" could be "+printable(strings.Join(hits, " or "))+": say which under columns")
		}
		if len(hits) == 1 {
			return hits[0], nil
		}
	}
	return "", nil
}
