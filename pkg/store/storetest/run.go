// Package storetest is the suite that every backend of the store contract passes. Each test works with two tenants in
// one store and shows that neither sees what the other wrote.
package storetest

import (
	"maps"
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store"
)

// test is one promise of the contract.
type test func(t *testing.T, s store.Store)

// Run runs the suite. open gives an empty store, closed at the end of the test by Run itself.
func Run(t *testing.T, open func(t testing.TB) store.Store) {
	tests := map[string]test{}
	for _, part := range []map[string]test{
		tenantTests(), credentialTests(), keyTests(), leaseTests(), cycleTests(), ledgerTests(), ledgerListTests(), pointTests(), linkTests(),
		journalTests(), writerTests(), commitTests(), quarantineTests(), findingTests(), trailTests(), trailQueryTests(), sealTests(),
		streamTests(), lifeTests(), guardTests(), holdTests(), recoveryTests(), keyHolderTests(),
	} {
		maps.Copy(tests, part)
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() { _ = s.Close() })
			tests[name](t, s)
		})
	}
}
