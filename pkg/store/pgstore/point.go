package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	dropPoints = `DELETE FROM points AS p USING unnest($2::text[], $3::text[]) AS o (kind, key)
		WHERE p.tenant = $1 AND p.kind = o.kind AND p.key = o.key AND NOT EXISTS (
			SELECT 1 FROM unnest($4::text[], $5::text[], $6::text[]) AS n (point, kind, key)
			WHERE n.kind = p.kind AND n.key = p.key AND n.point = p.point)`
	addPoints = `INSERT INTO points (tenant, point, kind, key)
		SELECT $1, n.* FROM unnest($2::text[], $3::text[], $4::text[]) AS n (point, kind, key)
		ORDER BY n.kind, n.key, n.point ON CONFLICT DO NOTHING`
	selectPointing = `SELECT DISTINCT f.kind, f.key FROM unnest($2::text[]) AS w (point) CROSS JOIN LATERAL (
			SELECT p.kind, p.key FROM points AS p WHERE p.tenant = $1 AND p.point = w.point AND (p.kind, p.key) > ($3, $4)
			ORDER BY p.kind, p.key LIMIT $5) AS f
		ORDER BY f.kind, f.key LIMIT $5`
	selectSharing = `SELECT e.email, f.kind, f.key FROM (SELECT DISTINCT unnest($2::text[]) AS email) AS e CROSS JOIN LATERAL (
			SELECT l.kind, l.key FROM ledger AS l WHERE l.tenant = $1 AND l.email = e.email AND l.email <> ''
			ORDER BY l.kind, l.key LIMIT $3) AS f
		ORDER BY e.email, f.kind, f.key`
)

// savePoints stores the points of a wave's saves that were stored. Their ledger rows are locked.
func savePoints(ctx context.Context, tx pgx.Tx, t tenant.ID, saves []store.LedgerSave, wave []int, stored []bool) error {
	var oldKinds, oldKeys, points, kinds, keys []string
	for _, i := range wave {
		if !stored[i] {
			continue
		}
		r := saves[i].Row
		if saves[i].Expect > 0 {
			oldKinds, oldKeys = append(oldKinds, string(r.Ref.Kind)), append(oldKeys, r.Ref.Key)
		}
		for _, p := range r.Points {
			points, kinds, keys = append(points, row.Text(p)), append(kinds, string(r.Ref.Kind)), append(keys, r.Ref.Key)
		}
	}
	if len(oldKeys) > 0 {
		if _, err := tx.Exec(ctx, dropPoints, t, oldKinds, oldKeys, points, kinds, keys); err != nil {
			return err
		}
	}
	if len(points) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, addPoints, t, points, kinds, keys)
	return err
}

// Pointing implements store.Ledger.
func (s *Store) Pointing(ctx context.Context, t tenant.ID, points []string, after record.Ref, limit int) ([]record.Ref, error) {
	clean := make([]string, len(points))
	for i, p := range points {
		clean[i] = row.Text(p)
	}
	refs, err := list(ctx, s.pool, scanRef, selectPointing, t, clean, after.Kind, after.Key, row.Limit(limit))
	return refs, fail("store: list pointing records", err)
}

// Sharing implements store.Ledger.
func (s *Store) Sharing(ctx context.Context, t tenant.ID, emails []string, limit int) (map[string][]record.Ref, error) {
	found := map[string][]record.Ref{}
	_, err := list(ctx, s.pool, func(r scanner) (none struct{}, err error) {
		var email string
		var ref record.Ref
		err = r.Scan(&email, &ref.Kind, &ref.Key)
		found[email] = append(found[email], ref)
		return none, err
	}, selectSharing, t, emails, row.Limit(limit))
	return found, fail("store: list shared emails", err)
}
