package peoplesoft

import (
	"time"
	_ "time/tzdata" // a scratch image has no zone database (failures.md K05)
)

// Rows says which effective-dated rows of JOB the employee query shows.
type Rows string

// The row modes of ML_EMPLOYEES.
const (
	// Current is what PSQuery does by default: per EMPL_RCD the one row with the greatest EFFDT
	// not after today and the greatest EFFSEQ of that day (peoplesoft.md 2.9, 3.3).
	Current Rows = "current"
	// History shows every row with EFFDT not after today.
	History Rows = "history"
	// All shows every row, future ones included.
	All Rows = "all"
)

// OAuth is the invented identity provider that the simulator also plays. It is off while ClientID is empty.
type OAuth struct {
	ClientID     string
	ClientSecret string
	Audience     string        // when set, a token request must carry it as audience or resource
	Scope        string        // scope written into every token answer
	Life         time.Duration // life of a token; default 1 hour
	Path         string        // token endpoint; default /idp/oauth2/token, outside Prefix
}

// Options describes one simulated PeopleSoft. The zero value is a demo company without authentication.
type Options struct {
	Seed      uint64           // same seed, same sizes and same Now: same company
	Employees int              // default 250; negative: none
	Vendors   int              // default 40; negative: none
	Now       func() time.Time // default time.Now; Advance adds to it
	Zone      *time.Location   // zone of LASTUPDDTTM and of "today"; default America/Chicago

	Node          string // node that answers the employee query; default PSFT_HR
	VendorNode    string // node that answers the vendor query; default PSFT_EP; may equal Node
	NodeOptional  bool   // also accept paths without a node segment (peoplesoft.md 3.1)
	Prefix        string // path before /PSIGW, for example /hr; default none
	EmployeeQuery string // default ML_EMPLOYEES
	VendorQuery   string // default ML_VENDORS

	User      string // Basic user (OPRID); empty: no Basic authentication
	Password  string
	LockAfter int // lock the account after so many bad passwords in a row; 0: never
	OAuth     OAuth

	Rows   Rows   // default Current
	Cap    int    // rows the server answers at most, whatever maxrows says; 0: no cap
	Quirks Quirks // shape of the answers; the zero value is the shape of the real samples
	Keep   int    // requests kept in the log; default 10000, the oldest go first
}

func (o Options) withDefaults() Options {
	o.Employees = orInt(o.Employees, 250)
	o.Vendors = orInt(o.Vendors, 40)
	o.Keep = orInt(o.Keep, 10000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = chicago()
	}
	if o.Rows == "" {
		o.Rows = Current
	}
	if o.OAuth.Life == 0 {
		o.OAuth.Life = time.Hour
	}
	o.Node = orText(o.Node, "PSFT_HR")
	o.VendorNode = orText(o.VendorNode, "PSFT_EP")
	o.EmployeeQuery = orText(o.EmployeeQuery, "ML_EMPLOYEES")
	o.VendorQuery = orText(o.VendorQuery, "ML_VENDORS")
	o.OAuth.Path = orText(o.OAuth.Path, "/idp/oauth2/token")
	return o
}

func chicago() *time.Location {
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		return time.UTC // cannot happen: the zone database is compiled in
	}
	return zone
}

func orInt(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return max(n, 0)
}

func orText(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
