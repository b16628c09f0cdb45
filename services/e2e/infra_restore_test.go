package e2e

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// copies keeps what matches the pattern in a data folder; the answer puts it back.
func copies(t *testing.T, data, pattern string) (back func()) {
	t.Helper()
	kept := t.TempDir()
	must(t, os.CopyFS(filepath.Join(kept, "all"), os.DirFS(data)))
	return func() {
		t.Helper()
		for _, from := range []string{data, filepath.Join(kept, "all")} {
			list, err := filepath.Glob(filepath.Join(from, pattern))
			must(t, err)
			for _, path := range list {
				if from == data {
					must(t, os.RemoveAll(path))
					continue
				}
				info, err := os.Stat(path)
				must(t, err)
				if info.IsDir() {
					must(t, os.CopyFS(filepath.Join(data, filepath.Base(path)), os.DirFS(path)))
					continue
				}
				b, err := os.ReadFile(path)
				must(t, err)
				must(t, os.WriteFile(filepath.Join(data, filepath.Base(path)), b, 0o600))
			}
		}
	}
}

// applyGuardless is apply without the guard for mass changes, which has tests of its own.
func (w *world) applyGuardless(t *testing.T) {
	t.Helper()
	file := w.TenantFile() + "guard: { suspend: { floor: 100000 }, email: { floor: 100000 }, create: { floor: 100000 } }\n"
	_, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "restore.yaml", File: file, Actor: "test", Values: w.values()})
	must(t, err)
}

// I09: the store is put back to an older copy, the streams are not. What was written since is not written again, nothing
// goes back in Zendesk, and changes made before and after arrive.
func TestI09AnOlderStoreIsCaughtUp(t *testing.T) {
	dir := t.TempDir()
	olderStore(t, dir, "", func() func() { return copies(t, dir, "ml-connector.db*") })
}

// The same on Postgres: a dump of before is restored while the streams went on.
func TestI09AnOlderDumpOfPostgresIsCaughtUp(t *testing.T) {
	database := pgtest.URL(t)
	olderStore(t, t.TempDir(), database, func() func() { return dumps(t, database) })
}

// dumps keeps a database as it is now; the answer puts it back. Nobody is connected at either time.
func dumps(t *testing.T, database string) (back func()) {
	t.Helper()
	u, err := url.Parse(database)
	must(t, err)
	name := strings.TrimPrefix(u.Path, "/")
	u.Path = "/postgres"
	db, err := sql.Open("pgx", u.String())
	must(t, err)
	run := func(queries ...string) {
		t.Helper()
		for _, q := range queries {
			until(t, 10*time.Second, q, func() bool { _, err = db.ExecContext(context.Background(), q); return err == nil }, func() { t.Log(err) })
		}
	}
	run("CREATE DATABASE " + name + "_kept TEMPLATE " + name)
	t.Cleanup(func() {
		run("DROP DATABASE IF EXISTS " + name + "_kept")
		_ = db.Close()
	})
	return func() { run("DROP DATABASE "+name, "CREATE DATABASE "+name+" TEMPLATE "+name+"_kept") }
}

func olderStore(t *testing.T, dir, database string, keep func() (back func())) {
	t.Helper()
	w := &world{Company: newCompany(t, 80, 10)}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, dir, database)
	o := &ordeal{world: w, dir: dir}
	w.applyGuardless(t)
	o.sync(t, adminapi.Sync{Full: true})
	w.stop()
	back := keep()
	w.start(t, dir, database)
	for round := range 3 { // several versions of the same records
		o.changes(t, round)
		o.sync(t, adminapi.Sync{Full: true})
	}
	o.agree(t)
	w.stop()
	back()
	must(t, w.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, Status: 503})) // the finding stays to be seen
	w.start(t, dir, database)
	if p := o.sees(t, "LEDGER_BEHIND"); !strings.Contains(p.Detail, "go through once more") {
		t.Errorf("%+v", p)
	}
	w.PS.ClearFaults()
	o.changes(t, 3)
	o.judged(t)
	writes := o.ZD.Counters().Writes
	o.sync(t, adminapi.Sync{Full: true})
	if n := o.ZD.Counters().Writes; n != writes {
		t.Errorf("%d writes without a change", n-writes)
	}
}

// I10: the streams are put back to an older copy while changes wait in them for Zendesk; the store is not. That is
// noticed, what was lost is published and read again, and status says so until then.
func TestI10OlderStreamsAreMadeGood(t *testing.T) {
	w := &world{Company: newCompany(t, 80, 10)}
	w.judge = demo.NewJudge(w.Company)
	dir := t.TempDir()
	w.start(t, dir, "")
	o := &ordeal{world: w, dir: dir}
	w.applyGuardless(t)
	o.sync(t, adminapi.Sync{Full: true})
	w.stop()
	back := copies(t, dir, "nats")
	w.start(t, dir, "")
	o.changes(t, 0)
	o.sync(t, adminapi.Sync{Full: true})
	o.waitingForZendesk(t, 1)
	w.stop()
	back()
	o.ZD.ClearFaults()
	if err := w.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, Status: 503}); err != nil { // the finding stays to be seen
		t.Fatal(err)
	}
	w.start(t, dir, "")
	if p := o.sees(t, "STREAM_BEHIND"); !strings.Contains(p.Detail, "ERP") || !strings.Contains(p.Detail, "DIRECTORY") {
		t.Errorf("%+v", p)
	}
	w.PS.ClearFaults()
	o.changes(t, 2)
	o.judged(t)
	writes := o.ZD.Counters().Writes
	o.sync(t, adminapi.Sync{Full: true})
	if n := o.ZD.Counters().Writes; n != writes {
		t.Errorf("%d writes without a change", n-writes)
	}
}

// I10: the streams are gone and the store remembers them: nothing begins anew in silence.
func TestI10LostStreamsAreNotMadeAnew(t *testing.T) {
	w := &world{Company: newCompany(t, 60, 10)}
	w.judge = demo.NewJudge(w.Company)
	dir := t.TempDir()
	w.start(t, dir, "")
	o := &ordeal{world: w, dir: dir}
	o.applyFile(t)
	o.sync(t, adminapi.Sync{Full: true})
	w.stop()
	must(t, os.RemoveAll(filepath.Join(dir, "nats", "jetstream")))
	writes := o.ZD.Counters().Writes
	w.start(t, dir, "")
	until(t, 20*time.Second, "somebody says so", func() bool {
		found, err := o.client.Findings(t.Context(), acme)
		return err == nil && slices.ContainsFunc(found, func(f adminapi.Finding) bool {
			return f.Code == "BROKER_DRIFT" && strings.Contains(f.Detail, "gone") && f.Hold
		})
	}, func() {
		s, err := o.client.Status(t.Context(), acme)
		t.Log(s, err)
	})
	if n := o.ZD.Counters().Writes; n != writes {
		t.Errorf("%d writes", n-writes)
	}
}

// waitingForZendesk makes changes that get as far as the streams.
func (o *ordeal) waitingForZendesk(t *testing.T, round int) {
	t.Helper()
	o.ZD.Fault(zdsim.Fault{Path: "/api/*", Status: 503, Times: -1})
	o.changes(t, round)
	o.ask(t, adminapi.Sync{Full: true})
	o.sees(t, "ZD_DOWN")
	until(t, 20*time.Second, "what came is transformed", func() bool {
		_, stages, err := o.client.Quiet(t.Context(), acme)
		return err == nil && slices.ContainsFunc(stages, func(s adminapi.Stage) bool { return s.Stage == "transformer" && s.Quiet })
	})
}
