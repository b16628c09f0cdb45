package schemas_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ml-connector/ml-connector/schemas"
)

const configID = "https://ml-connector.example/schemas/config/tenant.json"

// compiler knows every schema of the module by its $id.
func compiler(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.AssertContent()
	for _, dir := range []string{"events", "config"} {
		entries, err := fs.ReadDir(schemas.FS, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			doc := read(t, path.Join(dir, e.Name())).(map[string]any)
			id, _ := doc["$id"].(string)
			if !strings.HasSuffix(id, "/schemas/"+dir+"/"+e.Name()) {
				t.Errorf("%s/%s: $id is %q", dir, e.Name(), id)
			}
			if err := c.AddResource(id, doc); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

func read(t *testing.T, name string) any {
	t.Helper()
	b, err := schemas.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return doc
}

func samples(t *testing.T, folder string, least int) map[string][]byte {
	t.Helper()
	all, err := schemas.Samples(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < least {
		t.Fatalf("%s: %d samples, want at least %d", folder, len(all), least)
	}
	return all
}

func TestGoodEventsPass(t *testing.T) {
	envelope, err := compiler(t).Compile(schemas.Base + "envelope.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	for name := range samples(t, "good", 12) {
		t.Run(name, func(t *testing.T) {
			if err := envelope.Validate(read(t, "samples/good/"+name)); err != nil {
				t.Fatalf("%#v", err)
			}
		})
	}
}

func TestBadEventsFail(t *testing.T) {
	envelope, err := compiler(t).Compile(schemas.Base + "envelope.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	for name := range samples(t, "bad", 45) {
		t.Run(name, func(t *testing.T) {
			if envelope.Validate(read(t, "samples/bad/"+name)) == nil {
				t.Fatal("accepted")
			}
		})
	}
}

// TestEveryTypeHasSamples keeps a new schema from arriving without a sample that passes and one that fails.
func TestEveryTypeHasSamples(t *testing.T) {
	entries, err := fs.ReadDir(schemas.FS, "events")
	if err != nil {
		t.Fatal(err)
	}
	good, bad := samples(t, "good", 1), samples(t, "bad", 1)
	for _, e := range entries {
		typ := strings.TrimSuffix(e.Name(), ".json")
		if typ == "envelope.v1" {
			continue
		}
		if !starts(good, typ) || !starts(bad, typ) {
			t.Errorf("%s: want at least one good and one bad sample", typ)
		}
		if _, err := schemas.Event(typ); err != nil {
			t.Error(err)
		}
	}
	if _, err := schemas.Event("nothing.v1"); err == nil {
		t.Error("an unknown type has a schema")
	}
}

func starts(m map[string][]byte, prefix string) bool {
	for name := range m {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// TestSchemasAreClosed walks every schema: each object that names properties refuses others, each text is bounded,
// each property says what it is somewhere on its way.
func TestSchemasAreClosed(t *testing.T) {
	for _, dir := range []string{"events", "config"} {
		entries, err := fs.ReadDir(schemas.FS, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			closed(t, dir+"/"+e.Name(), read(t, dir+"/"+e.Name()))
		}
	}
}

func closed(t *testing.T, at string, v any) {
	t.Helper()
	switch x := v.(type) {
	case map[string]any:
		if x["type"] == "object" && x["properties"] != nil && x["additionalProperties"] != false {
			t.Errorf("%s: unknown properties are allowed", at)
		}
		if x["type"] == "string" && x["maxLength"] == nil && x["pattern"] == nil && x["format"] == nil {
			t.Errorf("%s: a text without bounds", at)
		}
		if x["type"] == "array" && strings.HasPrefix(at, "events/") && x["maxItems"] == nil && x["uniqueItems"] != true {
			t.Errorf("%s: a list without bounds", at)
		}
		for k, e := range x {
			closed(t, at+"/"+k, e)
		}
	case []any:
		for _, e := range x {
			closed(t, at+"[]", e)
		}
	}
}

// documents splits a tenant file and gives each document as the JSON validator wants it.
func documents(t *testing.T, b []byte) []any {
	t.Helper()
	var out []any
	d := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var v any
		if err := d.Decode(&v); err != nil {
			break
		}
		j, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, doc)
	}
	if len(out) == 0 {
		t.Fatal("no document")
	}
	return out
}

func TestTenantFiles(t *testing.T) {
	schema, err := compiler(t).Compile(configID)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{"config/tenant.yaml": true}
	for name := range samples(t, "config/good", 3) {
		files["config/good/"+name] = true
	}
	for name := range samples(t, "config/bad", 15) {
		files["config/bad/"+name] = false
	}
	for name, good := range files {
		t.Run(name, func(t *testing.T) {
			b, err := schemas.FS.ReadFile("samples/" + name)
			if err != nil {
				t.Fatal(err)
			}
			for _, doc := range documents(t, b) {
				if err := schema.Validate(doc); (err == nil) != good {
					t.Fatalf("good is %v, the schema says %#v", good, err)
				}
			}
		})
	}
}
