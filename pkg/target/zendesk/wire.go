package zendesk

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/directory"
)

// wireUser is the part of Zendesk's user that we manage or must look at (zendesk.md 1.2); null reads as zero.
type wireUser struct {
	ID             int64          `json:"id"`
	Name           string         `json:"name"`
	Email          string         `json:"email"`
	ExternalID     string         `json:"external_id"`
	Phone          string         `json:"phone"`
	Role           string         `json:"role"`
	CustomRoleID   *int64         `json:"custom_role_id"`
	DefaultGroupID *int64         `json:"default_group_id"`
	Active         *bool          `json:"active"`
	Suspended      bool           `json:"suspended"`
	UserFields     map[string]any `json:"user_fields"`
}

// wireOrg is the part of Zendesk's organization that we manage (zendesk.md 2).
type wireOrg struct {
	ID                 int64          `json:"id"`
	Name               string         `json:"name"`
	ExternalID         string         `json:"external_id"`
	OrganizationFields map[string]any `json:"organization_fields"`
}

// wireIdentity is an address or number of a user (zendesk.md 1.5).
type wireIdentity struct {
	ID      int64  `json:"id"`
	Type    string `json:"type"`
	Value   string `json:"value"`
	Primary bool   `json:"primary"`
}

type usersAnswer struct {
	Users []wireUser `json:"users"`
}

type userAnswer struct {
	User wireUser `json:"user"`
}

type orgsAnswer struct {
	Organizations []wireOrg `json:"organizations"`
}

type orgAnswer struct {
	Organization wireOrg `json:"organization"`
}

type identitiesAnswer struct {
	Identities []wireIdentity `json:"identities"`
}

const roleEndUser = "end-user"

func (u wireUser) gone() bool  { return u.Active != nil && !*u.Active }
func (u wireUser) staff() bool { return u.Role != "" && u.Role != roleEndUser }

// entry is what the user holds, in the vocabulary of the target contract. Fields that the account does not define
// are absent.
func (u wireUser) entry() directory.Entry {
	state := directory.Active
	if u.Suspended {
		state = directory.Suspended
	}
	return directory.Entry{User: &directory.User{
		ExternalID: u.ExternalID, Name: u.Name, Email: strings.ToLower(u.Email), Phone: u.Phone,
		Fields: fieldTexts(prefixUser, u.UserFields), State: state,
	}}
}

func (o wireOrg) entry() directory.Entry {
	return directory.Entry{Organization: &directory.Organization{
		ExternalID: o.ExternalID, Name: o.Name, Fields: fieldTexts(prefixOrg, o.OrganizationFields), State: directory.Active,
	}}
}

func fieldTexts(prefix string, m map[string]any) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[prefix+k] = fieldText(v)
	}
	return out
}

// fieldText writes a custom field's value as text: null is blank, a midnight is a date (zendesk.md 7.1).
func fieldText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if day, rest, ok := strings.Cut(v, "T00:00:00"); ok && len(day) == 10 && strings.Trim(rest, "Z0:+-.") == "" {
			return day
		}
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		parts := make([]string, 0, len(v))
		for _, p := range v {
			parts = append(parts, fieldText(p))
		}
		return strings.Join(parts, ",")
	}
	return strings.TrimSpace(string(encode(v)))
}

// encode writes JSON without HTML escapes; our own values always encode.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func idText(id int64) string { return strconv.FormatInt(id, 10) }

// parseID reads an object id of a link; 0 when it is none.
func parseID(s string) int64 {
	if !digits(s) {
		return 0
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return id
}
