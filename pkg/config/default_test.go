package config_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/schemas"
)

// TestDefaultsAreThoseOfTheSchema compares what the decoder fills into the smallest file with the defaults that the
// schema states, both ways.
func TestDefaultsAreThoseOfTheSchema(t *testing.T) {
	doc, err := config.Doc(decode(t, "good/smallest.yaml").Tenants[0])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := schemas.Config()
	if err != nil {
		t.Fatal(err)
	}
	var schema, filled, given map[string]any
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc, &filled); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(sample(t, "good/smallest.yaml"), &given); err != nil {
		t.Fatal(err)
	}
	d := defaulter{walker: walker{t: t, defs: schema["$defs"].(map[string]any)}}
	d.compare("", schema, filled, given)
	if d.compared < 25 {
		t.Fatalf("%d defaults compared", d.compared)
	}
}

type defaulter struct {
	walker
	compared int
}

func (d *defaulter) compare(path string, s, filled, given map[string]any) {
	props, _ := d.deref(s)["properties"].(map[string]any)
	for key, p := range props {
		prop := d.deref(p.(map[string]any))
		at := path + "." + key
		value, has := filled[key]
		inner, isObject := value.(map[string]any)
		if isObject && prop["properties"] != nil {
			g, _ := given[key].(map[string]any)
			d.compare(at, prop, inner, g)
			continue
		}
		if _, set := given[key]; set {
			continue
		}
		def, states := prop["default"]
		zero := !states || reflect.ValueOf(def).IsZero()
		switch {
		case has && !states && !(isObject && len(inner) == 0):
			d.t.Errorf("%s: the decoder fills in %v, the schema states no default", at, value)
		case has && states && !reflect.DeepEqual(value, def):
			d.t.Errorf("%s: the decoder fills in %v, the schema states %v", at, value, def)
		case !has && states && !zero && !strings.HasSuffix(at, "oauth2"):
			d.t.Errorf("%s: the schema states %v, the decoder fills in nothing", at, def)
		}
		if states {
			d.compared++
		}
	}
}
