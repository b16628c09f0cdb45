package zendesk

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// User is a user as the API shows it (1.2). Values handed out are never changed afterwards.
type User struct {
	ID                   int64          `json:"id"`
	URL                  string         `json:"url"`
	Name                 string         `json:"name"`
	Email                *string        `json:"email"`
	CreatedAt            time.Time      `json:"created_at"`
	UpdatedAt            time.Time      `json:"updated_at"`
	TimeZone             string         `json:"time_zone"`
	IANATimeZone         string         `json:"iana_time_zone"`
	Phone                *string        `json:"phone"`
	SharedPhoneNumber    *bool          `json:"shared_phone_number"`
	Photo                *string        `json:"photo"`
	LocaleID             int64          `json:"locale_id"`
	Locale               string         `json:"locale"`
	OrganizationID       *int64         `json:"organization_id"`
	Role                 string         `json:"role"`
	Verified             bool           `json:"verified"`
	ExternalID           *string        `json:"external_id"`
	Tags                 []string       `json:"tags"`
	Alias                *string        `json:"alias"`
	Active               bool           `json:"active"`
	Shared               bool           `json:"shared"`
	SharedAgent          bool           `json:"shared_agent"`
	LastLoginAt          *time.Time     `json:"last_login_at"`
	TwoFactorAuthEnabled bool           `json:"two_factor_auth_enabled"`
	Signature            *string        `json:"signature"`
	Details              *string        `json:"details"`
	Notes                *string        `json:"notes"`
	RoleType             *int           `json:"role_type"`
	CustomRoleID         *int64         `json:"custom_role_id"`
	Moderator            bool           `json:"moderator"`
	TicketRestriction    *string        `json:"ticket_restriction"`
	OnlyPrivateComments  bool           `json:"only_private_comments"`
	RestrictedAgent      bool           `json:"restricted_agent"`
	Suspended            bool           `json:"suspended"`
	DefaultGroupID       *int64         `json:"default_group_id"`
	ReportCSV            bool           `json:"report_csv"`
	UserFields           map[string]any `json:"user_fields"`

	Identities []Identity `json:"-"` // primary first within each type; own endpoint in the API
	Groups     []int64    `json:"-"` // of an agent; own endpoint in the API

	change int64 // place in the change log
}

// Identity is one address or number of a user (1.5).
type Identity struct {
	URL                string    `json:"url"`
	ID                 int64     `json:"id"`
	UserID             int64     `json:"user_id"`
	Type               string    `json:"type"`
	Value              string    `json:"value"`
	Verified           bool      `json:"verified"`
	Primary            bool      `json:"primary"`
	CreatedAt          time.Time `json:"created_at"`
	UpdatedAt          time.Time `json:"updated_at"`
	UndeliverableCount int       `json:"undeliverable_count"`
	DeliverableState   string    `json:"deliverable_state"`
}

const (
	roleEndUser = "end-user"
	roleAgent   = "agent"
	roleAdmin   = "admin"
	typeEmail   = "email"
	typePhone   = "phone_number"
)

// copy is deep enough for writing.
func (u *User) copy() *User {
	c := *u
	c.Tags = slices.Clone(u.Tags)
	c.UserFields = maps.Clone(u.UserFields)
	c.Identities = slices.Clone(u.Identities)
	return &c
}

func (u *User) external() string {
	if u.ExternalID == nil {
		return ""
	}
	return *u.ExternalID
}

// primary is the index of the user's primary identity of a type, or -1.
func (u *User) primary(kind string) int {
	return slices.IndexFunc(u.Identities, func(i Identity) bool { return i.Type == kind && i.Primary })
}

// sync draws email and verified from the identities.
func (u *User) sync() {
	u.Email, u.Verified = nil, false
	if i := u.primary(typeEmail); i >= 0 {
		u.Email = new(u.Identities[i].Value)
	}
	for _, i := range u.Identities {
		u.Verified = u.Verified || i.Verified
	}
}

// userChanges names the fields in which two states differ; identities count as "identities".
func userChanges(before, after *User) []string {
	if before == nil {
		return []string{}
	}
	return changed(*before, *after, "updated_at")
}

// changed compares two structs of one type field by field under their JSON names.
func changed[T any](before, after T, ignore string) []string {
	out := []string{}
	b, a := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		f := b.Type().Field(i)
		name := or(f.Tag.Get("json"), ignore)
		if name == "-" {
			name = strings.ToLower(f.Name)
		}
		if name == ignore || !f.IsExported() {
			continue
		}
		if !reflect.DeepEqual(b.Field(i).Interface(), a.Field(i).Interface()) {
			out = append(out, name)
		}
	}
	return out
}

// show adds the defined custom fields that the user does not set (1.2).
func (s *Sim) show(u *User) *User {
	c := *u
	c.UserFields = s.defs["user"].show(u.UserFields)
	if c.Tags == nil {
		c.Tags = []string{}
	}
	return &c
}

func (s *Sim) showAll(us []*User) []*User {
	out := make([]*User, 0, len(us))
	for _, u := range us {
		out = append(out, s.show(u))
	}
	return out
}

// Users returns every user there ever was, soft-deleted ones too, oldest first.
func (s *Sim) Users() (out []User) {
	s.locked(func(time.Time) {
		for _, id := range s.users.order {
			out = append(out, *s.show(s.users.byID[id]))
		}
	})
	return out
}

// User returns one user.
func (s *Sim) User(id int64) (out User, found bool) {
	s.locked(func(time.Time) {
		if u := s.users.byID[id]; u != nil {
			out, found = *s.show(u), true
		}
	})
	return out, found
}

// UserByExternalID returns the active user with that external id, compared without case.
func (s *Sim) UserByExternalID(externalID string) (out User, found bool) {
	s.locked(func(time.Time) {
		if u := s.users.external(externalID); u != nil {
			out, found = *s.show(u), true
		}
	})
	return out, found
}
