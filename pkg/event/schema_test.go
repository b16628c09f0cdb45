package event_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/schemas"
)

// payloads says which Go type stands for which schema; TestEveryTypeIsListed keeps it complete.
func payloads() map[event.Type]reflect.Type {
	return map[event.Type]reflect.Type{
		event.FactsV1: reflect.TypeFor[event.Facts](), event.CursorV1: reflect.TypeFor[event.Cursor](),
		event.WantedV1: reflect.TypeFor[event.Wanted](), event.UrgentV1: reflect.TypeFor[event.Urgent](),
		event.WakeV1: reflect.TypeFor[event.Wake](), event.TickV1: reflect.TypeFor[event.Tick](),
		event.AuditV1: reflect.TypeFor[event.Audit](), event.DeadV1: reflect.TypeFor[event.Dead](),
	}
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	entries, err := fs.ReadDir(schemas.FS, "events")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		doc := schemaDoc(t, strings.TrimSuffix(e.Name(), ".json"))
		if err := c.AddResource(schemas.Base+e.Name(), doc); err != nil {
			t.Fatal(err)
		}
	}
	return c.MustCompile(schemas.Base + "envelope.v1.json")
}

func schemaDoc(t testing.TB, typ string) map[string]any {
	t.Helper()
	b, err := schemas.Event(typ)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc.(map[string]any)
}

func TestEveryTypeIsListed(t *testing.T) {
	var files []event.Type
	entries, err := fs.ReadDir(schemas.FS, "events")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "envelope.v1.json" {
			files = append(files, event.Type(strings.TrimSuffix(e.Name(), ".json")))
		}
	}
	types := slices.Sorted(slices.Values(event.Types()))
	if listed := slices.Sorted(maps.Keys(payloads())); !slices.Equal(files, types) || !slices.Equal(listed, types) {
		t.Fatalf("schemas %v, types %v, listed %v", files, types, listed)
	}
	if event.SchemaBase != schemas.Base {
		t.Fatalf("dataschema starts with %s, the schemas with %s", event.SchemaBase, schemas.Base)
	}
}

// TestFieldsAndPropertiesAreTheSame compares each Go field with a schema property and each property with a field.
func TestFieldsAndPropertiesAreTheSame(t *testing.T) {
	for typ, goType := range payloads() {
		t.Run(string(typ), func(t *testing.T) {
			doc := schemaDoc(t, string(typ))
			defs, _ := doc["$defs"].(map[string]any)
			sameShape(t, string(typ), doc, defs, goType)
		})
	}
}

func sameShape(t *testing.T, path string, s, defs map[string]any, typ reflect.Type) {
	t.Helper()
	if ref, ok := s["$ref"].(string); ok {
		s = defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	switch typ.Kind() {
	case reflect.Pointer:
		sameShape(t, path, s, defs, typ.Elem())
	case reflect.Struct:
		if typ.String() == "time.Time" {
			return
		}
		sameFields(t, path, s, defs, typ)
	case reflect.Slice:
		if items, ok := s["items"].(map[string]any); ok {
			sameShape(t, path+"[]", items, defs, typ.Elem())
		} else if typ.Elem().Kind() != reflect.Uint8 {
			t.Errorf("%s: a list in Go, no items in the schema", path)
		}
	}
}

func sameFields(t *testing.T, path string, s, defs map[string]any, typ reflect.Type) {
	t.Helper()
	props, _ := s["properties"].(map[string]any)
	var names, always []string
	for _, f := range reflect.VisibleFields(typ) {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		if opts == "" {
			always = append(always, name)
		}
		if p, ok := props[name].(map[string]any); ok {
			sameShape(t, path+"."+name, p, defs, f.Type)
		}
	}
	var required []string
	list, _ := s["required"].([]any)
	for _, r := range list {
		required = append(required, r.(string))
	}
	same(t, path+": fields and properties", names, slices.Collect(maps.Keys(props)))
	same(t, path+": fields that are always written and required properties", always, required)
}

func same[T ~string](t *testing.T, what string, a, b []T) {
	t.Helper()
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		t.Errorf("%s differ:\n%v\n%v", what, a, b)
	}
}

// TestTheEnvelopeHasEveryAttribute encodes an event with everything set: its keys are the schema's properties.
func TestTheEnvelopeHasEveryAttribute(t *testing.T) {
	e := full(t)
	b, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	var wire map[string]any
	if err := json.Unmarshal(b, &wire); err != nil {
		t.Fatal(err)
	}
	props := schemaDoc(t, "envelope.v1")["properties"].(map[string]any)
	same(t, "attributes", slices.Collect(maps.Keys(wire)), slices.Collect(maps.Keys(props)))
	back, err := event.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back, e) {
		t.Fatalf("%+v\n%+v", back, e)
	}
}

func TestGoodSamplesComeBackEqual(t *testing.T) {
	all, err := schemas.Samples("good")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d samples, %v", len(all), err)
	}
	for name, b := range all {
		t.Run(name, func(t *testing.T) {
			e, err := event.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			value := reflect.New(payloads()[e.Type])
			if err := strict(e.Data, value.Interface()); err != nil {
				t.Fatal(err)
			}
			if e, err = event.With(e, value.Interface()); err != nil {
				t.Fatal(err)
			}
			again, err := event.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			if want, got := anything(t, b), anything(t, again); !reflect.DeepEqual(want, got) {
				t.Fatalf("want %v\ngot  %v", want, got)
			}
		})
	}
}

// TestUnknownFieldsAreDetected: the schemas' closed objects and the Go types agree on what is unknown.
func TestUnknownFieldsAreDetected(t *testing.T) {
	for name, typ := range map[string]event.Type{
		"facts.v1-unknown-property": event.FactsV1, "wanted.v1-role": event.WantedV1, "wake.v1-with-state": event.WakeV1, "audit.v1-body": event.AuditV1,
	} {
		t.Run(name, func(t *testing.T) {
			b, err := schemas.FS.ReadFile("samples/bad/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			e, err := event.Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if err := strict(e.Data, reflect.New(payloads()[typ]).Interface()); err == nil || !strings.Contains(err.Error(), "unknown field") {
				t.Fatalf("error %v", err)
			}
		})
	}
}

func strict(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(to)
}

func anything(t *testing.T, b []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
