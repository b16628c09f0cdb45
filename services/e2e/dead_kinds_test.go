package e2e

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// bury puts a letter about an event on DEAD, as a handler does that gives it up.
func (w *world) bury(t testing.TB, e event.Event, d event.Dead) {
	t.Helper()
	original, err := event.Encode(e)
	must(t, err)
	d.Code, d.Attempts, d.Original = "POISON", 8, original
	letter, err := event.With(event.Event{ID: fmt.Sprintf("dead/%s/%s/%d", d.Stage, d.Stream, d.Sequence), Source: "test", Type: event.DeadV1,
		Subject: e.Subject, Time: time.Now().UTC(), Tenant: acme}, d)
	must(t, err)
	must(t, w.sys.Core.Bus.Publish(t.Context(), acme, bus.Dead, letter))
}

// buried is a letter about an event of this type and payload, alone in the list.
func (w *world) buried(t testing.TB, stage audit.Stage, ref record.Ref, typ event.Type, payload any) adminapi.DeadLetter {
	t.Helper()
	e, err := event.With(event.Event{ID: "test/" + string(typ), Source: "test", Type: typ, Subject: ref.String(), Time: time.Now().UTC(), Tenant: acme, Cause: "cycle/x"}, payload)
	must(t, err)
	w.bury(t, e, event.Dead{Stage: stage, Kind: ref.Kind, Key: ref.Key, Stream: "TEST_acme", Sequence: uint64(time.Now().UnixNano())})
	return w.letters(t, 1).Letters[0]
}

// sentAgain retries the one letter there is and expects that it leaves the list for good: once it was retried it cannot
// be retried again.
func (w *world) sentAgain(t testing.TB, l adminapi.DeadLetter) {
	t.Helper()
	if r := w.retried(t); !r.Done {
		t.Fatalf("retry: %+v", r)
	}
	w.letters(t, 0)
	if _, err := w.client.RetryDead(t.Context(), acme, adminapi.DeadChoice{Sequences: []uint64{l.Sequence}, By: "test"}); err == nil {
		t.Error("retried twice")
	}
}

// ledgered opens the database of a system that runs in dir.
func ledgered(t testing.TB, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "ml-connector.db")+"?_pragma=busy_timeout(5000)")
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// astray gives people other names in Zendesk, as somebody does who works there.
func (w *world) astray(t testing.TB, name string, emplIDs ...string) {
	t.Helper()
	var grant struct {
		Token string `json:"access_token"`
	}
	w.ask(t, http.MethodPost, "/oauth/tokens", "", fmt.Sprintf(`{"grant_type":"client_credentials","client_id":"ml_connector","client_secret":%q,"scope":"read write"}`,
		w.Secrets["DEMO_ZD_SECRET"]), &grant)
	for i, id := range emplIDs {
		u, ok := w.ZD.UserByExternalID("psft:emp:" + id)
		if !ok {
			t.Fatalf("%s is not in Zendesk", id)
		}
		w.ask(t, http.MethodPut, fmt.Sprintf("/api/v2/users/%d", u.ID), grant.Token, fmt.Sprintf(`{"user":{"name":"%s %d"}}`, name, i), nil)
	}
}

// ask calls Zendesk beside the connector.
func (w *world) ask(t testing.TB, method, path, token, body string, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.ZDURL+path, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: HTTP %d %s", method, path, resp.StatusCode, answer)
	}
	if into != nil {
		must(t, json.Unmarshal(answer, into))
	}
}

// named counts the writes that changed a person's name behind the first effects.
func (w *world) named(emplID string, behind int) (n int) {
	for _, e := range w.ZD.Effects()[behind:] {
		if e.ExternalID == "psft:emp:"+emplID && slices.Contains(e.Changed, "name") {
			n++
		}
	}
	return n
}

// One letter of each type that a handler can give up, but for messages of the Integration Broker, which have tests of
// their own: its retry does the work that was not done, once.
func TestARetriedLetterOfEveryTypeDoesItsWork(t *testing.T) {
	dir := t.TempDir()
	w := &world{Company: newCompany(t, 20, 3)}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, dir, "")
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	db, staff := ledgered(t, dir), w.staff(6)
	ref := func(i int) record.Ref { return record.Ref{Kind: record.Employee, Key: staff[i]} }
	for name, do := range map[string]func(*testing.T){
		"a wanted state: the writer looks at Zendesk again": func(t *testing.T) {
			w.astray(t, "Somebody Else", staff[0])
			before := len(w.ZD.Effects())
			w.sentAgain(t, w.buried(t, audit.Writer, ref(0), event.UrgentV1, event.Urgent{Kind: record.Employee, Key: staff[0]}))
			until(t, time.Minute, "the name is back", func() bool { return w.named(staff[0], before) > 0 })
			w.quiet(t)
			if n := w.named(staff[0], before); n != 1 {
				t.Errorf("%d writes of the name, want 1", n)
			}
		},
		"a tick: the poller reads": func(t *testing.T) {
			w.sentAgain(t, w.buried(t, audit.Poller, ref(1), event.TickV1, event.Tick{Kind: record.Employee, Mode: event.ModeKey, Key: staff[1], Cycle: "retried"}))
			until(t, time.Minute, "the cycle ends", func() bool {
				c, ok, err := w.client.Cycle(t.Context(), acme, "retried")
				return err == nil && ok && c.State == "complete"
			})
		},
		"a wake-up: the record is looked at as of today": func(t *testing.T) {
			var body []byte
			must(t, db.QueryRow("SELECT wanted FROM ledger WHERE kind = 'employee' AND key = ?", staff[2]).Scan(&body))
			right, err := event.DecodeEntry(body)
			must(t, err)
			wrong := right
			u := *right.User
			u.Name, wrong.User = "Yesterday", &u
			stale, err := event.EncodeEntry(wrong)
			must(t, err)
			_, err = db.Exec("UPDATE ledger SET wanted = ? WHERE kind = 'employee' AND key = ?", stale, staff[2])
			must(t, err)
			w.sentAgain(t, w.buried(t, audit.Transformer, ref(2), event.WakeV1, event.Wake{Kind: record.Employee, Key: staff[2], Date: erp.Date(w.PS.Today())}))
			until(t, time.Minute, "the record was looked at", func() bool {
				var now []byte
				must(t, db.QueryRow("SELECT wanted FROM ledger WHERE kind = 'employee' AND key = ? AND published = wanted_at", staff[2]).Scan(&now))
				e, err := event.DecodeEntry(now)
				return err == nil && e.User != nil && e.User.Name == right.User.Name
			})
		},
		"an announcement: the record's facts are taken": func(t *testing.T) {
			_, err := db.Exec("DELETE FROM ledger WHERE kind = 'employee' AND key = ?", staff[3])
			must(t, err)
			w.sentAgain(t, w.buried(t, audit.Transformer, ref(3), event.WakeV1, event.Wake{Kind: record.Employee, Key: staff[3], From: 1}))
			until(t, time.Minute, "the row is there", func() bool {
				n := 0
				must(t, db.QueryRow("SELECT count(*) FROM ledger WHERE kind = 'employee' AND key = ? AND published = wanted_at", staff[3]).Scan(&n))
				return n == 1
			})
		},
		"an audit entry: the trail has it once": func(t *testing.T) {
			e := audit.Entry{ID: audit.ID(audit.Writer, ref(4), 1, "told late"), Ref: ref(4), At: time.Now().UTC(), Stage: audit.Writer, Verb: "update", Outcome: audit.Applied, Cause: "test/late"}
			l := w.buried(t, audit.Stage("recorder"), ref(4), event.AuditV1, event.AuditOf(e))
			w.sentAgain(t, l)
			told := func() int {
				rows, err := w.client.Audit(t.Context(), acme, audit.Query{Cause: "test/late"})
				must(t, err)
				return len(rows)
			}
			until(t, time.Minute, "the entry is there", func() bool { return told() > 0 })
			w.buried(t, audit.Stage("recorder"), ref(4), event.AuditV1, event.AuditOf(e)) // the same failed twice
			if r := w.retried(t); !r.Done {
				t.Errorf("retry: %+v", r)
			}
			w.quiet(t)
			if n := told(); n != 1 {
				t.Errorf("%d entries, want 1", n)
			}
			if v, err := w.client.VerifyAudit(t.Context(), acme, nil); err != nil || !v.OK {
				t.Errorf("trail %+v, %v", v, err)
			}
		},
		"facts that were never merged: applied once": func(t *testing.T) {
			part, err := w.sys.Core.Bus.Read(t.Context(), acme, bus.ERP, bus.Range{Ref: ref(5)}, 1)
			if err != nil || len(part.Messages) != 1 {
				t.Fatalf("%d messages, %v", len(part.Messages), err)
			}
			facts, err := event.Payload[event.Facts](part.Messages[0].Event, event.FactsV1)
			must(t, err)
			changed := facts.Facts[:0]
			for _, f := range facts.Facts {
				if f.Facet == erp.Name {
					f.Fields[erp.DisplayName], f.Stamp = "Robin Repaired", ""
					changed = append(changed, f)
				}
			}
			facts.Facts, facts.Whole = changed, nil
			st, err := w.sys.Core.Bus.State(t.Context(), acme)
			must(t, err)
			e, err := event.With(event.Event{ID: "test/repaired", Source: "test", Type: event.FactsV1, Subject: ref(5).String(), Time: time.Now().UTC(), Tenant: acme, Cause: "cycle/x"}, facts)
			must(t, err)
			before := len(w.ZD.Effects())
			w.bury(t, e, event.Dead{Stage: audit.Transformer, Kind: ref(5).Kind, Key: ref(5).Key, Stream: "ERP_acme", Sequence: st.Streams[bus.ERP].Last})
			w.sentAgain(t, w.letters(t, 1).Letters[0])
			until(t, time.Minute, "Zendesk has the name", func() bool { return w.named(staff[5], before) > 0 })
			w.quiet(t)
			if n := w.named(staff[5], before); n != 1 {
				t.Errorf("%d writes of the name, want 1", n)
			}
		},
		"what nobody handles is refused with what to do": func(t *testing.T) {
			l := w.buried(t, audit.Writer, record.Ref{}, event.WantedV1, event.Urgent{})
			r := w.retried(t)
			if r.Done || r.Code == "" || !strings.Contains(r.Next, "dead drop") {
				t.Errorf("a wanted state of nobody: %+v", r)
			}
			if _, err := w.client.DropDead(t.Context(), acme, adminapi.DeadChoice{Sequences: []uint64{l.Sequence}, By: "test", Reason: "a test"}); err != nil {
				t.Error(err)
			}
			w.letters(t, 0)
			w.buried(t, audit.Poller, ref(0), event.CursorV1, event.Cursor{Kind: record.Employee})
			if r := w.retried(t); r.Done || r.Code == "" || !strings.Contains(r.Next, "sync --key") {
				t.Errorf("a cursor: %+v", r)
			}
			if _, err := w.client.DropDead(t.Context(), acme, adminapi.DeadChoice{All: true, By: "test", Reason: "a test"}); err != nil {
				t.Error(err)
			}
			w.letters(t, 0)
		},
	} {
		t.Run(name, do)
	}
	w.quiet(t)
	w.noDead(t)
	noEffectTwice(t, w.ZD)
}
