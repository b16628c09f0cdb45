package sqlitestore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	selectTenant    = `SELECT tenant, version, doc, at FROM tenants WHERE tenant = ?`
	selectTenantIDs = `SELECT tenant FROM tenants ORDER BY tenant`
	upsertTenant    = `INSERT INTO tenants (tenant, version, doc, at) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant) DO UPDATE SET version = excluded.version, doc = excluded.doc, at = excluded.at`
)

// PutTenant implements store.Tenants.
func (s *Store) PutTenant(ctx context.Context, t tenant.ID, doc []byte, entries []audit.Entry) (version int64, err error) {
	err = s.write(ctx, "store: put tenant", func(ctx context.Context, tx *sql.Tx) error {
		old, err := scanTenant(tx.QueryRowContext(ctx, selectTenant, t))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if version = old.Version; err == nil && bytes.Equal(old.Doc, doc) {
			return nil
		}
		version++
		if _, err := tx.ExecContext(ctx, upsertTenant, t, version, blob(doc), row.Micros(time.Now())); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
	return version, err
}

// Tenant implements store.Tenants.
func (s *Store) Tenant(ctx context.Context, t tenant.ID) (store.Tenant, error) {
	out, err := scanTenant(s.reader.QueryRowContext(ctx, selectTenant, t))
	return out, fail("store: read tenant", err)
}

// TenantIDs implements store.Tenants.
func (s *Store) TenantIDs(ctx context.Context) ([]tenant.ID, error) {
	ids, err := list(ctx, s.reader, scanID, selectTenantIDs)
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

// blob is b as a column that is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
