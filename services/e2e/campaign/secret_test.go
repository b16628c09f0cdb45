package campaign

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// What a stranger sends who is refused.
const (
	wrongPassword = "Canary-wrong-password-90ab3"
	urlSecret     = "Canary-url-token-5d1e7"
)

// canaries are what was entrusted to the system, the marks that all tokens of the simulated Zendesk carry, what strangers
// sent, and what stands in PeopleSoft's messages and nobody asked for: pay, numbers of persons and banks, birthplaces.
func (r *rig) canaries() []string {
	return []string{r.Secrets["DEMO_PS_PASSWORD"], r.Secrets["DEMO_ZD_SECRET"], ibPassword, letterSecret, "sim-access", "sim-refresh",
		wrongPassword, urlSecret, pssim.Canary, pssim.CanaryPay}
}

// keys are the files of the data folder that are secrets by their purpose; only their owner reads them.
var keys = []string{"master.key", "admin.token", "admin.json"}

// secrets is O8: nothing of what was entrusted stands in a log, in the database's files, in the broker's, or anywhere else
// in the data folder.
func (r *rig) secrets() (bad []string) {
	bad = r.found("the log", []byte(r.log.tail(1<<30)))
	err := filepath.WalkDir(filepath.Join(r.dir, "data"), func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // a file that was there a moment ago
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		for _, k := range keys {
			if e.Name() == k {
				return nil
			}
		}
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil
		}
		bad = append(bad, r.found(e.Name(), text)...)
		return err
	})
	return append(bad, errorOf(err)...)
}

func (r *rig) found(where string, text []byte) (bad []string) {
	for i, c := range r.canaries() {
		if bytes.Contains(text, []byte(c)) {
			bad = append(bad, fmt.Sprintf("O8: secret %d stands in %s", i, where))
		}
	}
	return bad
}

// leaked is O8 on Postgres: every row of every table as text, where bytes are shown in hexadecimal.
func (r *rig) leaked(database string) (bad []string) {
	ctx := context.Background()
	db, err := sql.Open("pgx", database)
	if err != nil {
		return errorOf(err)
	}
	defer func() { _ = db.Close() }()
	var names string
	if err := db.QueryRowContext(ctx, `SELECT coalesce(string_agg(quote_ident(schemaname) || '.' || quote_ident(tablename), ','), '')
		FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`).Scan(&names); err != nil || names == "" {
		return []string{fmt.Sprintf("O8: no tables to look at: %v", err)}
	}
	for table := range strings.SplitSeq(names, ",") {
		var where []string
		for _, c := range r.canaries() {
			where = append(where, fmt.Sprintf("x::text LIKE '%%%s%%' OR x::text LIKE '%%%s%%'", c, hex.EncodeToString([]byte(c))))
		}
		var n int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM "+table+" x WHERE "+strings.Join(where, " OR ")).Scan(&n); err != nil || n > 0 {
			bad = append(bad, fmt.Sprintf("O8: %d rows of %s hold a secret, %v", n, table, err))
		}
	}
	return bad
}
