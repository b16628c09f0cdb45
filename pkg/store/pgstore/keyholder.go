package pgstore

import (
	"context"
	"strings"
	"time"
)

const (
	holdKeys = `INSERT INTO key_holders (process, keys, until) VALUES ($1, $2, ` + clock + ` + $3)
		ON CONFLICT (process) DO UPDATE SET keys = excluded.keys, until = excluded.until`
	endKeys    = `DELETE FROM key_holders WHERE process = $1 OR until < ` + clock + ` - 86400000000`
	keyHolders = `SELECT process, keys FROM key_holders WHERE until > ` + clock
)

// HoldKeys implements store.KeyHolders.
func (s *Store) HoldKeys(ctx context.Context, process string, keys []string, lasts time.Duration) error {
	_, err := s.pool.Exec(ctx, holdKeys, process, strings.Join(keys, " "), lasts.Microseconds())
	return fail("store: hold keys", err)
}

// EndKeys implements store.KeyHolders; it forgets those who went without a word a day ago as well.
func (s *Store) EndKeys(ctx context.Context, process string) error {
	_, err := s.pool.Exec(ctx, endKeys, process)
	return fail("store: end keys", err)
}

type keyHolder struct{ process, keys string }

// KeyHolders implements store.KeyHolders.
func (s *Store) KeyHolders(ctx context.Context) (map[string][]string, error) {
	all, err := list(ctx, s.pool, func(r scanner) (h keyHolder, err error) { err = r.Scan(&h.process, &h.keys); return h, err }, keyHolders)
	out := make(map[string][]string, len(all))
	for _, h := range all {
		out[h.process] = strings.Fields(h.keys)
	}
	return out, fail("store: list key holders", err)
}
