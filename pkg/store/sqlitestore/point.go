package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	dropPoints = `DELETE FROM points WHERE tenant = ?1 AND kind = ?2 AND key = ?3
		AND point NOT IN (SELECT value FROM json_each(nullif(?4, '')))`
	addPoints = `INSERT INTO points (tenant, point, kind, key) SELECT ?1, value, ?2, ?3 FROM json_each(?4) WHERE true
		ON CONFLICT DO NOTHING`
	selectPointing = `SELECT kind, key FROM points WHERE tenant = ? AND point = ? AND (kind, key) > (?, ?)
		ORDER BY kind, key LIMIT ?`
	selectSharing = `SELECT email, kind, key FROM (
			SELECT l.email, l.kind, l.key, row_number() OVER (PARTITION BY l.email ORDER BY l.kind, l.key) AS n
			FROM json_each(?2) AS e CROSS JOIN ledger AS l ON l.tenant = ?1 AND l.email = e.value AND l.email <> '')
		WHERE n <= ?3 ORDER BY email, kind, key`
)

// savePoints stores the points of the saves that were stored.
func savePoints(ctx context.Context, tx *sql.Tx, t tenant.ID, saves []store.LedgerSave, stored []bool) error {
	drop, err := tx.PrepareContext(ctx, dropPoints)
	if err != nil {
		return err
	}
	add, err := tx.PrepareContext(ctx, addPoints)
	if err != nil {
		return err
	}
	for i, save := range saves {
		if !stored[i] {
			continue
		}
		ref, points := save.Row.Ref, row.Points(save.Row.Points)
		if save.Expect > 0 {
			if _, err := drop.ExecContext(ctx, t, ref.Kind, ref.Key, points); err != nil {
				return err
			}
		}
		if points == "" {
			continue
		}
		if _, err := add.ExecContext(ctx, t, ref.Kind, ref.Key, points); err != nil {
			return err
		}
	}
	return nil
}

// Pointing implements store.Ledger.
func (s *Store) Pointing(ctx context.Context, t tenant.ID, points []string, after record.Ref, limit int) ([]record.Ref, error) {
	limit = row.Limit(limit)
	lists := make([][]record.Ref, 0, len(points))
	for _, p := range points {
		refs, err := list(ctx, s.reader, scanRef, selectPointing, t, row.Text(p), after.Kind, after.Key, limit)
		if err != nil {
			return nil, fail("store: list pointing records", err)
		}
		lists = append(lists, refs)
	}
	return row.Page(lists, limit), nil
}

// Sharing implements store.Ledger.
func (s *Store) Sharing(ctx context.Context, t tenant.ID, emails []string, limit int) (map[string][]record.Ref, error) {
	wanted, err := json.Marshal(emails)
	if err != nil {
		return nil, err
	}
	found := map[string][]record.Ref{}
	_, err = list(ctx, s.reader, func(r scanner) (none struct{}, err error) {
		var email string
		var ref record.Ref
		err = r.Scan(&email, &ref.Kind, &ref.Key)
		found[email] = append(found[email], ref)
		return none, err
	}, selectSharing, t, string(wanted), row.Limit(limit))
	return found, fail("store: list shared emails", err)
}

func scanRef(r scanner) (ref record.Ref, err error) {
	err = r.Scan(&ref.Kind, &ref.Key)
	return ref, err
}
