package deploytest

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

// schema is what the test understands of a schema.
type schema struct {
	Ref        string            `yaml:"$ref"`
	Type       string            `yaml:"type"`
	Format     string            `yaml:"format"`
	Enum       []string          `yaml:"enum"`
	Required   []string          `yaml:"required"`
	Properties map[string]schema `yaml:"properties"`
	Items      *schema           `yaml:"items"`
	Additional any               `yaml:"additionalProperties"`
}

type parameter struct {
	Name   string `yaml:"name"`
	Schema schema `yaml:"schema"`
}

type document struct {
	Paths      map[string]map[string]any `yaml:"paths"`
	Components struct {
		Schemas map[string]schema `yaml:"schemas"`
	} `yaml:"components"`
}

func openAPI(t *testing.T) (d document) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, "schemas/openapi.yaml")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestOpenAPIHasEveryRoute compares with the routes that the API registers, in both directions.
func TestOpenAPIHasEveryRoute(t *testing.T) {
	var have, want []string
	for path, operations := range openAPI(t).Paths {
		for method := range operations {
			if method != "parameters" {
				have = append(have, strings.ToUpper(method)+" "+path)
			}
		}
	}
	route := regexp.MustCompile(`handle\("([A-Z]+ /[^"]*)"`)
	code(t, func(_, text string) {
		for _, m := range route.FindAllStringSubmatch(text, -1) {
			want = append(want, m[1])
		}
	}, "services/console/admin")
	if len(want) == 0 {
		t.Fatal("no routes found in services/console/admin")
	}
	for _, r := range missing(want, have) {
		t.Errorf("%s is not in schemas/openapi.yaml", r)
	}
	for _, r := range missing(have, want) {
		t.Errorf("%s is in schemas/openapi.yaml and nobody serves it", r)
	}
}

// documents are the Go types of the API.
func documents() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Apply": reflect.TypeFor[adminapi.Apply](), "Applied": reflect.TypeFor[adminapi.Applied](), "Change": reflect.TypeFor[audit.Change](),
		"Sync": reflect.TypeFor[adminapi.Sync](), "Synced": reflect.TypeFor[adminapi.Synced](), "Cycle": reflect.TypeFor[adminapi.Cycle](),
		"Problem": reflect.TypeFor[adminapi.Problem](), "Step": reflect.TypeFor[adminapi.Step](), "Checked": reflect.TypeFor[adminapi.Checked](),
		"Status": reflect.TypeFor[adminapi.Status](), "TenantStatus": reflect.TypeFor[adminapi.TenantStatus](), "Stage": reflect.TypeFor[adminapi.Stage](),
		"Budget": reflect.TypeFor[target.Budget](), "AuditEntry": reflect.TypeFor[adminapi.AuditEntry](), "Finding": reflect.TypeFor[adminapi.Finding](),
		"Failure": reflect.TypeFor[adminapi.Failure](), "Held": reflect.TypeFor[adminapi.Held](), "Hold": reflect.TypeFor[adminapi.Hold](), "HoldDetail": reflect.TypeFor[adminapi.HoldDetail](),
		"Coming": reflect.TypeFor[adminapi.Coming](), "ComingDay": reflect.TypeFor[adminapi.ComingDay](), "ComingChange": reflect.TypeFor[adminapi.ComingChange](),
		"PlanLine": reflect.TypeFor[adminapi.PlanLine](), "PlanRecord": reflect.TypeFor[adminapi.PlanRecord](), "PlanProgress": reflect.TypeFor[adminapi.PlanProgress](),
		"PlanSummary": reflect.TypeFor[adminapi.PlanSummary](), "PlanGuard": reflect.TypeFor[adminapi.PlanGuard](), "PlanRead": reflect.TypeFor[adminapi.PlanRead](),
		"Adoption":   reflect.TypeFor[adminapi.Adoption](),
		"HoldRecord": reflect.TypeFor[adminapi.HoldRecord](), "Decision": reflect.TypeFor[adminapi.Decision](),
		"Connection": reflect.TypeFor[adminapi.Connection](), "Connect": reflect.TypeFor[adminapi.Connect](), "Connecting": reflect.TypeFor[adminapi.Connecting](),
		"ReplayRange": reflect.TypeFor[adminapi.ReplayRange](), "ReplayPreview": reflect.TypeFor[adminapi.ReplayPreview](), "Replay": reflect.TypeFor[adminapi.Replay](),
		"By": reflect.TypeFor[adminapi.By](), "DeadGroup": reflect.TypeFor[adminapi.DeadGroup](), "DeadList": reflect.TypeFor[adminapi.DeadList](),
		"DeadLetter": reflect.TypeFor[adminapi.DeadLetter](), "DeadDetail": reflect.TypeFor[adminapi.DeadDetail](), "DeadChoice": reflect.TypeFor[adminapi.DeadChoice](),
		"DeadResult": reflect.TypeFor[adminapi.DeadResult](), "Verified": reflect.TypeFor[adminapi.Verified](), "Rotation": reflect.TypeFor[adminapi.Rotation](),
		"Rotated": reflect.TypeFor[adminapi.Rotated](),
		"Resume":  reflect.TypeFor[adminapi.Resume](), "Resumed": reflect.TypeFor[adminapi.Resumed](),
	}
}

// TestOpenAPIHasEveryField compares each schema with its Go type: names, types, and that what is never left out is
// required.
func TestOpenAPIHasEveryField(t *testing.T) {
	schemas := openAPI(t).Components.Schemas
	types := documents()
	without := []string{"Credential", "Sealed"} // bodies without a Go type of their own
	for _, name := range missing(slices.Collect(maps.Keys(schemas)), append(without, slices.Collect(maps.Keys(types))...)) {
		t.Errorf("schema %s: no Go type", name)
	}
	for name, typ := range types {
		s, ok := schemas[name]
		if !ok {
			t.Errorf("%s is not in schemas/openapi.yaml", name)
			continue
		}
		seen := map[string]bool{}
		for f := range fields(typ) {
			seen[f.name] = true
			p, ok := s.Properties[f.name]
			if !ok {
				t.Errorf("%s.%s is not in schemas/openapi.yaml", name, f.name)
				continue
			}
			if got, want := written(p), shape(f.typ); got != want {
				t.Errorf("%s.%s is %s in schemas/openapi.yaml, %s in Go", name, f.name, got, want)
			}
			if f.always != slices.Contains(s.Required, f.name) {
				t.Errorf("%s.%s: always there is %t in Go, required is %t", name, f.name, f.always, !f.always)
			}
		}
		for p := range s.Properties {
			if !seen[p] {
				t.Errorf("%s.%s is in schemas/openapi.yaml and not in Go", name, p)
			}
		}
	}
}

type field struct {
	name   string
	typ    reflect.Type
	always bool
}

func fields(t reflect.Type) func(func(field) bool) {
	return func(yield func(field) bool) {
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if !yield(field{name, t.Field(i).Type, !strings.Contains(options, "omitempty")}) {
				return
			}
		}
	}
}

// shape is how a Go type shows in JSON.
func shape(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t.Kind() == reflect.Pointer:
		return shape(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list of " + shape(t.Elem())
	case t.Kind() == reflect.Map:
		return "object"
	case t.Kind() == reflect.Struct:
		return t.Name()
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.String:
		return "string"
	case t.Kind() == reflect.Float64:
		return "number"
	}
	return "integer"
}

func written(s schema) string {
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case s.Type == "array" && s.Items != nil:
		return "list of " + written(*s.Items)
	case s.Format == "date-time":
		return "time"
	}
	return s.Type
}

// TestOpenAPIKnowsTheWords holds the lists of words to the code.
func TestOpenAPIKnowsTheWords(t *testing.T) {
	d := openAPI(t)
	purposes := make([]string, 0, 9)
	for _, p := range vault.Purposes() {
		purposes = append(purposes, string(p))
	}
	cases := map[string]struct{ have, want []string }{
		"kinds of failures": {d.Components.Schemas["Failure"].Properties["kind"].Enum, kinds(t)},
		"purposes":          {purposesOf(t, d), purposes},
	}
	for name, c := range cases {
		if have, want := unique(c.have), unique(c.want); !slices.Equal(have, want) {
			t.Errorf("%s: %v in schemas/openapi.yaml, %v in Go", name, have, want)
		}
	}
}

func kinds(t *testing.T) (list []string) {
	for _, m := range regexp.MustCompile(`Kind = "(\w+)"`).FindAllStringSubmatch(read(t, "pkg/fault/fault.go"), -1) {
		list = append(list, m[1])
	}
	return list
}

func purposesOf(t *testing.T, d document) []string {
	t.Helper()
	b, err := yaml.Marshal(d.Paths["/tenants/{tenant}/credentials/{purpose}"]["parameters"])
	if err != nil {
		t.Fatal(err)
	}
	var list []parameter
	if err := yaml.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.Name == "purpose" {
			return p.Schema.Enum
		}
	}
	return nil
}
