// Package pgstore keeps the state in Postgres (15 or later): the backend of the store contract for several processes and
// hosts. Every query names the tenant. What Postgres says about data stays behind: its errors can hold row values.
package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	oldest = 150000 // server_version_num of Postgres 15: ICU databases, MERGE, security invoker views
	// migrating is the advisory lock under which one process at a time migrates ("mlc" and a number).
	migrating = 0x6d6c63_0001
)

// Store is the Postgres backend.
type Store struct{ pool *pgxpool.Pool }

var _ store.Store = (*Store)(nil)

// Open connects to the database of url (a postgres:// URL or key=value list, with the pool_… settings of pgxpool) and
// brings its tables up to date; processes that start at once wait for each other. Neither the address nor the password is
// in an error.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Config, Code: fault.BadConfig, Op: "store: open", Detail: "the database URL cannot be parsed"}
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "ml-connector"
	}
	// Plans made while a table was empty stay in use otherwise: measured after 400 commits of 100 links, each took 90 ms in place of 11.
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	silence, err := bounded(config)
	if err != nil {
		return nil, err
	}
	first, dial := config.ConnConfig.Copy(), config.ConnConfig.DialFunc
	first.DialFunc, config.ConnConfig.DialFunc = impatient(dial, max(silence, migrateTime)), impatient(dial, silence)
	if err := migrate(ctx, first); err != nil {
		return nil, fail("store: open", err)
	}
	bound(config.ConnConfig.RuntimeParams) // a migration takes its time, and waits for another process's
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fail("store: open", err)
	}
	return &Store{pool: pool}, nil
}

// bound sets how long the server lets a statement run, wait for a lock, and keep a transaction open without asking
// (failures.md 5.11), unless the URL says otherwise: what hangs frees its locks, and the caller tries again.
func bound(params map[string]string) {
	for name, limit := range map[string]string{"statement_timeout": "15s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"} {
		if params[name] == "" {
			params[name] = limit
		}
	}
}

func migrate(ctx context.Context, config *pgx.ConnConfig) (err error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }() // lets go of the lock
	var version int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < oldest {
		return fault.New(fault.Config, fault.BadConfig, fmt.Sprintf("Postgres 15 or later is needed, this is %d", version/10000))
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(migrating)); err != nil {
		return err
	}
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	return schema.Up(ctx, schema.Postgres, db, migrations)
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error { return fail("store: ping", s.pool.Ping(ctx)) }

// Close implements store.Store. It waits for calls in flight.
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}
