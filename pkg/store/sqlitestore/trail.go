package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/store/internal/row"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	lastPosition = `SELECT last FROM trails WHERE tenant = ?`
	insertEntry  = `INSERT INTO audit (tenant, position, id, kind, key, at, stage, outcome, cause, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, id) DO NOTHING`
	moveTrail   = `INSERT INTO trails (tenant, last) VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET last = excluded.last`
	selectTrail = `SELECT a.position, a.id, a.kind, a.key, a.at, a.stage, a.outcome, a.cause, a.body, coalesce(s.hash, '')
		FROM audit AS a LEFT JOIN seals AS s ON s.tenant = a.tenant AND s.position = a.position WHERE a.tenant = ?`
)

// Append implements store.Trail.
func (s *Store) Append(ctx context.Context, t tenant.ID, entries []audit.Entry) error {
	return s.write(ctx, "store: append audit", func(ctx context.Context, tx *sql.Tx) error {
		return appendTrail(ctx, tx, t, entries)
	})
}

func appendTrail(ctx context.Context, tx *sql.Tx, t tenant.ID, entries []audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	var last int64
	if err := tx.QueryRowContext(ctx, lastPosition, t).Scan(&last); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	insert, err := tx.PrepareContext(ctx, insertEntry)
	if err != nil {
		return err
	}
	for _, e := range row.Entries(entries) {
		isNew, err := changed(ctx, insert, t, last+1, e.ID, e.Ref.Kind, e.Ref.Key, row.Micros(e.At), e.Stage, e.Outcome,
			e.Cause, row.EncodeEntry(e))
		if err != nil {
			return err
		}
		if isNew {
			last++
		}
	}
	_, err = tx.ExecContext(ctx, moveTrail, t, last)
	return err
}

// Trail implements store.Trail.
func (s *Store) Trail(ctx context.Context, t tenant.ID, q audit.Query) ([]audit.Stored, error) {
	where, args := conditions(q)
	order := "a.position"
	if q.Newest {
		order = "a.position DESC"
	}
	query := selectTrail + where + " ORDER BY " + order + " LIMIT ?"
	args = append(append([]any{t}, args...), row.Limit(q.Limit))
	found, err := list(ctx, s.reader, scanStored, query, args...)
	return found, fail("store: read audit", err)
}

// conditions writes only what q asks for, so that SQLite can choose an index.
func conditions(q audit.Query) (where string, args []any) {
	var b strings.Builder
	and := func(wanted bool, condition string, arg any) {
		if wanted {
			b.WriteString(" AND " + condition)
			args = append(args, arg)
		}
	}
	and(q.Ref.Kind != "", "a.kind = ?", q.Ref.Kind)
	and(q.Ref.Key != "", "a.key = ?", q.Ref.Key)
	and(q.Stage != "", "a.stage = ?", q.Stage)
	and(q.Outcome != "", "a.outcome = ?", q.Outcome)
	and(q.Cause != "", "a.cause = ?", q.Cause)
	and(!q.Since.IsZero(), "a.at >= ?", row.Micros(q.Since))
	and(!q.Until.IsZero(), "a.at < ?", row.Micros(q.Until))
	and(q.After > 0 && q.Newest, "a.position < ?", q.After)
	and(q.After > 0 && !q.Newest, "a.position > ?", q.After)
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
