package pgstore

import (
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// jumpy is a store whose database's clock jumps when the answer is called: a function of the same name stands before the
// server's own.
func jumpy(t *testing.T) (s *Store, jump func(by string)) {
	t.Helper()
	plain := pgtest.URL(t)
	conn, err := pgx.Connect(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	run := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	run(`CREATE TABLE jumped (by interval); INSERT INTO jumped VALUES ('0');
		CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + by FROM public.jumped'`)
	u, err := url.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", "public,pg_catalog")
	u.RawQuery = q.Encode()
	s = at(t, u.String())
	t.Cleanup(func() { _ = s.Close() })
	return s, func(by string) { run(`UPDATE jumped SET by = '` + by + `'`) }
}

// I11: whatever the database's clock does, a lease has one holder at a time, its fence grows with each, and a lease or a
// life of a dead one does not outlast its time by the jump.
func TestAClockOfTheDatabaseThatJumps(t *testing.T) {
	const acme = tenant.ID("acme")
	for name, by := range map[string]string{"forwards by two hours": "2 hours", "back by two hours": "-2 hours", "forwards by a step": "700 ms", "back by a step": "-700 ms"} {
		t.Run(name, func(t *testing.T) {
			s, jump := jumpy(t)
			beat := func(epoch string, first bool) bool {
				t.Helper()
				lives, err := s.Beat(t.Context(), acme, epoch, first, 400*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				return lives
			}
			first, taken, err := s.TakeLease(t.Context(), acme, "replay", "a", 400*time.Millisecond)
			if err != nil || !taken || !beat("dead", true) || !beat("b", true) {
				t.Fatal(taken, err)
			}
			jump(by)
			deadline := time.Now().Add(10 * time.Second)
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for over := false; !over; <-tick.C {
				if time.Now().After(deadline) {
					t.Fatal("a dead holder keeps what it had")
				}
				if !beat("b", false) && !beat("c", true) && !beat("c", false) {
					t.Fatal("nobody lives")
				}
				l, taken, err := s.TakeLease(t.Context(), acme, "replay", "b", time.Second)
				if err != nil {
					t.Fatal(err)
				}
				list, err := s.Writers(t.Context(), acme)
				if err != nil {
					t.Fatal(err)
				}
				dead := true
				for _, w := range list {
					dead = dead && (w.Epoch != "dead" || w.Left <= 0)
				}
				if over = taken && dead; taken && l.Fence <= first.Fence {
					t.Fatalf("fence %d after %d", l.Fence, first.Fence)
				}
			}
			if beat("dead", false) {
				t.Error("a life that ended goes on")
			}
			if _, taken, err := s.TakeLease(t.Context(), acme, "replay", "a", time.Second); err != nil || taken {
				t.Errorf("two holders: %t, %v", taken, err)
			}
		})
	}
}
