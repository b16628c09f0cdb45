package pgstore

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	ledgerColumns = `l.kind, l.key, l.revision, l.facts, l.wanted, l.wanted_at, l.published, l.next_date, l.config, l.email, l.points, l.at`
	selectRows    = `SELECT ` + ledgerColumns + ` FROM unnest($2::text[], $3::text[]) AS r (kind, key)
		JOIN ledger AS l ON l.tenant = $1 AND l.kind = r.kind AND l.key = r.key`
	// lockRows takes the row locks in one order for everybody, because the update below takes them in any order.
	lockRows = `SELECT 1 FROM ledger AS l JOIN unnest($2::text[], $3::text[]) AS r (kind, key)
		ON l.kind = r.kind AND l.key = r.key WHERE l.tenant = $1 ORDER BY l.kind, l.key FOR UPDATE OF l`
	savedColumns = `unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
		$9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::text[])
		AS n (kind, key, revision, facts, wanted, wanted_at, published, next_date, config, email, at, points)`
	insertRows = `INSERT INTO ledger (tenant, kind, key, revision, facts, wanted, wanted_at, published, next_date, config, email, at, points)
		SELECT $1, n.* FROM ` + savedColumns + ` WHERE n.revision = 1 ORDER BY n.kind, n.key
		ON CONFLICT (tenant, kind, key) DO NOTHING RETURNING kind, key`
	updateRows = `UPDATE ledger AS l SET revision = n.revision, facts = n.facts, wanted = n.wanted, wanted_at = n.wanted_at,
		published = greatest(l.published, n.published), next_date = n.next_date, config = n.config, email = n.email, at = n.at, points = n.points
		FROM ` + savedColumns + ` WHERE l.tenant = $1 AND l.kind = n.kind AND l.key = n.key AND l.revision = n.revision - 1
		RETURNING l.kind, l.key`
	raisePublished = `UPDATE ledger AS l SET published = n.published
		FROM unnest($2::text[], $3::text[], $4::bigint[]) AS n (kind, key, published)
		WHERE l.tenant = $1 AND l.kind = n.kind AND l.key = n.key AND l.published < n.published`
	selectUnpublished = `SELECT ` + ledgerColumns + ` FROM ledger AS l WHERE tenant = $1 AND wanted_at > published
		ORDER BY at, kind, key LIMIT $2`
	selectDue = `SELECT ` + ledgerColumns + ` FROM ledger AS l WHERE tenant = $1 AND next_date <> '' AND next_date <= $2
		AND (kind, key) > ($3, $4) ORDER BY kind, key LIMIT $5`
	walkLedger = `SELECT ` + ledgerColumns + ` FROM ledger AS l WHERE tenant = $1 AND kind = $2 AND key > $3
		ORDER BY key LIMIT $4`
	countLedger = `SELECT kind, count(*) FROM ledger WHERE tenant = $1 GROUP BY kind`
)

// Rows implements store.Ledger.
func (s *Store) Rows(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]store.LedgerRow, error) {
	kinds, keys := row.Columns(of)
	rows, err := list(ctx, s.pool, scanRow, selectRows, t, kinds, keys)
	found := make(map[record.Ref]store.LedgerRow, len(rows))
	for _, r := range rows {
		found[r.Ref] = r
	}
	return found, fail("store: read ledger", err)
}

// SaveLedger implements store.Ledger.
func (s *Store) SaveLedger(ctx context.Context, t tenant.ID, saves []store.LedgerSave) ([]bool, error) {
	var stored []bool
	err := s.write(ctx, "store: save ledger", func(ctx context.Context, tx pgx.Tx) (err error) {
		if stored, err = saveRows(ctx, tx, t, saves); err != nil {
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

// saveRows stores the saves in waves, because one statement touches a row once: the second save of a record is part of
// the second wave.
func saveRows(ctx context.Context, tx pgx.Tx, t tenant.ID, saves []store.LedgerSave) ([]bool, error) {
	stored, rest := make([]bool, len(saves)), make([]int, len(saves))
	for i := range saves {
		rest[i] = i
	}
	slices.SortStableFunc(rest, func(a, b int) int { return row.Compare(saves[a].Row.Ref, saves[b].Row.Ref) })
	for len(rest) > 0 {
		var wave, later []int
		for _, i := range rest {
			if len(wave) > 0 && saves[wave[len(wave)-1]].Row.Ref == saves[i].Row.Ref {
				later = append(later, i)
				continue
			}
			wave = append(wave, i)
		}
		if err := saveWave(ctx, tx, t, saves, wave, stored); err != nil {
			return nil, err
		}
		rest = later
	}
	return stored, nil
}

// MarkPublished implements store.Ledger.
func (s *Store) MarkPublished(ctx context.Context, t tenant.ID, upTo map[record.Ref]uint64) error {
	refs, versions := make([]record.Ref, 0, len(upTo)), make([]int64, 0, len(upTo))
	for ref := range upTo {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, row.Compare)
	for _, ref := range refs {
		versions = append(versions, int64(upTo[ref]))
	}
	kinds, keys := row.Columns(refs)
	return s.write(ctx, "store: mark published", func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockRows, t, kinds, keys); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, raisePublished, t, kinds, keys, versions)
		return err
	})
}

// Unpublished implements store.Ledger.
func (s *Store) Unpublished(ctx context.Context, t tenant.ID, limit int) ([]store.LedgerRow, error) {
	rows, err := list(ctx, s.pool, scanRow, selectUnpublished, t, row.Limit(limit))
	return rows, fail("store: list unpublished", err)
}

// DueRows implements store.Ledger.
func (s *Store) DueRows(ctx context.Context, t tenant.ID, day string, after record.Ref, limit int) ([]store.LedgerRow, error) {
	rows, err := list(ctx, s.pool, scanRow, selectDue, t, day, after.Kind, after.Key, row.Limit(limit))
	return rows, fail("store: list due rows", err)
}

// WalkLedger implements store.Ledger.
func (s *Store) WalkLedger(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]store.LedgerRow, error) {
	rows, err := list(ctx, s.pool, scanRow, walkLedger, t, kind, after, row.Limit(limit))
	return rows, fail("store: walk ledger", err)
}

// CountLedger implements store.Ledger.
func (s *Store) CountLedger(ctx context.Context, t tenant.ID) (map[record.Kind]int, error) {
	counts, err := tally[record.Kind](ctx, s.pool, countLedger, t)
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
