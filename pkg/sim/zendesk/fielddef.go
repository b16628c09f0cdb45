package zendesk

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Field is a custom field of users or organizations (7.1).
type Field struct {
	URL            string        `json:"url"`
	ID             int64         `json:"id"`
	Type           string        `json:"type"`
	Key            string        `json:"key"`
	Title          string        `json:"title"`
	Description    string        `json:"description"`
	RawTitle       string        `json:"raw_title"`
	RawDescription string        `json:"raw_description"`
	Position       int           `json:"position"`
	Active         bool          `json:"active"`
	System         bool          `json:"system"`
	Regexp         *string       `json:"regexp_for_validation"`
	CreatedAt      time.Time     `json:"created_at"`
	UpdatedAt      time.Time     `json:"updated_at"`
	Tag            *string       `json:"tag,omitempty"`
	Options        []FieldOption `json:"custom_field_options,omitempty"`
}

// FieldOption is one choice of a dropdown.
type FieldOption struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

type fieldDefs struct{ list []Field }

func (d *fieldDefs) find(key string) *Field {
	for i := range d.list {
		if d.list[i].Key == key || strconv.FormatInt(d.list[i].ID, 10) == key {
			return &d.list[i]
		}
	}
	return nil
}

// show completes the set values with null, or false for a checkbox (1.2).
func (d *fieldDefs) show(set map[string]any) map[string]any {
	out := make(map[string]any, len(d.list))
	for i := range d.list {
		f := &d.list[i]
		v, isSet := set[f.Key]
		if !isSet && f.Type == "checkbox" {
			v = false
		}
		out[f.Key] = v
	}
	return out
}

// merge writes values key by key and keeps dropdown and checkbox tags in step; it returns new values and tags.
func (d *fieldDefs) merge(f *form, strict bool, set map[string]any, tags []string, values fields) (map[string]any, []string) {
	out := maps.Clone(set)
	if out == nil {
		out = map[string]any{}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		def := d.find(key)
		if def == nil {
			if strict {
				f.bad.add("base", "User fields: "+key+" is not a valid field")
			}
			continue
		}
		v, fits := def.value(values[key])
		if !fits {
			f.bad.add(key, def.Title+": is invalid")
			continue
		}
		tags = def.retag(tags, out[key], v)
		delete(out, key)
		if v != nil {
			out[key] = v
		}
	}
	return out, tags
}

// value reads what was sent as this field stores it.
func (f *Field) value(raw json.RawMessage) (v any, fits bool) {
	if json.Unmarshal(raw, &v) != nil {
		return nil, false
	}
	if v == nil || v == "" {
		return nil, true
	}
	text, isText := v.(string)
	switch f.Type {
	case "checkbox":
		b, err := strconv.ParseBool(strings.Trim(string(raw), `"`))
		return b, err == nil
	case "integer":
		n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
		return n, err == nil
	case "decimal":
		n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
		return n, err == nil
	case "date":
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC().Format("2006-01-02T00:00:00+00:00"), true
			}
		}
		return nil, false
	case "dropdown":
		return text, slices.ContainsFunc(f.Options, func(o FieldOption) bool { return o.Value == text })
	}
	if !isText {
		text = strings.Trim(string(raw), `"`)
	}
	return text, len([]rune(text)) <= 65_536
}

func (f *Field) retag(tags []string, before, after any) []string {
	drop := func(t string) []string {
		return slices.DeleteFunc(slices.Clone(tags), func(x string) bool { return x == t })
	}
	switch {
	case f.Type == "dropdown":
		if old, was := before.(string); was {
			tags = drop(old)
		}
		if now, is := after.(string); is {
			tags = append(tags, now)
		}
	case f.Type == "checkbox" && f.Tag != nil:
		tags = drop(*f.Tag)
		if after == true {
			tags = append(tags, *f.Tag)
		}
	}
	return tags
}

// fieldAPI are the three calls for one kind of custom field.
func (s *Sim) listFields(kind string) func(*call) reply {
	return func(*call) reply {
		list := append([]Field{}, s.defs[kind].list...)
		return ok(obj{kind + "_fields": list, "next_page": nil, "previous_page": nil, "count": len(list)})
	}
}

func (s *Sim) getField(kind string) func(*call) reply {
	return func(c *call) reply {
		f := s.defs[kind].find(c.r.PathValue("id"))
		if f == nil {
			return notFound()
		}
		return ok(obj{kind + "_field": *f})
	}
}

func (s *Sim) createField(kind string) func(*call) reply {
	return func(c *call) reply {
		var in map[string]Field
		if c.decode(&in) != nil {
			return *badJSON()
		}
		f, ps := s.addField(c.cause("create"), kind, in[kind+"_field"])
		if ps != nil {
			return s.invalid(ps)
		}
		a := created(obj{kind + "_field": f})
		a.header = http.Header{"Location": {f.URL}}
		return a
	}
}

func (s *Sim) addField(c cause, kind string, f Field) (Field, problems) {
	var ps problems
	if !validKey(f.Key) {
		ps.add("key", "Key: is invalid")
	}
	if s.defs[kind].find(f.Key) != nil {
		ps.taken("key", "Key: "+f.Key+" has already been taken")
	}
	if f.Title == "" {
		ps.add("title", "Title: cannot be blank")
	}
	known := []string{"text", "textarea", "checkbox", "date", "integer", "decimal", "regexp", "dropdown", "multiselect", "lookup"}
	if !slices.Contains(known, f.Type) {
		ps.add("type", "Type: is invalid")
	}
	if ps != nil {
		return f, ps
	}
	f.ID = s.nextID()
	f.URL = s.link("%s_fields/%d.json", kind, f.ID)
	f.RawTitle, f.RawDescription, f.Position, f.Active, f.System = f.Title, f.Description, 9999, true, false
	f.CreatedAt, f.UpdatedAt = c.at, c.at
	for i := range f.Options {
		f.Options[i].ID = s.nextID()
	}
	s.defs[kind].list = append(slices.Clone(s.defs[kind].list), f)
	s.log.add(c, Effect{Kind: "field", ID: f.ID, Verb: "create", After: &f})
	return f, nil
}

// validKey: letters, digits and _, not digits only (7.1).
func validKey(key string) bool {
	rest := strings.Trim(strings.ToLower(key), "0123456789")
	return rest != "" && strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
