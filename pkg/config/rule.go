package config

import (
	"maps"
	"slices"
)

// Employees says who counts and what becomes of them in Zendesk.
type Employees struct {
	Scope        EmployeeScope          `json:"scope"`
	User         map[UserField]UserPath `json:"user"`
	Email        Email                  `json:"email"`
	MissingEmail MissingEmail           `json:"missing_email"`
	Hire         Hire                   `json:"hire"`
	Leaver       Leaver                 `json:"leaver"`
}

// EmployeeScope lists the codes that count (peoplesoft.md 2.8, 2.9).
type EmployeeScope struct {
	PerOrg       []PerOrg     `json:"per_org"`
	ActiveStatus []EmplStatus `json:"active_status"`
}

// Email says which address is the business address.
type Email struct {
	Types          []EmailType `json:"types"`                  // E_ADDR_TYPE, best first
	AllowPreferred bool        `json:"allow_preferred"`        // else take the one that the person prefers
	Placeholders   []Text      `json:"placeholders,omitempty"` // beside the built-in ones: "value", "local@" or "@domain"
	Change         MailChange  `json:"change"`                 // what becomes of the old address of a user whose address changes
	// ParkingDomain is a mail domain of the customer's own that nobody reads. With in_place, a leaver's address is moved
	// to it when somebody else needs the address, and one member of a ring for a moment.
	ParkingDomain Domain `json:"parking_domain,omitempty"`
}

func (e *Email) check(c *complaints) {
	if e.ParkingDomain != "" && e.Change != InPlace {
		c.at("parking_domain", bad{what: "has no effect with change: add", want: "change: in_place beside it"})
	}
}

// MailChange says what becomes of the old address of a user whose address changes (zendesk.md 1.5).
type MailChange string

// The two ways. Add keeps the old address as a second one, so that mail to it still reaches the user; nobody else can
// have it then. InPlace replaces it, so that it is free.
const (
	AddAddress MailChange = "add"
	InPlace    MailChange = "in_place"
)

// UnmarshalText accepts add and in_place.
func (m *MailChange) UnmarshalText(b []byte) error { return word(m, b, AddAddress, InPlace) }

// Domain is a mail domain in lower case; "" is none.
type Domain string

// UnmarshalText accepts one domain of two labels or more, in ASCII.
func (d *Domain) UnmarshalText(b []byte) error {
	if len(b) > 190 { // psft-emp-<key>@ must fit before it
		return bad{want: "a mail domain of at most 190 characters", got: show(string(b))}
	}
	return match(d, b, domainShape, "a mail domain of yours in lower case, for example former.example.com")
}

// Leaver says what happens to a user whose person left.
type Leaver struct {
	Suspend         bool `json:"suspend"`
	DowngradeAgents bool `json:"downgrade_agents"` // free the seat before the suspension
	At              Hour `json:"at"`               // time of day of the suspension
	Lag             Lag  `json:"lag"`              // after the day on which PeopleSoft's row takes effect
}

func defaultEmployees() Employees {
	return Employees{
		Scope:        EmployeeScope{PerOrg: []PerOrg{"EMP", "CWR"}, ActiveStatus: []EmplStatus{"A", "L", "P", "S", "W"}},
		User:         map[UserField]UserPath{"department": "user_fields.department", "title": "user_fields.job_title"},
		Email:        Email{Types: []EmailType{"BUSN"}, AllowPreferred: true, Change: AddAddress},
		MissingEmail: CreateWithout,
		Leaver:       Leaver{Suspend: true},
	}
}

func (e *Employees) check(c *complaints) { distinct(c, "user", e.User) }

// Vendors says which vendors count and what becomes of them in Zendesk.
type Vendors struct {
	Scope        VendorScope                      `json:"scope"`
	Organization map[VendorField]OrganizationPath `json:"organization"`
}

func (v *Vendors) check(c *complaints) { distinct(c, "organization", v.Organization) }

// VendorScope selects vendors: all conditions that are given must hold. Keys and Flag are "the top 50" (design.md 6).
type VendorScope struct {
	Class       []VendorClass  `json:"class"`
	Persistence []Persistence  `json:"persistence"`
	Status      []VendorStatus `json:"status"`
	Keys        []VendorKey    `json:"keys,omitempty"` // SETID/VENDOR_ID; empty means all
	Flag        []Text         `json:"flag,omitempty"` // values of the query's SCOPE_FLAG column; empty means any
}

func defaultVendors() Vendors {
	return Vendors{
		Scope:        VendorScope{Class: []VendorClass{"R"}, Persistence: []Persistence{"R", "P"}, Status: []VendorStatus{"A"}},
		Organization: map[VendorField]OrganizationPath{},
	}
}

// distinct complains when two sources would write the same target.
func distinct[K, V ~string](c *complaints, key string, m map[K]V) {
	owner := map[V]K{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if first, taken := owner[m[k]]; taken {
			c.at(join(key, string(k)), bad{what: show(m[k]) + " is written by " + string(first) + " already", want: "one source for each target field"})
			continue
		}
		owner[m[k]] = k
	}
}

// MissingEmail says what becomes of a hire without an email address.
type MissingEmail string

// The two answers; both flag the record.
const (
	CreateWithout MissingEmail = "create"
	HoldBack      MissingEmail = "hold"
)

// UnmarshalText accepts create and hold.
func (m *MissingEmail) UnmarshalText(b []byte) error { return word(m, b, CreateWithout, HoldBack) }
