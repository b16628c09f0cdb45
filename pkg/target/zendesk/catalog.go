package zendesk

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// catalog is what the account says of its custom fields: one or two calls an hour, made before the first write, so that
// a field that is missing is told before anything was written to it.
type catalog struct {
	reading turn
	mu      sync.Mutex
	at      time.Time
	defs    map[string]fieldDef // by path; nil while nothing is known
	told    string              // missing fields that the log names already
}

// What is missing may be made by `check --fix` at any moment: it is looked for every minute.
const (
	catalogLife = time.Hour
	missingLife = time.Minute
)

// fieldDef is a custom field. Options of a dropdown are found by value or name in lower case (zendesk.md 7.1).
type fieldDef struct {
	kind    string
	options map[string]string
}

// wireField is a field's definition.
type wireField struct {
	Key     string `json:"key"`
	Type    string `json:"type"`
	Active  *bool  `json:"active"`
	Options []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"custom_field_options"`
}

func (f wireField) def() fieldDef {
	d := fieldDef{kind: f.Type}
	if f.Type != "dropdown" && f.Type != "tagger" && f.Type != "multiselect" {
		return d
	}
	d.options = map[string]string{}
	for _, o := range f.Options { // a name first, so that a value, which is unique, wins over another's name
		d.options[fold(o.Name)] = o.Value
	}
	for _, o := range f.Options {
		d.options[fold(o.Value)] = o.Value
	}
	return d
}

func newCatalog() *catalog { return &catalog{reading: newTurn()} }

// stale has the definitions read anew by whoever needs them next.
func (c *catalog) stale() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = time.Time{}
}

// load reads the definitions for these fields anew.
func (c *catalog) load(ctx context.Context, t *Target, fields []string) error {
	all := map[string]fieldDef{}
	for _, prefix := range []string{prefixUser, prefixOrg} {
		if !slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(f, prefix) }) {
			continue
		}
		path, _, _ := fieldPath(prefix)
		defs, err := t.fieldDefs(ctx, path, prefix)
		if err != nil {
			return err
		}
		maps.Copy(all, defs)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.defs = time.Now(), all
	return nil
}

// fresh has the definitions read when they are old. An account that does not show them is written as if all fields were
// text: it refuses what does not fit.
func (c *catalog) fresh(ctx context.Context, t *Target) {
	if len(t.cfg.Fields) == 0 || c.reading.take(ctx) != nil {
		return
	}
	defer c.reading.give()
	life := catalogLife
	if len(c.missing(t.cfg.Fields)) > 0 {
		life = missingLife
	}
	c.mu.Lock()
	young := time.Since(c.at) < life
	c.mu.Unlock()
	if young {
		return
	}
	if err := c.load(ctx, t, t.cfg.Fields); err != nil {
		c.mu.Lock()
		c.at = time.Now().Add(t.cfg.Fresh - life) // tried again before the hour is over
		c.mu.Unlock()
		return
	}
	missing := strings.Join(c.missing(t.cfg.Fields), ", ")
	if missing != "" && missing != c.told { // c.reading is ours
		t.cfg.Log.Warn("zendesk has no such fields: their values are not shown", "code", string(fault.TargetFieldMissing), "fields", missing)
	}
	c.told = missing
}

func (c *catalog) missing(fields []string) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range slices.Compact(slices.Sorted(slices.Values(fields))) {
		if _, defined := c.defs[f]; !defined && c.defs != nil {
			out = append(out, f)
		}
	}
	return out
}

// fit says the wanted values in the words of the account: the option of a dropdown by its value, a checkbox as true or
// false. Values without an option are left out and named.
func (c *catalog) fit(w directory.Entry) (directory.Entry, []string) {
	fields := map[string]string(nil)
	if w.User != nil {
		fields = w.User.Fields
	} else if w.Organization != nil {
		fields = w.Organization.Fields
	}
	fitted, unknown := c.values(fields)
	switch {
	case fitted == nil:
	case w.User != nil:
		u := *w.User
		u.Fields = fitted
		w.User = &u
	default:
		o := *w.Organization
		o.Fields = fitted
		w.Organization = &o
	}
	return w, unknown
}

// values answers nil when nothing has to be said in other words.
func (c *catalog) values(in map[string]string) (out map[string]string, unknown []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range sortedKeys(in) {
		v, ok := c.defs[f].word(in[f])
		if ok && v == in[f] {
			continue
		}
		if out == nil {
			out = maps.Clone(in)
		}
		if out[f] = v; !ok {
			delete(out, f)
			unknown = append(unknown, f)
		}
	}
	return out, unknown
}

// word is a value as the field stores it.
func (d fieldDef) word(v string) (string, bool) {
	switch {
	case blank(v):
		return v, true
	case d.kind == "checkbox":
		switch fold(v) {
		case "true", "t", "yes", "y", "1", "on":
			return "true", true
		case "false", "f", "no", "n", "0", "off":
			return "false", true
		}
		return v, false
	case d.kind == "integer", d.kind == "decimal", d.kind == "date":
		return d.plain(strings.TrimSpace(v))
	case d.options != nil:
		o, ok := d.options[fold(v)]
		return o, ok
	}
	return v, true
}

// blanks are the wanted fields of a new object as Zendesk shows them before anything was written: a checkbox is false.
func (c *catalog) blanks(prefix string, want map[string]string) map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]any{}
	for f := range want {
		key, ok := strings.CutPrefix(f, prefix)
		switch {
		case !ok:
		case c.defs[f].kind == "checkbox":
			out[key] = false
		default:
			out[key] = nil
		}
	}
	return out
}

// fitted gives the items in the account's words, and what a plan has to tell about each.
func (t *Target) fitted(ctx context.Context, items []target.Item) ([]target.Item, map[int][]string) {
	t.fields.fresh(ctx, t)
	out, unknown := slices.Clone(items), map[int][]string{}
	for i := range out {
		w, left := t.fields.fit(out[i].Wanted)
		if out[i].Wanted = w; len(left) > 0 {
			unknown[i] = left
		}
	}
	return out, unknown
}

// tell marks plans of records with a value that a field has no option for.
func tell(out []target.Planned, items []target.Item, unknown map[int][]string) {
	for i := range out {
		out[i].Item = items[i]
		if list := unknown[i]; len(list) > 0 && out[i].Err == nil && out[i].Change.Code == "" {
			out[i].Change.Code = string(fault.TargetFieldOption)
			out[i].Change.Why += "; left out, because the field has no such option: " + strings.Join(list, ", ")
		}
	}
}
