package e2e

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const (
	mended = 30 // people whose names a replay puts right
	// killTries is how often a kill may come too late: what is proved is only proved of a replay that was under way.
	killTries = 5
)

// place reads how far a replay is from the database of a process that is dead.
func placeOf(t testing.TB, db *sql.DB, id string) (state string, next uint64) {
	t.Helper()
	must(t, db.QueryRow("SELECT state, next FROM replays WHERE id = ?", id).Scan(&state, &next))
	return state, next
}

// begun waits until a replay has sent something.
func (w *world) begun(t testing.TB, id string) {
	t.Helper()
	until(t, time.Minute, "something was sent", func() bool {
		now, err := w.client.Replay(t.Context(), acme, id)
		return err == nil && now.Events > 0
	})
}

// The ledger lost every employee, and Zendesk calls some of them by other names: the replay of all has much to do. The
// one process is killed in its middle. The next one goes on behind the place that was durable, sends no page twice that
// was counted, and every name is put right once.
func TestAReplayKilledInTheMiddleHasEachEffectOnce(t *testing.T) {
	w := &world{Company: newCompany(t, 700, 50)}
	w.judge = demo.NewJudge(w.Company)
	bin, dir := programs(t, "ml-connector"), t.TempDir()
	write(t, dir, "config.yaml", tuningFile)
	data := filepath.Join(dir, "data")
	start := func() *child { return w.serve(t, bin, data, filepath.Join(dir, "config.yaml")) }
	c := start()
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	staff := w.staff(mended)
	for _, who := range staff { // a second version of their states, so that rows that are made anew stand below the table
		_, err := w.PS.Rename(who, "Robin", "Right")
		must(t, err)
	}
	for range 3 {
		w.sync(t, adminapi.Sync{Full: true})
	}
	for try := 1; ; try++ {
		if code := c.term(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		db := ledgered(t, data)
		_, err := db.Exec("DELETE FROM ledger WHERE kind = 'employee'")
		must(t, err)
		_, err = db.Exec("UPDATE links SET digest = '', known = x'' WHERE kind = 'employee'") // the writer must look at Zendesk
		must(t, err)
		w.astray(t, "Astray", staff...)
		before := len(w.ZD.Effects())
		c = start()
		p, err := w.client.PreviewReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: 1 << 40})
		must(t, err)
		rep, err := w.client.StartReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: p.To, By: "test"})
		must(t, err)
		w.begun(t, rep.ID)
		c.kill()
		state, next := placeOf(t, db, rep.ID)
		c = start()
		if state != "running" || next <= 1 || next > p.To {
			if try == killTries {
				t.Fatalf("%d kills came when the replay was not under way: %s at %d of %d", try, state, next, p.To)
			}
			w.finished(t, &rep)
			w.quiet(t)
			continue
		}
		t.Logf("killed at %d of %d, try %d", next, p.To, try)
		now, err := w.client.Replay(t.Context(), acme, rep.ID)
		if err != nil || now.Next < next {
			t.Errorf("it goes on from %d, the durable place is %d: %v", now.Next, next, err)
		}
		w.finished(t, &rep)
		w.quiet(t)
		if rep.Events != p.Events || rep.Next <= p.To {
			t.Errorf("%d events were counted and the place is %d, want %d and behind %d", rep.Events, rep.Next, p.Events, p.To)
		}
		for _, who := range staff {
			if n := w.named(who, before); n != 1 {
				t.Errorf("the name of %s was put right %d times, want once", who, n)
			}
		}
		break
	}
	w.agree(t)
	noEffectTwice(t, w.ZD)
	w.noDead(t)
}
