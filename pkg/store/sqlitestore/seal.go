package sqlitestore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	selectChain    = `SELECT position, hash FROM chains WHERE tenant = ?`
	selectUnsealed = selectTrail + ` AND a.position > ? ORDER BY a.position LIMIT ?`
	insertSeal     = `INSERT INTO seals (tenant, position, hash) VALUES (?, ?, ?)`
	moveChain      = `INSERT INTO chains (tenant, position, hash) VALUES (?, ?, ?)
		ON CONFLICT (tenant) DO UPDATE SET position = excluded.position, hash = excluded.hash`
)

// Seal implements store.Trail.
func (s *Store) Seal(ctx context.Context, t tenant.ID, limit int, link func(last string, e audit.Stored) string) (n int, err error) {
	err = s.write(ctx, "store: seal audit", func(ctx context.Context, tx *sql.Tx) error {
		n, err = seal(ctx, tx, t, limit, link)
		return err
	})
	return n, err
}

func seal(ctx context.Context, tx *sql.Tx, t tenant.ID, limit int, link func(string, audit.Stored) string) (int, error) {
	var position int64
	var hash string
	if err := tx.QueryRowContext(ctx, selectChain, t).Scan(&position, &hash); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	open, err := list(ctx, tx, scanStored, selectUnsealed, t, position, row.Limit(limit))
	if err != nil || len(open) == 0 {
		return 0, err
	}
	insert, err := tx.PrepareContext(ctx, insertSeal)
	if err != nil {
		return 0, err
	}
	for _, e := range open {
		hash, position = link(hash, e), e.Position
		if _, err := insert.ExecContext(ctx, t, position, hash); err != nil {
			return 0, err
		}
	}
	_, err = tx.ExecContext(ctx, moveChain, t, position, hash)
	return len(open), err
}
