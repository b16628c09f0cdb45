package pgstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	releaseRecords = `DELETE FROM quarantine AS q USING unnest($2::text[], $3::text[]) AS r (kind, key)
		WHERE q.tenant = $1 AND q.kind = r.kind AND q.key = r.key`
	quarantineRecords = `INSERT INTO quarantine (tenant, kind, key, until)
		SELECT $1, n.* FROM unnest($2::text[], $3::text[], $4::bigint[]) AS n (kind, key, until)
		ON CONFLICT (tenant, kind, key) DO UPDATE SET until = greatest(quarantine.until, excluded.until)`
	clearDigests = `UPDATE links AS l SET digest = '' FROM unnest($2::text[], $3::text[]) AS r (kind, key)
		WHERE l.tenant = $1 AND l.kind = r.kind AND l.key = r.key`
	selectQuarantine = `SELECT kind, key, until FROM quarantine WHERE tenant = $1`
)

// setQuarantine releases, then quarantines, so that a record in both lists stays out of the writer's way.
func setQuarantine(ctx context.Context, tx pgx.Tx, t tenant.ID, c store.Commit) error {
	if len(c.Release) > 0 {
		kinds, keys := row.Columns(c.Release)
		if _, err := tx.Exec(ctx, releaseRecords, t, kinds, keys); err != nil {
			return err
		}
	}
	if len(c.Quarantine) == 0 {
		return nil
	}
	refs := slices.SortedFunc(maps.Keys(c.Quarantine), row.Compare)
	kinds, keys := row.Columns(refs)
	until := make([]int64, len(refs))
	for i, ref := range refs {
		until[i] = row.Micros(c.Quarantine[ref])
	}
	if _, err := tx.Exec(ctx, quarantineRecords, t, kinds, keys, until); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, clearDigests, t, kinds, keys)
	return err
}

// Quarantined implements store.Journal.
func (s *Store) Quarantined(ctx context.Context, t tenant.ID) (map[record.Ref]time.Time, error) {
	until := map[record.Ref]time.Time{}
	_, err := list(ctx, s.pool, func(r scanner) (none struct{}, err error) {
		var ref record.Ref
		var us int64
		err = r.Scan(&ref.Kind, &ref.Key, &us)
		until[ref] = row.Time(us)
		return none, err
	}, selectQuarantine, t)
	return until, fail("store: list quarantine", err)
}
