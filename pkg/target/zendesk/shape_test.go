package zendesk

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

func shapes() map[string]Shape {
	return map[string]Shape{"user_fields.company": {Type: "dropdown", Options: []string{"GBI", "Köln 1", "Köln_1"}}, "user_fields.last_hire": {Type: "date"},
		"user_fields.on_site": {Type: "checkbox"}, "user_fields.grade": {Type: "integer"}, "user_fields.fte": {Type: "decimal"}}
}

func shaped(t *testing.T) *account {
	return overHTTP(t, sim.Options{}, func(c *Config) { c.Fields, c.Shapes = sortedKeys(shapes()), shapes() })
}

// Each sort of field is made, takes the mapped values, and reads back as equal: the second plan has nothing to do.
func TestFixedFieldsTakeTheirValuesAndReadBackAsEqual(t *testing.T) {
	a := shaped(t)
	if s := step(a.target.Check(t.Context(), acme), "fields"); s.State != check.Warning || s.Code != string(fault.TargetFieldMissing) {
		t.Errorf("before: %+v", s)
	}
	steps := a.target.FixFields(t.Context(), acme)
	if len(steps) != 5 || step(steps, "user_fields.company").Detail != "created as dropdown" {
		t.Fatalf("%+v", steps)
	}
	if s := step(a.target.Check(t.Context(), acme), "fields"); s.State != check.OK {
		t.Errorf("after: %+v", s)
	}
	it := with(person(1), func(u *directory.User) {
		u.Fields = map[string]string{"user_fields.company": "köln_1", "user_fields.last_hire": "2020-08-19", "user_fields.on_site": "Y",
			"user_fields.grade": "007", "user_fields.fte": "0.50"}
	})
	list := a.sync(it)
	a.quiet(list...)
	u := a.user(list[0].TargetID)
	want := map[string]any{"company": "company_k_ln_1_2", "last_hire": "2020-08-19T00:00:00+00:00", "on_site": true, "grade": int64(7), "fte": 0.5}
	for key, v := range want {
		if u.UserFields[key] != v {
			t.Errorf("%s is %v (%T), want %v", key, u.UserFields[key], u.UserFields[key], v)
		}
	}
}

// A value that a field cannot hold is left out and told; the others are written.
func TestValuesThatNoFieldHoldsAreLeftOut(t *testing.T) {
	a := shaped(t)
	a.target.FixFields(t.Context(), acme)
	it := with(person(1), func(u *directory.User) {
		u.Fields = map[string]string{"user_fields.company": "Nobody", "user_fields.last_hire": "soon", "user_fields.grade": "7a", "user_fields.fte": "1"}
	})
	c := a.planOne(it)
	if c.Code != string(fault.TargetFieldOption) {
		t.Errorf("%+v", c)
	}
	for _, f := range []string{"user_fields.company", "user_fields.last_hire", "user_fields.grade"} {
		if has(c.Diff, f) || !strings.Contains(c.Why, f) {
			t.Errorf("%s is written or not told: %q", f, c.Why)
		}
	}
	if u := a.user(a.sync(it)[0].TargetID); u.UserFields["fte"] != 1.0 {
		t.Errorf("%v", u.UserFields)
	}
}

// A field that exists in another shape is told and left as it is.
func TestAFieldOfAnotherShapeIsToldAndNotChanged(t *testing.T) {
	for name, have := range map[string]sim.Field{
		"another sort":      {Type: "text", Key: "company", Title: "Company"},
		"an option is gone": {Type: "dropdown", Key: "company", Title: "Company", Options: []sim.FieldOption{{Name: "GBI", Value: "gbi"}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := shaped(t)
			a.sim.SeedField("user", have)
			if steps := a.target.FixFields(t.Context(), acme); len(steps) != 4 {
				t.Errorf("%+v", steps)
			}
			s := step(a.target.Check(t.Context(), acme), "fields")
			if s.State != check.Warning || s.Code != string(fault.TargetFieldOption) || !strings.Contains(s.Detail, "user_fields.company") {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A writer that runs finds what `check --fix` made meanwhile within a minute, not within an hour.
func TestAFieldThatIsMadeMeanwhileIsFoundWithinAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{}, func(c *Config) { c.Fields, c.Shapes = sortedKeys(shapes()), shapes() })
		a.sync(person(1))
		if steps := a.beside(func(c *Config) { c.Fields, c.Shapes = sortedKeys(shapes()), shapes() }).target.FixFields(t.Context(), acme); len(steps) != 5 {
			t.Fatalf("%+v", steps)
		}
		if err := pause(t.Context(), missingLife); err != nil {
			t.Fatal(err)
		}
		it := with(person(2), func(u *directory.User) { u.Fields = map[string]string{"user_fields.company": "GBI"} })
		if u := a.user(a.sync(it)[0].TargetID); u.UserFields["company"] != "company_gbi" {
			t.Errorf("%v", u.UserFields)
		}
	})
}
