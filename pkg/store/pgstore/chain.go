package pgstore

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const selectEnds = `SELECT coalesce(max(c.position), 0), coalesce(max(c.hash), ''), (SELECT coalesce(max(last), 0) FROM trails WHERE tenant = $1)
	FROM chains AS c WHERE c.tenant = $1`

// Chain implements store.Trail.
func (s *Store) Chain(ctx context.Context, t tenant.ID) (c audit.Chain, err error) {
	err = s.pool.QueryRow(ctx, selectEnds, t).Scan(&c.Head.Position, &c.Head.Hash, &c.Last)
	return c, fail("store: read chain", err)
}
