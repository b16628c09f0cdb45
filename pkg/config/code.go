package config

// The codes of PeopleSoft that scopes list. An unknown code in the file is a typing error, not a new code: codes that
// PeopleSoft sends and nobody listed are flagged when they arrive (UNKNOWN_STATUS).

// PerOrg is PER_ORG (peoplesoft.md 2.7).
type PerOrg string

// UnmarshalText accepts the delivered values.
func (p *PerOrg) UnmarshalText(b []byte) error { return word(p, b, "EMP", "CWR", "POI") }

// EmplStatus is EMPL_STATUS (peoplesoft.md 2.8).
type EmplStatus string

// UnmarshalText accepts the delivered values.
func (e *EmplStatus) UnmarshalText(b []byte) error {
	return word(e, b, "A", "D", "L", "P", "Q", "R", "S", "T", "U", "V", "W", "X")
}

// EmailType is E_ADDR_TYPE; customers add their own.
type EmailType string

// UnmarshalText accepts 1 to 4 capital letters or digits.
func (e *EmailType) UnmarshalText(b []byte) error {
	return match(e, b, emailTypeShape, "1 to 4 capital letters or digits, for example BUSN")
}

// VendorClass is VENDOR_CLASS (peoplesoft.md 2.8).
type VendorClass string

// UnmarshalText accepts the delivered values.
func (v *VendorClass) UnmarshalText(b []byte) error { return word(v, b, "A", "E", "H", "R") }

// Persistence is VENDOR_PERSISTENCE (peoplesoft.md 2.8).
type Persistence string

// UnmarshalText accepts the delivered values.
func (p *Persistence) UnmarshalText(b []byte) error { return word(p, b, "O", "P", "R", "S") }

// VendorStatus is VENDOR_STATUS (peoplesoft.md 2.8).
type VendorStatus string

// UnmarshalText accepts the delivered values.
func (v *VendorStatus) UnmarshalText(b []byte) error { return word(v, b, "A", "D", "E", "I", "U", "X") }

// AuthStyle says where an OAuth2 client's secret goes.
type AuthStyle string

// UnmarshalText accepts auto, header and body.
func (a *AuthStyle) UnmarshalText(b []byte) error { return word(a, b, "auto", "header", "body") }

// TLSVersion is the oldest protocol that is accepted.
type TLSVersion string

// UnmarshalText accepts 1.2 and 1.3.
func (v *TLSVersion) UnmarshalText(b []byte) error { return word(v, b, "1.2", "1.3") }

// UserField is a value of an employee that can be mapped.
type UserField string

// UserFields lists the employee values that can be mapped: those that package transform can compute.
func UserFields() []UserField {
	return []UserField{"company", "department", "department_code", "employee_id", "job_code", "last_hire", "location", "per_org",
		"phone", "position", "reports_to", "supervisor", "terminated", "title"}
}

// UnmarshalText accepts the listed fields.
func (f *UserField) UnmarshalText(b []byte) error { return word(f, b, UserFields()...) }

// VendorField is a value of a vendor that can be mapped.
type VendorField string

// VendorFields lists the vendor values that can be mapped.
func VendorFields() []VendorField {
	return []VendorField{"city", "class", "country", "email", "parent", "persistence", "phone", "postal", "setid", "short_name", "state",
		"status", "street", "vendor_id"}
}

// UnmarshalText accepts the listed fields.
func (f *VendorField) UnmarshalText(b []byte) error { return word(f, b, VendorFields()...) }
