package pgstore

import (
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
)

// The server ends what hangs (failures.md 5.11); an operator's own limits in the URL stay.
func TestTheServerBoundsWhatHangs(t *testing.T) {
	for name, tc := range map[string]struct{ more, statement string }{"by default": {"", "15s"}, "as the URL says": {"statement_timeout=7s", "7s"}} {
		t.Run(name, func(t *testing.T) {
			url := pgtest.URL(t)
			if tc.more != "" {
				url += map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")] + tc.more
			}
			s, err := Open(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var statement, lock, idle string
			err = s.pool.QueryRow(t.Context(), "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')").
				Scan(&statement, &lock, &idle)
			if err != nil || statement != tc.statement || lock != "5s" || idle != "30s" {
				t.Errorf("statement %s lock %s idle %s, %v", statement, lock, idle, err)
			}
		})
	}
}
