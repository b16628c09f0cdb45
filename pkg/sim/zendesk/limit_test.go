package zendesk_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func TestTheAccountHasAClockMinute(t *testing.T) {
	a := open(t, zendesk.Options{RequestsPerMinute: 3})
	a.time.add(33 * time.Second)
	first := a.want(200, "GET", "/api/v2/users/count", "")
	for name, want := range map[string]string{
		"x-rate-limit": "3", "x-rate-limit-remaining": "2", "ratelimit-limit": "3", "ratelimit-remaining": "2", "ratelimit-reset": "27",
	} {
		if got := first.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	unknown := a.want(404, "GET", "/api/v2/nothing/like/this.json", "")
	unknown.has(t, `"error":"InvalidEndpoint"`)
	if left := unknown.header.Get("x-rate-limit-remaining"); left != "1" {
		t.Errorf("%s left after an unknown path, want 1: every request counts", left)
	}
}

func TestOverBudgetIsCountedExactly(t *testing.T) {
	a := open(t, zendesk.Options{RequestsPerMinute: 3})
	a.time.add(33 * time.Second)
	for range 3 {
		a.want(200, "GET", "/api/v2/users/count", "")
	}
	for range 2 {
		over := a.want(429, "GET", "/api/v2/users/count", "")
		if over.header.Get("Retry-After") != "27" || over.header.Get("X-Rate-Limit-Remaining") != "0" {
			t.Errorf("headers %v", over.header)
		}
		over.has(t, `{"errors":[{"code":"TooManyRequests","title":`)
	}
	c := a.sim.Counters()
	if c.OverBudget != 2 || c.TooSoon != 1 || c.TooMany != 2 || c.Busiest != 3 || c.Limited["account"] != 2 {
		t.Errorf("counters %+v", c)
	}
	a.time.add(27 * time.Second)
	a.want(200, "GET", "/api/v2/users/count", "")
}

func TestForeignTrafficTakesItsShare(t *testing.T) {
	a := open(t, zendesk.Options{RequestsPerMinute: 100, ForeignPerMinute: 60})
	a.time.add(30 * time.Second)
	if left := a.want(200, "GET", "/api/v2/users/count", "").header.Get("X-Rate-Limit-Remaining"); left != "69" {
		t.Errorf("%s left after half a minute of 60 foreign calls and one of ours, want 69", left)
	}
}

func TestRateLimitBodies(t *testing.T) {
	tests := map[string]struct{ body, kind, want string }{
		"documented": {"", "application/json", `"TooManyRequests"`},
		"flat":       {"flat", "application/json", `"error":"APIRateLimitExceeded"`},
		"plain text": {"text", "text/plain", "exceeded"},
		"html":       {"html", "text/html", "<h1>429</h1>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{RequestsPerMinute: 1, Quirks: zendesk.Quirks{RateBody: tt.body}})
			a.want(200, "GET", "/api/v2/users/count", "")
			got := a.want(429, "GET", "/api/v2/users/count", "")
			if !strings.HasPrefix(got.header.Get("Content-Type"), tt.kind) || !strings.Contains(got.raw, tt.want) {
				t.Errorf("%s: %s", got.header.Get("Content-Type"), got.raw)
			}
		})
	}
}

func TestUpsertsShareOneSecond(t *testing.T) {
	a := open(t, zendesk.Options{RequestsPerMinute: 700})
	made := a.want(201, "POST", "/api/v2/users/create_or_update", `{"user":{"name":"A","external_id":"E1"}}`)
	if h := made.header.Get("Zendesk-RateLimit-create-update-user"); h != "total=1; remaining=0; resets=1" {
		t.Errorf("bucket header %q", h)
	}
	path := "/api/v2/users/" + made.str(t, "user", "id")
	a.want(429, "PUT", path, `{"user":{"name":"B"}}`)
	a.want(201, "POST", "/api/v2/users", `{"user":{"name":"C"}}`) // no limit of its own
	for range 5 {
		a.time.add(time.Second)
		a.want(200, "PUT", path, `{"user":{"name":"B"}}`)
	}
	a.time.add(time.Second)
	sixth := a.want(429, "PUT", path, `{"user":{"name":"B"}}`)
	if sixth.raw != "You have exceeded the rate limit for updating a single unique user. user email:  id:  external_id: " {
		t.Errorf("body %q", sixth.raw)
	}
	if sixth.header.Get("Retry-After") != "54" || !strings.HasPrefix(sixth.header.Get("Content-Type"), "text/plain") || sixth.header.Get("X-Rate-Limit-Remaining") == "0" {
		t.Errorf("headers %v", sixth.header)
	}
	apart := open(t, zendesk.Options{UpsertPerSecond: 1, Quirks: zendesk.Quirks{SeparateUpsertBuckets: true}})
	id := apart.want(201, "POST", "/api/v2/users/create_or_update", `{"user":{"name":"A"}}`).str(t, "user", "id")
	apart.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"name":"B"}}`)
	free := open(t, zendesk.Options{RequestsPerMinute: 700, UpsertPerSecond: -1, PerUserPerMinute: -1})
	id = free.user(`{"name":"A"}`)
	for range 10 {
		free.want(200, "PUT", "/api/v2/users/"+id, `{"user":{"name":"B"}}`)
	}
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		fault   zendesk.Fault
		status  int    // 0 = the connection breaks
		want    string // in the body
		created int    // users after one POST
	}{
		"a scripted 429":              {zendesk.Fault{Status: 429, Header: map[string]string{"Retry-After": "soon"}}, 429, "", 0},
		"a 500 before the effect":     {zendesk.Fault{Status: 500}, 500, "", 0},
		"a 502 after the effect":      {zendesk.Fault{Status: 502, AfterEffect: true, HTML: true, Body: "<h1>Bad gateway</h1>"}, 502, "<h1>", 1},
		"409":                         {zendesk.Fault{Status: 409, Body: `{"error":"DatabaseConflict"}`}, 409, "DatabaseConflict", 0},
		"a sign-in page with 200":     {zendesk.Fault{HTML: true}, 200, "<html>", 0},
		"an empty 200":                {zendesk.Fault{Empty: true}, 200, "", 0},
		"cut before the effect":       {zendesk.Fault{Drop: "before"}, 0, "", 0},
		"cut after the effect":        {zendesk.Fault{Drop: "after"}, 0, "", 1},
		"reset after the effect":      {zendesk.Fault{Drop: "after", Reset: true}, 0, "", 1},
		"only for one name":           {zendesk.Fault{Contains: `"name":"A"`, Status: 500}, 500, "", 0},
		"half a body":                 {zendesk.Fault{Truncate: 10}, 0, "", 1},
		"a write that does not stick": {zendesk.Fault{Lose: true}, 201, `"name":"A"`, 0},
		"drops of a body":             {zendesk.Fault{DripMS: 1}, 201, `"name":"A"`, 1},
		"a delay":                     {zendesk.Fault{DelayMS: 1}, 201, `"name":"A"`, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{})
			before := len(a.sim.Users())
			tt.fault.Method, tt.fault.Path = http.MethodPost, "/api/v2/users"
			a.sim.Fault(tt.fault)
			got, err := a.try("POST", "/api/v2/users.json", `{"user":{"name":"A"}}`)
			if (err != nil) != (tt.status == 0) {
				t.Fatalf("answer %+v, error %v", got, err)
			}
			if err == nil && (got.status != tt.status || !strings.Contains(got.raw, tt.want)) {
				t.Errorf("status %d body %q", got.status, got.raw)
			}
			if n := len(a.sim.Users()) - before; n != tt.created {
				t.Errorf("%d users were created, want %d", n, tt.created)
			}
			if h := tt.fault.Header["Retry-After"]; h != got.header.Get("Retry-After") && err == nil {
				t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
			}
			a.want(201, "POST", "/api/v2/users", `{"user":{"name":"A"}}`) // the fault strikes once
		})
	}
}

func TestFaultsCountTheirCalls(t *testing.T) {
	tests := map[string]struct {
		fault zendesk.Fault
		want  string // one digit per call: 1 = struck
	}{
		"once":               {zendesk.Fault{}, "100000"},
		"twice after three":  {zendesk.Fault{After: 3, Times: 2}, "000110"},
		"for ever":           {zendesk.Fault{Times: -1}, "111111"},
		"every third":        {zendesk.Fault{Every: 3, Times: -1}, "001001"},
		"by route":           {zendesk.Fault{Path: "/api/v2/users/{id}"}, "100000"},
		"by prefix":          {zendesk.Fault{Path: "/api/v2/users/*"}, "100000"},
		"not another method": {zendesk.Fault{Method: "PUT", Times: -1}, "000000"},
		"not another record": {zendesk.Fault{Contains: "E5", Times: -1}, "000000"},
		"not another path":   {zendesk.Fault{Path: "/api/v2/organizations*", Times: -1}, "000000"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := open(t, zendesk.Options{})
			tt.fault.Status = 503
			a.sim.Fault(tt.fault)
			struck := ""
			for range 6 {
				digit := "0"
				if a.call("GET", "/api/v2/users/1", "").status == 503 {
					digit = "1"
				}
				struck += digit
			}
			if struck != tt.want {
				t.Errorf("struck %s, want %s", struck, tt.want)
			}
		})
	}
}

func TestEveryNthWriteIsLost(t *testing.T) {
	a := open(t, zendesk.Options{LoseEvery: 5})
	before := len(a.sim.Users())
	a.job("POST", "/api/v2/users/create_many", people(50))
	if n := len(a.sim.Users()) - before; n != 40 || a.sim.Counters().Lost != 10 {
		t.Errorf("%d of 50 stuck, %d lost; want 40 and 10", n, a.sim.Counters().Lost)
	}
}

func TestNothingIsEverDeleted(t *testing.T) {
	tests := map[string]struct{ method, path string }{
		"a user":               {"DELETE", "/api/v2/users/ID.json"},
		"many users":           {"DELETE", "/api/v2/users/destroy_many?ids=ID"},
		"for ever":             {"DELETE", "/api/v2/deleted_users/ID"},
		"an identity":          {"DELETE", "/api/v2/users/ID/identities/1"},
		"an unknown path":      {"DELETE", "/anything"},
		"a merge":              {"PUT", "/api/v2/users/ID/merge"},
		"a merge of companies": {"POST", "/api/v2/organizations/1/merge"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, quietly := range []bool{false, true} {
				a := open(t, zendesk.Options{NoPanicOnDelete: quietly})
				id := a.user(`{"name":"A"}`)
				got, err := a.try(tt.method, strings.ReplaceAll(tt.path, "ID", id), `{}`)
				if quietly != (err == nil) || err == nil && got.status != 500 {
					t.Errorf("quietly %v: status %d, error %v", quietly, got.status, err)
				}
				if c := a.sim.Counters(); c.Deletes != 1 || len(a.sim.Deletions()) != 1 || a.sim.Deletions()[0].Method != tt.method {
					t.Errorf("deletes %d, log %v", c.Deletes, a.sim.Deletions())
				}
				a.want(200, "GET", "/api/v2/users/"+id, "").has(t, `"active":true`)
			}
		})
	}
}
