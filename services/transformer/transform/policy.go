package transform

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Policy is what a tenant decided about its records. It is data only, so that Resolve stays a pure function.
// Code lists hold PeopleSoft codes (peoplesoft.md 2.8); an empty list does not restrict, unless it says otherwise.
type Policy struct {
	Version int64          // of the tenant's settings; stored with every ledger row it resolved
	Zone    *time.Location // where a day begins; nil means UTC

	PerOrg         []string      // jobs that count: EMP, CWR, POI
	ActiveStatus   []string      // EMPL_STATUS codes of people who are still employed; the known others are leavers
	HireLead       int           // days before the first day on which a person is seen as on it
	LeaveAt        time.Duration // time of day at which leavers lose access, on the day of the row and LeaveDays later
	LeaveDays      int
	LeaveHours     int      // hours that pass after that
	KeepLeavers    bool     // leavers are left as they are in place of being suspended
	FreeSeats      bool     // a leaver who is an agent gives the seat back before the suspension
	RequireEmail   bool     // an active employee without a usable email is left untouched until one arrives
	NameTypes      []string // NAME_TYPE in order of preference, the first with a current row holds
	EmailTypes     []string // E_ADDR_TYPE in order of preference
	PreferredEmail bool     // after the types: an address with PREF_EMAIL_FLAG, whatever its type
	AnyEmail       bool     // after that: any other address; off by default, home addresses are private
	Placeholders   []string // addresses that stand for none: "value" as a whole, "local@" in any domain, "@domain" with all below it
	PhoneTypes     []string // PHONE_TYPE in order of preference; used only when UserFields maps "phone"

	VendorStatus      []string // VENDOR_STATUS codes that make an active organization
	VendorClass       []string // VENDOR_CLASS codes in scope
	VendorPersistence []string // VENDOR_PERSISTENCE codes in scope
	VendorKeys        []string // SETID/VENDOR_ID in scope: "the top 50" as a list
	VendorFlags       []string // values of the query's flag column that put a vendor in scope: "the top 50" as a column

	Mail Mail // how an address becomes free for somebody else

	// Limits of the guard for each kind of change (design.md 6); a kind without a limit allows none.
	Limits map[store.Change]Limit

	// UserFields and OrganizationFields map a source field, see EmployeeFields and VendorFields, to a target path
	// such as user_fields.department. What is not mapped is not managed.
	UserFields         map[string]string
	OrganizationFields map[string]string
}

// PhonePath is the target path that means the user's own phone number and not a custom field.
const PhonePath = "phone"

// Default is the policy of design.md 8: the filters of peoplesoft.md 2.8, department and job title mapped.
func Default() Policy {
	return Policy{
		Zone:           time.UTC,
		PerOrg:         []string{"EMP", "CWR"},
		ActiveStatus:   []string{"A", "L", "P", "S", "W"},
		NameTypes:      []string{"PRF", "PRI"},
		EmailTypes:     []string{"BUSN"},
		PreferredEmail: true,
		Placeholders:   placeholders(),
		PhoneTypes:     []string{"BUSN", "WORK"},

		Limits: map[store.Change]Limit{store.Suspension: {3, 2}, store.EmailChange: {10, 1}, store.Creation: {20, 5}},

		VendorStatus:      []string{"A"},
		VendorClass:       []string{"R"},
		VendorPersistence: []string{"R", "P"},

		UserFields:         map[string]string{"department": "user_fields.department", "title": "user_fields.job_title"},
		OrganizationFields: map[string]string{},
	}
}

// Validate reports everything that is wrong with the policy at once, each problem with its place.
func (p Policy) Validate() error {
	var problems []error
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if len(p.ActiveStatus) == 0 {
		bad("employees.scope.active_status: want at least one code, else everybody would count as a leaver")
	}
	if len(p.VendorStatus) == 0 {
		bad("vendors.scope.status: want at least one code, else no vendor could be active")
	}
	for _, key := range p.VendorKeys {
		if set, id, ok := record.SplitVendorKey(key); !ok || set == "" || id == "" {
			bad("vendors.scope.keys: want SETID/VENDOR_ID, got %q", key)
		}
	}
	problems = append(problems, mapping("employees.user", p.UserFields, EmployeeFields())...)
	problems = append(problems, mapping("vendors.organization", p.OrganizationFields, VendorFields())...)
	return errors.Join(problems...)
}

// mapping checks one field map: known source fields, no empty and no doubled target path.
func mapping(path string, m map[string]string, known []string) []error {
	var problems []error
	taken := map[string]string{}
	for _, field := range slices.Sorted(maps.Keys(m)) {
		to := m[field]
		switch other := taken[to]; {
		case !slices.Contains(known, field):
			problems = append(problems, fmt.Errorf("%s.%s: unknown source field, want one of %s", path, field, strings.Join(known, ", ")))
		case strings.TrimSpace(to) == "":
			problems = append(problems, fmt.Errorf("%s.%s: want a target path such as user_fields.department", path, field))
		case other != "":
			problems = append(problems, fmt.Errorf("%s.%s: target %s is already filled by %s", path, field, to, other))
		}
		taken[to] = field
	}
	return problems
}

func (p Policy) zone() *time.Location {
	if p.Zone == nil {
		return time.UTC
	}
	return p.Zone
}

// has tells whether a code is in a list, whatever its case.
func has(list []string, code string) bool {
	return slices.ContainsFunc(list, func(c string) bool { return strings.EqualFold(c, code) })
}
