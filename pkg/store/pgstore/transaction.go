package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

const tries = 5 // of a transaction that Postgres undid because of another

// write runs fn in one transaction, again when Postgres undid it because of another. fn must not keep anything between
// two runs. A commit whose answer was lost is marked as unknown.
func (s *Store) write(ctx context.Context, op string, fn func(ctx context.Context, tx pgx.Tx) error) error {
	var err error
	for range tries {
		if err = s.once(ctx, fn); !again(err) {
			break
		}
	}
	return fail(op, err)
}

func (s *Store) once(ctx context.Context, fn func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit it does nothing
	if err := fn(ctx, tx); err != nil {
		return err
	}
	return unknown(tx.Commit(ctx))
}

// unknown marks the failure of a commit that Postgres did not answer.
func unknown(err error) error {
	if _, answered := errors.AsType[*pgconn.PgError](err); err == nil || answered || errors.Is(err, pgx.ErrTxCommitRollback) {
		return err
	}
	f, ok := errors.AsType[*fault.Error](fail("store: commit", err))
	if !ok {
		return err
	}
	f.Unknown = true
	return f
}

// querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
}

// scanner is one row, alone or among others.
type scanner interface{ Scan(dest ...any) error }

// list reads every row of a query.
func list[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (T, error) { return scan(r) })
	if len(out) == 0 {
		return nil, err
	}
	return out, err
}

// tally reads a query of names and counts.
func tally[K ~string](ctx context.Context, q querier, query string, args ...any) (map[K]int, error) {
	counts := map[K]int{}
	_, err := list(ctx, q, func(r scanner) (none struct{}, err error) {
		var name K
		var n int
		err = r.Scan(&name, &n)
		counts[name] = n
		return none, err
	}, query, args...)
	return counts, err
}

// put runs one conditional upsert; ErrConflict when its condition did not hold.
func (s *Store) put(ctx context.Context, op, query string, args ...any) error {
	tag, err := s.pool.Exec(ctx, query, args...)
	if err == nil && tag.RowsAffected() == 0 {
		return store.ErrConflict
	}
	return fail(op, unsure(err))
}

// unsure is unknown for a statement that is its own transaction.
func unsure(err error) error {
	if err == nil || pgconn.SafeToRetry(err) {
		return err
	}
	return unknown(err)
}
