// Package directory is the vocabulary of the target: what the help desk should hold for a record, in the desk's
// terms. It knows nothing of the source and nothing of one vendor's wire format.
package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// State is what the desk should make of the object.
type State string

// The states that can be wanted. None of them deletes anything.
const (
	Active    State = "active"    // exists and can be used
	Suspended State = "suspended" // a user without access; an object that never existed is not created for it
	Inactive  State = "inactive"  // an organization that is kept and marked in the audit trail
	Untouched State = "untouched" // leave whatever is there as it is: out of scope, not started, or unknown
)

// User is what the desk should hold for an employee.
type User struct {
	ExternalID string            // psft:emp:<EMPLID>
	Name       string            // display name
	Email      string            // primary address in lower case; "" leaves the desk's address as it is
	Phone      string            // "" leaves the desk's number as it is
	Fields     map[string]string // target field path (user_fields.department) to value; "" clears the field
	State      State
	FreeSeat   bool   // a leaver who is an agent is downgraded before the suspension (tenant policy)
	Park       string // an address of the customer's own that is held in place of any other, so that Email is free for somebody else
	Takes      string // external id of the record whose object this one takes over: a person approved it
}

// Organization is what the desk should hold for a vendor.
type Organization struct {
	ExternalID string            // psft:vendor:<SETID>:<VENDOR_ID>
	Name       string            // the name agents search for
	AltName    string            // a unique name to use when Name is taken by another object
	Fields     map[string]string // target field path (organization_fields.status) to value
	State      State
}

// Entry is exactly one of User and Organization.
type Entry struct {
	User         *User
	Organization *Organization
}

// ExternalID of whichever is set; "" for an empty entry.
func (e Entry) ExternalID() string {
	switch {
	case e.User != nil:
		return e.User.ExternalID
	case e.Organization != nil:
		return e.Organization.ExternalID
	}
	return ""
}

// State of whichever is set; Untouched for an empty entry.
func (e Entry) State() State {
	switch {
	case e.User != nil:
		return e.User.State
	case e.Organization != nil:
		return e.Organization.State
	}
	return Untouched
}

// Digest is a SHA-256 over every wanted value, equal exactly when two entries want the same.
func (e Entry) Digest() string {
	h := sha256.New()
	put := func(parts ...string) {
		for _, p := range parts {
			h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
		}
	}
	fields := func(m map[string]string) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			put(k, m[k])
		}
	}
	switch {
	case e.User != nil:
		u := e.User
		put("user", u.ExternalID, u.Name, strings.ToLower(u.Email), u.Phone, string(u.State), strconv.FormatBool(u.FreeSeat))
		if u.Park != "" {
			put("park", u.Park)
		}
		if u.Takes != "" {
			put("takes", u.Takes)
		}
		fields(u.Fields)
	case e.Organization != nil:
		o := e.Organization
		put("organization", o.ExternalID, o.Name, o.AltName, string(o.State))
		fields(o.Fields)
	}
	return hex.EncodeToString(h.Sum(nil))
}
