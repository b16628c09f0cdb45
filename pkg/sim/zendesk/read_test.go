package zendesk_test

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func TestCursorPagesHoldEveryUserOnce(t *testing.T) {
	a := open(t, zendesk.Options{})
	a.sim.SeedUsers(250)
	seen := map[string]int{}
	path := "/api/v2/users?page[size]=100&role[]=end-user"
	for pages := 0; path != ""; pages++ {
		if pages > 3 {
			t.Fatal("the pages do not end")
		}
		got := a.want(200, "GET", path, "")
		for i := range got.at(t, "users").([]any) {
			seen[got.str(t, "users", i, "id")]++
		}
		path = ""
		if got.str(t, "meta", "has_more") == "true" {
			next, err := url.Parse(got.str(t, "links", "next"))
			if err != nil || next.Host != "sim.zendesk.example" {
				t.Fatalf("next link %v %v: want a foreign host", next, err)
			}
			path = next.RequestURI()
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d users seen, want 250", len(seen))
	}
	a.want(400, "GET", "/api/v2/users?page[size]=101", "")
	a.want(400, "GET", "/api/v2/users/search?query=x&page[size]=10", "").has(t, "page must be an integer")
	a.want(400, "GET", "/api/v2/users?page=102&per_page=100", "").has(t, "InvalidPaginationDepth")
	if got := a.want(200, "GET", "/api/v2/users?page=3&per_page=100", ""); got.str(t, "count") != "251" || got.str(t, "next_page") != "null" || len(got.at(t, "users").([]any)) != 51 {
		t.Errorf("third offset page: count %s, next %s", got.str(t, "count"), got.str(t, "next_page"))
	}
}

func TestFindingUsers(t *testing.T) {
	a := open(t, zendesk.Options{SearchLag: time.Minute})
	id := a.user(`{"name":"Ada Byron","external_id":"E1","email":"ada@x.example"}`)
	tests := map[string]string{
		"users?external_id=e1": "1", "users/search?external_id=E1": "1", "users/show_many?external_ids=E1,E2": "1",
		"users/show_many?ids=" + id + ",7": "1", "users?external_id=E2": "0",
	}
	for query, want := range tests {
		if got := a.want(200, "GET", "/api/v2/"+query, ""); got.str(t, "count") != want {
			t.Errorf("%s: %s, want %s", query, got.raw, want)
		}
	}
	if got := a.want(200, "GET", "/api/v2/users/search?query=ada@x.example", ""); got.str(t, "count") != "0" {
		t.Errorf("the index knows a user at once: %s", got.raw)
	}
	a.time.add(time.Minute)
	for _, query := range []string{"email:ada%40x.example", "ADA@x.example", "byron", "external_id:E1", `type:user%20email%3Aada@x.example`} {
		if got := a.want(200, "GET", "/api/v2/users/search?query="+query, ""); query != `type:user%20email%3Aada@x.example` && got.str(t, "count") != "1" {
			t.Errorf("search %s: %s", query, got.raw)
		}
	}
}

func TestTheExportStreamsEveryChange(t *testing.T) {
	a := open(t, zendesk.Options{RequestsPerMinute: 700})
	start := a.time.now().Unix() - 1
	a.sim.SeedUsers(30)
	gone := a.sim.SeedUser(zendesk.NewUser{Name: "Gone"})
	a.time.add(2 * time.Minute)
	a.sim.Deactivate(gone)
	seen := map[string]int{}
	path := fmt.Sprintf("/api/v2/incremental/users/cursor.json?start_time=%d&per_page=10", start)
	var last answer
	for path != "" {
		last = a.want(200, "GET", path, "")
		for i := range last.at(t, "users").([]any) {
			seen[last.str(t, "users", i, "id")]++
			if last.str(t, "users", i, "permanently_deleted") != "false" {
				t.Error("permanently_deleted is not false")
			}
		}
		path = "/api/v2/incremental/users/cursor?cursor=" + last.str(t, "after_cursor")
		if last.str(t, "end_of_stream") == "true" {
			path = ""
		}
	}
	if len(seen) != 32 || seen[fmt.Sprint(gone)] != 1 {
		t.Errorf("%d users, want 30, the owner, and the soft-deleted one once: %v", len(seen), seen)
	}
	cursor := last.str(t, "after_cursor")
	id := a.user(`{"name":"Later"}`)
	more := a.want(200, "GET", "/api/v2/incremental/users/cursor?cursor="+cursor, "")
	if n := len(more.at(t, "users").([]any)); n != 1 || more.str(t, "users", 0, "id") != id {
		t.Errorf("after the cursor: %s", more.raw)
	}
	a.want(422, "GET", fmt.Sprintf("/api/v2/incremental/users/cursor?start_time=%d", a.time.now().Unix()), "")
	for range 20 {
		more = a.call("GET", "/api/v2/incremental/users/cursor?cursor="+cursor, "")
	}
	if more.status != 429 || more.header.Get("Zendesk-RateLimit-incremental-exports") != "total=10; remaining=0; resets=60" {
		t.Errorf("status %d headers %v after 20 exports in a minute", more.status, more.header)
	}
}

func TestTheOrganizationExportLosesNothingAtPageBorders(t *testing.T) {
	a := open(t, zendesk.Options{})
	start := a.time.now().Unix()
	for i := range 2300 {
		a.sim.SeedOrganization(zendesk.NewOrganization{Name: fmt.Sprintf("Org %d", i)})
		if i%300 == 0 {
			a.time.add(time.Second)
		}
	}
	a.time.add(time.Hour)
	seen := map[string]bool{}
	path := fmt.Sprintf("/api/v2/incremental/organizations?start_time=%d", start)
	for range 10 {
		got := a.want(200, "GET", path, "")
		for i := range got.at(t, "organizations").([]any) {
			seen[got.str(t, "organizations", i, "id")] = true
		}
		if got.str(t, "end_of_stream") == "true" {
			break
		}
		next, _ := url.Parse(got.str(t, "next_page"))
		path = next.RequestURI()
	}
	if len(seen) != 2300 {
		t.Errorf("%d organizations, want 2300", len(seen))
	}
}

func TestTheSmallEndpointsAnswer(t *testing.T) {
	a := open(t, zendesk.Options{})
	for path, want := range map[string]string{
		"account/settings": `"agent_created_welcome_emails":true`, "custom_roles": `"custom_roles":[`, "groups": `"groups":[`,
		"organizations/count": `"value":0`, "users/count": `"value":1`, "user_fields": `"user_fields":[]`, "organization_fields.json": `"organization_fields":[]`,
		"job_statuses": `"job_statuses":[]`, "organization_memberships": `"organization_memberships":[]`, "webhooks": `"webhooks":[]`,
		"deleted_users": `"deleted_users":[]`, "organizations": `"organizations":[]`, "organizations?page[size]=10": `"has_more":false`,
	} {
		a.want(200, "GET", "/api/v2/"+path, "").has(t, want)
	}
	a.want(404, "GET", "/api/v2/users/1", "").has(t, `"error":"RecordNotFound"`)
	a.want(404, "PATCH", "/api/v2/users/1", "").has(t, `"error":"InvalidEndpoint"`)
	a.want(400, "POST", "/api/v2/users", `{"user":`)
	a.want(400, "POST", "/api/v2/users", `{"name":"A"}`).has(t, "user must be an object")
}

// TestOurFieldsAreInTheOpenAPIFile compares the keys of our objects with Zendesk's own description.
func TestOurFieldsAreInTheOpenAPIFile(t *testing.T) {
	oas, err := os.ReadFile("../../../../shared/reference/zendesk-oas.yaml")
	if err != nil {
		t.Skip("NOT RUN: reference/zendesk-oas.yaml is not beside this checkout")
	}
	a := open(t, zendesk.Options{})
	user := a.want(201, "POST", "/api/v2/users", `{"user":{"name":"A","email":"a@x.example"}}`)
	org := a.want(201, "POST", "/api/v2/organizations", `{"organization":{"name":"A"}}`)
	ids := a.want(200, "GET", "/api/v2/users/"+user.str(t, "user", "id")+"/identities", "")
	job := a.job("POST", "/api/v2/users/create_many", `{"users":[{"name":"B"}]}`)
	tests := map[string]struct {
		keys   any
		schema string
		beyond []string // recorded, but missing in the file
	}{
		"user":         {user.at(t, "user"), "UserForAdmin", nil},
		"organization": {org.at(t, "organization"), "OrganizationObject", nil},
		"identity":     {ids.at(t, "identities", 0), "UserIdentityObject", nil},
		"job status":   {job.at(t, "job_status"), "JobStatusObject", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			known := properties(string(oas), tt.schema)
			if len(known) == 0 {
				t.Fatalf("no properties of %s found", tt.schema)
			}
			for key := range maps.Keys(tt.keys.(map[string]any)) {
				if !slices.Contains(known, key) && !slices.Contains(tt.beyond, key) {
					t.Errorf("%s is not a property of %s", key, tt.schema)
				}
			}
		})
	}
}

func properties(oas, schema string) (keys []string) {
	_, rest, _ := strings.Cut(oas, "\n    "+schema+":\n")
	if end := regexp.MustCompile(`(?m)^ {4}\S`).FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	for _, m := range regexp.MustCompile(`(?m)^ {8}(\w+):$`).FindAllStringSubmatch(rest, -1) {
		keys = append(keys, m[1])
	}
	return keys
}

func TestTheOrganizationExportShowsTheNewestStateOnce(t *testing.T) {
	a := open(t, zendesk.Options{})
	start := a.time.now().Unix()
	id := a.org(`{"name":"First"}`)
	for _, name := range []string{"Second", "Third"} {
		a.time.add(time.Second)
		a.want(200, "PUT", "/api/v2/organizations/"+id, `{"organization":{"name":"`+name+`"}}`)
	}
	a.want(422, "GET", fmt.Sprintf("/api/v2/incremental/organizations?start_time=%d", start-1), "").has(t, "StartTimeTooRecent")
	a.time.add(time.Minute)
	got := a.want(200, "GET", fmt.Sprintf("/api/v2/incremental/organizations?start_time=%d", start), "")
	if got.str(t, "count") != "1" || got.str(t, "organizations", 0, "name") != "Third" || got.str(t, "end_time") != fmt.Sprint(start+2) {
		t.Errorf("export %s", got.raw)
	}
}
