package sqlitestore

import (
	"path/filepath"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/storetest"
)

func open(t testing.TB) store.Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "ml.db"))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestSQLite(t *testing.T) { storetest.Run(t, open) }

func BenchmarkSQLite(b *testing.B) { storetest.Bench(b, open) }

func BenchmarkVerifyOfAMillion(b *testing.B) { storetest.BenchVerify(b, open, 1_000_000) }
