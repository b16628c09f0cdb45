package event_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// constants lists the values of the string constants of one type, read from the source: there is no other list of
// them, and a new constant that the schemas do not know must fail here.
func constants(t *testing.T, dir, typ string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == typ {
				for _, e := range v.Values {
					if lit, ok := e.(*ast.BasicLit); ok {
						s, _ := strconv.Unquote(lit.Value)
						list = append(list, s)
					}
				}
			}
			return true
		})
	}
	if len(list) == 0 {
		t.Fatalf("no constants of type %s.%s", dir, typ)
	}
	return list
}

// at walks into a schema document.
func at(t *testing.T, doc map[string]any, steps ...string) map[string]any {
	t.Helper()
	for _, s := range steps {
		next, ok := doc[s].(map[string]any)
		if !ok {
			t.Fatalf("no %s on the way %v", s, steps)
		}
		doc = next
	}
	return doc
}

func enum(t *testing.T, doc map[string]any, steps ...string) []string {
	t.Helper()
	var list []string
	for _, v := range at(t, doc, steps...)["enum"].([]any) {
		list = append(list, v.(string))
	}
	return list
}

func TestEnumerationsAreTheConstants(t *testing.T) {
	doc := func(typ event.Type) map[string]any { return schemaDoc(t, string(typ)) }
	for _, typ := range []event.Type{event.FactsV1, event.WakeV1, event.AuditV1, event.DeadV1} {
		same(t, string(typ)+" kind", enum(t, doc(typ), "properties", "kind"), constants(t, "record", "Kind"))
	}
	for _, typ := range []event.Type{event.CursorV1, event.WantedV1, event.UrgentV1, event.TickV1} { // reference data has no object and no poll
		same(t, string(typ)+" kind", enum(t, doc(typ), "properties", "kind"), []string{string(record.Vendor), string(record.Employee)})
	}
	same(t, "facet", enum(t, doc(event.FactsV1), "$defs", "fact", "properties", "facet"), constants(t, "erp", "Facet"))
	same(t, "whole", enum(t, doc(event.FactsV1), "properties", "whole", "items"), constants(t, "erp", "Facet"))
	same(t, "action", enum(t, doc(event.FactsV1), "$defs", "fact", "properties", "action"), constants(t, "erp", "Action"))
	same(t, "mode", enum(t, doc(event.TickV1), "properties", "mode"), constants(t, "event", "Mode"))
	same(t, "audit stage", enum(t, doc(event.AuditV1), "properties", "stage"), constants(t, "audit", "Stage"))
	same(t, "dead stage", enum(t, doc(event.DeadV1), "properties", "stage"), constants(t, "audit", "Stage"))
	same(t, "outcome", enum(t, doc(event.AuditV1), "properties", "outcome"), constants(t, "audit", "Outcome"))
	same(t, "type", enum(t, schemaDoc(t, "envelope.v1"), "properties", "type"), constants(t, "event", "Type"))
	states := append(enum(t, doc(event.WantedV1), "$defs", "user", "properties", "state"), "inactive")
	same(t, "user state", states, constants(t, "directory", "State"))
	states = append(enum(t, doc(event.WantedV1), "$defs", "organization", "properties", "state"), "suspended")
	same(t, "organization state", states, constants(t, "directory", "State"))
}

// TestAllowListIsTheSchemas holds erp.Allowed and the schema together per facet, both ways: what one of them does not
// know never enters the system.
func TestAllowListIsTheSchemas(t *testing.T) {
	fact := at(t, schemaDoc(t, "facts.v1"), "$defs", "fact")
	var union []erp.Field
	seen := map[erp.Field]bool{}
	rules := map[string][]string{}
	for _, r := range fact["allOf"].([]any) {
		rule := r.(map[string]any)
		facet := at(t, rule, "if", "properties", "facet")["const"].(string)
		rules[facet] = enum(t, rule, "then", "properties", "fields", "propertyNames")
	}
	for _, facet := range erp.Facets() {
		var fields []string
		for _, f := range erp.Allowed(facet) {
			fields = append(fields, string(f))
			if !seen[f] {
				seen[f] = true
				union = append(union, f)
			}
		}
		same(t, "fields of facet "+string(facet), fields, rules[string(facet)])
	}
	if len(rules) != len(erp.Facets()) {
		t.Errorf("%d rules for %d facets", len(rules), len(erp.Facets()))
	}
	var all []erp.Field
	for _, f := range enum(t, fact, "properties", "fields", "propertyNames") {
		all = append(all, erp.Field(f))
	}
	same(t, "fields of all facets", union, all)
}
