package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Doc writes the settings as the document that the store keeps: JSON in the shape of the tenant file, every default
// written out, references in place of secrets. Equal settings give equal bytes.
func Doc(t Tenant) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(t); err != nil {
		return nil, fmt.Errorf("tenant %s: encode settings: %w", t.ID, err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// FromDoc reads what Doc wrote. Keys that this version does not know are an error: a setting that is silently not
// obeyed is worse than a process that does not start.
func FromDoc(b []byte) (Tenant, error) {
	t := Defaults()
	t.Employees.User, t.Vendors.Organization = nil, nil // a map is replaced and not merged with the default
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return Tenant{}, fmt.Errorf("decode settings: %w", err)
	}
	if t.ID == "" || t.Timezone.Location == nil {
		return Tenant{}, fmt.Errorf("decode settings: tenant or timezone is missing")
	}
	return t, nil
}

// Change is one setting that differs, as `apply` prints it.
type Change struct {
	Path   string
	Before string // "" when it was not set
	After  string // "" when it is not set any more
}

// Diff lists the settings that differ, by path. A tenant that does not exist yet is the zero Tenant.
func Diff(before, after Tenant) ([]Change, error) {
	a, err := flatten(before)
	if err != nil {
		return nil, err
	}
	b, err := flatten(after)
	if err != nil {
		return nil, err
	}
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	var list []Change
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if a[k] != b[k] {
			list = append(list, Change{k, a[k], b[k]})
		}
	}
	return list, nil
}

// flatten is every leaf of the document by its dotted path; lists are leaves.
func flatten(t Tenant) (map[string]string, error) {
	out := map[string]string{}
	if t.ID == "" {
		return out, nil
	}
	doc, err := Doc(t)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("tenant %s: read settings: %w", t.ID, err)
	}
	leaves("", tree, out)
	return out, nil
}

func leaves(path string, v any, out map[string]string) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			leaves(join(path, k), e, out)
		}
	case []any:
		b, _ := json.Marshal(x)
		out[path] = string(b)
	case nil:
	default:
		out[path] = fmt.Sprint(x)
	}
}
