package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func sealTests() map[string]test {
	return map[string]test{
		"a seal chains entries in their order":              sealOrder,
		"concurrent seals and appends make one whole chain": sealRace,
	}
}

func hash(last string, e audit.Stored) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%s|%s", last, e.Position, e.ID, e.Detail))
	return hex.EncodeToString(sum[:])
}

// whole checks a tenant's chain and answers how many entries are sealed.
func whole(t *testing.T, s store.Store, id tenant.ID) (sealed int) {
	t.Helper()
	last := ""
	for _, e := range trail(t, s, id, audit.Query{Limit: 100_000}) {
		if e.Seal == "" {
			continue
		}
		if e.Seal != hash(last, e) || int(e.Position) != sealed+1 {
			t.Fatalf("%s: the chain breaks at position %d", id, e.Position)
		}
		last, sealed = e.Seal, sealed+1
	}
	return sealed
}

func sealOrder(t *testing.T, s store.Store) {
	ctx, n := t.Context(), must[int](t)
	equal(t, "an empty trail", n(s.Seal(ctx, acme, 10, hash)), 0)
	ok(t, s.Append(ctx, acme, entries("a", 5)))
	ok(t, s.Append(ctx, globex, entries("g", 3)))
	equal(t, "first part", n(s.Seal(ctx, acme, 2, hash)), 2)
	equal(t, "sealed", whole(t, s, acme), 2)
	equal(t, "the rest", n(s.Seal(ctx, acme, 10, hash)), 3)
	equal(t, "nothing left", n(s.Seal(ctx, acme, 10, hash)), 0)
	ok(t, s.Append(ctx, acme, entries("b", 1)))
	equal(t, "a later one", n(s.Seal(ctx, acme, 10, hash)), 1)
	equal(t, "sealed in the end", whole(t, s, acme), 6)
	equal(t, "other tenant's", whole(t, s, globex), 0)
}

func sealRace(t *testing.T, s store.Store) {
	race(t, 40, func(i int) (bool, error) {
		id := []tenant.ID{acme, globex}[i%2]
		for n := range 5 {
			if err := s.Append(t.Context(), id, entries(fmt.Sprint(i, "-", n), 3)); err != nil {
				return false, err
			}
			if _, err := s.Seal(t.Context(), id, 2+i%5, hash); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	for _, id := range []tenant.ID{acme, globex} {
		whole(t, s, id)
		must[int](t)(s.Seal(t.Context(), id, 100_000, hash))
		equal(t, "sealed", whole(t, s, id), 300)
	}
}
