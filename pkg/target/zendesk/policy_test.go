package zendesk

import (
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

const department = "user_fields.department"

// byHand is an agent who writes a field in Zendesk.
func (a *account) byHand(it target.Item, value any) {
	a.Helper()
	if _, err := a.target.client.do(a.Context(), call{method: "PUT", path: "/api/v2/users/" + it.TargetID, out: &userAnswer{}, about: []target.Change{{Item: it, Object: it.TargetID}},
		body: wrap("user", map[string]any{"user_fields": map[string]any{"department": value}})}); err != nil {
		a.Fatal(err)
	}
}

func TestWhoWinsAFieldThatWasChangedInZendesk(t *testing.T) {
	type step struct {
		byHand any    // nil: nobody touches it
		wanted string // of PeopleSoft
		holds  string // afterwards; "?" when the record waits
	}
	for name, tc := range map[string]struct {
		policy Policy
		steps  []step
	}{
		"PeopleSoft, where nothing is said": {"", []step{{"Sales", "Finance", "Finance"}, {nil, "HR", "HR"}}},
		"PeopleSoft by policy":              {SourceWins, []step{{"Sales", "Finance", "Finance"}}},
		"Zendesk keeps its value, also on the next look and when PeopleSoft changes": {TargetWins,
			[]step{{"Sales", "Finance", "Sales"}, {nil, "Finance", "Sales"}, {nil, "HR", "Sales"}}},
		"Zendesk wins nothing that nobody changed there": {TargetWins, []step{{nil, "HR", "HR"}, {nil, "Legal", "Legal"}}},
		"a value that was put back is ours again":        {TargetWins, []step{{"Sales", "Finance", "Sales"}, {"Finance", "Finance", "Finance"}, {nil, "HR", "HR"}}},
		"a person is asked":                              {AskPerson, []step{{"Sales", "Finance", "?"}, {nil, "HR", "?"}, {nil, "Sales", "Sales"}, {nil, "HR", "HR"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := overHTTP(t, sim.Options{}, func(c *Config) {
				if tc.policy != "" {
					c.Policies = map[string]Policy{department: tc.policy}
				}
			})
			it := a.sync(person(1))[0]
			for n, s := range tc.steps {
				if s.byHand != nil {
					a.byHand(it, s.byHand)
				}
				it = with(it, func(u *directory.User) {
					u.Fields = map[string]string{department: s.wanted, "user_fields.job_title": "Analyst"}
				})
				p := a.plan(it)[0]
				if s.holds == "?" {
					if fault.CodeOf(p.Err) != fault.TargetFieldChanged || fault.KindOf(p.Err) != fault.Held || len(p.Change.Diff) != 1 ||
						p.Change.Diff[0].Before != "Sales" || p.Change.Diff[0].After != s.wanted {
						t.Fatalf("step %d: %v, diff %v: want held with both values", n, p.Err, p.Change.Diff)
					}
					continue
				}
				it = a.sync(it)[0]
				if got := a.user(it.TargetID).UserFields["department"]; got != s.holds {
					t.Fatalf("step %d: Zendesk holds %v, want %s (%s)", n, got, s.holds, p.Change.Why)
				}
			}
			a.unharmed()
		})
	}
}

func TestALeaverWaitsForNobodysAnswer(t *testing.T) {
	for _, p := range []Policy{AskPerson, TargetWins} {
		t.Run(string(p), func(t *testing.T) {
			a := overHTTP(t, sim.Options{}, func(c *Config) { c.Policies = map[string]Policy{department: p} })
			it := a.sync(person(1))[0]
			a.byHand(it, "Sales")
			gone := a.sync(with(it, func(u *directory.User) { u.State = directory.Suspended }))[0]
			if u := a.user(gone.TargetID); !u.Suspended || u.UserFields["department"] != "Sales" {
				t.Errorf("suspended %v department %v", u.Suspended, u.UserFields["department"])
			}
		})
	}
}

func TestPoliciesOfUnknownFieldsOrWordsAreRefused(t *testing.T) {
	for name, m := range map[string]map[string]Policy{
		"the address": {"email": TargetWins}, "tags": {"tags": AskPerson}, "another word": {department: "zendesk"},
	} {
		cfg := Default()
		cfg.BaseURL, cfg.Auth, cfg.Policies = "https://acme.zendesk.example", token(), m
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "zendesk.fields") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
