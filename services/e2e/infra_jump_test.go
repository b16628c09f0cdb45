package e2e

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
)

// jumpy gives a database whose clock jumps by what the answer is called with: a function of the same name stands before
// the server's own. It is the clock by which leases and writers' lives end.
func jumpy(t *testing.T) (database string, jump func(by string)) {
	t.Helper()
	plain := pgtest.URL(t)
	db, err := sql.Open("pgx", plain)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	run := func(query string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), query)
		must(t, err)
	}
	run(`CREATE TABLE jumped (by interval)`)
	run(`INSERT INTO jumped VALUES ('0')`)
	run(`CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + by FROM public.jumped'`)
	u, err := url.Parse(plain)
	must(t, err)
	q := u.Query()
	q.Set("search_path", "public,pg_catalog")
	u.RawQuery = q.Encode()
	return u.String(), func(by string) { run(fmt.Sprintf(`UPDATE jumped SET by = '%s'`, by)) }
}

// I11: the clock by which writers live jumps by hours and by steps, back and forth, while two writers work, and after
// each jump the one that leads is killed. The other one takes over within seconds, nothing has an effect twice, and no
// record goes back.
func TestI11AClockThatJumpsWhileWritersWork(t *testing.T) {
	const bound = 40 * time.Second
	database, jump := jumpy(t)
	s := newServices(t, database)
	s.conf = filepath.Join(t.TempDir(), "jump.yaml")
	must(t, os.WriteFile(s.conf, []byte(strings.Replace(tuningFile, "writer_batch: 100", "writer_batch: 20, writer_life: 1s", 1)), 0o600))
	client := s.console()
	for _, name := range []string{"transformer", "recorder", "poller"} {
		s.start(name)
	}
	c := newCustomer(t, 1, 300*time.Millisecond)
	c.join(t, client)
	writers := []*child{s.start("zendesk-writer"), s.start("zendesk-writer")}
	dice := rand.New(rand.NewPCG(killSeed, 11))
	for i, by := range []string{"2 hours", "1 hour", "-2 hours", "-2 hours -700 ms", "-2 hours", "0"} {
		c.judge.Remember()
		for range 5 {
			c.promote(t, dice, i+1)
		}
		_, err := client.Sync(t.Context(), c.id, adminapi.Sync{Full: true})
		must(t, err)
		<-time.After(time.Duration(200+dice.IntN(800)) * time.Millisecond)
		jump(by)
		leader := 0
		if lead(writers[1]) > lead(writers[0]) {
			leader = 1
		}
		if i%2 == 0 { // at once: its last beat is from before the jump
			writers[leader].kill()
		}
		jumped := time.Now()
		still(t, client, []*customer{c})
		took := time.Since(jumped)
		t.Logf("clock at %s: quiet after %s", by, took.Round(100*time.Millisecond))
		if took > bound {
			t.Errorf("clock at %s: the records moved after %s, want at most %s", by, took, bound)
		}
		if i%2 == 0 {
			writers[leader] = s.start("zendesk-writer")
		}
	}
	_, err := client.Sync(t.Context(), c.id, adminapi.Sync{Full: true})
	must(t, err)
	still(t, client, []*customer{c})
	for _, d := range c.judge.Verdict(nil) {
		t.Error(d)
	}
	noEffectTwice(t, c.ZD)
	c.inOrder(t)
}
