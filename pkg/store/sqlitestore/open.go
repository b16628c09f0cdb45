// Package sqlitestore keeps the state in one SQLite file: the embedded backend of the store contract. Commits are
// synced to disk (WAL, synchronous=FULL); one connection writes, a pool reads.
package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite": pure Go, no slower than cgo (performance.md 2)

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/internal/schema"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	readers = 4 // connections of the read pool; each keeps up to 2 MB of pages
	// pragmas of every connection. busy_timeout comes first, so that switching to WAL waits as well. The journal is cut
	// back to 64 MiB after a burst.
	pragmas = "_pragma=busy_timeout(5000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)" +
		"&_pragma=foreign_keys(1)&_pragma=journal_size_limit(67108864)"
	// pragmas of the writer. With the default of 2 MB a batch of a first load does not fit, is written to the journal early
	// and read back; with a checkpoint every 4 MB the same pages of the indexes are copied and synced again and again.
	writing = "&_txlock=immediate&_pragma=cache_size(-8192)&_pragma=wal_autocheckpoint(6000)"
)

// Store is the embedded backend.
type Store struct {
	writer *sql.DB
	reader *sql.DB
}

var _ store.Store = (*Store)(nil)

// Open opens or creates the database file at path, readable by its owner only, and brings its tables up to date. One
// process at a time: the data folder's lock guards that.
func Open(ctx context.Context, path string) (*Store, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // -wal and -shm take over this mode
	if err != nil {
		return nil, fail("store: open", err)
	}
	if err := f.Close(); err != nil {
		return nil, fail("store: open", err)
	}
	s, err := connect(path)
	if err != nil {
		return nil, fail("store: open", err)
	}
	if err := schema.Up(ctx, schema.SQLite, s.writer, migrations); err != nil {
		return nil, errors.Join(fail("store: open", err), s.Close())
	}
	return s, nil
}

func connect(path string) (*Store, error) {
	file := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + pragmas
	writer, err := sql.Open("sqlite", file+writing)
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	reader, err := sql.Open("sqlite", file+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	return &Store{writer: writer, reader: reader}, nil
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	return fail("store: ping", s.reader.QueryRowContext(ctx, "SELECT 1 FROM sqlite_schema LIMIT 1").Scan(&one))
}

// Close implements store.Store.
func (s *Store) Close() error {
	if err := errors.Join(s.reader.Close(), s.writer.Close()); err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}
