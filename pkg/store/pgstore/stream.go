package pgstore

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	selectStreams = `SELECT name, created FROM streams WHERE tenant = $1`
	upsertStream  = `INSERT INTO streams (tenant, name, created) VALUES ($1, $2, $3)
		ON CONFLICT (tenant, name) DO UPDATE SET created = excluded.created`
)

type stream struct {
	name    string
	created time.Time
}

// KnownStreams implements store.Streams.
func (s *Store) KnownStreams(ctx context.Context, t tenant.ID) (map[string]time.Time, error) {
	streams, err := list(ctx, s.pool, scanStream, selectStreams, t)
	known := make(map[string]time.Time, len(streams))
	for _, st := range streams {
		known[st.name] = st.created
	}
	return known, fail("store: list streams", err)
}

// RememberStream implements store.Streams.
func (s *Store) RememberStream(ctx context.Context, t tenant.ID, name string, created time.Time) error {
	return s.put(ctx, "store: remember stream", upsertStream, t, name, row.Micros(created))
}

func scanStream(r scanner) (st stream, err error) {
	var created int64
	err = r.Scan(&st.name, &created)
	st.created = row.Time(created)
	return st, err
}
