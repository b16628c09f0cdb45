package erp

import "slices"

// Field names one value of a fact. The list is an allow-list: what is not here never enters the system
// (national ids, pay, bank and tax data have no name; design.md 4).
type Field string

// Fields of the employee facets; in brackets the PeopleSoft column.
const (
	DisplayName  Field = "display_name"  // NAME_DISPLAY
	FormalName   Field = "formal_name"   // NAME
	FirstName    Field = "first_name"    // FIRST_NAME
	LastName     Field = "last_name"     // LAST_NAME
	EffStatus    Field = "eff_status"    // EFF_STATUS
	Deceased     Field = "deceased"      // DT_OF_DEATH
	MailAddress  Field = "email"         // EMAIL_ADDR, EMAILID
	Preferred    Field = "preferred"     // PREF_EMAIL_FLAG, PREF_PHONE_FLAG
	PhoneNumber  Field = "phone"         // PHONE
	Title        Field = "title"         // BUSINESS_TITLE
	PerOrg       Field = "per_org"       // PER_ORG: EMP, CWR, POI
	DeptSet      Field = "dept_set"      // SETID_DEPT
	Dept         Field = "dept"          // DEPTID
	DeptText     Field = "dept_text"     // DEPT_DESCR
	JobCodeSet   Field = "job_code_set"  // SETID_JOBCODE
	JobCode      Field = "job_code"      // JOBCODE
	JobText      Field = "job_text"      // JOB_TITLE
	Position     Field = "position"      // POSITION_NBR
	Supervisor   Field = "supervisor"    // SUPERVISOR_ID, an EMPLID
	ReportsTo    Field = "reports_to"    // REPORTS_TO, a position number
	HRStatus     Field = "hr_status"     // HR_STATUS
	EmplStatus   Field = "empl_status"   // EMPL_STATUS
	JobIndicator Field = "job_indicator" // JOB_INDICATOR: P, S, N
	Reason       Field = "action"        // ACTION, for the audit text only
	Location     Field = "location"      // LOCATION
	Company      Field = "company"       // COMPANY
	LastHire     Field = "last_hire"     // LAST_HIRE_DT
	Terminated   Field = "terminated"    // TERMINATION_DT
)

// Fields of the vendor facets; in brackets the PeopleSoft column.
const (
	VendorName    Field = "name"        // NAME1
	VendorShort   Field = "short_name"  // VENDOR_NAME_SHORT
	VendorStatus  Field = "status"      // VENDOR_STATUS
	VendorClass   Field = "class"       // VENDOR_CLASS
	Persistence   Field = "persistence" // VENDOR_PERSISTENCE
	Street        Field = "street"      // ADDRESS1
	City          Field = "city"        // CITY
	State         Field = "state"       // STATE
	Postal        Field = "postal"      // POSTAL
	Country       Field = "country"     // COUNTRY
	ScopeFlag     Field = "scope_flag"  // a flag column of the customer's query: "the top 50"
	ParentSet     Field = "parent_set"  // CORPORATE_SETID
	ParentVendor  Field = "parent"      // CORPORATE_VENDOR
	PrimaryAddrNo Field = "primary_address"
)

// Field of reference data; in brackets the PeopleSoft column.
const (
	Text Field = "text" // DESCR
)

// Allowed lists the fields that a fact of the facet may carry, sorted.
func Allowed(f Facet) []Field {
	var list []Field
	switch f {
	case Person:
		list = []Field{Deceased}
	case Name:
		list = []Field{DisplayName, FormalName, FirstName, LastName, EffStatus}
	case Email:
		list = []Field{MailAddress, Preferred}
	case Phone:
		list = []Field{PhoneNumber, Preferred}
	case Assignment:
		list = []Field{Title, PerOrg}
	case Job:
		list = []Field{PerOrg, DeptSet, Dept, DeptText, JobCodeSet, JobCode, JobText, Position, Supervisor, ReportsTo,
			HRStatus, EmplStatus, JobIndicator, Reason, Location, Company, LastHire, Terminated}
	case Vendor:
		list = []Field{VendorName, VendorShort, VendorStatus, VendorClass, Persistence, MailAddress, PhoneNumber, Street, City,
			State, Postal, Country, ScopeFlag, ParentSet, ParentVendor, PrimaryAddrNo}
	case Reference:
		list = []Field{EffStatus, Text}
	case Address:
		list = []Field{MailAddress, Street, City, State, Postal, Country, EffStatus}
	}
	slices.Sort(list)
	return list
}

// Facets lists every facet, sorted.
func Facets() []Facet {
	return []Facet{Address, Assignment, Email, Job, Name, Person, Phone, Reference, Vendor}
}
