package sqlitestore

import (
	"context"
	"database/sql"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	ledgerColumns = `l.kind, l.key, l.revision, l.facts, l.wanted, l.wanted_at, l.published, l.next_date, l.config, l.email, l.points, l.at`
	selectRows    = `SELECT ` + ledgerColumns + ` FROM json_each(?2) AS r CROSS JOIN ledger AS l
		ON l.tenant = ?1 AND l.kind = r.value->>0 AND l.key = r.value->>1`
	insertRow = `INSERT INTO ledger (tenant, kind, key, revision, facts, wanted, wanted_at, published, next_date, config, email, at, points)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (tenant, kind, key) DO NOTHING`
	updateRow = `UPDATE ledger SET revision = ?4, facts = ?5, wanted = ?6, wanted_at = ?7, published = max(published, ?8),
		next_date = ?9, config = ?10, email = ?11, at = ?12, points = ?13
		WHERE tenant = ?1 AND kind = ?2 AND key = ?3 AND revision = ?4 - 1`
	raisePublished    = `UPDATE ledger SET published = ?4 WHERE tenant = ?1 AND kind = ?2 AND key = ?3 AND published < ?4`
	selectUnpublished = `SELECT ` + ledgerColumns + ` FROM ledger AS l WHERE tenant = ? AND wanted_at > published
		ORDER BY at, kind, key LIMIT ?`
	selectDue = `SELECT ` + ledgerColumns + ` FROM ledger AS l WHERE tenant = ? AND next_date <> '' AND next_date <= ?
		AND (kind, key) > (?, ?) ORDER BY kind, key LIMIT ?`
	walkLedger = `SELECT ` + ledgerColumns + ` FROM ledger AS l WHERE tenant = ? AND kind = ? AND key > ?
		ORDER BY key LIMIT ?`
	countLedger = `SELECT kind, count(*) FROM ledger WHERE tenant = ? GROUP BY kind`
)

// Rows implements store.Ledger.
func (s *Store) Rows(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]store.LedgerRow, error) {
	rows, err := list(ctx, s.reader, scanRow, selectRows, t, refs(of))
	found := make(map[record.Ref]store.LedgerRow, len(rows))
	for _, r := range rows {
		found[r.Ref] = r
	}
	return found, fail("store: read ledger", err)
}

// SaveLedger implements store.Ledger.
func (s *Store) SaveLedger(ctx context.Context, t tenant.ID, saves []store.LedgerSave) ([]bool, error) {
	stored := make([]bool, len(saves))
	err := s.write(ctx, "store: save ledger", func(ctx context.Context, tx *sql.Tx) error {
		if err := saveRows(ctx, tx, t, saves, stored); err != nil {
			return err
		}
		if err := savePoints(ctx, tx, t, saves, stored); err != nil {
			return err
		}
		if err := moveItems(ctx, tx, t, row.Moves(saves, stored)); err != nil {
			return err
		}
		var entries []audit.Entry
		var observations []store.Observation
		for i, save := range saves {
			if !stored[i] {
				continue
			}
			entries = append(entries, save.Entries...)
			if save.Observation != nil {
				observations = append(observations, *save.Observation)
			}
		}
		if err := setFindings(ctx, tx, t, audit.Transformer, observations); err != nil {
			return err
		}
		return appendTrail(ctx, tx, t, entries)
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

func saveRows(ctx context.Context, tx *sql.Tx, t tenant.ID, saves []store.LedgerSave, stored []bool) error {
	insert, err := tx.PrepareContext(ctx, insertRow)
	if err != nil {
		return err
	}
	update, err := tx.PrepareContext(ctx, updateRow)
	if err != nil {
		return err
	}
	for i, save := range saves {
		stmt := update
		if save.Expect == 0 {
			stmt = insert
		}
		r := save.Row
		stored[i], err = changed(ctx, stmt, t, r.Ref.Kind, r.Ref.Key, int64(save.Expect+1), blob(r.Facts), blob(r.Wanted),
			int64(r.WantedAt), int64(r.Published), r.NextDate, r.Config, r.Email, row.Micros(r.At), row.Points(r.Points))
		if err != nil {
			return err
		}
	}
	return nil
}

// MarkPublished implements store.Ledger.
func (s *Store) MarkPublished(ctx context.Context, t tenant.ID, upTo map[record.Ref]uint64) error {
	return s.write(ctx, "store: mark published", func(ctx context.Context, tx *sql.Tx) error {
		raise, err := tx.PrepareContext(ctx, raisePublished)
		if err != nil {
			return err
		}
		for ref, version := range upTo {
			if _, err := raise.ExecContext(ctx, t, ref.Kind, ref.Key, int64(version)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Unpublished implements store.Ledger.
func (s *Store) Unpublished(ctx context.Context, t tenant.ID, limit int) ([]store.LedgerRow, error) {
	rows, err := list(ctx, s.reader, scanRow, selectUnpublished, t, row.Limit(limit))
	return rows, fail("store: list unpublished", err)
}

// DueRows implements store.Ledger.
func (s *Store) DueRows(ctx context.Context, t tenant.ID, day string, after record.Ref, limit int) ([]store.LedgerRow, error) {
	rows, err := list(ctx, s.reader, scanRow, selectDue, t, day, after.Kind, after.Key, row.Limit(limit))
	return rows, fail("store: list due rows", err)
}

// WalkLedger implements store.Ledger.
func (s *Store) WalkLedger(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]store.LedgerRow, error) {
	rows, err := list(ctx, s.reader, scanRow, walkLedger, t, kind, after, row.Limit(limit))
	return rows, fail("store: walk ledger", err)
}

// CountLedger implements store.Ledger.
func (s *Store) CountLedger(ctx context.Context, t tenant.ID) (map[record.Kind]int, error) {
	counts, err := tally[record.Kind](ctx, s.reader, countLedger, t)
	return counts, fail("store: count ledger", err)
}

func scanRow(r scanner) (l store.LedgerRow, err error) {
	var at int64
	var points string
	err = r.Scan(&l.Ref.Kind, &l.Ref.Key, &l.Revision, &l.Facts, &l.Wanted, &l.WantedAt, &l.Published, &l.NextDate,
		&l.Config, &l.Email, &points, &at)
	l.Facts, l.Wanted, l.At = row.Doc(l.Facts), row.Doc(l.Wanted), row.Time(at)
	if err == nil {
		l.Points, err = row.PointList(points)
	}
	return l, err
}
