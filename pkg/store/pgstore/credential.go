package pgstore

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	upsertCredential = `INSERT INTO credentials (tenant, purpose, version, key_id, box, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant, purpose) DO UPDATE SET version = excluded.version, key_id = excluded.key_id,
			box = excluded.box, at = excluded.at WHERE credentials.version < excluded.version`
	selectCredential  = `SELECT purpose, version, key_id, box, at FROM credentials WHERE tenant = $1 AND purpose = $2`
	selectCredentials = `SELECT purpose, version, key_id, NULL::bytea, at FROM credentials WHERE tenant = $1 ORDER BY purpose`
	upsertDataKey     = `INSERT INTO data_keys (tenant, id, master, box, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant) DO UPDATE SET master = excluded.master, box = excluded.box, at = excluded.at
			WHERE data_keys.id = excluded.id`
	selectDataKey       = `SELECT id, master, box, at FROM data_keys WHERE tenant = $1`
	selectSealedTenants = `SELECT tenant FROM data_keys ORDER BY tenant`
	selectKeyCheck      = `SELECT doc FROM key_check`
	insertKeyCheck      = `INSERT INTO key_check (one, doc) VALUES (1, $1)
		ON CONFLICT (one) DO UPDATE SET doc = excluded.doc WHERE key_check.doc = excluded.doc`
	replaceKeyCheck = `INSERT INTO key_check (one, doc) VALUES (1, $1) ON CONFLICT (one) DO UPDATE SET doc = excluded.doc`
)

// PutCredential implements store.Credentials.
func (s *Store) PutCredential(ctx context.Context, t tenant.ID, c store.Sealed) error {
	return s.put(ctx, "store: put credential", upsertCredential, t, c.Purpose, c.Version, c.KeyID, blob(c.Box), row.Micros(c.At))
}

// Credential implements store.Credentials.
func (s *Store) Credential(ctx context.Context, t tenant.ID, purpose string) (store.Sealed, error) {
	c, err := scanSealed(s.pool.QueryRow(ctx, selectCredential, t, purpose))
	return c, fail("store: read credential", err)
}

// Credentials implements store.Credentials.
func (s *Store) Credentials(ctx context.Context, t tenant.ID) ([]store.Sealed, error) {
	cs, err := list(ctx, s.pool, scanSealed, selectCredentials, t)
	return cs, fail("store: list credentials", err)
}

// PutDataKey implements store.Credentials.
func (s *Store) PutDataKey(ctx context.Context, t tenant.ID, k store.WrappedKey) error {
	return s.put(ctx, "store: put data key", upsertDataKey, t, k.ID, k.Master, blob(k.Box), row.Micros(k.At))
}

// DataKey implements store.Credentials.
func (s *Store) DataKey(ctx context.Context, t tenant.ID) (k store.WrappedKey, err error) {
	var at int64
	err = s.pool.QueryRow(ctx, selectDataKey, t).Scan(&k.ID, &k.Master, &k.Box, &at)
	k.At = row.Time(at)
	return k, fail("store: read data key", err)
}

// SealedTenants implements store.Credentials.
func (s *Store) SealedTenants(ctx context.Context) ([]tenant.ID, error) {
	ids, err := list(ctx, s.pool, scanID, selectSealedTenants)
	return ids, fail("store: list sealed tenants", err)
}

// KeyCheck implements store.Credentials.
func (s *Store) KeyCheck(ctx context.Context) (doc []byte, err error) {
	err = s.pool.QueryRow(ctx, selectKeyCheck).Scan(&doc)
	return doc, fail("store: read key check", err)
}

// PutKeyCheck implements store.Credentials.
func (s *Store) PutKeyCheck(ctx context.Context, check []byte) error {
	return s.put(ctx, "store: put key check", insertKeyCheck, blob(check))
}

// ReplaceKeyCheck implements store.Credentials.
func (s *Store) ReplaceKeyCheck(ctx context.Context, check []byte) error {
	return s.put(ctx, "store: replace key check", replaceKeyCheck, blob(check))
}

func scanSealed(r scanner) (c store.Sealed, err error) {
	var at int64
	err = r.Scan(&c.Purpose, &c.Version, &c.KeyID, &c.Box, &at)
	c.At = row.Time(at)
	return c, err
}

// blob is b as a column that is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
