package pgstore

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/pkg/store/storetest"
)

func TestAChangedTrailIsNamed(t *testing.T) {
	storetest.Tamper(t, func(t testing.TB) (store.Store, func(string) error) {
		s, err := Open(t.Context(), pgtest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		return s, func(statement string) error { _, err := s.pool.Exec(t.Context(), statement); return err }
	})
}
