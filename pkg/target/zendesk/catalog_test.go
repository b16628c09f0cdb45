package zendesk

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

const (
	region  = "user_fields.region"
	manager = "user_fields.manager"
)

func typed(t *testing.T, edit ...func(*Config)) *account {
	a := overHTTP(t, sim.Options{}, append(edit, func(c *Config) { c.Fields = []string{region, manager, department} })...)
	a.sim.SeedField("user", sim.Field{Type: "dropdown", Key: "region", Title: "Region",
		Options: []sim.FieldOption{{Name: "North America", Value: "reg_na"}, {Name: "Europe", Value: "reg_eu"}}})
	a.sim.SeedField("user", sim.Field{Type: "checkbox", Key: "manager", Title: "Manager", Tag: new("is_manager")})
	return a
}

func TestDropdownsAreWrittenByTheirOptionAndCheckboxesAsSuch(t *testing.T) {
	for name, tc := range map[string]struct {
		region, manager string
		wantRegion      any
		wantManager     any
		code            string
	}{
		"an option by its name":          {"north america", "Y", "reg_na", true, ""},
		"an option by its value":         {"REG_EU", "false", "reg_eu", false, ""},
		"nothing":                        {"", "", nil, false, ""},
		"no such option is told":         {"Atlantis", "yes", nil, true, string(fault.TargetFieldOption)},
		"no truth for a checkbox either": {"Europe", "perhaps", "reg_eu", false, string(fault.TargetFieldOption)},
	} {
		t.Run(name, func(t *testing.T) {
			a := typed(t)
			it := with(person(1), func(u *directory.User) {
				u.Fields = map[string]string{region: tc.region, manager: tc.manager, department: "Finance"}
			})
			if c := a.planOne(it); c.Code != tc.code {
				t.Errorf("code %q (%s), want %q", c.Code, c.Why, tc.code)
			}
			it = a.sync(it)[0]
			u := a.user(it.TargetID)
			if u.UserFields["region"] != tc.wantRegion || u.UserFields["manager"] != tc.wantManager && !(tc.wantManager == false && u.UserFields["manager"] == nil) ||
				u.UserFields["department"] != "Finance" {
				t.Errorf("fields %v, want region %v manager %v", u.UserFields, tc.wantRegion, tc.wantManager)
			}
			if p := a.plan(it)[0]; p.Change.Verb != target.Nothing || p.Item.Wanted.User.Fields[region] != tc.region {
				t.Errorf("second plan: %s %v of %v", p.Change.Verb, p.Change.Diff, p.Item.Wanted.User.Fields)
			}
			back := with(it, func(u *directory.User) { u.Fields = map[string]string{region: "Europe", manager: "N"} })
			a.sync(back)
			if u := a.user(it.TargetID); u.UserFields["region"] != "reg_eu" || u.UserFields["manager"] != nil && u.UserFields["manager"] != false {
				t.Errorf("after the change: %v", u.UserFields)
			}
			a.quiet(back)
		})
	}
}

func TestMissingFieldsAreToldBeforeTheFirstWrite(t *testing.T) {
	var log bytes.Buffer
	a := typed(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	a.target.cfg.Fields = append(a.target.cfg.Fields, "user_fields.shoe_size")
	before := a.sim.Counters().Writes
	a.planOne(person(1))
	if !strings.Contains(log.String(), "ZD_FIELD_MISSING") || !strings.Contains(log.String(), "user_fields.shoe_size") || strings.Contains(log.String(), "region") {
		t.Errorf("log %q", log.String())
	}
	if n := a.sim.Counters().Writes - before; n != 0 {
		t.Errorf("%d writes before", n)
	}
	log.Reset()
	a.sync(people(1, 3)...)
	if c := a.sim.Counters(); c.Calls["GET /api/v2/user_fields"] != 1 || log.Len() != 0 {
		t.Errorf("definitions read %d times; log %q", c.Calls["GET /api/v2/user_fields"], log.String())
	}
}
