package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store/pgtest"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// replayed starts a replay and waits until it is finished and nothing is in flight.
func (w *world) replayed(t testing.TB, r adminapi.ReplayRange) adminapi.Replay {
	t.Helper()
	r.By = "test"
	rep, err := w.client.StartReplay(t.Context(), acme, r)
	if err != nil {
		t.Fatal(err)
	}
	w.finished(t, &rep)
	w.quiet(t)
	return rep
}

func (w *world) finished(t testing.TB, rep *adminapi.Replay) {
	t.Helper()
	until(t, 3*time.Minute, "the replay ends", func() bool {
		now, err := w.client.Replay(t.Context(), acme, rep.ID)
		if err == nil {
			*rep = now
		}
		return err == nil && now.State != "running"
	})
	if rep.State != "finished" {
		t.Fatalf("replay %+v", *rep)
	}
}

// A range is replayed after newer changes: nothing goes back, and nothing is written.
func TestAReplayAfterNewerChangesWritesNothing(t *testing.T) {
	w := newWorld(t, 40, 10)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	first, err := w.client.PreviewReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: 1 << 40})
	if err != nil || first.Events == 0 || first.Records == 0 || first.Newer != 0 {
		t.Fatalf("preview %+v, %v", first, err)
	}
	w.sync(t, adminapi.Sync{Full: true})
	before := len(w.ZD.Effects())
	p, err := w.client.PreviewReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: first.To})
	if err != nil || p.Newer == 0 {
		t.Fatalf("preview behind newer statements %+v, %v", p, err)
	}
	rep := w.replayed(t, adminapi.ReplayRange{Stream: "ERP", From: 1, To: first.To})
	if rep.Events != first.Events {
		t.Errorf("%d events sent, want %d", rep.Events, first.Events)
	}
	w.replayed(t, adminapi.ReplayRange{Stream: "DIRECTORY", From: 1, To: 1 << 40})
	if n := len(w.ZD.Effects()) - before; n != 0 {
		t.Errorf("%d writes to Zendesk, want none", n)
	}
	w.agree(t)
	v, err := w.client.VerifyAudit(t.Context(), acme, nil)
	if err != nil || !v.OK || v.Entries == 0 {
		t.Errorf("trail %+v, %v", v, err)
	}
}

// The ledger loses a record; the replay of its key brings it back, and later changes reach Zendesk.
func TestAReplayOfAKeyRestoresALostRecord(t *testing.T) {
	dir := t.TempDir()
	w := &world{Company: newCompany(t, 20, 5)}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, dir, "")
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	db := ledgered(t, dir)
	var key string
	if err := db.QueryRow("SELECT key FROM links WHERE kind = 'employee' AND target_id <> '' ORDER BY key LIMIT 1").Scan(&key); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("DELETE FROM ledger WHERE kind = 'employee' AND key = ?", key); err != nil {
		t.Fatal(err)
	}
	before := len(w.ZD.Effects())
	if rep := w.replayed(t, adminapi.ReplayRange{Stream: "ERP", Key: key}); rep.Events == 0 {
		t.Fatal("nothing was sent")
	}
	n := 0
	if err := db.QueryRow("SELECT count(*) FROM ledger WHERE kind = 'employee' AND key = ? AND published = wanted_at", key).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d rows, %v", n, err)
	}
	if n := len(w.ZD.Effects()) - before; n != 0 {
		t.Errorf("%d writes to Zendesk, want none: it held the state all the time", n)
	}
	w.agree(t)
}

// The process ends in the middle of a replay; the next one goes on from where it was.
func TestAReplayGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	w := &world{Company: newCompany(t, 400, 30)} // more than a replay sends ahead of the handler
	w.judge = demo.NewJudge(w.Company)
	w.start(t, dir, "")
	w.apply(t)
	for range 4 {
		w.sync(t, adminapi.Sync{Full: true})
	}
	before := len(w.ZD.Effects())
	rep, err := w.client.StartReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: 1 << 40, By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.StartReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: 5, By: "test"}); err == nil {
		t.Error("a second replay was not refused")
	}
	w.stop()
	if state, next := placeOf(t, ledgered(t, dir), rep.ID); state != "running" || next > rep.To {
		t.Fatalf("%s at %d of %d: it was over before the process ended", state, next, rep.To)
	}
	w.start(t, dir, "")
	w.finished(t, &rep)
	w.quiet(t)
	if rep.Next <= rep.To || rep.Events == 0 {
		t.Errorf("replay %+v", rep)
	}
	if n := len(w.ZD.Effects()) - before; n != 0 {
		t.Errorf("%d writes to Zendesk, want none", n)
	}
	w.agree(t)
}

func TestWrongRangesAreRefused(t *testing.T) {
	w := newWorld(t, 3, 1)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	past := time.Now().Add(-time.Hour)
	future := time.Now().Add(time.Hour)
	for name, r := range map[string]adminapi.ReplayRange{
		"no range": {Stream: "ERP"}, "one end": {Stream: "ERP", From: 3}, "backwards": {Stream: "ERP", From: 3, To: 2}, "behind the end": {Stream: "ERP", From: 1 << 40, To: 1 << 41},
		"another stream": {Stream: "DESK", Key: "1"}, "dead letters": {Stream: "DEAD", Key: "1"}, "no stream": {Key: "1"}, "both ways": {Stream: "ERP", From: 1, To: 2, Since: &past, Until: &future},
		"times backwards": {Stream: "ERP", Since: &future, Until: &past}, "nothing there": {Stream: "ERP", Since: &future, Until: func() *time.Time { x := future.Add(time.Hour); return &x }()},
	} {
		_, err := w.client.PreviewReplay(t.Context(), acme, r)
		if fault.CodeOf(err) != adminapi.BadRequest || fault.NextOf(err) == "" || strings.HasPrefix(fault.NextOf(err), "correct the request") {
			t.Errorf("%s: %v, next %q", name, err, fault.NextOf(err))
		}
	}
}

// The services as separate programs with Postgres: the transformer is killed in the middle of a replay.
func TestAReplayOfSeparateServicesOutlivesTheTransformer(t *testing.T) {
	w := &world{Company: newCompany(t, 400, 20)} // more than a replay sends ahead of the handler
	w.judge = demo.NewJudge(w.Company)
	s := newServices(t, pgtest.URL(t))
	w.client = s.console()
	transformer := s.start("transformer")
	for _, name := range []string{"poller", "zendesk-writer", "recorder"} {
		s.start(name)
	}
	w.apply(t)
	for range 4 {
		w.sync(t, adminapi.Sync{Full: true})
	}
	before := len(w.ZD.Effects())
	for try := 1; ; try++ {
		rep, err := w.client.StartReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: 1 << 40, By: "test"})
		must(t, err)
		w.begun(t, rep.ID)
		transformer.kill()
		killed, err := w.client.Replay(t.Context(), acme, rep.ID)
		must(t, err)
		transformer = s.start("transformer")
		last := killed
		until(t, 4*time.Minute, "the replay ends", func() bool { // the killed one's lease runs out first
			now, err := w.client.Replay(t.Context(), acme, rep.ID)
			if err == nil && now.Next < last.Next {
				t.Errorf("the place went back from %d to %d", last.Next, now.Next)
			}
			if err == nil {
				last = now
			}
			return err == nil && now.State == "finished"
		})
		if killed.State == "running" && killed.Next <= killed.To {
			t.Logf("killed at %d of %d, try %d", killed.Next, killed.To, try)
			break
		}
		if try == killTries {
			t.Fatalf("%d kills came when the replay was not under way: %+v", try, killed)
		}
	}
	w.quiet(t)
	if n := len(w.ZD.Effects()) - before; n != 0 {
		t.Errorf("%d writes to Zendesk, want none", n)
	}
	w.agree(t)
	if v, err := w.client.VerifyAudit(t.Context(), acme, nil); err != nil || !v.OK {
		t.Errorf("trail %+v, %v", v, err)
	}
	if r, err := w.client.RotateVault(t.Context(), adminapi.Rotation{By: "test"}); err != nil || r.Before == r.After || r.Tenants != 1 {
		t.Errorf("rotation while all services run: %+v, %v", r, err)
	}
	told, err := w.client.Audit(t.Context(), acme, audit.Query{Ref: record.Ref{Key: "vault"}, Stage: audit.Operator})
	if err != nil || len(told) != 2 || told[0].Outcome != string(audit.Started) || told[1].Outcome != string(audit.Finished) {
		t.Errorf("the trail tells of the rotation %+v, %v; want its begin and its end", told, err)
	}
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
}
