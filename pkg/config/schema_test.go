package config_test

import (
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/schemas"
)

// TestSchemaAndTypesAreOne walks schemas/config/tenant.json and config.Tenant side by side: the same keys at every
// place, the same required keys, and enumerations that the type accepts word by word.
func TestSchemaAndTypesAreOne(t *testing.T) {
	b, err := schemas.Config()
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	w := walker{t: t, defs: root["$defs"].(map[string]any)}
	w.same("", root, reflect.TypeFor[config.Tenant]())
	if w.seen < 90 {
		t.Fatalf("%d places compared: the walk lost its way", w.seen)
	}
}

type walker struct {
	t    *testing.T
	defs map[string]any
	seen int
}

func (w *walker) deref(s map[string]any) map[string]any {
	if r, ok := s["$ref"].(string); ok {
		return w.defs[strings.TrimPrefix(r, "#/$defs/")].(map[string]any)
	}
	return s
}

func (w *walker) same(path string, s map[string]any, typ reflect.Type) {
	w.seen++
	s = w.deref(s)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		w.enum(path, s, typ)
		return
	}
	switch typ.Kind() {
	case reflect.Struct:
		w.object(path, s, typ)
	case reflect.Slice:
		w.same(path+"[]", s["items"].(map[string]any), typ.Elem())
	case reflect.Map:
		w.enum(path+".key", s["propertyNames"].(map[string]any), typ.Key())
		w.same(path+".value", s["additionalProperties"].(map[string]any), typ.Elem())
	default:
		want := map[reflect.Kind]string{reflect.Int: "integer", reflect.Float64: "number", reflect.Bool: "boolean"}[typ.Kind()]
		if s["type"] != want {
			w.t.Errorf("%s: schema type %v, Go type %s", path, s["type"], typ)
		}
	}
}

func (w *walker) object(path string, s map[string]any, typ reflect.Type) {
	if s["additionalProperties"] != false {
		w.t.Errorf("%s: the schema allows unknown keys", path)
	}
	props := s["properties"].(map[string]any)
	var names, needed []string
	for _, f := range reflect.VisibleFields(typ) {
		if f.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		if f.Tag.Get("need") != "" {
			needed = append(needed, name)
		}
		if p, ok := props[name].(map[string]any); ok {
			w.same(path+"."+name, p, f.Type)
		}
	}
	slices.Sort(names)
	if keys := slices.Sorted(maps.Keys(props)); !slices.Equal(names, keys) {
		w.t.Errorf("%s: Go has %v, the schema %v", path, names, keys)
	}
	var required []string
	for _, r := range asList(s["required"]) {
		required = append(required, r.(string))
	}
	slices.Sort(needed)
	slices.Sort(required)
	if !slices.Equal(needed, required) {
		w.t.Errorf("%s: Go needs %v, the schema %v", path, needed, required)
	}
}

func (w *walker) enum(path string, s map[string]any, typ reflect.Type) {
	accepts := func(text string) bool {
		return reflect.New(typ).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)) == nil
	}
	for _, v := range asList(s["enum"]) {
		if text, ok := v.(string); ok && !accepts(text) {
			w.t.Errorf("%s: the schema lists %q, the type refuses it", path, text)
		}
	}
	if s["enum"] != nil && accepts("no such word") {
		w.t.Errorf("%s: the schema has a list, the type takes anything", path)
	}
	if d, ok := s["default"].(string); ok && !accepts(d) {
		w.t.Errorf("%s: the type refuses the default %q", path, d)
	}
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// TestMappableFieldsAreThoseOfTheSchema closes the other direction of the two longest enumerations.
func TestMappableFieldsAreThoseOfTheSchema(t *testing.T) {
	b, err := schemas.Config()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range config.UserFields() {
		if !strings.Contains(string(b), `"`+string(f)+`"`) {
			t.Errorf("user field %s is not in the schema", f)
		}
	}
	for _, f := range config.VendorFields() {
		if !strings.Contains(string(b), `"`+string(f)+`"`) {
			t.Errorf("vendor field %s is not in the schema", f)
		}
	}
}

// TestBadSamplesAreRefused decodes the samples that the schema refuses: schema and decoder agree on them.
func TestBadSamplesAreRefused(t *testing.T) {
	all, err := schemas.Samples("config/bad")
	if err != nil || len(all) < 15 {
		t.Fatalf("%d samples, %v", len(all), err)
	}
	for name, b := range all {
		t.Run(name, func(t *testing.T) {
			if _, problems := config.Decode(name, b); len(problems) == 0 {
				t.Fatal("accepted")
			}
		})
	}
}
