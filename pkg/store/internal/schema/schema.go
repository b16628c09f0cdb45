// Package schema brings a database to the newest migration. Both backends number and name their migrations alike.
package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// ErrNewer means that a newer release wrote the database: going on could lose what it knows and we do not.
var ErrNewer = errors.New("the database was written by a newer release")

// The dialects of the two backends.
const (
	SQLite   = goose.DialectSQLite3
	Postgres = goose.DialectPostgres
)

// Up applies the migrations of files that db lacks. Concurrent calls on one database must be serialised by the caller.
func Up(ctx context.Context, dialect goose.Dialect, db *sql.DB, files fs.FS) error {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	p, err := goose.NewProvider(dialect, db, sub, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return refuseNewer(ctx, p)
}

func refuseNewer(ctx context.Context, p *goose.Provider) error {
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	sources := p.ListSources()
	if newest := sources[len(sources)-1].Version; have > newest {
		return fmt.Errorf("%w: schema %d, known %d", ErrNewer, have, newest)
	}
	return nil
}
