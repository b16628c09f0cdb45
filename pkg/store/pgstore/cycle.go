package pgstore

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	upsertCycle = `INSERT INTO cycles (tenant, id, kind, state, started, body) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant, id) DO UPDATE SET kind = excluded.kind, state = excluded.state,
			started = excluded.started, body = excluded.body`
	selectCycle  = `SELECT id, kind, state, started, body FROM cycles WHERE tenant = $1 AND id = $2`
	selectCycles = `SELECT id, kind, state, started, body FROM cycles WHERE tenant = $1 AND ($2::text = '' OR kind = $2)
		ORDER BY started DESC, id DESC LIMIT $3`
)

// PutCycle implements store.Cycles.
func (s *Store) PutCycle(ctx context.Context, t tenant.ID, c store.Cycle) error {
	return s.put(ctx, "store: put cycle", upsertCycle, t, c.ID, c.Kind, c.State, row.Micros(c.Started), row.EncodeCycle(c))
}

// Cycle implements store.Cycles.
func (s *Store) Cycle(ctx context.Context, t tenant.ID, id string) (store.Cycle, error) {
	c, err := scanCycle(s.pool.QueryRow(ctx, selectCycle, t, id))
	return c, fail("store: read cycle", err)
}

// Cycles implements store.Cycles.
func (s *Store) Cycles(ctx context.Context, t tenant.ID, kind record.Kind, limit int) ([]store.Cycle, error) {
	cs, err := list(ctx, s.pool, scanCycle, selectCycles, t, kind, row.Limit(limit))
	return cs, fail("store: list cycles", err)
}

func scanCycle(r scanner) (c store.Cycle, err error) {
	var (
		started int64
		body    []byte
	)
	if err := r.Scan(&c.ID, &c.Kind, &c.State, &started, &body); err != nil {
		return c, err
	}
	c.Started = row.Time(started)
	err = row.DecodeCycle(body, &c)
	return c, err
}
