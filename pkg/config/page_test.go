package config_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/schemas"
)

const configIntro = `# The tenant file

<!-- Generated from schemas/config/tenant.json: go test ./config -run TestConfigPageIsCurrent -update -->

One file describes one tenant: how PeopleSoft is read, how Zendesk is written, who counts and what is mapped. Apply it
with ` + "`ml-connector apply -f tenant.yaml`" + `; the difference to what is in force is printed first. Several tenants may stand
in one file, separated by lines of ` + "`---`" + `.

Decoding is strict. Unknown keys are errors, all problems are reported at once, each with its place:

` + "```text" + `
tenant.yaml:2:11: timezone: want a zone name of the IANA database, for example America/Chicago, got "Mars"
tenant.yaml:8:39: peoplesoft.hcm.employees.max_row: unknown key: want type, max_rows, … (did you mean max_rows?)
` + "```" + `

Limits: 1 MiB, 10,000 lines, UTF-8. Anchors, aliases, merge keys and tags are refused.

**Secrets** are ` + "`env:NAME`" + ` or ` + "`file:/absolute/path`" + `, read once when the file is applied and sealed. A secret that is left
out is set with ` + "`ml-connector credential set <tenant> <purpose>`" + `. A value in the clear is refused and not repeated.

**Addresses** are https. Plain http is accepted for loopback addresses only. User, password, query and fragment have no
place in an address.

**Schedules** are intervals of at least one second (` + "`5m`, `1h30m`" + `) or cron lines of five fields in the tenant's zone.

Schema for editors: ` + "`schemas/config/tenant.json`" + `.

## Keys

| key | value | default | meaning |
|---|---|---|---|
`

// TestConfigPageIsCurrent generates the reference from schema and types; -update writes it.
func TestConfigPageIsCurrent(t *testing.T) {
	b, err := schemas.Config()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	p := pager{defs: root["$defs"].(map[string]any)}
	p.out.WriteString(configIntro)
	p.object("", root, reflect.TypeFor[config.Tenant]())
	p.out.WriteString("\n## Sample\n\n```yaml\n" + string(sample(t, "tenant.yaml")) + "```\n")
	const name = "../../docs/reference/config.md"
	if *update {
		if err := os.WriteFile(name, []byte(p.out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != p.out.String() {
		t.Fatalf("docs/reference/config.md is not current (%v): go test ./config -run TestConfigPageIsCurrent -update", err)
	}
}

type pager struct {
	defs map[string]any
	out  strings.Builder
}

func (p *pager) object(path string, s map[string]any, typ reflect.Type) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	s = p.deref(s)
	props := s["properties"].(map[string]any)
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		prop, ok := props[name].(map[string]any)
		if f.Anonymous || !ok {
			continue
		}
		p.row(strings.TrimPrefix(path+"."+name, "."), prop, f)
	}
}

func (p *pager) deref(s map[string]any) map[string]any {
	if r, ok := s["$ref"].(string); ok {
		return p.defs[strings.TrimPrefix(r, "#/$defs/")].(map[string]any)
	}
	return s
}

func (p *pager) row(path string, s map[string]any, f reflect.StructField) {
	s = p.deref(s)
	def := "–"
	if d, ok := s["default"]; ok {
		b, _ := json.Marshal(d)
		def = "`" + strings.ReplaceAll(string(b), "|", "\\|") + "`"
	}
	if f.Tag.Get("need") != "" {
		def = "**required**"
	}
	meaning, _ := s["description"].(string)
	if need := f.Tag.Get("need"); need != "" && !strings.Contains(meaning, need) {
		meaning = need
	}
	typ := f.Type
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	fmt.Fprintf(&p.out, "| `%s` | %s | %s | %s |\n", path, p.values(s), def, strings.ReplaceAll(meaning, "|", "\\|"))
	if typ.Kind() == reflect.Struct && !reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		p.object(path, s, typ)
	}
}

func (p *pager) values(s map[string]any) string {
	s = p.deref(s)
	if list := asList(s["enum"]); list != nil {
		var words []string
		for _, v := range list {
			if text, ok := v.(string); ok {
				words = append(words, "`"+text+"`")
			}
		}
		return strings.Join(words, " ")
	}
	switch s["type"] {
	case "array":
		return "list: " + p.values(s["items"].(map[string]any))
	case "object":
		if keys, ok := s["propertyNames"].(map[string]any); ok && keys["enum"] != nil {
			return "mapping from " + p.values(keys)
		}
		return "mapping"
	case "integer", "number":
		lo, hi := s["minimum"], s["maximum"]
		if lo == nil {
			lo = "above 0"
		}
		return strings.TrimSpace(fmt.Sprintf("%v to %v", number(lo), number(hi)))
	case "boolean":
		return "`true` `false`"
	}
	return "text"
}

func number(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}
