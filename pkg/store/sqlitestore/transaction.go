package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/ml-connector/ml-connector/pkg/record"
)

// write runs fn in one transaction on the only writing connection. Waiting for the connection ends with ctx; once begun
// the transaction runs to its end, so that a cancelled caller never leaves an unknown commit behind.
func (s *Store) write(ctx context.Context, op string, fn func(ctx context.Context, tx *sql.Tx) error) error {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return fail(op, err)
	}
	defer conn.Close() //nolint:errcheck // gives the connection back
	ctx = context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fail(op, err)
	}
	if err := fn(ctx, tx); err != nil {
		_ = tx.Rollback() // the first error is the one to tell
		return fail(op, err)
	}
	return unknown(op, tx.Commit())
}

// querier is the read pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// prepared is a querier that has its query already.
type prepared struct{ stmt *sql.Stmt }

func (p prepared) QueryContext(ctx context.Context, _ string, args ...any) (*sql.Rows, error) {
	return p.stmt.QueryContext(ctx, args...)
}

// scanner is one row, alone or among others.
type scanner interface{ Scan(dest ...any) error }

// list reads every row of a query.
func list[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// changed runs a statement and tells whether it changed a row.
func changed(ctx context.Context, stmt *sql.Stmt, args ...any) (bool, error) {
	res, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// refs is a list of records as one argument for json_each: no limit on the number of variables.
func refs(of []record.Ref) string {
	pairs := make([][2]string, len(of))
	for i, r := range of {
		pairs[i] = [2]string{string(r.Kind), r.Key}
	}
	b, err := json.Marshal(pairs)
	if err != nil { // strings only: json cannot fail on them
		panic(err)
	}
	return string(b)
}

// tally reads a query of names and counts.
func tally[K ~string](ctx context.Context, q querier, query string, args ...any) (map[K]int, error) {
	counts := map[K]int{}
	_, err := list(ctx, q, func(r scanner) (none struct{}, err error) {
		var name K
		var n int
		if err := r.Scan(&name, &n); err != nil {
			return none, err
		}
		counts[name] = n
		return none, nil
	}, query, args...)
	return counts, err
}
