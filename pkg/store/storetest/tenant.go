package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func tenantTests() map[string]test {
	return map[string]test{
		"a tenant's document raises the version only when it differs": tenantVersions,
		"documents come back byte for byte":                           tenantDocuments,
		"a hundred changes at once raise the version a hundred times": tenantRace,
		"a missing tenant is not found": func(t *testing.T, s store.Store) {
			if _, err := s.Tenant(t.Context(), acme); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("got %v, want ErrNotFound", err)
			}
		},
	}
}

func tenantVersions(t *testing.T, s store.Store) {
	ctx, before := t.Context(), time.Now().Add(-time.Second)
	put := func(id tenant.ID, doc, entryID string, want int64) {
		t.Helper()
		v := must[int64](t)(s.PutTenant(ctx, id, []byte(doc), []audit.Entry{entry(entryID, employee(1))}))
		equal(t, "version", v, want)
	}
	put(globex, `{"g":1}`, "g1", 1)
	put(acme, `{"a":1}`, "a1", 1)
	put(acme, `{"a":1}`, "a2", 1)
	put(acme, `{"a":2}`, "a3", 2)

	got := must[store.Tenant](t)(s.Tenant(ctx, acme))
	if got.At.Before(before) || got.At.Location() != time.UTC || got.At != utc(got.At) {
		t.Fatalf("time of the change: %v", got.At)
	}
	got.At = time.Time{}
	equal(t, "tenant", got, store.Tenant{ID: acme, Version: 2, Doc: []byte(`{"a":2}`)})
	equal(t, "other tenant's version", must[store.Tenant](t)(s.Tenant(ctx, globex)).Version, int64(1))
	equal(t, "tenants", must[[]tenant.ID](t)(s.TenantIDs(ctx)), []tenant.ID{acme, globex})
	equal(t, "entries, none for the equal document", ids(t, s, acme), []string{"a1", "a3"})
	equal(t, "other tenant's entries", ids(t, s, globex), []string{"g1"})
}

func tenantDocuments(t *testing.T, s store.Store) {
	for name, doc := range documents() {
		must[int64](t)(s.PutTenant(t.Context(), acme, doc, nil))
		must[int64](t)(s.PutTenant(t.Context(), globex, []byte("other"), nil))
		if got := must[store.Tenant](t)(s.Tenant(t.Context(), acme)); string(got.Doc) != string(doc) {
			t.Errorf("%s: %d bytes came back changed (%d)", name, len(doc), len(got.Doc))
		}
	}
}

func tenantRace(t *testing.T, s store.Store) {
	race(t, 100, func(i int) (bool, error) {
		_, err := s.PutTenant(t.Context(), acme, fmt.Append(nil, i), []audit.Entry{entry(fmt.Sprint(i), employee(i))})
		return err == nil, err
	})
	equal(t, "version", must[store.Tenant](t)(s.Tenant(t.Context(), acme)).Version, int64(100))
	equal(t, "entries", len(ids(t, s, acme)), 100)
	equal(t, "other tenant's entries", len(ids(t, s, globex)), 0)
}

// ids lists a tenant's audit entries in the order stored.
func ids(t *testing.T, s store.Store, id tenant.ID) []string {
	t.Helper()
	out := []string{}
	for _, e := range must[[]audit.Stored](t)(s.Trail(t.Context(), id, audit.Query{Limit: 100_000})) {
		out = append(out, e.ID)
	}
	return out
}
