package sqlitestore

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

const (
	holdKeys = `INSERT INTO key_holders (process, keys, until) VALUES (?, ?, ` + clock + ` + ?)
		ON CONFLICT (process) DO UPDATE SET keys = excluded.keys, until = excluded.until`
	endKeys    = `DELETE FROM key_holders WHERE process = ? OR until < ` + clock + ` - 86400000000`
	keyHolders = `SELECT process, keys FROM key_holders WHERE until > ` + clock
)

// HoldKeys implements store.KeyHolders.
func (s *Store) HoldKeys(ctx context.Context, process string, keys []string, lasts time.Duration) error {
	return s.run(ctx, "store: hold keys", holdKeys, process, strings.Join(keys, " "), lasts.Microseconds())
}

// EndKeys implements store.KeyHolders; it forgets those who went without a word a day ago as well.
func (s *Store) EndKeys(ctx context.Context, process string) error {
	return s.run(ctx, "store: end keys", endKeys, process)
}

// run is one statement that may change nothing.
func (s *Store) run(ctx context.Context, op, query string, args ...any) error {
	return s.write(ctx, op, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
}

type keyHolder struct{ process, keys string }

// KeyHolders implements store.KeyHolders.
func (s *Store) KeyHolders(ctx context.Context) (map[string][]string, error) {
	all, err := list(ctx, s.reader, func(r scanner) (h keyHolder, err error) { err = r.Scan(&h.process, &h.keys); return h, err }, keyHolders)
	out := make(map[string][]string, len(all))
	for _, h := range all {
		out[h.process] = strings.Fields(h.keys)
	}
	return out, fail("store: list key holders", err)
}
