package zendesk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
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

// missingFields are the mapped fields that the account does not define or has switched off, sorted.
func (t *Target) missingFields(ctx context.Context) ([]string, error) {
	defined := map[string]map[string]bool{}
	var missing []string
	for _, f := range slices.Compact(slices.Sorted(slices.Values(t.cfg.Fields))) {
		list, _, key := fieldPath(f)
		if defined[list] == nil {
			keys, err := t.fieldKeys(ctx, list)
			if err != nil {
				return nil, err
			}
			defined[list] = keys
		}
		if !defined[list][key] {
			missing = append(missing, f)
		}
	}
	return missing, nil
}

func (t *Target) fieldKeys(ctx context.Context, path string) (map[string]bool, error) {
	type field struct {
		Key    string `json:"key"`
		Active *bool  `json:"active"`
	}
	keys, after := map[string]bool{}, ""
	for range 100 {
		var a struct {
			User []field `json:"user_fields"`
			Org  []field `json:"organization_fields"`
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
			keys[f.Key] = f.Active == nil || *f.Active
		}
		if after = a.Meta.After; !a.Meta.More || after == "" {
			break
		}
	}
	return keys, nil
}

// FixFields implements target.Fixer.
func (t *Target) FixFields(ctx context.Context, _ tenant.ID) []check.Step {
	d := &doctor{t: t}
	missing, err := t.missingFields(ctx)
	if err != nil {
		d.fault("fields", err)
	}
	for _, f := range missing {
		list, one, key := fieldPath(f)
		var a struct{}
		_, err := t.client.do(ctx, call{method: http.MethodPost, path: list, out: &a, body: wrap(one, map[string]any{
			"type": "text", "key": key, "title": title(key), "description": "Kept true to PeopleSoft by ml-connector",
		})})
		if err != nil {
			d.fault(f, err)
			d.steps[len(d.steps)-1].Code = string(fault.TargetFieldMissing)
			continue
		}
		d.ok(f, "created", 0)
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
