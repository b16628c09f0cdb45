package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func streamTests() map[string]test {
	return map[string]test{
		"streams are remembered per tenant": func(t *testing.T, s store.Store) {
			ctx, made := t.Context(), noon()
			ok(t, s.RememberStream(ctx, acme, "ERP_acme", made))
			ok(t, s.RememberStream(ctx, acme, "ERP_acme", made.Add(time.Hour)))
			ok(t, s.RememberStream(ctx, globex, "ERP_globex", made))
			want := map[string]time.Time{"ERP_acme": utc(made.Add(time.Hour))}
			equal(t, "streams", must[map[string]time.Time](t)(s.KnownStreams(ctx, acme)), want)
			equal(t, "other tenant's", len(must[map[string]time.Time](t)(s.KnownStreams(ctx, globex))), 1)
		},
	}
}

func lifeTests() map[string]test {
	return map[string]test{
		"ping answers until the store is closed": func(t *testing.T, s store.Store) {
			ok(t, s.Ping(t.Context()))
			ok(t, s.Close())
			if err := s.Ping(t.Context()); fault.CodeOf(err) != fault.StoreDown || fault.KindOf(err) != fault.Transient {
				t.Fatalf("closed: got %v, want a transient STORE_DOWN", err)
			}
			if _, err := s.Tenant(t.Context(), acme); err == nil || errors.Is(err, store.ErrNotFound) {
				t.Fatalf("closed: got %v: not found would be a lie", err)
			}
		},
		"a cancelled call stores nothing": func(t *testing.T, s store.Store) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err := s.Append(ctx, acme, entries("x", 1))
			if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Transient {
				t.Fatalf("got %v, want cancelled and transient", err)
			}
			equal(t, "entries", len(ids(t, s, acme)), 0)
			equal(t, "other tenant's entries", len(ids(t, s, globex)), 0)
		},
	}
}
