package zendesk_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// The recorded end user without email of zendesk.md 1.2: its keys are the contract.
const recordedUser = `{"id":6164039664282,"url":"https://SUB.zendesk.com/api/v2/users/6164039664282.json","name":"testUser","email":null,
"created_at":"2023-09-18T23:28:11Z","updated_at":"2023-09-18T23:28:11Z","time_zone":"America/New_York",
"iana_time_zone":"America/New_York","phone":null,"shared_phone_number":null,"photo":null,"locale_id":1,"locale":"en-US",
"organization_id":null,"role":"end-user","verified":false,"external_id":null,"tags":[],"alias":null,"active":true,
"shared":false,"shared_agent":false,"last_login_at":null,"two_factor_auth_enabled":false,"signature":null,"details":null,
"notes":null,"role_type":null,"custom_role_id":null,"moderator":false,"ticket_restriction":"requested",
"only_private_comments":false,"restricted_agent":true,"suspended":false,"default_group_id":null,"report_csv":false,
"user_fields":{}}`

func TestANewUserIsTheRecordedObject(t *testing.T) {
	a := open(t, zendesk.Options{})
	got := a.want(201, "POST", "/api/v2/users.json", `{"user":{"name":"testUser"}}`)
	var want map[string]any
	if err := json.Unmarshal([]byte(recordedUser), &want); err != nil {
		t.Fatal(err)
	}
	user := got.at(t, "user").(map[string]any)
	if g, w := slices.Sorted(maps.Keys(user)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
		t.Fatalf("keys\n%v, want\n%v", g, w)
	}
	for _, key := range []string{"id", "url", "created_at", "updated_at"} {
		delete(user, key)
		delete(want, key)
	}
	g, _ := json.Marshal(user)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("got\n%s, want\n%s", g, w)
	}
	if got.header.Get("Location") == "" || got.header.Get("X-Request-Id") == "" {
		t.Errorf("headers %v lack Location or X-Request-Id", got.header)
	}
}

func TestRefusedUserWrites(t *testing.T) {
	const duplicate = `"error":"DuplicateValue"`
	tests := map[string]struct {
		body string
		want []string
	}{
		"a name is required":                         {`{"name":""}`, []string{`"error":"RecordInvalid"`, `"description":"Record validation errors"`, `{"name":[{"description":"Name: is too short (minimum is 1 characters)"}]}`}},
		"a missing name is an empty one":             {`{"email":"x@corp.example"}`, []string{"too short"}},
		"an address needs its shape":                 {`{"name":"A","email":"badmail"}`, []string{`{"email":[{"description":"Email: badmail is not properly formatted"}]}`}},
		"a primary address is unique without case":   {`{"name":"A","email":"ADA@corp.example"}`, []string{"Email: ada@corp.example is already being used by another user", duplicate}},
		"a secondary address is as unique":           {`{"name":"A","email":"second@corp.example"}`, []string{"already being used by another user", duplicate}},
		"an external id is unique without case":      {`{"name":"A","external_id":"e1"}`, []string{`"external_id":[{"description":"External has already been taken"`, duplicate}},
		"a role must be one of three":                {`{"name":"A","role":"boss"}`, []string{`"role"`}},
		"an organization must exist":                 {`{"name":"A","organization_id":1}`, []string{`"organization_id"`}},
		"a name of 256 runes is too long":            {`{"name":"` + strings.Repeat("ä", 256) + `"}`, []string{"too long"}},
		"an address cannot be taken as an extra one": {`{"name":"A","identities":[{"type":"email","value":"ada@corp.example"}]}`, []string{duplicate}},
		"a domain without a dot is no mail domain":   {`{"name":"A","email":"a@localhost"}`, []string{"not properly formatted"}},
		"a domain with an underscore is no domain":   {`{"name":"A","email":"error@example.com_"}`, []string{"not properly formatted"}},
		"a checkbox takes true or false":             {`{"name":"A","user_fields":{"vip":"perhaps"}}`, []string{`"vip"`}},
		"a dropdown takes only its options":          {`{"name":"A","user_fields":{"dept":"dept_moon"}}`, []string{`"dept"`}},
		"suspended takes true or false":              {`{"name":"A","suspended":"perhaps"}`, []string{`"suspended"`}},
	}
	a := open(t, zendesk.Options{})
	a.sim.SeedField("user", zendesk.Field{Type: "checkbox", Key: "vip", Title: "VIP"})
	a.sim.SeedField("user", zendesk.Field{Type: "dropdown", Key: "dept", Title: "Dept", Options: []zendesk.FieldOption{{Name: "F", Value: "dept_finance"}}})
	id := a.user(`{"name":"Ada","email":"ada@corp.example","external_id":"E1"}`)
	a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"email":"second@corp.example"}}`)
	before := len(a.sim.Users())
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a.want(422, "POST", "/api/v2/users", `{"user":`+tt.body+`}`).has(t, tt.want...)
			if n := len(a.sim.Users()); n != before {
				t.Errorf("%d users, want %d as before", n, before)
			}
		})
	}
}

func TestANewEmailOfAKnownUserIsASecondaryOne(t *testing.T) {
	a := open(t, zendesk.Options{})
	id := a.user(`{"name":"Ada","email":"Old@Demo.com","verified":true}`)
	put := a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"email":"New@demo.com","verified":true}}`)
	if got := put.str(t, "user", "email"); got != "old@demo.com" {
		t.Fatalf("email %q, want the old one in lower case", got)
	}
	list := a.want(200, "GET", "/api/v2/users/"+id+"/identities", "")
	if list.str(t, "count") != "2" || list.str(t, "identities", 1, "value") != "new@demo.com" || list.str(t, "identities", 1, "primary") != "false" {
		t.Fatalf("identities %s", list.raw)
	}
	iid := list.str(t, "identities", 1, "id")
	done := a.want(200, "PUT", "/api/v2/users/"+id+"/identities/"+iid+"/make_primary", "{}")
	if done.str(t, "identities", 0, "value") != "new@demo.com" || done.str(t, "identities", 0, "primary") != "true" || done.str(t, "identities", 1, "primary") != "false" {
		t.Fatalf("after make_primary %s", done.raw)
	}
	for _, query := range []string{"query=email:old%40demo.com", "query=old%40demo.com", "query=email%3Anew%40demo.com"} {
		if found := a.want(200, "GET", "/api/v2/users/search?"+query, ""); found.str(t, "users", 0, "email") != "new@demo.com" {
			t.Errorf("search %s: %s", query, found.raw)
		}
	}
	a.want(422, "POST", "/api/v2/users", `{"user":{"name":"B","email":"old@demo.com"}}`).has(t, "DuplicateValue")
	old := done.str(t, "identities", 1, "id")
	a.want(200, "PUT", "/api/v2/users/"+id+"/identities/"+old, `{"identity":{"value":"parked@demo.com"}}`)
	a.want(201, "POST", "/api/v2/users", `{"user":{"name":"B","email":"old@demo.com"}}`)
}

func TestVerificationMailsAreCounted(t *testing.T) {
	tests := map[string]struct {
		body string
		want int64
	}{
		"an unverified address is mailed": {`{"name":"A","email":"a@corp.example"}`, 1},
		"skip_verify_email is quiet":      {`{"name":"A","email":"a@corp.example","skip_verify_email":true}`, 0},
		"a verified address is quiet":     {`{"name":"A","email":"a@corp.example","verified":true}`, 0},
		"no address, no mail":             {`{"name":"A"}`, 0},
		"a refused write mails nobody":    {`{"name":"","email":"a@corp.example"}`, 0},
		"every extra address is mailed":   {`{"name":"A","email":"a@corp.example","identities":[{"type":"email","value":"b@corp.example"}]}`, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{})
			a.call("POST", "/api/v2/users", `{"user":`+tt.body+`}`)
			if got := a.sim.Counters().Mails; got != tt.want {
				t.Errorf("%d mails, want %d", got, tt.want)
			}
		})
	}
}

func TestUpsertMatching(t *testing.T) {
	tests := map[string]struct {
		quirks zendesk.Quirks
		body   string
		status int
		who    string // A, B or new
		email  string // of the user then
		ext    string
	}{
		"neither matches":                         {body: `{"name":"N","external_id":"E9","email":"n@x.example"}`, status: 201, who: "new", email: "n@x.example", ext: "E9"},
		"the external id matches":                 {body: `{"name":"N","external_id":"EA","email":"a@x.example"}`, status: 200, who: "A", email: "a@x.example", ext: "EA"},
		"the external id matches in another case": {body: `{"name":"N","external_id":"ea"}`, status: 200, who: "A", email: "a@x.example", ext: "ea"},
		"a new email with a known external id":    {body: `{"name":"N","external_id":"EA","email":"new@x.example"}`, status: 200, who: "A", email: "a@x.example", ext: "EA"},
		"a new email may become the primary one":  {quirks: zendesk.Quirks{UpsertEmailBecomesPrimary: true}, body: `{"name":"N","external_id":"EA","email":"new@x.example"}`, status: 200, who: "A", email: "new@x.example", ext: "EA"},
		"the email is another user's":             {body: `{"name":"N","external_id":"EA","email":"b@x.example"}`, status: 422},
		"the email may win over the external id":  {quirks: zendesk.Quirks{UpsertPrefersEmail: true}, body: `{"name":"N","external_id":"EA","email":"b@x.example"}`, status: 200, who: "B", email: "b@x.example", ext: "null"},
		"a user without external id adopts it":    {body: `{"name":"N","external_id":"EB","email":"b@x.example"}`, status: 200, who: "B", email: "b@x.example", ext: "EB"},
		"another external id is overwritten":      {body: `{"name":"N","external_id":"EX","email":"a@x.example"}`, status: 200, who: "A", email: "a@x.example", ext: "EX"},
		"another external id may be refused":      {quirks: zendesk.Quirks{UpsertRefusesOtherExternal: true}, body: `{"name":"N","external_id":"EX","email":"a@x.example"}`, status: 422},
		"a secondary address matches":             {body: `{"name":"N","external_id":"EB","email":"b2@x.example"}`, status: 200, who: "B", email: "b@x.example", ext: "EB"},
		"a secondary address may be refused":      {quirks: zendesk.Quirks{UpsertIgnoresSecondary: true}, body: `{"name":"N","external_id":"EB","email":"b2@x.example"}`, status: 422},
		"a soft-deleted user is not found":        {body: `{"name":"N","external_id":"EC","email":"c@x.example"}`, status: 201, who: "new", email: "c@x.example", ext: "EC"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{Quirks: tt.quirks})
			ids := map[string]string{
				"A": a.user(`{"name":"A","external_id":"EA","email":"a@x.example"}`),
				"B": a.user(`{"name":"B","email":"b@x.example","identities":[{"type":"email","value":"b2@x.example"}]}`),
			}
			c := a.sim.SeedUser(zendesk.NewUser{Name: "C", ExternalID: "EC", Email: "c@x.example"})
			if !a.sim.Deactivate(c) {
				t.Fatal("C is not there")
			}
			got := a.want(tt.status, "POST", "/api/v2/users/create_or_update", `{"user":`+tt.body+`}`)
			if tt.status == 422 {
				got.has(t, "DuplicateValue", "is already being used by another user")
				return
			}
			id, known := got.str(t, "user", "id"), ids[tt.who]
			if tt.who == "new" && slices.Contains(slices.Collect(maps.Values(ids)), id) || tt.who != "new" && id != known {
				t.Errorf("wrote user %s, want %s %s", id, tt.who, known)
			}
			if got.str(t, "user", "email") != tt.email || got.str(t, "user", "external_id") != tt.ext {
				t.Errorf("email %s external id %s, want %s %s", got.str(t, "user", "email"), got.str(t, "user", "external_id"), tt.email, tt.ext)
			}
		})
	}
}

func TestTheOwnerIsProtected(t *testing.T) {
	a := open(t, zendesk.Options{})
	path := fmt.Sprintf("/api/v2/users/%d", a.sim.OwnerID())
	a.want(403, "PUT", path, `{"user":{"suspended":true}}`).has(t, `"title":"Forbidden"`)
	a.want(403, "PUT", path, `{"user":{"role":"end-user"}}`)
	u, _ := a.sim.User(a.sim.OwnerID())
	if u.Suspended || u.Role != "admin" {
		t.Errorf("owner %+v was changed", u)
	}
}

func TestOrganizationIDDropsTheOtherMemberships(t *testing.T) {
	a := open(t, zendesk.Options{})
	one, two, three := a.org(`{"name":"One"}`), a.org(`{"name":"Two"}`), a.org(`{"name":"Three"}`)
	id := a.user(`{"name":"A","organization_id":` + one + `}`)
	joined := a.want(201, "POST", "/api/v2/organization_memberships", `{"organization_membership":{"user_id":`+id+`,"organization_id":`+two+`}}`)
	if joined.str(t, "organization_membership", "default") != "null" {
		t.Errorf("default of a second membership: %s, want null", joined.raw)
	}
	a.want(422, "POST", "/api/v2/organization_memberships", `{"organization_membership":{"user_id":`+id+`,"organization_id":`+two+`}}`).has(t, "User has already been taken")
	if n := a.want(200, "GET", "/api/v2/users/"+id+"/organization_memberships", "").str(t, "count"); n != "2" {
		t.Fatalf("%s memberships, want 2", n)
	}
	a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"organization_id":`+three+`}}`)
	left := a.want(200, "GET", "/api/v2/users/"+id+"/organization_memberships", "")
	if left.str(t, "count") != "1" || left.str(t, "organization_memberships", 0, "organization_id") != three {
		t.Errorf("memberships %s, want only %s", left.raw, three)
	}
}

func TestTagsPhoneAliasAndFields(t *testing.T) {
	a := open(t, zendesk.Options{})
	a.want(201, "POST", "/api/v2/user_fields", `{"user_field":{"type":"text","key":"department","title":"Department","description":"d"}}`).has(t, `"position":9999`, `"raw_title":"Department"`, `"regexp_for_validation":null`)
	a.want(201, "POST", "/api/v2/user_fields", `{"user_field":{"type":"checkbox","key":"vip","title":"VIP"}}`)
	a.want(201, "POST", "/api/v2/user_fields", `{"user_field":{"type":"date","key":"hired","title":"Hired"}}`)
	id := a.user(`{"name":"A","phone":"+15550100","tags":["One"],"alias":null,"user_fields":{"department":"HR","hired":"2020-08-19","nonsense":1}}`)
	got := a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"tags":["two"],"created_at":"2001-01-01T00:00:00Z","user_fields":{"vip":true}}}`)
	for path, want := range map[string]string{
		"tags": `["two"]`, "phone": "+15550100", "alias": "", "user_fields": `{"department":"HR","hired":"2020-08-19T00:00:00+00:00","vip":true}`,
	} {
		if v := got.str(t, "user", path); v != want {
			t.Errorf("%s is %s, want %s", path, v, want)
		}
	}
	if warn := got.header.Get("X-Zendesk-API-Warn"); !strings.Contains(warn, "created_at") {
		t.Errorf("X-Zendesk-API-Warn %q does not name created_at", warn)
	}
	got = a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"phone":"","user_fields":{"department":null,"vip":null}}}`)
	if got.str(t, "user", "phone") != "null" || got.str(t, "user", "user_fields") != `{"department":null,"hired":"2020-08-19T00:00:00+00:00","vip":false}` {
		t.Errorf("cleared user %s", got.raw)
	}
	if tags := a.want(200, "PUT", "/api/v2/users/"+id+"/tags", `{"tags":["three"]}`).str(t, "tags"); tags != `["three","two"]` {
		t.Errorf("tags %s after adding three", tags)
	}
	strict := open(t, zendesk.Options{Quirks: zendesk.Quirks{RefuseUnknownFields: true}})
	strict.want(422, "POST", "/api/v2/users", `{"user":{"name":"A","user_fields":{"nonsense":1}}}`)
}

func TestASecondWriteOfTheSameChangesNothing(t *testing.T) {
	a := open(t, zendesk.Options{})
	id := a.user(`{"name":"A","external_id":"E1","tags":["x"]}`)
	a.time.add(time.Hour)
	again := a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"name":"A","external_id":"E1","suspended":false}}`)
	if again.str(t, "user", "updated_at") != again.str(t, "user", "created_at") {
		t.Errorf("updated_at moved: %s", again.raw)
	}
	all := a.sim.Effects()
	last := all[len(all)-1]
	if last.Verb != "update" || len(last.Changed) != 0 || a.sim.Counters().Unchanged != 1 {
		t.Errorf("last effect %+v, unchanged %d", last, a.sim.Counters().Unchanged)
	}
	a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"suspended":true}}`)
	a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"suspended":false,"name":"B"}}`)
	all = a.sim.Effects()
	verbs := []string{all[len(all)-2].Verb, all[len(all)-1].Verb}
	if !slices.Equal(verbs, []string{"suspend", "restore"}) || !slices.Equal(all[len(all)-1].Changed, []string{"name", "suspended"}) {
		t.Errorf("verbs %v changed %v", verbs, all[len(all)-1].Changed)
	}
}

func TestSoftDeletedUsersFreeTheirKeys(t *testing.T) {
	a := open(t, zendesk.Options{})
	id := a.sim.SeedUser(zendesk.NewUser{Name: "Gone", Email: "g@x.example", ExternalID: "G1"})
	a.sim.Deactivate(id)
	path := fmt.Sprintf("/api/v2/users/%d", id)
	gone := a.want(200, "GET", path, "")
	if gone.str(t, "user", "active") != "false" || gone.str(t, "user", "email") != "null" || gone.str(t, "user", "external_id") != "null" {
		t.Errorf("soft-deleted user %s", gone.raw)
	}
	a.want(404, "PUT", path, `{"user":{"name":"X"}}`).has(t, `{"description":"Not found","error":"RecordNotFound"}`)
	if back := a.user(`{"name":"Gone","email":"g@x.example","external_id":"G1"}`); back == fmt.Sprint(id) {
		t.Error("the new user has the old id")
	}
	hidden := open(t, zendesk.Options{Quirks: zendesk.Quirks{DeletedAre404: true}})
	id = hidden.sim.SeedUser(zendesk.NewUser{Name: "Gone"})
	hidden.sim.Deactivate(id)
	hidden.want(404, "GET", fmt.Sprintf("/api/v2/users/%d", id), "")
}
