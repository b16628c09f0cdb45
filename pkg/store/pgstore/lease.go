package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	// clock is this database's time in microseconds, also inside a long transaction.
	clock = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`
	// takeLease answers no row when somebody else has the lease.
	takeLease = `INSERT INTO leases (tenant, name, holder, fence, until) VALUES ($1, $2, $3, 1, ` + clock + ` + $4)
		ON CONFLICT (tenant, name) DO UPDATE SET
			fence = leases.fence + (leases.holder <> excluded.holder)::int, holder = excluded.holder, until = excluded.until
		WHERE leases.holder = excluded.holder OR leases.until <= ` + clock + `
		RETURNING name, holder, fence, until`
	// boundLease ends what a clock that was put back made far longer than it was given for: its holder may be dead.
	boundLease  = `UPDATE leases SET until = ` + clock + ` + $3 WHERE tenant = $1 AND name = $2 AND until > ` + clock + ` + $4`
	selectLease = `SELECT name, holder, fence, until FROM leases WHERE tenant = $1 AND name = $2`
	endLease    = `UPDATE leases SET until = 0 WHERE tenant = $1 AND name = $2 AND holder = $3 AND fence = $4`
)

// TakeLease implements store.Leases.
func (s *Store) TakeLease(ctx context.Context, t tenant.ID, name, holder string, lasts time.Duration) (l store.Lease, taken bool, err error) {
	err = s.write(ctx, "store: take lease", func(ctx context.Context, tx pgx.Tx) (err error) {
		l, err = scanLease(tx.QueryRow(ctx, takeLease, t, name, holder, lasts.Microseconds()))
		if taken = err == nil; taken || !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if _, err := tx.Exec(ctx, boundLease, t, name, lasts.Microseconds(), store.Bound(lasts).Microseconds()); err != nil {
			return err
		}
		l, err = scanLease(tx.QueryRow(ctx, selectLease, t, name))
		return err
	})
	return l, taken && err == nil, err
}

// EndLease implements store.Leases.
func (s *Store) EndLease(ctx context.Context, t tenant.ID, l store.Lease) error {
	_, err := s.pool.Exec(ctx, endLease, t, l.Name, l.Holder, l.Fence)
	return fail("store: end lease", unsure(err))
}

func scanLease(r scanner) (l store.Lease, err error) {
	var until int64
	err = r.Scan(&l.Name, &l.Holder, &l.Fence, &until)
	l.Until = row.Time(until)
	return l, err
}
