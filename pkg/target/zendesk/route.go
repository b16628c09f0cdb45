package zendesk

import (
	"net/http"
	"strings"
)

// route is one permitted call. The list is the whole of what this package can ask of Zendesk (failures.md 5.12): there
// is no DELETE in it and no path that merges or destroys.
type route struct {
	method, path string // {id} stands for digits, {job} for a job id
	limits       []limit
}

// limit is a bucket of its own besides the account's minute (zendesk.md 4.2).
type limit struct {
	name      string
	perRecord bool // one bucket for each {id}
}

func upsertLimits() []limit {
	return []limit{{name: bucketUpsert}, {name: bucketUser, perRecord: true}}
}

func routes() []route {
	incremental := []limit{{name: bucketIncremental}}
	return []route{
		{http.MethodPost, "/oauth/tokens", nil},
		{http.MethodGet, "/api/v2/oauth/tokens/current", nil},
		{http.MethodGet, "/api/v2/users/me", nil},
		{http.MethodGet, "/api/v2/users/count", nil},
		{http.MethodGet, "/api/v2/users/show_many", nil},
		{http.MethodGet, "/api/v2/users/search", nil},
		{http.MethodGet, "/api/v2/users/{id}", nil},
		{http.MethodPost, "/api/v2/users", nil},
		{http.MethodPut, "/api/v2/users/{id}", upsertLimits()},
		{http.MethodPost, "/api/v2/users/create_many", nil},
		{http.MethodPut, "/api/v2/users/update_many", nil},
		{http.MethodGet, "/api/v2/users/{id}/identities", nil},
		{http.MethodPost, "/api/v2/users/{id}/identities", nil},
		{http.MethodPut, "/api/v2/users/{id}/identities/{id}", nil},
		{http.MethodPut, "/api/v2/users/{id}/identities/{id}/make_primary", nil},
		{http.MethodGet, "/api/v2/users/{id}/group_memberships", nil},
		{http.MethodPost, "/api/v2/group_memberships", nil},
		{http.MethodGet, "/api/v2/organizations/show_many", nil},
		{http.MethodGet, "/api/v2/organizations/search", nil},
		{http.MethodGet, "/api/v2/organizations/{id}", nil},
		{http.MethodPost, "/api/v2/organizations", nil},
		{http.MethodPut, "/api/v2/organizations/{id}", []limit{{name: bucketOrg, perRecord: true}}},
		{http.MethodPost, "/api/v2/organizations/create_many", nil},
		{http.MethodPut, "/api/v2/organizations/update_many", nil},
		{http.MethodGet, "/api/v2/job_statuses", nil},
		{http.MethodGet, "/api/v2/job_statuses/show_many", nil},
		{http.MethodGet, exportPath, incremental},
		{http.MethodGet, "/api/v2/incremental/organizations", incremental},
		{http.MethodGet, "/api/v2/user_fields", nil},
		{http.MethodPost, "/api/v2/user_fields", nil},
		{http.MethodGet, "/api/v2/organization_fields", nil},
		{http.MethodPost, "/api/v2/organization_fields", nil},
		{http.MethodGet, "/api/v2/account/settings", nil},
	}
}

// exportPath is the export of users (zendesk.md 7.5).
const exportPath = "/api/v2/incremental/users/cursor"

// permit finds the route of a call or refuses the call: a violation, because only a bug of ours gets here.
func permit(list []route, method, path string) (route, string, error) {
	for _, r := range list {
		if r.method != method {
			continue
		}
		if record, ok := matchPath(r.path, path); ok {
			return r, record, nil
		}
	}
	return route{}, "", violation("refused to send " + method + ": not on the list of permitted calls")
}

// matchPath gives the first {id} of the path.
func matchPath(pattern, path string) (record string, ok bool) {
	ps, xs := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(ps) != len(xs) {
		return "", false
	}
	for i, p := range ps {
		switch {
		case p == "{id}":
			if !digits(xs[i]) {
				return "", false
			}
			if record == "" {
				record = xs[i]
			}
		case p != xs[i]:
			return "", false
		}
	}
	return record, true
}

func digits(s string) bool {
	return s != "" && len(s) <= 19 && strings.Trim(s, "0123456789") == ""
}
