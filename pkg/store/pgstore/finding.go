package pgstore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	closeFindings = `DELETE FROM findings AS f USING unnest($3::text[], $4::text[]) AS o (kind, key)
		WHERE f.tenant = $1 AND f.stage = $2 AND f.kind = o.kind AND f.key = o.key AND NOT EXISTS (
			SELECT 1 FROM unnest($5::text[], $6::text[], $7::text[]) AS n (kind, key, code)
			WHERE n.kind = f.kind AND n.key = f.key AND n.code = f.code)`
	upsertFindings = `INSERT INTO findings (tenant, stage, kind, key, code, hold, detail, since, at)
		SELECT $1, $2, n.* FROM unnest($3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::bigint[], $9::bigint[])
			AS n (kind, key, code, hold, detail, since, at) ORDER BY n.kind, n.key, n.code
		ON CONFLICT (tenant, kind, key, stage, code) DO UPDATE SET hold = excluded.hold, detail = excluded.detail, at = excluded.at`
	selectFindings = `SELECT kind, key, stage, code, hold, detail, since, at FROM findings
		WHERE tenant = $1 AND ($2::text = '' OR kind = $2) AND ($3::text = '' OR key = $3) AND ($4::text = '' OR code = $4)
		AND (hold OR NOT $5) ORDER BY kind, key, code, stage LIMIT $6 OFFSET $7`
	countFindings = `SELECT code, count(*) FROM findings WHERE tenant = $1 GROUP BY code`
)

// Findings implements store.Findings.
func (s *Store) Findings(ctx context.Context, t tenant.ID, q store.FindingQuery) ([]store.Finding, error) {
	found, err := list(ctx, s.pool, scanFinding, selectFindings, t, q.Kind, q.Key, q.Code, q.Holds, row.Limit(q.Limit), q.After)
	return found, fail("store: list findings", err)
}

// FindingCounts implements store.Findings.
func (s *Store) FindingCounts(ctx context.Context, t tenant.ID) (map[fault.Code]int, error) {
	counts, err := tally[fault.Code](ctx, s.pool, countFindings, t)
	return counts, fail("store: count findings", err)
}

// SetFindings implements store.Findings.
func (s *Store) SetFindings(ctx context.Context, t tenant.ID, stage audit.Stage, of store.Observation) error {
	return s.Observe(ctx, t, stage, []store.Observation{of})
}

// Observe implements store.Findings.
func (s *Store) Observe(ctx context.Context, t tenant.ID, stage audit.Stage, of []store.Observation) error {
	return s.write(ctx, "store: set findings", func(ctx context.Context, tx pgx.Tx) error {
		return setFindings(ctx, tx, t, stage, of)
	})
}

func setFindings(ctx context.Context, tx pgx.Tx, t tenant.ID, stage audit.Stage, of []store.Observation) error {
	if len(of) == 0 {
		return nil
	}
	var aboutKinds, aboutKeys, kinds, keys, codes, details []string
	var holds []bool
	var sinces, instants []int64
	for _, o := range row.Observations(of) {
		aboutKinds, aboutKeys = append(aboutKinds, string(o.Ref.Kind)), append(aboutKeys, o.Ref.Key)
		for _, f := range o.Findings {
			kinds, keys, codes = append(kinds, string(f.Ref.Kind)), append(keys, f.Ref.Key), append(codes, string(f.Code))
			holds, details = append(holds, f.Hold), append(details, f.Detail)
			sinces, instants = append(sinces, row.Micros(f.Since)), append(instants, row.Micros(f.At))
		}
	}
	if _, err := tx.Exec(ctx, closeFindings, t, stage, aboutKinds, aboutKeys, kinds, keys, codes); err != nil || len(codes) == 0 {
		return err
	}
	_, err := tx.Exec(ctx, upsertFindings, t, stage, kinds, keys, codes, holds, details, sinces, instants)
	return err
}

func scanFinding(r scanner) (f store.Finding, err error) {
	var since, at int64
	err = r.Scan(&f.Ref.Kind, &f.Ref.Key, &f.Stage, &f.Code, &f.Hold, &f.Detail, &since, &at)
	f.Since, f.At = row.Time(since), row.Time(at)
	return f, err
}
