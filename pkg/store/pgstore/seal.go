package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	beginChain     = `INSERT INTO chains (tenant, position, hash) VALUES ($1, 0, '') ON CONFLICT (tenant) DO NOTHING`
	lockChain      = `SELECT position, hash FROM chains WHERE tenant = $1 FOR UPDATE`
	selectUnsealed = selectTrail + ` AND a.position > $2 ORDER BY a.position LIMIT $3`
	insertSeals    = `INSERT INTO seals (tenant, position, hash) SELECT $1, n.* FROM unnest($2::bigint[], $3::text[]) AS n (position, hash)`
	moveChain      = `UPDATE chains SET position = $2, hash = $3 WHERE tenant = $1`
)

// Seal implements store.Trail.
func (s *Store) Seal(ctx context.Context, t tenant.ID, limit int, link func(last string, e audit.Stored) string) (n int, err error) {
	err = s.write(ctx, "store: seal audit", func(ctx context.Context, tx pgx.Tx) error {
		n, err = seal(ctx, tx, t, limit, link)
		return err
	})
	return n, err
}

// seal holds the chain, not the trail: appending goes on meanwhile.
func seal(ctx context.Context, tx pgx.Tx, t tenant.ID, limit int, link func(string, audit.Stored) string) (int, error) {
	if _, err := tx.Exec(ctx, beginChain, t); err != nil {
		return 0, err
	}
	var position int64
	var hash string
	if err := tx.QueryRow(ctx, lockChain, t).Scan(&position, &hash); err != nil {
		return 0, err
	}
	open, err := list(ctx, tx, scanStored, selectUnsealed, t, position, row.Limit(limit))
	if err != nil || len(open) == 0 {
		return 0, err
	}
	positions, hashes := make([]int64, len(open)), make([]string, len(open))
	for i, e := range open {
		hash = link(hash, e)
		positions[i], hashes[i] = e.Position, hash
	}
	if _, err := tx.Exec(ctx, insertSeals, t, positions, hashes); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, moveChain, t, positions[len(open)-1], hash)
	return len(open), err
}
