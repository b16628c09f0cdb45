package pgstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	beginTrail = `INSERT INTO trails (tenant, last) VALUES ($1, 0) ON CONFLICT (tenant) DO NOTHING`
	// lockTrail comes last of all locks and is held until the commit: positions have no gaps and become visible in order.
	lockTrail     = `SELECT last FROM trails WHERE tenant = $1 FOR UPDATE`
	insertEntries = `WITH fresh AS (
			SELECT n.*, row_number() OVER (ORDER BY n.n) AS place FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[],
				$6::text[], $7::text[], $8::text[], $9::text[]) WITH ORDINALITY AS n (id, kind, key, at, stage, outcome, cause, body, n)
			WHERE NOT EXISTS (SELECT 1 FROM audit AS a WHERE a.tenant = $1 AND a.id = n.id)
		), stored AS (
			INSERT INTO audit (tenant, position, id, kind, key, at, stage, outcome, cause, body)
			SELECT $1, t.last + f.place, f.id, f.kind, f.key, f.at, f.stage, f.outcome, f.cause, f.body
			FROM fresh AS f CROSS JOIN trails AS t WHERE t.tenant = $1
		)
		UPDATE trails SET last = last + (SELECT count(*) FROM fresh) WHERE tenant = $1 AND EXISTS (SELECT 1 FROM fresh)`
	selectTrail = `SELECT a.position, a.id, a.kind, a.key, a.at, a.stage, a.outcome, a.cause, a.body, coalesce(s.hash, '')
		FROM audit AS a LEFT JOIN seals AS s ON s.tenant = a.tenant AND s.position = a.position WHERE a.tenant = $1`
)

// Append implements store.Trail.
func (s *Store) Append(ctx context.Context, t tenant.ID, entries []audit.Entry) error {
	return s.write(ctx, "store: append audit", func(ctx context.Context, tx pgx.Tx) error {
		return appendTrail(ctx, tx, t, entries)
	})
}

// appendTrail takes the tenant's trail and inserts, in one round trip. The insert is a statement of its own: it must see
// what the one who held the trail before has committed.
func appendTrail(ctx context.Context, tx pgx.Tx, t tenant.ID, entries []audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var ids, kinds, keys, stages, outcomes, causes, bodies []string
	var instants []int64
	for _, e := range row.Entries(entries) {
		ids, kinds, keys = append(ids, e.ID), append(kinds, string(e.Ref.Kind)), append(keys, e.Ref.Key)
		stages, outcomes, causes = append(stages, string(e.Stage)), append(outcomes, string(e.Outcome)), append(causes, e.Cause)
		bodies, instants = append(bodies, row.EncodeEntry(e)), append(instants, row.Micros(e.At))
	}
	var b pgx.Batch
	b.Queue(beginTrail, t)
	b.Queue(lockTrail, t)
	b.Queue(insertEntries, t, ids, kinds, keys, instants, stages, outcomes, causes, bodies)
	return tx.SendBatch(ctx, &b).Close()
}

// Trail implements store.Trail.
func (s *Store) Trail(ctx context.Context, t tenant.ID, q audit.Query) ([]audit.Stored, error) {
	where, args := conditions(q)
	order := "a.position"
	if q.Newest {
		order = "a.position DESC"
	}
	args = append(append([]any{t}, args...), row.Limit(q.Limit))
	query := selectTrail + where + " ORDER BY " + order + " LIMIT $" + strconv.Itoa(len(args))
	found, err := list(ctx, s.pool, scanStored, query, args...)
	return found, fail("store: read audit", err)
}

// conditions writes only what q asks for, so that Postgres can choose an index; their variables begin with $2.
func conditions(q audit.Query) (where string, args []any) {
	var b strings.Builder
	and := func(wanted bool, condition string, arg any) {
		if wanted {
			args = append(args, arg)
			b.WriteString(" AND " + condition + " $" + strconv.Itoa(len(args)+1))
		}
	}
	and(q.Ref.Kind != "", "a.kind =", q.Ref.Kind)
	and(q.Ref.Key != "", "a.key =", q.Ref.Key)
	and(q.Stage != "", "a.stage =", q.Stage)
	and(q.Outcome != "", "a.outcome =", q.Outcome)
	and(q.Cause != "", "a.cause =", q.Cause)
	and(!q.Since.IsZero(), "a.at >=", row.Micros(q.Since))
	and(!q.Until.IsZero(), "a.at <", row.Micros(q.Until))
	and(q.After > 0 && q.Newest, "a.position <", q.After)
	and(q.After > 0 && !q.Newest, "a.position >", q.After)
	return b.String(), args
}

func scanStored(r scanner) (e audit.Stored, err error) {
	var at int64
	var body []byte
	err = r.Scan(&e.Position, &e.ID, &e.Ref.Kind, &e.Ref.Key, &at, &e.Stage, &e.Outcome, &e.Cause, &body, &e.Seal)
	if err != nil {
		return e, err
	}
	e.At = row.Time(at)
	err = row.DecodeEntry(body, &e.Entry)
	return e, err
}
