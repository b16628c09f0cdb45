package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// named is a message of this name that gives a person another name of both types; it says no time.
func named(message, emplID, name string) string {
	rows := ""
	for _, typ := range []string{"PRI", "PRF"} {
		rows += fmt.Sprintf(`<NAMES class="R"><EMPLID>%s</EMPLID><NAME_TYPE>%s</NAME_TYPE><EFFDT>2026-01-05</EFFDT><EFF_STATUS>A</EFF_STATUS><NAME_DISPLAY>%s</NAME_DISPLAY></NAMES>`, emplID, typ, name)
	}
	return fmt.Sprintf(`<?xml version="1.0"?><%[1]s><MsgData><Transaction><PERSON class="R"><EMPLID>%[2]s</EMPLID>%[3]s</PERSON></Transaction></MsgData></%[1]s>`, message, emplID, rows)
}

// post sends a body to the ingress as PeopleSoft's node and answers the status.
func (w *world) post(t testing.TB, operation, node, id, body string, packed bool) int {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(body)
	if packed {
		b.Reset()
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.ingress+"/ib/acme", &b)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("PSFT", ibPassword)
	for name, v := range map[string]string{"Content-Type": "text/xml", "ExternalOperationName": operation + ".VERSION_9", "From": node, "TransactionID": id} {
		r.Header.Set(name, v)
	}
	if packed {
		r.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// newLetters is a loaded company with an ingress, and a person in it.
func newLetters(t *testing.T) (w *world, emplID string) {
	t.Helper()
	w = newIBWorld(t, 20, 5, pssim.NodeOptions{})
	w.sync(t, adminapi.Sync{Full: true})
	for _, u := range w.ZD.Users() {
		if u.ExternalID == nil || u.Suspended {
			continue
		}
		if id, ok := strings.CutPrefix(*u.ExternalID, "psft:emp:"); ok {
			return w, id
		}
	}
	t.Fatal("nobody is there")
	return nil, ""
}

// understand maps the site's name of the message.
func (w *world) understand(t testing.TB, alias string) {
	t.Helper()
	file := strings.Replace(w.TenantFile(), "  schedule: { employees: 5m, vendors: 15m,", "  ib: { nodes: [PSFT_HR, PSFT_EP], aliases: { "+alias+": PERSON_BASIC_SYNC }, auth: { basic: { username: PSFT, password: env:DEMO_IB_PASSWORD } } }\n"+
		"  schedule: { employees: 12h, vendors: 12h,", 1)
	values := w.values()
	values[string(acme)]["peoplesoft.ib.password"] = ibPassword
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "ib.yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) retried(t testing.TB) adminapi.DeadResult {
	t.Helper()
	res, err := w.client.RetryDead(t.Context(), acme, adminapi.DeadChoice{All: true, By: "test"})
	if err != nil || len(res) != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	return res[0]
}

// renames counts the writes that gave a person this name.
func (w *world) renames(name string) (n int) {
	for _, e := range w.ZD.Effects() {
		if slices.Contains(e.Changed, "name") && strings.Contains(fmt.Sprintf("%+v", e.After), name) {
			n++
		}
	}
	return n
}

// A message under a name that nobody understands: answered with 2xx and sealed in a letter. Once the settings name it,
// its retry reaches Zendesk once.
func TestAMessageOfAnUnknownNameIsRetriedOnceItsNameIsMapped(t *testing.T) {
	for name, packed := range map[string]bool{"as it is": false, "packed": true} {
		t.Run(name, func(t *testing.T) {
			w, id := newLetters(t)
			if status := w.post(t, "ACME_HR_PERSON", "PSFT_HR", "tx-1", named("ACME_HR_PERSON", id, "Robin Revealed"), packed); status != http.StatusOK {
				t.Fatalf("status %d", status)
			}
			l := w.letters(t, 1).Letters[0]
			if l.Code != "SRC_NOT_SUPPORTED" || l.Stage != string(audit.Listener) || l.Next == "" {
				t.Errorf("letter %+v", l)
			}
			if d, err := w.client.DeadLetter(t.Context(), acme, l.Sequence); err != nil || d.Revealed != "" || strings.Contains(d.Original+d.Raw, "Robin") || !strings.Contains(d.Original, "sealed") {
				t.Errorf("shown without reveal: %+v, %v", d, err)
			}
			d, err := w.client.RevealDead(t.Context(), acme, l.Sequence, adminapi.By{By: "pat"})
			if err != nil || !packed && !strings.Contains(d.Revealed, "Robin Revealed") || d.Revealed == "" {
				t.Errorf("revealed %q, %v", d.Revealed, err)
			}
			until(t, 30*time.Second, "the trail tells who looked", func() bool {
				told, err := w.client.Audit(t.Context(), acme, audit.Query{Stage: audit.Operator, Cause: "person/pat"})
				return err == nil && len(told) == 1 && told[0].Verb == "reveal"
			})
			if r := w.retried(t); r.Done || r.Code != "SRC_NOT_SUPPORTED" || r.Next == "" {
				t.Errorf("retry before the repair: %+v", r)
			}
			w.letters(t, 1)
			w.understand(t, "ACME_HR_PERSON")
			if r := w.retried(t); !r.Done {
				t.Fatalf("retry after the repair: %+v", r)
			}
			w.user(t, id, func(u zdsim.User) bool { return u.Name == "Robin Revealed" })
			w.quiet(t)
			w.letters(t, 0)
			if _, err := w.client.RetryDead(t.Context(), acme, adminapi.DeadChoice{Sequences: []uint64{l.Sequence}, By: "test"}); err == nil {
				t.Error("retried twice")
			}
			w.quiet(t)
			if n := w.renames("Robin Revealed"); n != 1 {
				t.Errorf("%d writes, want one", n)
			}
		})
	}
}

// What came after the message stays newer than its retry, though neither says a time; a replay of all changes nothing.
func TestARetriedMessageDoesNotWinOverNewerOnes(t *testing.T) {
	w, id := newLetters(t)
	if status := w.post(t, "ACME_HR_PERSON", "PSFT_HR", "tx-1", named("ACME_HR_PERSON", id, "Olive Old"), false); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	w.letters(t, 1)
	if status := w.post(t, "PERSON_BASIC_SYNC", "PSFT_HR", "tx-2", named("PERSON_BASIC_SYNC", id, "Nell New"), false); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	w.user(t, id, func(u zdsim.User) bool { return u.Name == "Nell New" })
	w.understand(t, "ACME_HR_PERSON")
	if r := w.retried(t); !r.Done {
		t.Fatalf("retry: %+v", r)
	}
	w.quiet(t)
	w.replayed(t, adminapi.ReplayRange{Stream: "ERP", From: 1, To: 1 << 40})
	if n := w.renames("Olive Old"); n != 0 {
		t.Errorf("%d writes of the older name", n)
	}
	w.user(t, id, func(u zdsim.User) bool { return u.Name == "Nell New" })
	w.letters(t, 0)
}

// What cannot be opened stays a letter, whoever retries it; a node that may not send leaves none.
func TestMessagesThatNobodyCanUse(t *testing.T) {
	w, id := newLetters(t)
	if status := w.post(t, "PERSON_BASIC_SYNC", "PSFT_XX", "tx-1", named("PERSON_BASIC_SYNC", id, "Nobody"), false); status != http.StatusForbidden {
		t.Errorf("another node: status %d", status)
	}
	w.letters(t, 0)
	if status := w.post(t, "PERSON_BASIC_SYNC", "PSFT_HR", "tx-2", "<PERSON_BASIC_SYNC><MsgData></WRONG></PERSON_BASIC_SYNC>", false); status != http.StatusOK {
		t.Errorf("broken document: status %d", status)
	}
	l := w.letters(t, 1).Letters[0]
	if r := w.retried(t); r.Done || r.Code != l.Code {
		t.Errorf("retry %+v of %+v", r, l)
	}
	if res, err := w.client.DropDead(t.Context(), acme, adminapi.DeadChoice{Sequences: []uint64{l.Sequence}, By: "test", Reason: "a test of theirs"}); err != nil || !res[0].Done {
		t.Errorf("drop %+v, %v", res, err)
	}
	w.letters(t, 0)
	if n := w.renames("Nobody"); n != 0 {
		t.Errorf("%d writes", n)
	}
}
