package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	closeFindings = `DELETE FROM findings WHERE tenant = ? AND kind = ? AND key = ? AND stage = ?
		AND code NOT IN (SELECT value FROM json_each(?))`
	upsertFinding = `INSERT INTO findings (tenant, kind, key, stage, code, hold, detail, since, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, kind, key, stage, code) DO UPDATE SET hold = excluded.hold, detail = excluded.detail, at = excluded.at`
	selectFindings = `SELECT kind, key, stage, code, hold, detail, since, at FROM findings
		WHERE tenant = ?1 AND (?2 = '' OR kind = ?2) AND (?3 = '' OR key = ?3) AND (?4 = '' OR code = ?4) AND hold >= ?5
		ORDER BY kind, key, code, stage LIMIT ?6 OFFSET ?7`
	countFindings = `SELECT code, count(*) FROM findings WHERE tenant = ? GROUP BY code`
)

// Findings implements store.Findings.
func (s *Store) Findings(ctx context.Context, t tenant.ID, q store.FindingQuery) ([]store.Finding, error) {
	found, err := list(ctx, s.reader, scanFinding, selectFindings, t, q.Kind, q.Key, q.Code, q.Holds, row.Limit(q.Limit), q.After)
	return found, fail("store: list findings", err)
}

// FindingCounts implements store.Findings.
func (s *Store) FindingCounts(ctx context.Context, t tenant.ID) (map[fault.Code]int, error) {
	counts, err := tally[fault.Code](ctx, s.reader, countFindings, t)
	return counts, fail("store: count findings", err)
}

// SetFindings implements store.Findings.
func (s *Store) SetFindings(ctx context.Context, t tenant.ID, stage audit.Stage, of store.Observation) error {
	return s.Observe(ctx, t, stage, []store.Observation{of})
}

// Observe implements store.Findings.
func (s *Store) Observe(ctx context.Context, t tenant.ID, stage audit.Stage, of []store.Observation) error {
	return s.write(ctx, "store: set findings", func(ctx context.Context, tx *sql.Tx) error {
		return setFindings(ctx, tx, t, stage, of)
	})
}

func setFindings(ctx context.Context, tx *sql.Tx, t tenant.ID, stage audit.Stage, of []store.Observation) error {
	if len(of) == 0 {
		return nil
	}
	close, err := tx.PrepareContext(ctx, closeFindings)
	if err != nil {
		return err
	}
	upsert, err := tx.PrepareContext(ctx, upsertFinding)
	if err != nil {
		return err
	}
	for _, o := range row.Observations(of) {
		if _, err := close.ExecContext(ctx, t, o.Ref.Kind, o.Ref.Key, stage, codes(o.Findings)); err != nil {
			return err
		}
		for _, f := range o.Findings {
			_, err := upsert.ExecContext(ctx, t, o.Ref.Kind, o.Ref.Key, stage, f.Code, f.Hold, f.Detail, row.Micros(f.Since), row.Micros(f.At))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func codes(findings []store.Finding) string {
	list := make([]fault.Code, len(findings))
	for i, f := range findings {
		list[i] = f.Code
	}
	b, err := json.Marshal(list)
	if err != nil { // strings only: json cannot fail on them
		panic(err)
	}
	return string(b)
}

func scanFinding(r scanner) (f store.Finding, err error) {
	var since, at int64
	err = r.Scan(&f.Ref.Kind, &f.Ref.Key, &f.Stage, &f.Code, &f.Hold, &f.Detail, &since, &at)
	f.Since, f.At = row.Time(since), row.Time(at)
	return f, err
}
