package zendesk_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func people(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"external_id":"E%d","name":"P %d","email":"p%d@x.example","skip_verify_email":true}`, i, i, i)
	}
	return `{"users":[` + strings.TrimPrefix(b.String(), ",") + `]}`
}

func TestAJobGoesThroughItsStates(t *testing.T) {
	a := open(t, zendesk.Options{JobDuration: func(int) time.Duration { return 10 * time.Second }, JobHiddenFor: time.Second})
	first := a.want(200, "POST", "/api/v2/users/create_or_update_many", people(100))
	id := first.str(t, "job_status", "id")
	first.has(t, `"status":"queued"`, `"progress":null`, `"message":null`, `"results":null`, `"total":100`)
	if !strings.HasPrefix(id, "V3-") || len(id) != 35 {
		t.Errorf("job id %q is not shaped as recorded", id)
	}
	a.want(404, "GET", "/api/v2/job_statuses/"+id+".json", "")
	a.time.add(time.Second)
	a.want(200, "GET", "/api/v2/job_statuses/"+id, "").has(t, `"status":"queued"`)
	a.time.add(4 * time.Second)
	a.want(200, "GET", "/api/v2/job_statuses/"+id, "").has(t, `"status":"working"`, `"progress":37`, `"results":null`)
	a.time.add(5 * time.Second)
	done := a.want(200, "GET", "/api/v2/job_statuses/show_many?ids="+id+",V3-unknown", "")
	done.has(t, `"status":"completed"`, `"progress":100`, `"message":"Completed at 2026-11-23 10:15:10 +0000"`)
	if n := len(done.at(t, "job_statuses", 0, "results").([]any)); n != 100 {
		t.Errorf("%d results, want 100", n)
	}
	a.time.add(25 * time.Hour)
	a.want(404, "GET", "/api/v2/job_statuses/"+id, "").has(t, "RecordNotFound")
}

func TestBulkResultShapes(t *testing.T) {
	const prepared = `{"name":"Taken","external_id":"T1","email":"taken@x.example"}`
	tests := map[string]struct {
		quirks             zendesk.Quirks
		method, path, body string
		want               []string // exact result elements; ID stands for any number
	}{
		"created users": {method: "POST", path: "users/create_many", body: `{"users":[{"name":"A"},{"name":""}]}`,
			want: []string{`{"id":ID,"status":"Created"}`, `{"id":ID,"status":"Failed","error":"UserCreateError","details":"Name: is too short (minimum is 1 characters)"}`}},
		"upserted users": {method: "POST", path: "users/create_or_update_many", body: `{"users":[{"name":"A","email":"A@x.example"},{"name":"T","external_id":"t1"},{"name":"F","email":"error@example.com_"}]}`,
			want: []string{`{"id":ID,"status":"Created","email":"a@x.example"}`, `{"id":ID,"status":"Updated","email":"taken@x.example"}`,
				`{"id":2,"status":"Failed","error":"UserUpdateError","details":"Name: Email: error@example.com_ is not properly formatted"}`}},
		"a failure by index": {quirks: zendesk.Quirks{UpsertFailureIndex: true, ResultIndex: true, ResultsWithoutEmail: true}, method: "POST", path: "users/create_or_update_many", body: `{"users":[{"name":"A","email":"a@x.example"},{"name":""}]}`,
			want: []string{`{"index":0,"id":ID,"status":"Created"}`, `{"index":1,"status":"Failed","error":"UserUpdateError","details":"Name: is too short (minimum is 1 characters)"}`}},
		"missing results": {quirks: zendesk.Quirks{DropResults: 1}, method: "POST", path: "users/create_many", body: `{"users":[{"name":"A"},{"name":"B"}]}`,
			want: []string{`{"id":ID,"status":"Created"}`}},
		"updated users": {method: "PUT", path: "users/update_many", body: `{"users":[{"external_id":"T1","suspended":true},{"id":12,"name":"X"}]}`,
			want: []string{`{"id":ID,"action":"update","status":"Updated","success":true}`, `{"index":1,"id":12,"status":"Failed","error":"UserUpdateError","details":"User not found"}`}},
		"one change for many": {method: "PUT", path: "users/update_many?external_ids=T1,nobody", body: `{"user":{"suspended":true}}`,
			want: []string{`{"id":ID,"action":"update","status":"Updated","success":true}`, `{"index":1,"id":ID,"status":"Failed","error":"UserUpdateError","details":"User not found"}`}},
		"created organizations": {method: "POST", path: "organizations/create_many", body: `{"organizations":[{"name":"New"},{"name":"ACME"}]}`,
			want: []string{`{"id":ID,"status":"Created"}`, `{"index":1,"error":"OrganizationCreateFailed","details":"Name:  ACME has already been taken"}`}},
		"updated organizations": {method: "PUT", path: "organizations/update_many", body: `{"organizations":[{"external_id":"V1","notes":"n"},{"external_id":"V2","name":"acme"}]}`,
			want: []string{`{"id":ID,"action":"update","status":"Updated","success":true}`, `{"index":1,"id":ID,"error":"OrganizationUpdateFailed","details":"Name:  acme has already been taken"}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{Quirks: tt.quirks})
			a.user(prepared)
			a.org(`{"name":"Acme","external_id":"V1"}`)
			a.org(`{"name":"Other","external_id":"V2"}`)
			got := a.job(tt.method, "/api/v2/"+tt.path, tt.body)
			results := got.raw[strings.Index(got.raw, `"results":[`)+len(`"results":[`):]
			results = results[:strings.LastIndex(results, "]")]
			if want := strings.Join(tt.want, ","); !sameButIDs(results, want) {
				t.Errorf("results\n%s, want\n%s", results, want)
			}
		})
	}
}

// sameButIDs compares texts in which ID stands for digits.
func sameButIDs(got, want string) bool {
	for part := range strings.SplitSeq(want, "ID") {
		rest, found := strings.CutPrefix(got, part)
		if !found {
			return false
		}
		got = strings.TrimLeft(rest, "0123456789")
	}
	return got == ""
}

func TestBulkRefusals(t *testing.T) {
	over := people(101)
	orgs := strings.ReplaceAll(over, `"users"`, `"organizations"`)
	tests := map[string]struct {
		options            zendesk.Options
		method, path, body string
		status             int
		want               string
	}{
		"101 users":                        {method: "POST", path: "users/create_many", body: over, status: 400, want: `{"description":"Maximum 100 users may be created per call","error":"TooManyValues"}`},
		"101 upserts":                      {method: "POST", path: "users/create_or_update_many", body: over, status: 400, want: `Maximum 100 users may be created per call`},
		"101 organizations":                {method: "POST", path: "organizations/create_many", body: orgs, status: 400, want: `{"description":"Parameter  cannot specify more than 100 values","error":"TooManyValues","max_count":100}`},
		"no users":                         {method: "POST", path: "users/create_many", body: `{}`, status: 400, want: "users must be an array"},
		"the import gate on create":        {options: zendesk.Options{ImportGate: true}, method: "POST", path: "users/create_many", body: people(1), status: 403, want: `"title":"Forbidden"`},
		"the import gate on upsert":        {options: zendesk.Options{ImportGate: true, Quirks: zendesk.Quirks{GateFlatBody: true}}, method: "POST", path: "users/create_or_update_many", body: people(1), status: 403, want: `{"error":"Forbidden","message":"Data imports are not enabled"}`},
		"the gate leaves update_many open": {options: zendesk.Options{ImportGate: true}, method: "PUT", path: "users/update_many?ids=1", body: `{"user":{}}`, status: 200, want: "queued"},
		"the gate may cover update_many":   {options: zendesk.Options{ImportGate: true, Quirks: zendesk.Quirks{GateUpdateMany: true}}, method: "PUT", path: "users/update_many?ids=1", body: `{"user":{}}`, status: 403, want: "Forbidden"},
		"the gate leaves organizations":    {options: zendesk.Options{ImportGate: true}, method: "POST", path: "organizations/create_many", body: `{"organizations":[{"name":"A"}]}`, status: 200, want: "queued"},
		"the gate may cover organizations": {options: zendesk.Options{ImportGate: true, Quirks: zendesk.Quirks{GateOrganizations: true}}, method: "POST", path: "organizations/create_many", body: `{"organizations":[{"name":"A"}]}`, status: 403, want: "Forbidden"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, tt.options)
			if got := a.want(tt.status, tt.method, "/api/v2/"+tt.path, tt.body); !strings.Contains(got.raw, tt.want) {
				t.Errorf("answer %s lacks %s", got.raw, tt.want)
			}
		})
	}
}

func TestThirtyJobsAreTheLimit(t *testing.T) {
	a := open(t, zendesk.Options{JobDuration: func(int) time.Duration { return time.Minute }})
	for i := range 30 {
		got := a.want(200, "POST", "/api/v2/users/create_many", people(1))
		if h, want := got.header.Get("zendesk-ratelimit-inflight-jobs"), fmt.Sprintf("total=30; remaining=%d; resets=60", 29-i); h != want {
			t.Fatalf("header %q, want %q", h, want)
		}
	}
	refused := a.want(429, "PUT", "/api/v2/users/update_many?ids=1", `{"user":{}}`)
	refused.has(t, `"error":"TooManyJobs"`, "Too many UserBulkUpdateJobV2 jobs are currently queued or running. Try again later.", `"current_job_ids":["V3-`)
	a.time.add(time.Minute)
	a.want(200, "POST", "/api/v2/users/create_many", people(1))
	if c := a.sim.Counters(); c.MostJobs != 30 || c.Jobs != 31 || c.Limited["jobs"] != 1 {
		t.Errorf("counters %+v", c)
	}
	perClass := open(t, zendesk.Options{MaxJobs: 1, JobDuration: func(int) time.Duration { return time.Minute }, Quirks: zendesk.Quirks{TooManyJobsPerClass: true, TooManyJobsStatus: 503}})
	perClass.want(200, "POST", "/api/v2/users/create_many", people(1))
	perClass.want(200, "PUT", "/api/v2/users/update_many?ids=1", `{"user":{}}`)
	perClass.want(503, "POST", "/api/v2/users/create_many", people(1)).has(t, "TooManyJobs")
}

func TestOnlyTheLastHundredJobsAreKept(t *testing.T) {
	a := open(t, zendesk.Options{})
	first := a.job("POST", "/api/v2/users/create_many", `{"users":[{"name":"A"}]}`).str(t, "job_status", "id")
	for range 100 {
		a.time.add(time.Second)
		a.want(200, "POST", "/api/v2/users/create_many", `{"users":[{"name":"A"}]}`)
	}
	a.want(404, "GET", "/api/v2/job_statuses/"+first, "")
}

func TestTwoJobsTakeEffectInEitherOrder(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(20) {
		a := open(t, zendesk.Options{Seed: seed, JobDuration: func(int) time.Duration { return 10 * time.Second }})
		a.want(200, "POST", "/api/v2/users/create_or_update_many", `{"users":[{"external_id":"E","name":"first"}]}`)
		a.want(200, "POST", "/api/v2/users/create_or_update_many", `{"users":[{"external_id":"E","name":"second"}]}`)
		a.time.add(time.Minute)
		u, found := a.sim.UserByExternalID("e")
		if !found {
			t.Fatal("no user")
		}
		seen[u.Name] = true
		again := open(t, zendesk.Options{Seed: seed, JobDuration: func(int) time.Duration { return 10 * time.Second }})
		again.want(200, "POST", "/api/v2/users/create_or_update_many", `{"users":[{"external_id":"E","name":"first"}]}`)
		again.want(200, "POST", "/api/v2/users/create_or_update_many", `{"users":[{"external_id":"E","name":"second"}]}`)
		again.time.add(time.Minute)
		if v, _ := again.sim.UserByExternalID("E"); v.Name != u.Name || v.ID != u.ID {
			t.Fatalf("seed %d gave %s and %s", seed, u.Name, v.Name)
		}
	}
	if len(seen) != 2 {
		t.Errorf("over 20 seeds only %v won", seen)
	}
}

func TestJobsThatGoWrong(t *testing.T) {
	tests := map[string]struct {
		fate    zendesk.JobFault
		status  string
		results string
		users   int
	}{
		"killed before anything":       {zendesk.JobFault{Status: "killed"}, "killed", "null", 0},
		"failed half way":              {zendesk.JobFault{Status: "failed", Applied: 3}, "failed", "null", 3},
		"killed after everything":      {zendesk.JobFault{Status: "killed", Applied: -1}, "killed", "null", 10},
		"stuck":                        {zendesk.JobFault{Status: "working", Applied: 2}, "working", "null", 2},
		"an unknown word":              {zendesk.JobFault{Status: "paused"}, "paused", "null", 0},
		"completed with fewer results": {zendesk.JobFault{Drop: 9, Shuffle: true}, "completed", "[", 10},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{})
			a.sim.Fault(zendesk.Fault{Method: http.MethodPost, Path: "/api/v2/users/create_many", Job: &tt.fate})
			before := len(a.sim.Users())
			got := a.job("POST", "/api/v2/users/create_many", people(10))
			if got.str(t, "job_status", "status") != tt.status || !strings.HasPrefix(got.str(t, "job_status", "results"), tt.results) {
				t.Errorf("job %s", got.raw)
			}
			if n := len(a.sim.Users()) - before; n != tt.users {
				t.Errorf("%d users were created, want %d", n, tt.users)
			}
		})
	}
}

func TestOrganizations(t *testing.T) {
	a := open(t, zendesk.Options{PerOrgPerMinute: 5})
	made := a.want(201, "POST", "/api/v2/organizations", `{"organization":{"name":"Acme","external_id":"V1","domain_names":["acme.example"]}}`)
	made.has(t, `"shared_tickets":false`, `"organization_fields":{}`, `"group_id":null`, `"tags":[]`)
	id := made.str(t, "organization", "id")
	a.want(422, "POST", "/api/v2/organizations", `{"organization":{"name":"ACME"}}`).has(t, `{"name":[{"description":"Name: ACME has already been taken","error":"DuplicateValue"}]}`)
	a.want(422, "POST", "/api/v2/organizations/create_or_update", `{"organization":{"name":"acme","external_id":"V2"}}`)
	a.want(200, "POST", "/api/v2/organizations/create_or_update", `{"organization":{"name":"Acme Ltd","external_id":"v1"}}`).has(t, `"external_id":"v1"`, `"id":`+id)
	a.want(200, "POST", "/api/v2/organizations/create_or_update", `{"organization":{"id":`+id+`,"notes":"n"}}`)
	a.want(201, "POST", "/api/v2/organizations/create_or_update", `{"organization":{"name":"Acme","external_id":"V2"}}`)
	for query, want := range map[string]string{"search?external_id=V1": "1", "search?name=acme%20LTD": "1", "search?name=Acm": "0", "autocomplete?name=ac": "2", "show_many?external_ids=V1,V2,V3": "2"} {
		if got := a.want(200, "GET", "/api/v2/organizations/"+query, ""); got.str(t, "count") != want {
			t.Errorf("%s: %s, want count %s", query, got.raw, want)
		}
	}
	a.want(400, "GET", "/api/v2/organizations/search?name=a&external_id=b", "")
	if u := a.want(201, "POST", "/api/v2/users", `{"user":{"name":"A","email":"a@acme.example","verified":true}}`); u.str(t, "user", "organization_id") != id {
		t.Errorf("a verified address of a mapped domain did not join: %s", u.raw)
	}
	for range 5 {
		a.want(200, "PUT", "/api/v2/organizations/"+id, `{"organization":{"notes":"x"}}`)
	}
	a.want(429, "PUT", "/api/v2/organizations/"+id, `{"organization":{}}`).has(t, `{"errors":[{"code":"TooManyRequests","title":"Too many requests to update"}]}`)
	race := open(t, zendesk.Options{Quirks: zendesk.Quirks{DuplicateNameWindow: time.Second}})
	race.org(`{"name":"Twin"}`)
	race.org(`{"name":"Twin"}`)
	if names := race.sim.Organizations(); !slices.ContainsFunc(names, func(o zendesk.Organization) bool { return o.Name == "Twin" }) || len(names) != 2 {
		t.Errorf("organizations %v, want two of one name", names)
	}
}

func TestRefusedRecordsOfAJobAreNotWrittenAndFailAtTheirOwnIDs(t *testing.T) {
	a := open(t, zendesk.Options{JobDuration: func(int) time.Duration { return 0 }})
	for _, n := range []string{"1", "2", "3"} {
		a.want(201, "POST", "/api/v2/users", `{"user":{"name":"P","external_id":"E`+n+`","skip_verify_email":true}}`)
	}
	a.sim.Fault(zendesk.Fault{Path: "/api/v2/users/update_many", Times: 1, Job: &zendesk.JobFault{Refuse: 1}})
	body := `{"users":[{"external_id":"E1","name":"A"},{"external_id":"E2","name":"B"},{"external_id":"E3","name":"C"}]}`
	id := a.want(200, "PUT", "/api/v2/users/update_many", body).str(t, "job_status", "id")
	a.want(200, "GET", "/api/v2/job_statuses/"+id, "").has(t, `"index":0`, `"status":"Failed"`, "Database collision")
	var names []string
	for _, u := range a.sim.Users() {
		if u.ExternalID != nil {
			names = append(names, u.Name)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"B", "C", "P"}) {
		t.Errorf("names %v: the refused record must stay as it was, the others not", names)
	}
}
