package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	beginLife = `INSERT INTO writers (tenant, epoch, until) VALUES (?1, ?2, ` + clock + ` + ?3) ON CONFLICT (tenant, epoch) DO NOTHING`
	// renewLife counts from now on, not from the end before: the clock may have been put back meanwhile.
	renewLife = `UPDATE writers SET until = ` + clock + ` + ?3 WHERE tenant = ?1 AND epoch = ?2 AND until > ` + clock
	// boundLives ends what a clock that was put back made longer than any life: its writer may be dead (failures.md I11).
	boundLives = `UPDATE writers SET until = ` + clock + ` + ?3 WHERE tenant = ?1 AND epoch <> ?2 AND until > ` + clock + ` + ?4`
	endLife    = `UPDATE writers SET until = min(until, ` + clock + `) WHERE tenant = ? AND epoch = ?`
	// forgetLives takes the day in microseconds.
	forgetLives = `DELETE FROM writers WHERE tenant = ?1 AND until < ` + clock + ` - 86400000000
		AND NOT EXISTS (SELECT 1 FROM batches AS b WHERE b.tenant = ?1 AND b.epoch = writers.epoch)`
	selectLives = `SELECT epoch, until - ` + clock + ` FROM writers WHERE tenant = ? ORDER BY epoch`
)

// Beat implements store.Writers.
func (s *Store) Beat(ctx context.Context, t tenant.ID, epoch string, first bool, life time.Duration) (lives bool, err error) {
	query := renewLife
	if first {
		query = beginLife
	}
	err = s.write(ctx, "store: writer beats", func(ctx context.Context, tx *sql.Tx) error {
		if first {
			if _, err := tx.ExecContext(ctx, forgetLives, t); err != nil {
				return err
			}
		}
		res, err := tx.ExecContext(ctx, query, t, epoch, life.Microseconds())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if lives = n > 0; err != nil || !lives {
			return err
		}
		_, err = tx.ExecContext(ctx, boundLives, t, epoch, life.Microseconds(), store.Bound(life).Microseconds())
		return err
	})
	return lives && err == nil, err
}

// Leave implements store.Writers.
func (s *Store) Leave(ctx context.Context, t tenant.ID, epoch string) error {
	return s.write(ctx, "store: writer leaves", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, endLife, t, epoch)
		return err
	})
}

// Writers implements store.Writers.
func (s *Store) Writers(ctx context.Context, t tenant.ID) ([]store.Writer, error) {
	out, err := list(ctx, s.reader, func(r scanner) (w store.Writer, err error) {
		var left int64
		err = r.Scan(&w.Epoch, &left)
		w.Left = time.Duration(left) * time.Microsecond
		return w, err
	}, selectLives, t)
	return out, fail("store: list writers", err)
}
