package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	// clock is this database's time in microseconds.
	clock = `CAST(unixepoch('subsec') * 1000000 AS INTEGER)`
	// takeLease answers no row when somebody else has the lease.
	takeLease = `INSERT INTO leases (tenant, name, holder, fence, until) VALUES (?, ?, ?, 1, ` + clock + ` + ?)
		ON CONFLICT (tenant, name) DO UPDATE SET
			fence = leases.fence + (leases.holder <> excluded.holder), holder = excluded.holder, until = excluded.until
		WHERE leases.holder = excluded.holder OR leases.until <= ` + clock + `
		RETURNING name, holder, fence, until`
	// boundLease ends what a clock that was put back made far longer than it was given for: its holder may be dead.
	boundLease  = `UPDATE leases SET until = ` + clock + ` + ?3 WHERE tenant = ?1 AND name = ?2 AND until > ` + clock + ` + ?4`
	selectLease = `SELECT name, holder, fence, until FROM leases WHERE tenant = ? AND name = ?`
	endLeases   = `UPDATE leases SET until = 0`
	endLease    = `UPDATE leases SET until = 0 WHERE tenant = ? AND name = ? AND holder = ? AND fence = ?`
)

// TakeLease implements store.Leases.
func (s *Store) TakeLease(ctx context.Context, t tenant.ID, name, holder string, lasts time.Duration) (l store.Lease, taken bool, err error) {
	err = s.write(ctx, "store: take lease", func(ctx context.Context, tx *sql.Tx) (err error) {
		l, err = scanLease(tx.QueryRowContext(ctx, takeLease, t, name, holder, lasts.Microseconds()))
		if taken = err == nil; taken || !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := tx.ExecContext(ctx, boundLease, t, name, lasts.Microseconds(), store.Bound(lasts).Microseconds()); err != nil {
			return err
		}
		l, err = scanLease(tx.QueryRowContext(ctx, selectLease, t, name))
		return err
	})
	return l, taken && err == nil, err
}

// EndLease implements store.Leases.
func (s *Store) EndLease(ctx context.Context, t tenant.ID, l store.Lease) error {
	return s.write(ctx, "store: end lease", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, endLease, t, l.Name, l.Holder, l.Fence)
		return err
	})
}

// EndLeases gives back every lease of every tenant. Only a process that has the data folder for itself may call it: the
// holders are dead then, and nobody needs to wait until their time is over.
func (s *Store) EndLeases(ctx context.Context) error {
	return s.write(ctx, "store: end leases", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, endLeases)
		return err
	})
}

func scanLease(r scanner) (l store.Lease, err error) {
	var until int64
	err = r.Scan(&l.Name, &l.Holder, &l.Fence, &until)
	l.Until = row.Time(until)
	return l, err
}
