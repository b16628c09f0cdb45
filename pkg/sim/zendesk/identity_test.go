package zendesk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func TestIdentities(t *testing.T) {
	a := open(t, zendesk.Options{})
	id := a.user(`{"name":"A","email":"a@corp.example","verified":true}`)
	a.user(`{"name":"B","email":"b@corp.example","verified":true}`)
	path := "/api/v2/users/" + id + "/identities"
	made := a.want(201, "POST", path, `{"identity":{"type":"email","value":"New@example.com","verified":true,"skip_verify_email":true}}`)
	made.has(t, `"value":"new@example.com"`, `"primary":false`, `"verified":true`, `"deliverable_state":"reserved_example"`, `"undeliverable_count":0`)
	iid := made.str(t, "identity", "id")
	a.want(200, "GET", path+"/"+iid+".json", "").has(t, `"type":"email"`)
	a.want(404, "GET", path+"/1", "")
	a.want(404, "POST", "/api/v2/users/1/identities", `{"identity":{}}`)
	for body, want := range map[string]string{
		`{"identity":{"type":"email","value":"b@corp.example"}}`: `{"value":[{"description":"Value: b@corp.example is already being used by another user","error":"DuplicateValue"}]}`,
		`{"identity":{"type":"email","value":"nonsense"}}`:       "not properly formatted",
		`{"identity":{"type":"email"}}`:                          "cannot be blank",
		`{"identity":{"value":"c@corp.example"}}`:                `"type"`,
	} {
		a.want(422, "POST", path, body).has(t, want)
	}
	a.want(422, "PUT", path+"/"+iid, `{"identity":{"value":"B@corp.example"}}`).has(t, "DuplicateValue")
	first := a.want(201, "POST", path, `{"identity":{"type":"email","value":"first@corp.example","primary":true}}`)
	first.has(t, `"primary":true`)
	if mails := a.sim.Counters().Mails; mails != 1 {
		t.Errorf("%d mails, want one for the unverified address", mails)
	}
	a.want(200, "PUT", path+"/"+first.str(t, "identity", "id")+"/verify", "{}").has(t, `"verified":true`)
	a.want(200, "PUT", path+"/"+iid+"/request_verification", "{}")
	a.want(201, "POST", path, `{"identity":{"type":"phone_number","value":"+15550100"}}`)
	list := a.want(200, "GET", path+"?type[]=email", "")
	if list.str(t, "count") != "3" || list.str(t, "identities", 0, "value") != "first@corp.example" {
		t.Errorf("emails %s", list.raw)
	}
	a.want(200, "GET", path+"?page[size]=100", "").has(t, `"has_more":false`, "+15550100")
	last := a.sim.Effects()[len(a.sim.Effects())-1]
	if last.Verb != "identity" || strings.Join(last.Changed, ",") != "identities" || last.RequestID == "" {
		t.Errorf("last effect %+v", last)
	}
}

func TestAnIdentityChangedInPlace(t *testing.T) {
	tests := map[string]struct {
		quirks   zendesk.Quirks
		verified string
		mails    int64
	}{
		"stays verified and quiet":  {zendesk.Quirks{}, "true", 0},
		"may lose its verification": {zendesk.Quirks{IdentityValueResetsVerified: true}, "false", 0},
		"may mail":                  {zendesk.Quirks{IdentityValueMails: true}, "true", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{Quirks: tt.quirks})
			id := a.user(`{"name":"A","email":"a@corp.example","verified":true}`)
			path := "/api/v2/users/" + id + "/identities"
			iid := a.want(200, "GET", path, "").str(t, "identities", 0, "id")
			got := a.want(200, "PUT", path+"/"+iid, `{"identity":{"value":"Free@corp.example"}}`)
			if got.str(t, "identity", "verified") != tt.verified || got.str(t, "identity", "value") != "free@corp.example" || a.sim.Counters().Mails != tt.mails {
				t.Errorf("%s, %d mails", got.raw, a.sim.Counters().Mails)
			}
			if u := a.want(200, "GET", "/api/v2/users/"+id, ""); u.str(t, "user", "email") != "free@corp.example" {
				t.Errorf("user %s", u.raw)
			}
		})
	}
}

func TestTheOwnersAddressCannotBeVerified(t *testing.T) {
	a := open(t, zendesk.Options{})
	path := fmt.Sprintf("/api/v2/users/%d/identities", a.sim.OwnerID())
	a.want(403, "PUT", path+"/"+a.want(200, "GET", path, "").str(t, "identities", 0, "id")+"/verify", "{}")
}

func TestRolesAndSeats(t *testing.T) {
	a := open(t, zendesk.Options{Seats: 2})
	id := a.user(`{"name":"A","role":"end-user","custom_role_id":7}`)
	path := "/api/v2/users/" + id
	a.want(200, "GET", path, "").has(t, `"role":"agent"`, `"custom_role_id":7`, `"role_type":0`)
	a.want(422, "POST", "/api/v2/users", `{"user":{"name":"B","role":"agent"}}`).has(t, `"role":[{"description":"Role: Subscription limit reached"}]`)
	both := a.want(200, "PUT", path, `{"user":{"role":"end-user","suspended":true}}`)
	both.has(t, `"role":"end-user"`, `"suspended":true`, `"custom_role_id":null`, `"role_type":null`)
	half := open(t, zendesk.Options{Quirks: zendesk.Quirks{RoleWithSuspendedHalf: true, ProtectedStatus: 422}})
	agent := half.sim.SeedAgent("Agent", "agent@corp.example")
	half.want(200, "PUT", fmt.Sprintf("/api/v2/users/%d", agent), `{"user":{"role":"end-user","suspended":true}}`).has(t, `"suspended":false`)
	half.want(422, "PUT", fmt.Sprintf("/api/v2/users/%d", half.sim.OwnerID()), `{"user":{"suspended":true}}`).has(t, "RecordInvalid")
	half.sim.SetRole(agent, "admin")
	if u, found := half.sim.User(agent); !found || u.Role != "admin" || *u.RoleType != 4 {
		t.Errorf("user %+v", u)
	}
}

func TestPhones(t *testing.T) {
	a := open(t, zendesk.Options{})
	one := a.user(`{"name":"A","phone":"+15550100"}`)
	shared := a.want(201, "POST", "/api/v2/users", `{"user":{"name":"B","phone":"+15550100"}}`)
	shared.has(t, `"phone":"+15550100"`, `"shared_phone_number":true`)
	a.want(200, "GET", "/api/v2/users/"+shared.str(t, "user", "id")+"/identities", "").has(t, `"count":0`)
	a.want(200, "PUT", "/api/v2/users/"+one, `{"user":{"phone":"+15550199"}}`).has(t, `"phone":"+15550100"`)
	a.want(200, "GET", "/api/v2/users/"+one+"/identities", "").has(t, `"count":2`, `"value":"+15550199"`)
}

func TestOrganizationsOfUsers(t *testing.T) {
	a := open(t, zendesk.Options{})
	mapped := a.org(`{"name":"Mapped","domain_names":["corp.example"]}`)
	id := a.user(`{"name":"A","email":"a@corp.example","verified":true}`)
	a.want(200, "GET", "/api/v2/users/"+id, "").has(t, `"organization_id":`+mapped)
	a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"organization_id":null}}`).has(t, `"organization_id":null`)
	a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"name":"AA"}}`).has(t, `"organization_id":null`)
	a.want(200, "GET", "/api/v2/users/"+id+"/organization_memberships", "").has(t, `"count":0`)
	named := a.want(201, "POST", "/api/v2/users", `{"user":{"name":"B","organization":{"name":"Made"}}}`)
	a.want(200, "GET", "/api/v2/organizations/"+named.str(t, "user", "organization_id"), "").has(t, `"name":"Made"`)
	a.want(201, "POST", "/api/v2/users", `{"user":{"name":"C","organization":{"name":"MAPPED"}}}`).has(t, `"organization_id":`+mapped)
	done := a.job("POST", "/api/v2/organization_memberships/create_many", `{"organization_memberships":[{"user_id":`+id+`,"organization_id":`+mapped+`},{"user_id":1,"organization_id":2}]}`)
	done.has(t, `"action":"create"`, `"success":true`, `"index":1`, `"error":"OrganizationMembershipCreateFailed"`)
	a.want(200, "GET", "/api/v2/organizations/"+mapped+"/organization_memberships", "").has(t, `"count":2`)
	a.want(404, "GET", "/api/v2/organizations/1", "")
	a.want(404, "PUT", "/api/v2/organizations/1", `{"organization":{}}`)
}

func TestCustomFields(t *testing.T) {
	a := open(t, zendesk.Options{})
	a.want(201, "POST", "/api/v2/user_fields", `{"user_field":{"type":"dropdown","key":"dept","title":"Dept","custom_field_options":[{"name":"F","value":"dept_f"},{"name":"H","value":"dept_h"}]}}`)
	a.want(201, "POST", "/api/v2/user_fields", `{"user_field":{"type":"checkbox","key":"vip","title":"VIP","tag":"vip_tag"}}`)
	a.want(201, "POST", "/api/v2/user_fields", `{"user_field":{"type":"integer","key":"floor","title":"Floor"}}`)
	a.want(201, "POST", "/api/v2/user_fields", `{"user_field":{"type":"decimal","key":"fte","title":"FTE"}}`)
	a.want(200, "GET", "/api/v2/user_fields/dept", "").has(t, `"value":"dept_f"`)
	a.want(404, "GET", "/api/v2/user_fields/nothing", "")
	for body, want := range map[string]string{
		`{"type":"text","key":"dept","title":"D"}`: "already been taken", `{"type":"text","key":"12","title":"D"}`: "Key: is invalid",
		`{"type":"text","key":"a-b","title":"D"}`: "Key: is invalid", `{"type":"magic","key":"m","title":"D"}`: "Type: is invalid", `{"type":"text","key":"t"}`: "cannot be blank",
	} {
		a.want(422, "POST", "/api/v2/user_fields", `{"user_field":`+body+`}`).has(t, want)
	}
	id := a.user(`{"name":"A","tags":["keep"],"user_fields":{"dept":"dept_f","vip":true,"floor":"3","fte":0.5}}`)
	got := a.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"user_fields":{"dept":"dept_h"}}}`)
	if tags := got.str(t, "user", "tags"); !strings.Contains(tags, "dept_h") || !strings.Contains(tags, "vip_tag") || strings.Contains(tags, "dept_f") {
		t.Errorf("tags %s", tags)
	}
	if f := got.str(t, "user", "user_fields"); f != `{"dept":"dept_h","floor":3,"fte":0.5,"vip":true}` {
		t.Errorf("fields %s", f)
	}
	a.want(201, "POST", "/api/v2/organization_fields", `{"organization_field":{"type":"text","key":"vendor","title":"V"}}`)
	a.want(201, "POST", "/api/v2/organizations", `{"organization":{"name":"O","organization_fields":{"vendor":"x"}}}`).has(t, `"organization_fields":{"vendor":"x"}`)
}
