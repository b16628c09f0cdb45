package zendesk

import (
	"net/http"
	"strings"
)

// route is one call of the API; scope is the OAuth resource it belongs to, "" when zendesk.md does not know (5.3).
type route struct {
	method, path, scope string
	handle              func(*call) reply
	open                bool // no authentication
	free                bool // not part of the account's budget
}

func (s *Sim) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range s.table() {
		mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, rt) })
	}
	for _, never := range []string{
		"DELETE /", "PUT /api/v2/users/{id}/merge", "POST /api/v2/users/{id}/merge", "PUT /api/v2/users/me/merge",
		"POST /api/v2/organizations/{id}/merge", "POST /api/v2/users/destroy_many", "POST /api/v2/organizations/destroy_many",
		"PUT /api/v2/users/destroy_many", "PUT /api/v2/organizations/destroy_many",
	} {
		mux.HandleFunc(never, s.refuseDelete)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("X-HTTP-Method-Override"), "delete") {
			s.refuseDelete(w, r)
			return
		}
		s.serve(w, r, route{path: "(unknown)", open: true, handle: func(*call) reply { return invalidEndpoint() }})
	})
	return mux
}

func (s *Sim) table() []route {
	const users, orgs, settings, hooks = "users", "organizations", "account_settings", "webhooks"
	get := func(scope, path string, h func(*call) reply) route {
		return route{method: "GET", path: "/api/v2/" + path, scope: scope, handle: h}
	}
	post := func(scope, path string, h func(*call) reply) route {
		return route{method: "POST", path: "/api/v2/" + path, scope: scope, handle: h}
	}
	put := func(scope, path string, h func(*call) reply) route {
		return route{method: "PUT", path: "/api/v2/" + path, scope: scope, handle: h}
	}
	return []route{
		get(users, "users/me", s.me),
		get(users, "users", s.listUsers),
		get(users, "users/count", s.countUsers),
		get(users, "users/search", s.searchUsers),
		get(users, "users/show_many", s.showUsers),
		get(users, "users/{id}", s.getUser),
		post(users, "users", s.createUser),
		put(users, "users/{id}", s.updateUser),
		post(users, "users/create_or_update", s.upsertUser),
		post(users, "users/create_many", s.createUsers),
		post(users, "users/create_or_update_many", s.upsertUsers),
		put(users, "users/update_many", s.updateUsers),
		get(users, "users/{id}/tags", s.userTags),
		post(users, "users/{id}/tags", s.userTags),
		put(users, "users/{id}/tags", s.userTags),
		get(users, "users/{id}/identities", s.listIdentities),
		post(users, "users/{id}/identities", s.createIdentity),
		get(users, "users/{id}/identities/{iid}", s.getIdentity),
		put(users, "users/{id}/identities/{iid}", s.updateIdentity),
		put(users, "users/{id}/identities/{iid}/make_primary", s.makePrimary),
		put(users, "users/{id}/identities/{iid}/verify", s.verifyIdentity),
		put(users, "users/{id}/identities/{iid}/request_verification", s.requestVerification),
		get(users, "users/{id}/organization_memberships", s.listMemberships("users")),
		get(users, "deleted_users", s.listDeleted),
		get(users, "deleted_users/{id}", s.getDeleted),
		get(orgs, "organizations", s.listOrgs),
		get(orgs, "organizations/count", s.countOrgs),
		get(orgs, "organizations/search", s.searchOrgs),
		get(orgs, "organizations/autocomplete", s.autocompleteOrgs),
		get(orgs, "organizations/show_many", s.showManyOrgs),
		get(orgs, "organizations/{id}", s.getOrg),
		get(orgs, "organizations/{id}/organization_memberships", s.listMemberships("organizations")),
		post(orgs, "organizations", s.createOrg),
		put(orgs, "organizations/{id}", s.updateOrg),
		post(orgs, "organizations/create_or_update", s.upsertOrg),
		post(orgs, "organizations/create_many", s.createOrgs),
		put(orgs, "organizations/update_many", s.updateOrgs),
		get(orgs, "organization_memberships", s.listMemberships("")),
		post(orgs, "organization_memberships", s.createMembership),
		post(orgs, "organization_memberships/create_many", s.createMemberships),
		get("", "job_statuses", s.listJobs),
		get("", "job_statuses/show_many", s.showJobs),
		get("", "job_statuses/{id}", s.getJob),
		get("", "incremental/users/cursor", s.exportUsers),
		get("", "incremental/organizations", s.exportOrgs),
		get(settings, "user_fields", s.listFields("user")),
		get(settings, "user_fields/{id}", s.getField("user")),
		post(settings, "user_fields", s.createField("user")),
		get(settings, "organization_fields", s.listFields("organization")),
		get(settings, "organization_fields/{id}", s.getField("organization")),
		post(settings, "organization_fields", s.createField("organization")),
		get(settings, "account/settings", s.accountSettings),
		get(users, "custom_roles", s.customRoles),
		get("groups", "groups", s.groups),
		get(users, "users/{id}/group_memberships", s.listGroupMemberships),
		post(users, "group_memberships", s.createGroupMembership),
		get("", "oauth/tokens/current", s.currentToken),
		get(hooks, "webhooks", s.listHooks),
		post(hooks, "webhooks", s.createHook),
		get(hooks, "webhooks/{id}", s.getHook),
		get(hooks, "webhooks/{id}/signing_secret", s.hookSecret),
		post(hooks, "webhooks/{id}/signing_secret", s.resetHookSecret),
		{method: "POST", path: "/oauth/tokens", open: true, free: true, handle: s.issueToken},
		{method: "GET", path: "/oauth/authorizations/new", open: true, free: true, handle: s.askUser},
	}
}
