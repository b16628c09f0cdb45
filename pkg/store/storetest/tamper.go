package storetest

import (
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Tamper changes rows of a sealed trail behind the store's back and demands that audit.Verify names the first of them
// (failures.md 5.9). exec runs a statement on the backend itself.
func Tamper(t *testing.T, open func(t testing.TB) (s store.Store, exec func(statement string) error)) {
	t.Helper()
	for name, c := range map[string]struct {
		statements []string
		bad        int64
		why        string
	}{
		"nothing":   {},
		"an edit":   {[]string{"UPDATE audit SET stage = 'poller' WHERE tenant = 'acme' AND position = 5"}, 5, "edited"},
		"a removal": {[]string{"DELETE FROM audit WHERE tenant = 'acme' AND position = 5"}, 5, "removed"},
		"a swap": {[]string{"UPDATE audit SET position = 900 WHERE tenant = 'acme' AND position = 5",
			"UPDATE audit SET position = 5 WHERE tenant = 'acme' AND position = 8", "UPDATE audit SET position = 8 WHERE tenant = 'acme' AND position = 900"}, 5, "swapped"},
		"an entry put in": {[]string{"INSERT INTO audit (tenant, position, id, kind, key, at, stage, outcome, cause, body) SELECT tenant, 11, 'made up', kind, key, at, stage, outcome, cause, body FROM audit WHERE tenant = 'acme' AND position = 5",
			"INSERT INTO seals (tenant, position, hash) SELECT tenant, 11, hash FROM seals WHERE tenant = 'acme' AND position = 10"}, 11, "put in"},
		"the end cut off": {[]string{"DELETE FROM seals WHERE tenant = 'acme' AND position > 8", "DELETE FROM audit WHERE tenant = 'acme' AND position > 8"}, 9, "cut off"},
		"the end cut off and hidden": {[]string{"DELETE FROM seals WHERE tenant = 'acme' AND position > 8", "DELETE FROM audit WHERE tenant = 'acme' AND position > 8",
			"UPDATE trails SET last = 8 WHERE tenant = 'acme'",
			"UPDATE chains SET position = 8, hash = (SELECT hash FROM seals WHERE tenant = 'acme' AND position = 8) WHERE tenant = 'acme'"}, 9, "checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			s, exec := open(t)
			t.Cleanup(func() { _ = s.Close() })
			ok(t, s.Append(t.Context(), acme, entries("a", 10)))
			_ = must[int](t)(s.Seal(t.Context(), acme, 100, audit.Link))
			head := must[audit.Chain](t)(s.Chain(t.Context(), acme)).Head
			for _, statement := range c.statements {
				ok(t, exec(statement))
			}
			rep, err := audit.Verify(t.Context(), acme, s, head)
			ok(t, err)
			if rep.Bad != c.bad || !strings.Contains(rep.Why, c.why) {
				t.Fatalf("bad %d because %q, want %d because %q", rep.Bad, rep.Why, c.bad, c.why)
			}
		})
	}
}
