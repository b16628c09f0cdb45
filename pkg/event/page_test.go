package event_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/schemas"
)

var update = flag.Bool("update", false, "write docs/reference/events.md")

const eventsIntro = `# Events

<!-- Generated from schemas/events: go test ./event -run TestEventsPageIsCurrent -update -->

Every message on a stream is a CloudEvents 1.0 envelope in structured JSON, at most 900 KiB. The schemas in
` + "`schemas/events`" + ` (JSON Schema, draft 2020-12) are the contract; samples that pass and samples that fail stand in
` + "`schemas/samples`" + `. Additive changes keep the version in a type's name; anything else is a new type, and both are read
for one release. Which stream carries what: [streams.md](streams.md).
`

// order is the envelope's attributes as they are written.
func order() []string {
	return []string{"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "tenant", "version", "cause", "traceparent", "force", "data"}
}

// TestEventsPageIsCurrent generates the reference from schemas and types; -update writes it.
func TestEventsPageIsCurrent(t *testing.T) {
	var b strings.Builder
	b.WriteString(eventsIntro)
	head(&b, schemaDoc(t, "envelope.v1"))
	doc := schemaDoc(t, "envelope.v1")
	table(&b, doc, nil, order())
	for _, typ := range event.Types() {
		doc := schemaDoc(t, string(typ))
		head(&b, doc)
		defs, _ := doc["$defs"].(map[string]any)
		shapes(&b, "", doc, defs, payloads()[typ])
		example(t, &b, typ)
	}
	const name = "../../docs/reference/events.md"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil || string(got) != b.String() {
		t.Fatalf("docs/reference/events.md is not current (%v): go test ./event -run TestEventsPageIsCurrent -update", err)
	}
}

func head(b *strings.Builder, doc map[string]any) {
	id := doc["$id"].(string)
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", strings.TrimSuffix(id[strings.LastIndex(id, "/")+1:], ".json"), doc["description"])
}

// shapes writes a table for the object and one for each object inside it.
func shapes(b *strings.Builder, title string, s, defs map[string]any, typ reflect.Type) {
	if title != "" {
		fmt.Fprintf(b, "\n`%s`:\n\n", title)
	}
	var names []string
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	props := table(b, s, defs, names)
	for i, f := range reflect.VisibleFields(typ) {
		inner, p := f.Type, props[names[i]].(map[string]any)
		if items, ok := p["items"].(map[string]any); ok {
			inner, p = inner.Elem(), deref(items, defs)
		}
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]() {
			shapes(b, strings.TrimPrefix(title+"."+names[i], "."), deref(p, defs), defs, inner)
		}
	}
}

func deref(s, defs map[string]any) map[string]any {
	if r, ok := s["$ref"].(string); ok {
		if d, ok := defs[strings.TrimPrefix(r, "#/$defs/")].(map[string]any); ok {
			return d
		}
	}
	return s
}

func table(b *strings.Builder, s, defs map[string]any, names []string) map[string]any {
	props := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	b.WriteString("| property | value | meaning |\n|---|---|---|\n")
	for _, name := range names {
		p := deref(props[name].(map[string]any), defs)
		must := ""
		for _, r := range required {
			if r == name {
				must = " *"
			}
		}
		meaning, _ := p["description"].(string)
		fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", name, must, values(p, defs), meaning)
	}
	b.WriteString("\n\\* always there\n")
	return props
}

func values(s, defs map[string]any) string {
	s = deref(s, defs)
	if list, ok := s["enum"].([]any); ok {
		var words []string
		for _, v := range list {
			words = append(words, fmt.Sprintf("`%v`", v))
		}
		return strings.Join(words, " ")
	}
	if c, ok := s["const"]; ok {
		return fmt.Sprintf("`%v`", c)
	}
	switch s["type"] {
	case "array":
		return "list: " + values(s["items"].(map[string]any), defs)
	case "string":
		if hi, ok := s["maxLength"]; ok {
			return fmt.Sprintf("text, up to %v", hi)
		}
		if f, ok := s["format"]; ok {
			return fmt.Sprint(f)
		}
		return "text"
	case nil:
		return "any"
	}
	return fmt.Sprint(s["type"])
}

// example shows the first good sample of the type.
func example(t *testing.T, b *strings.Builder, typ event.Type) {
	t.Helper()
	all, err := schemas.Samples("good")
	if err != nil {
		t.Fatal(err)
	}
	best := ""
	for name := range all {
		if strings.HasPrefix(name, string(typ)) && (best == "" || name < best) {
			best = name
		}
	}
	e, err := event.Decode(all[best])
	if err != nil {
		t.Fatal(err)
	}
	var data any
	if err := json.Unmarshal(e.Data, &data); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(b, "\nSample (`schemas/samples/good/%s`):\n\n```json\n%s\n```\n", best, text)
}
