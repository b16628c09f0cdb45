package pgstore

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	selectTenant    = `SELECT tenant, version, doc, at FROM tenants WHERE tenant = $1`
	selectTenantIDs = `SELECT tenant FROM tenants ORDER BY tenant`
	// lockTenant serialises the changes of one tenant, also the first, which has no row to lock yet.
	lockTenant   = `SELECT pg_advisory_xact_lock(hashtextextended('mlc tenant ' || $1, 0))`
	upsertTenant = `INSERT INTO tenants (tenant, version, doc, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant) DO UPDATE SET version = excluded.version, doc = excluded.doc, at = excluded.at`
)

// PutTenant implements store.Tenants.
func (s *Store) PutTenant(ctx context.Context, t tenant.ID, doc []byte, entries []audit.Entry) (version int64, err error) {
	err = s.write(ctx, "store: put tenant", func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockTenant, t); err != nil {
			return err
		}
		old, err := scanTenant(tx.QueryRow(ctx, selectTenant, t))
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if version = old.Version; err == nil && bytes.Equal(old.Doc, doc) {
			return nil
		}
		version++
		if _, err := tx.Exec(ctx, upsertTenant, t, version, string(doc), row.Micros(time.Now())); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
	return version, err
}

// Tenant implements store.Tenants.
func (s *Store) Tenant(ctx context.Context, t tenant.ID) (store.Tenant, error) {
	out, err := scanTenant(s.pool.QueryRow(ctx, selectTenant, t))
	return out, fail("store: read tenant", err)
}

// TenantIDs implements store.Tenants.
func (s *Store) TenantIDs(ctx context.Context) ([]tenant.ID, error) {
	ids, err := list(ctx, s.pool, scanID, selectTenantIDs)
	return ids, fail("store: list tenants", err)
}

func scanTenant(r scanner) (t store.Tenant, err error) {
	var at int64
	err = r.Scan(&t.ID, &t.Version, &t.Doc, &at)
	t.Doc, t.At = row.Doc(t.Doc), row.Time(at)
	return t, err
}

func scanID(r scanner) (id tenant.ID, err error) {
	err = r.Scan(&id)
	return id, err
}
