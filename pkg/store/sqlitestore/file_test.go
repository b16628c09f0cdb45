package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme tenant.ID = "acme"

func at(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestCommitsAreSyncedAndTheFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name?%41#.db")
	s := at(t, path)
	defer s.Close() //nolint:errcheck // nothing hangs on it
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		if err := s.writer.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, want %s: %v", pragma, got, want, err)
		}
	}
	if err := s.Append(t.Context(), acme, []audit.Entry{{ID: "1"}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := s.reader.ExecContext(t.Context(), "DELETE FROM audit"); err == nil {
		t.Error("a connection of the read pool can write")
	}
}

func TestWhatWasStoredIsThereAfterAReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ml.db")
	for round := range 3 {
		s := at(t, path)
		if err := s.Append(t.Context(), acme, []audit.Entry{{ID: fmt.Sprint(round)}}); err != nil {
			t.Fatal(err)
		}
		entries, err := s.Trail(t.Context(), acme, audit.Query{})
		if err != nil || len(entries) != round+1 {
			t.Fatalf("round %d: %d entries, %v", round, len(entries), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A copy of the files while the store is open is what a crash leaves: everything that was answered is in it.
func TestEverythingAnsweredSurvivesACrash(t *testing.T) {
	dir := t.TempDir()
	s := at(t, filepath.Join(dir, "ml.db"))
	defer s.Close() //nolint:errcheck // nothing hangs on it
	for i := range 50 {
		if err := s.Append(t.Context(), acme, []audit.Entry{{ID: fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	after := t.TempDir()
	for _, name := range []string{"ml.db", "ml.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(after, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	copied := at(t, filepath.Join(after, "ml.db"))
	defer copied.Close() //nolint:errcheck // nothing hangs on it
	if entries, err := copied.Trail(t.Context(), acme, audit.Query{}); err != nil || len(entries) != 50 {
		t.Fatalf("%d entries of 50, %v", len(entries), err)
	}
}

func TestANewOwnerOfTheFolderEndsTheLeasesOfTheDead(t *testing.T) {
	s := open(t).(*Store)
	t.Cleanup(func() { _ = s.Close() })
	if _, taken, err := s.TakeLease(t.Context(), "acme", "renew", "dead", time.Hour); err != nil || !taken {
		t.Fatal(taken, err)
	}
	if _, taken, err := s.TakeLease(t.Context(), "acme", "renew", "new", time.Hour); err != nil || taken {
		t.Fatal("a lease is taken twice", err)
	}
	if err := s.EndLeases(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l, taken, err := s.TakeLease(t.Context(), "acme", "renew", "new", time.Hour); err != nil || !taken || l.Fence != 2 {
		t.Errorf("%+v, %t, %v", l, taken, err)
	}
}

func TestErrorsAreClassifiedAndHoldNoPath(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "canary-4711.db")
	if err := os.WriteFile(broken, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, notDB := Open(t.Context(), broken)
	_, noDir := Open(t.Context(), filepath.Join(t.TempDir(), "canary-4711", "ml.db"))
	newer := filepath.Join(t.TempDir(), "canary-4711.db")
	s := at(t, newer)
	if _, err := s.writer.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	_, tooNew := Open(t.Context(), newer)
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"not a database":      {notDB, fault.Config},
		"no such folder":      {noDir, fault.Transient},
		"of a newer release":  {tooNew, fault.Config},
		"closed under a call": {s.Append(context.Background(), acme, []audit.Entry{{ID: "1"}}), fault.Transient},
	} {
		if fault.CodeOf(c.err) != fault.StoreDown || fault.KindOf(c.err) != c.kind || errors.Is(c.err, store.ErrNotFound) {
			t.Errorf("%s: got %v (%s)", name, c.err, fault.KindOf(c.err))
		}
		if strings.Contains(fmt.Sprint(c.err), "canary") {
			t.Errorf("%s: the path is in the error: %v", name, c.err)
		}
	}
}
