package pgstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme tenant.ID = "acme"

func ref(n int) record.Ref { return record.Ref{Kind: record.Employee, Key: fmt.Sprint(n)} }

// Ten processes start at once on an empty database and work on the same records.
func TestProcessesShareADatabase(t *testing.T) {
	address := pgtest.URL(t)
	var wg sync.WaitGroup
	for p := range 10 {
		wg.Go(func() {
			s, err := Open(t.Context(), address)
			if err != nil {
				t.Errorf("process %d: %v", p, err)
				return
			}
			defer s.Close() //nolint:errcheck // nothing hangs on it
			for n := range 20 {
				for !raise(t, s, ref(n), fmt.Sprint(p)) {
				}
				if _, err := s.Seal(t.Context(), acme, 7, func(last string, e audit.Stored) string { return last + "." }); err != nil {
					t.Errorf("process %d: seal: %v", p, err)
				}
			}
		})
	}
	wg.Wait()
	s := at(t, address)
	defer s.Close() //nolint:errcheck // nothing hangs on it
	for n := range 20 {
		rows, err := s.Rows(t.Context(), acme, []record.Ref{ref(n)})
		if err != nil || rows[ref(n)].Revision != 10 {
			t.Fatalf("row %d: revision %d, want one for each process: %v", n, rows[ref(n)].Revision, err)
		}
	}
	entries, err := s.Trail(t.Context(), acme, audit.Query{})
	if err != nil || len(entries) != 200 || entries[199].Position != 200 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	for i, e := range entries {
		if e.Seal != "" && len(e.Seal) != i+1 {
			t.Fatalf("the chain breaks at %d", e.Position)
		}
	}
}

// raise tries once to save the next revision of a row; true also ends the caller's loop when the test has failed.
func raise(t *testing.T, s *Store, r record.Ref, by string) bool {
	rows, err := s.Rows(t.Context(), acme, []record.Ref{r})
	if err != nil {
		t.Errorf("rows: %v", err)
		return true
	}
	old := rows[r].Revision
	entry := audit.Entry{ID: fmt.Sprint(r.Key, " by ", by), Ref: r}
	done, err := s.SaveLedger(t.Context(), acme, []store.LedgerSave{{Row: store.LedgerRow{Ref: r}, Expect: old, Entries: []audit.Entry{entry}}})
	if err != nil {
		t.Errorf("save: %v", err)
		return true
	}
	return done[0]
}

// failures.md I08: fifty workers on one connection wait for each other, and nobody for ever.
func TestAPoolOfOneIsEnough(t *testing.T) {
	u, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("pool_max_conns", "1")
	u.RawQuery = q.Encode()
	s := at(t, u.String())
	defer s.Close() //nolint:errcheck // nothing hangs on it
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			b := store.Batch{ID: fmt.Sprint(i), Items: []store.BatchItem{{Ref: ref(i), Version: 1}}}
			beginErr := s.BeginBatch(ctx, acme, b)
			mine, err := s.CommitBatch(ctx, acme, b.ID, store.Commit{Links: []store.Link{{Ref: ref(i), TargetID: "t"}}})
			if err = errors.Join(beginErr, err); err != nil || !mine {
				t.Errorf("worker %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// failures.md I06: connections die under the store; it is back without a restart.
func TestTheStoreComesBackAfterItsConnectionsDied(t *testing.T) {
	address := pgtest.URL(t)
	s := at(t, address)
	defer s.Close() //nolint:errcheck // nothing hangs on it
	admin, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background()) //nolint:errcheck // nothing hangs on it
	for round := range 10 {
		const kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
		if _, err := admin.Exec(t.Context(), kill); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(round)
		for {
			err := s.Append(t.Context(), acme, []audit.Entry{{ID: id}})
			if err == nil {
				break
			}
			if fault.KindOf(err) != fault.Transient || fault.CodeOf(err) != fault.StoreDown {
				t.Fatalf("got %v, want a transient STORE_DOWN", err)
			}
		}
	}
	if entries, err := s.Trail(t.Context(), acme, audit.Query{}); err != nil || len(entries) != 10 {
		t.Fatalf("%d entries of 10, %v", len(entries), err)
	}
}

func TestErrorsHoldNoDataAndNoAddress(t *testing.T) {
	const canary = "canary-4711"
	s := open(t)
	defer s.Close() //nolint:errcheck // nothing hangs on it
	_, nul := s.PutTenant(t.Context(), acme, []byte(canary+"\x00"), nil)
	bad := s.RememberStream(t.Context(), acme, canary+"\xff", time.Now())
	_, address := Open(t.Context(), "postgres://user:"+canary+"@"+canary+".example:5432/db?sslmode=nonsense")
	_, refused := Open(t.Context(), "postgres://user:"+canary+"@127.0.0.1:1/"+canary)
	_, database := Open(t.Context(), strings.Replace(pgtest.URL(t), "/mlc_", "/"+canary, 1))
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
		code fault.Code
	}{
		"a document with NUL":       {nul, fault.Invalid, fault.BadText},
		"a name that is not UTF-8":  {bad, fault.Invalid, fault.BadText},
		"a broken address":          {address, fault.Config, fault.BadConfig},
		"nobody listens":            {refused, fault.Transient, fault.StoreDown},
		"a database that is absent": {database, fault.Config, fault.StoreDown},
	} {
		if fault.KindOf(c.err) != c.kind || fault.CodeOf(c.err) != c.code {
			t.Errorf("%s: got %v (%s), want %s %s", name, c.err, fault.KindOf(c.err), c.kind, c.code)
		}
		if text := fmt.Sprintf("%v %+v", c.err, errors.Unwrap(c.err)); strings.Contains(text, canary) {
			t.Errorf("%s: the canary sings: %s", name, text)
		}
	}
}

func TestADatabaseOfANewerReleaseIsRefused(t *testing.T) {
	address := pgtest.URL(t)
	s := at(t, address)
	if _, err := s.pool.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if _, err := Open(t.Context(), address); fault.KindOf(err) != fault.Config || !strings.Contains(err.Error(), "newer release") {
		t.Fatalf("got %v, want a config fault", err)
	}
}
