// Package tenant names one isolated customer. Every method on stored or bus data takes an ID right after the
// context, so that forgetting the tenant is a compile error and not a leak.
package tenant

import (
	"errors"
	"regexp"
)

// ID names a tenant in subjects, stream names, keys and logs. Only Parse and Must make one that is safe there.
type ID string

// ErrID says what a tenant name may look like.
var ErrID = errors.New("tenant name: want 1 to 40 lower-case letters, digits or hyphens, starting with a letter or digit")

var shape = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$`)

// Parse returns s as an ID, or ErrID.
func Parse(s string) (ID, error) {
	if !shape.MatchString(s) {
		return "", ErrID
	}
	return ID(s), nil
}

// String returns the name as it stands in subjects and logs.
func (id ID) String() string { return string(id) }
