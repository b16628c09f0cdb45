package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	releaseRecords   = `DELETE FROM quarantine WHERE tenant = ?1 AND (kind, key) IN (SELECT value->>0, value->>1 FROM json_each(?2))`
	quarantineRecord = `INSERT INTO quarantine (tenant, kind, key, until) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, kind, key) DO UPDATE SET until = max(quarantine.until, excluded.until)`
	selectQuarantine = `SELECT kind, key, until FROM quarantine WHERE tenant = ?`
)

// setQuarantine releases, then quarantines, so that a record in both lists stays out of the writer's way.
func setQuarantine(ctx context.Context, tx *sql.Tx, t tenant.ID, c store.Commit) error {
	if len(c.Release) > 0 { // one statement: most commits release many records that were never quarantined
		if _, err := tx.ExecContext(ctx, releaseRecords, t, refs(c.Release)); err != nil {
			return err
		}
	}
	for ref, until := range c.Quarantine {
		if _, err := tx.ExecContext(ctx, quarantineRecord, t, ref.Kind, ref.Key, row.Micros(until)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, clearDigest, t, ref.Kind, ref.Key); err != nil {
			return err
		}
	}
	return nil
}

// Quarantined implements store.Journal.
func (s *Store) Quarantined(ctx context.Context, t tenant.ID) (map[record.Ref]time.Time, error) {
	until := map[record.Ref]time.Time{}
	_, err := list(ctx, s.reader, func(r scanner) (none struct{}, err error) {
		var ref record.Ref
		var us int64
		if err := r.Scan(&ref.Kind, &ref.Key, &us); err != nil {
			return none, err
		}
		until[ref] = row.Time(us)
		return none, nil
	}, selectQuarantine, t)
	return until, fail("store: list quarantine", err)
}
