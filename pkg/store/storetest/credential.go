package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func credentialTests() map[string]test {
	return map[string]test{
		"a credential is replaced by newer versions only":         credentialVersions,
		"of a hundred writers of one credential version one wins": credentialRace,
		"credentials are listed without their boxes":              credentialList,
	}
}

func sealed(purpose string, version int64, box string) store.Sealed {
	return store.Sealed{Purpose: purpose, Version: version, KeyID: "k1", Box: []byte(box), At: utc(noon())}
}

func credentialVersions(t *testing.T, s store.Store) {
	ctx, box := t.Context(), string([]byte{0, 255, 1, 254}) // boxes are bytes, not text
	ok(t, s.PutCredential(ctx, acme, sealed("p", 2, box)))
	ok(t, s.PutCredential(ctx, globex, sealed("p", 1, "theirs")))
	for version := range int64(3) {
		if err := s.PutCredential(ctx, acme, sealed("p", version, "old")); !errors.Is(err, store.ErrConflict) {
			t.Fatalf("version %d over 2: got %v, want ErrConflict", version, err)
		}
	}
	equal(t, "kept", must[store.Sealed](t)(s.Credential(ctx, acme, "p")), sealed("p", 2, box))
	ok(t, s.PutCredential(ctx, acme, sealed("p", 3, "new")))
	equal(t, "replaced", must[store.Sealed](t)(s.Credential(ctx, acme, "p")), sealed("p", 3, "new"))
	equal(t, "other tenant's", must[store.Sealed](t)(s.Credential(ctx, globex, "p")), sealed("p", 1, "theirs"))
	if _, err := s.Credential(ctx, acme, "q"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("missing: got %v, want ErrNotFound", err)
	}
}

func credentialRace(t *testing.T, s store.Store) {
	won := race(t, 100, func(i int) (bool, error) {
		err := s.PutCredential(t.Context(), acme, sealed("p", 1, fmt.Sprint(i)))
		if errors.Is(err, store.ErrConflict) {
			return false, nil
		}
		return err == nil, err
	})
	equal(t, "winners", won, 1)
	if _, err := s.Credential(t.Context(), globex, "p"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("other tenant: got %v, want ErrNotFound", err)
	}
}

func credentialList(t *testing.T, s store.Store) {
	for _, p := range []string{"b", "a"} {
		ok(t, s.PutCredential(t.Context(), acme, sealed(p, 1, "box")))
		ok(t, s.PutCredential(t.Context(), globex, sealed(p, 9, "box")))
	}
	want := []store.Sealed{sealed("a", 1, ""), sealed("b", 1, "")}
	want[0].Box, want[1].Box = nil, nil
	equal(t, "list", must[[]store.Sealed](t)(s.Credentials(t.Context(), acme)), want)
}

func keyTests() map[string]test {
	return map[string]test{
		"a data key can be rewrapped but not replaced":        dataKeys,
		"a hundred first data keys at once leave one":         dataKeyRace,
		"the key check is written once unless it is replaced": keyCheck,
	}
}

func wrapped(id, master, box string) store.WrappedKey {
	return store.WrappedKey{ID: id, Master: master, Box: []byte(box), At: utc(noon())}
}

func dataKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.DataKey(ctx, acme); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("missing: got %v, want ErrNotFound", err)
	}
	ok(t, s.PutDataKey(ctx, globex, wrapped("g", "m1", "box")))
	ok(t, s.PutDataKey(ctx, acme, wrapped("a", "m1", "\x00\xff")))
	if err := s.PutDataKey(ctx, acme, wrapped("b", "m1", "other")); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("second key: got %v, want ErrConflict", err)
	}
	equal(t, "kept", must[store.WrappedKey](t)(s.DataKey(ctx, acme)), wrapped("a", "m1", "\x00\xff"))
	ok(t, s.PutDataKey(ctx, acme, wrapped("a", "m2", "rewrapped")))
	equal(t, "rewrapped", must[store.WrappedKey](t)(s.DataKey(ctx, acme)), wrapped("a", "m2", "rewrapped"))
	equal(t, "other tenant's", must[store.WrappedKey](t)(s.DataKey(ctx, globex)), wrapped("g", "m1", "box"))
	equal(t, "tenants", must[[]tenant.ID](t)(s.SealedTenants(ctx)), []tenant.ID{acme, globex})
}

func dataKeyRace(t *testing.T, s store.Store) {
	var winner atomic.Pointer[string]
	won := race(t, 100, func(i int) (bool, error) {
		id := fmt.Sprint(i)
		err := s.PutDataKey(t.Context(), acme, wrapped(id, "m", id))
		if errors.Is(err, store.ErrConflict) {
			return false, nil
		}
		winner.Store(&id)
		return err == nil, err
	})
	equal(t, "winners", won, 1)
	equal(t, "stored", must[store.WrappedKey](t)(s.DataKey(t.Context(), acme)).ID, *winner.Load())
	equal(t, "tenants", must[[]tenant.ID](t)(s.SealedTenants(t.Context())), []tenant.ID{acme})
}

func keyCheck(t *testing.T, s store.Store) {
	ctx := t.Context()
	if _, err := s.KeyCheck(ctx); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("missing: got %v, want ErrNotFound", err)
	}
	ok(t, s.PutKeyCheck(ctx, []byte("one\x00\xff")))
	ok(t, s.PutKeyCheck(ctx, []byte("one\x00\xff"))) // an answer was lost: harmless
	if err := s.PutKeyCheck(ctx, []byte("two")); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("second check: got %v, want ErrConflict", err)
	}
	if got := must[[]byte](t)(s.KeyCheck(ctx)); !bytes.Equal(got, []byte("one\x00\xff")) {
		t.Fatalf("check changed: %q", got)
	}
	ok(t, s.ReplaceKeyCheck(ctx, []byte("two")))
	equal(t, "replaced", must[[]byte](t)(s.KeyCheck(ctx)), []byte("two"))
}
