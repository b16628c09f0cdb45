package pgstore

import (
	"os"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/pkg/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func open(t testing.TB) store.Store { return at(t, pgtest.URL(t)) }

func at(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestPostgres(t *testing.T) { storetest.Run(t, open) }

func BenchmarkPostgres(b *testing.B) { storetest.Bench(b, open) }
