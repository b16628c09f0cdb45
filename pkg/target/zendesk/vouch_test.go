package zendesk

import (
	"errors"
	"net/http"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// sound is an update of user 7, who stands for employee 1.
func sound() target.Change {
	u := &directory.User{ExternalID: "psft:emp:1", State: directory.Active}
	return target.Change{Item: target.Item{Ref: record.Ref{Kind: record.Employee, Key: "1"}, TargetID: "7", Wanted: directory.Entry{User: u}},
		Verb: target.Update, Object: "7", Held: directory.Entry{User: &directory.User{ExternalID: "PSFT:EMP:1"}}}
}

// Whatever a bug makes of a call, it names its record's object and external id, or it does not leave (failures.md O4, O6).
func TestWhatNamesSomebodyElseDoesNotLeave(t *testing.T) {
	of := func(edit func(*target.Change)) []target.Change {
		c := sound()
		edit(&c)
		return []target.Change{c}
	}
	as := func(verb target.Verb) []target.Change { return of(func(c *target.Change) { c.Verb = verb }) }
	const one, many = "/api/v2/users/{id}", "/api/v2/users/update_many"
	vendor := of(func(c *target.Change) {
		c.Ref, c.Wanted = record.Ref{Kind: record.Vendor, Key: "SHARE/9"}, directory.Entry{Organization: &directory.Organization{ExternalID: "psft:vendor:SHARE:9"}}
		c.Held = directory.Entry{}
	})
	for name, tc := range map[string]struct {
		method, path, record, body string
		about                      []target.Change
		good                       bool
	}{
		"a sound update":                           {http.MethodPut, one, "7", `{"user":{"name":"A"}}`, as(target.Update), true},
		"a sound vendor":                           {http.MethodPut, "/api/v2/organizations/{id}", "7", `{"organization":{"name":"A"}}`, vendor, true},
		"a sound create":                           {http.MethodPost, "/api/v2/users", "", `{"user":{"external_id":"psft:emp:1"}}`, as(target.Create), true},
		"a sound element of a job":                 {http.MethodPut, many, "", `{"users":[{"id":7,"name":"A"}]}`, as(target.Update), true},
		"a sound address":                          {http.MethodPut, one + "/identities/{id}/make_primary", "7", `{}`, as(target.Update), true},
		"a sound membership":                       {http.MethodPost, "/api/v2/group_memberships", "", `{"group_membership":{"user_id":7,"group_id":3}}`, as(target.Update), true},
		"an object taken over from a leaver":       {http.MethodPut, one, "7", `{"user":{}}`, of(func(c *target.Change) { c.Held.User.ExternalID, c.Wanted.User.Takes = "psft:emp:0", "psft:emp:0" }), true},
		"a call for nobody":                        {http.MethodPut, one, "7", `{"user":{"name":"A"}}`, nil, false},
		"another object in the path":               {http.MethodPut, one, "8", `{"user":{"name":"A"}}`, as(target.Update), false},
		"another object in the body":               {http.MethodPut, one, "7", `{"user":{"id":8,"name":"A"}}`, as(target.Update), false},
		"another object in an element":             {http.MethodPut, many, "", `{"users":[{"id":8,"name":"A"}]}`, as(target.Update), false},
		"an element without its object":            {http.MethodPut, many, "", `{"users":[{"name":"A"}]}`, as(target.Update), false},
		"an element for nobody":                    {http.MethodPut, many, "", `{"users":[{"id":7},{"id":8}]}`, as(target.Update), false},
		"another external id in the body":          {http.MethodPut, one, "7", `{"user":{"external_id":"psft:emp:2"}}`, as(target.Update), false},
		"another external id of a create":          {http.MethodPost, "/api/v2/users", "", `{"user":{"external_id":"psft:emp:2"}}`, as(target.Create), false},
		"a create without an external id":          {http.MethodPost, "/api/v2/users", "", `{"user":{"name":"A"}}`, as(target.Create), false},
		"an upsert that names an object":           {http.MethodPost, "/api/v2/users/create_or_update_many", "", `{"users":[{"id":7,"external_id":"psft:emp:1"}]}`, as(target.Create), false},
		"an object that carries another record":    {http.MethodPut, one, "7", `{"user":{}}`, of(func(c *target.Change) { c.Held.User.ExternalID = "psft:emp:2" }), false},
		"an object that was never read":            {http.MethodPut, one, "7", `{"user":{}}`, of(func(c *target.Change) { c.Object = "" }), false},
		"a wanted external id of somebody else":    {http.MethodPut, one, "7", `{"user":{}}`, of(func(c *target.Change) { c.Wanted.User.ExternalID = "psft:emp:2" }), false},
		"a membership of somebody else":            {http.MethodPost, "/api/v2/group_memberships", "", `{"group_membership":{"user_id":8}}`, as(target.Update), false},
		"a body that cannot be read":               {http.MethodPut, one, "7", `{"user":`, as(target.Update), false},
		"a vendor whose key has another separator": {http.MethodPut, "/api/v2/organizations/{id}", "8", `{"organization":{}}`, vendor, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := vouch(call{method: tc.method, about: tc.about}, route{method: tc.method, path: tc.path}, tc.record, []byte(tc.body))
			if (err == nil) != tc.good || err != nil && fault.CodeOf(err) != fault.SafetyStop {
				t.Fatalf("answer %v, want good %v", err, tc.good)
			}
		})
	}
}

// After a violation not even a read leaves, whoever asks.
func TestAfterAViolationNothingLeaves(t *testing.T) {
	for name, violate := range map[string]func(a *account) error{
		"a DELETE": func(a *account) error {
			_, err := a.target.client.do(t.Context(), call{method: http.MethodDelete, path: "/api/v2/users/7"})
			return err
		},
		"a merge": func(a *account) error {
			_, err := a.target.client.do(t.Context(), call{method: http.MethodPut, path: "/api/v2/users/7/merge", about: []target.Change{sound()}})
			return err
		},
		"a DELETE behind the gate": func(a *account) error {
			_, err := a.target.client.send(t.Context(), http.MethodDelete, "/api/v2/deleted_users/7", nil, "", nil, secret.String{})
			return err
		},
		"a write of another record's object": func(a *account) error {
			_, err := a.target.client.do(t.Context(), call{method: http.MethodPut, path: "/api/v2/users/8", body: wrap("user", map[string]any{"name": "A"}), about: []target.Change{sound()}})
			return err
		},
		"a write for another tenant": func(a *account) error {
			_, err := a.target.Apply(t.Context(), "globex", []target.Change{sound()}, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{}, func(c *Config) { c.Tenant = acme })
			a.sync(person(1))
			before := len(a.sim.Requests())
			if err := violate(a); fault.CodeOf(err) != fault.SafetyStop {
				t.Fatalf("the violation answers %v", err)
			}
			_, err := a.target.Plan(t.Context(), acme, []target.Item{person(2)})
			if fault.CodeOf(err) != fault.SafetyStop {
				t.Errorf("a read after it answers %v", err)
			}
			if n := len(a.sim.Requests()) - before; n != 0 {
				t.Errorf("%d requests at or after the violation", n)
			}
			var e *fault.Error
			if err := a.target.client.shut(); !errors.As(err, &e) || e.Detail == "" {
				t.Errorf("the client remembers %v", err)
			}
		})
	}
}
