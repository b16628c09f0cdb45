package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// fieldPath splits a target field path into where its definition lives and its key.
func fieldPath(path string) (listPath, one, key string) {
	if key, ok := strings.CutPrefix(path, prefixOrg); ok {
		return "/api/v2/organization_fields", "organization_field", key
	}
	return "/api/v2/user_fields", "user_field", strings.TrimPrefix(path, prefixUser)
}

// missingFields are the mapped fields that the account does not define or has switched off, sorted. What it reads is
// kept for plans.
func (t *Target) missingFields(ctx context.Context) ([]string, error) {
	if err := t.fields.load(ctx, t, t.cfg.Fields); err != nil {
		return nil, err
	}
	return t.fields.missing(t.cfg.Fields), nil
}

// Missing are the mapped fields that the account lacked when it was last looked at: before the first write, and every
// minute while there is something to write. Without a look nothing is known.
func (t *Target) Missing() (fields []string, known bool) {
	t.fields.mu.Lock()
	known = t.fields.defs != nil
	t.fields.mu.Unlock()
	return t.fields.missing(t.cfg.Fields), known
}

// fieldDefs reads the definitions of one sort of custom fields, by path.
func (t *Target) fieldDefs(ctx context.Context, path, prefix string) (map[string]fieldDef, error) {
	defs, after := map[string]fieldDef{}, ""
	for range 100 {
		var a struct {
			User []wireField `json:"user_fields"`
			Org  []wireField `json:"organization_fields"`
			Meta struct {
				More  bool   `json:"has_more"`
				After string `json:"after_cursor"`
			} `json:"meta"`
		}
		q := url.Values{"page[size]": {"100"}}
		if after != "" {
			q.Set("page[after]", after)
		}
		if _, err := t.client.do(ctx, call{method: http.MethodGet, path: path, query: q, out: &a}); err != nil {
			return nil, err
		}
		for _, f := range append(a.User, a.Org...) {
			if f.Active == nil || *f.Active {
				defs[prefix+f.Key] = f.def()
			}
		}
		if after = a.Meta.After; !a.Meta.More || after == "" {
			break
		}
	}
	return defs, nil
}

// FixFields implements target.Fixer: each missing field in its shape. A field that exists is never changed.
func (t *Target) FixFields(ctx context.Context, _ tenant.ID) []check.Step {
	d := &doctor{t: t}
	missing, err := t.missingFields(ctx)
	if err != nil {
		d.fault("fields", err)
	}
	for _, f := range missing {
		list, one, key := fieldPath(f)
		var a struct{}
		shape := t.cfg.Shapes[f]
		_, err := t.client.do(ctx, call{method: http.MethodPost, path: list, out: &a, body: wrap(one, shape.body(key))})
		if err != nil {
			d.fault(f, err)
			d.steps[len(d.steps)-1].Code = string(fault.TargetFieldMissing)
			continue
		}
		d.ok(f, "created as "+shape.kind(), 0)
		t.fields.stale()
	}
	return d.steps
}

// title makes "job_title" readable.
func title(key string) string {
	words := strings.ReplaceAll(strings.ReplaceAll(key, "_", " "), "-", " ")
	if words == "" {
		return key
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
