package sqlitestore

import (
	"context"
	"database/sql"

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
	selectSharing = `SELECT kind, key FROM ledger WHERE tenant = ? AND email = ? AND email <> '' ORDER BY kind, key LIMIT ?`
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
	found := map[string][]record.Ref{}
	if len(emails) == 0 {
		return found, nil
	}
	conn, err := s.reader.Conn(ctx)
	if err != nil {
		return nil, fail("store: list shared emails", err)
	}
	defer conn.Close()                                   //nolint:errcheck // gives the connection back
	stmt, err := conn.PrepareContext(ctx, selectSharing) // once: a batch asks for hundreds of emails
	if err != nil {
		return nil, fail("store: list shared emails", err)
	}
	defer stmt.Close() //nolint:errcheck // nothing was written
	for _, email := range emails {
		refs, err := list(ctx, prepared{stmt}, scanRef, "", t, email, row.Limit(limit))
		if err != nil {
			return nil, fail("store: list shared emails", err)
		}
		if len(refs) > 0 {
			found[email] = refs
		}
	}
	return found, nil
}

func scanRef(r scanner) (ref record.Ref, err error) {
	err = r.Scan(&ref.Kind, &ref.Key)
	return ref, err
}
