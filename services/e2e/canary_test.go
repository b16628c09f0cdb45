package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/internal/embedded"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// birds are the canaries of one run.
type birds struct {
	secrets []canary // nowhere in clear, whatever happens
	private []canary // of people: in streams, ledger and audit only
	dropped []canary // of people, and nobody asked for them: nowhere at all
}

const (
	canaryPS    = "Canary/ps+pw=71d0&x9"
	canaryZD    = "Canary/zd+secret=4e22"
	canaryIB    = "Canary/ib+pw=c0ffee41"
	canaryWrong = "Canary/wrong+pw=90ab3"
	canaryURL   = "Canary/url+token=5d1e7"
	canaryHead  = "Canary/header+key=88f2"
	canaryEnv   = "Canary/env+secret=3b3b9"
	canaryEcho  = "Canary/echo+bearer=e4d4d1"
	lastName    = "Zyxcanaryperson"
	personMail  = "zyx.canary.person@example.com"
	personPhone = "+1 555 010 7741"
	echoedName  = "Qwcanaryechoed"
	nationalID  = "Canary-078-05-1120"
)

// A full run with errors, dead letters, refused senders, answers that echo what they should not, and a crash. Then
// everything that it left behind is searched: what it said, answered, measured and stored (failures.md O8).
func TestNoSecretAndNoPersonLeaks(t *testing.T) {
	w := &world{Company: special(t, setup{employees: 40, ps: func(o *pssim.Options) { o.Password = canaryPS },
		zd: func(o *zdsim.Options) { o.Auth.Clients[0].Secret = canaryZD }})}
	w.Secrets = map[string]string{"DEMO_PS_PASSWORD": canaryPS, "DEMO_ZD_SECRET": canaryZD}
	w.judge = demo.NewJudge(w.Company)
	w.ingress = freePort(t)
	dir := t.TempDir()
	data, config := filepath.Join(dir, "data"), filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(tuningFile), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(programs(t, "ml-connector"), "ml-connector")
	env := []string{"MLC_LOG_LEVEL=debug", "GOTRACEBACK=all", "ACME_SECRET=" + canaryEnv, "DEMO_PS_PASSWORD=" + canaryPS}
	c := spawn(t, bin, env, "serve", "--data", data, "--config", config, "--listen", "127.0.0.1:0", "--ingress", w.ingress)

	until(t, time.Minute, "the process answers", func() bool {
		client, err := adminapi.FindLocal(data)
		if err == nil {
			w.client = client
			_, err = client.Status(t.Context(), "")
		}
		return err == nil
	})
	seen := w.provoke(t)
	place := w.places(t, data, seen)
	local, err := adminapi.ReadLocal(data)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]byte{}
	for _, args := range [][]string{{"status"}, {"status", "--json"}, {"check", "acme"}, {"check", "acme", "--json"}, {"dead", "list", "acme"}, {"plan", "acme"},
		{"connect", "acme", "--status"}, {"audit", "verify", "acme"}, {"holds", "list", "acme"}, {"ib", "url", "acme"}} {
		cmd := exec.CommandContext(t.Context(), bin, append(args, "--data", data)...)
		out, _ := cmd.CombinedOutput() // a check that fails is one of the things to look at
		said["command "+strings.Join(args, " ")] = out
	}
	for _, path := range []string{"/metrics", "/readyz", "/livez", "/", "/console.css", "/nothing?token=" + canaryURL[:6]} {
		said["page "+path] = fetched(t, local.URL+path, "")
	}
	for _, path := range []string{"/api/v1/status", "/api/v1/tenants/acme/findings", "/api/v1/tenants/acme/connection", "/api/v1/tenants/acme/holds"} {
		said["api "+path] = fetched(t, local.URL+path, local.Token)
	}
	for _, file := range []string{"cmdline", "comm", "status"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", local.PID, file))
		if err != nil {
			t.Fatal(err)
		}
		said["process "+file] = b
	}
	_ = c.cmd.Process.Signal(syscall.SIGABRT) // the crash output of every goroutine
	<-c.done
	said["log and crash"] = []byte(c.log.tail(1 << 30))
	if !strings.Contains(string(said["log and crash"]), "goroutine ") {
		t.Error("no crash output")
	}
	b := flock(t, data, local.Token)
	size := 0
	for where, what := range said {
		size += len(what)
		for _, h := range scan(where, what, slices.Concat(b.secrets, b.dropped)) {
			t.Error(h)
		}
		if !slices.ContainsFunc([]string{"command plan", "command dead", "api /api/v1/tenants/acme/findings"}, func(s string) bool { return strings.HasPrefix(where, s) }) { // they are asked about records
			for _, h := range scan(where, what, b.private) {
				t.Error(h)
			}
		}
	}
	hits, files := scanFolder(t, data, slices.Concat(b.secrets, b.dropped), "master.key", "admin.token", "admin.json")
	for _, h := range hits {
		t.Error(h)
	}
	messages := w.streams(t, data, b)
	if place == 0 || messages < 100 {
		t.Errorf("%d people of ours arrived, %d messages searched: nothing was proved", place, messages)
	}
	t.Logf("searched %d KiB of outputs, %d KiB of files, %d messages for %d secrets and %d values of people, in %d forms each: 0 hits", size>>10, files>>10, messages,
		len(b.secrets), len(b.private)+len(b.dropped), len(b.secrets[0].forms))
}

// flock lists the canaries of a run, those included that the system made itself.
func flock(t *testing.T, data, token string) birds {
	t.Helper()
	b := birds{}
	for name, v := range map[string]string{"PeopleSoft's password": canaryPS, "Zendesk's secret": canaryZD, "the ingress's password": canaryIB, "a wrong password": canaryWrong,
		"a token in a URL": canaryURL, "a header": canaryHead, "the environment": canaryEnv, "an echoed token": canaryEcho, "the admin token": token,
		"Zendesk's access tokens": "sim-access", "Zendesk's refresh tokens": "sim-refresh"} {
		b.secrets = append(b.secrets, newCanary(name, v))
	}
	key, err := os.ReadFile(filepath.Join(data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	b.secrets = append(b.secrets, newCanary("the master key", strings.TrimSpace(string(key))))
	for name, v := range map[string]string{"a name": lastName, "an address": personMail, "a phone": personPhone, "an echoed name": echoedName} {
		b.private = append(b.private, newCanary(name, v))
	}
	for name, v := range map[string]string{"a national id": nationalID, "the simulator's national ids": pssim.Canary + "00", "pay": pssim.CanaryPay} {
		b.dropped = append(b.dropped, newCanary(name, v))
	}
	return b
}

// provoke feeds canaries into every input, and makes things go wrong with them.
func (w *world) provoke(t *testing.T) (who string) {
	t.Helper()
	file := strings.Replace(w.TenantFile(), "  schedule: { employees: 5m,", "  ib: { nodes: [PSFT_HR, PSFT_EP], auth: { basic: { username: PSFT, password: env:DEMO_IB_PASSWORD } } }\n  schedule: { employees: 5m,", 1)
	values := w.values()
	values[string(acme)]["peoplesoft.ib.password"] = canaryIB
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "canary.yaml", File: file, Actor: "test", Values: values}); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{Full: true})
	if err := w.PS.Node(pssim.NodeOptions{URL: "http://" + w.ingress + "/ib/acme", User: "PSFT", Password: canaryIB, PingEvery: 50 * time.Millisecond, Silent: true}); err != nil {
		t.Fatal(err)
	}
	run(t, app.Component{Name: "sender", Run: w.PS.RunSender})
	who = "0990001"
	if _, err := w.PS.Hire(pssim.NewHire{EmplID: who, First: "Kit", Last: lastName, Email: personMail, Phone: personPhone}, w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{})
	for _, k := range w.staff(6) {
		if _, err := w.PS.ChangeTitle(k, "Keeper of the Books", w.PS.Today()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.PS.Hire(pssim.NewHire{First: "Kit", Last: lastName + "two"}, w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	w.publish(t, pssim.Publication{Message: "PERSON_BASIC_SYNC"})
	w.publish(t, pssim.Publication{Message: "WORKFORCE_SYNC"})
	w.publish(t, pssim.Publication{Message: "VENDOR_SYNC"})
	echo := fmt.Sprintf(`{"error":"RecordInvalid","description":"Record validation errors","details":{"name":[{"description":"Name: %s <%s> is odd, Authorization: Bearer %s","error":"Invalid"}]}}`, echoedName, personMail, canaryEcho)
	w.ZD.Fault(zdsim.Fault{Path: "/api/v2/users*", Method: "PUT", Status: 422, Body: echo, Times: 2})
	w.ZD.Fault(zdsim.Fault{Path: "/api/v2/users*", Method: "POST", Status: 422, Body: echo, Times: 2})
	w.ZD.Fault(zdsim.Fault{Path: "/api/*", Status: 500, Body: "<html>" + echoedName + " " + canaryEcho + "</html>", Times: 2, Header: map[string]string{"X-Zendesk-API-Warn": "removed " + canaryEcho}})
	w.sync(t, adminapi.Sync{Full: true})
	if err := w.PS.Fault(pssim.Fault{Kind: pssim.FaultSignIn, Times: 1}); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{})
	w.knock(t)
	w.sync(t, adminapi.Sync{Full: true})
	return who
}

// knock sends to the ingress what nobody should send.
func (w *world) knock(t *testing.T) {
	t.Helper()
	body := "<?xml version=\"1.0\"?><PERSON_BASIC_SYNC><NATIONAL_ID>" + nationalID + "</NATIONAL_ID><NAME>" + echoedName + "</NAME>"
	for i, tc := range []struct{ path, user, pass string }{
		{"/ib/acme", "PSFT", canaryWrong}, {"/ib/acme?token=" + canaryURL + "&password=" + canaryIB, "PSFT", canaryIB},
		{"/ib/acme/" + canaryURL, "PSFT", canaryIB}, {"/ib/globex", "PSFT", canaryIB}, {"/ib/acme", canaryWrong, canaryIB}, {"/ib/acme", "PSFT", canaryIB},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.ingress+strings.ReplaceAll(tc.path, "+", "%2B"), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(tc.user, tc.pass)
		for k, v := range map[string]string{"From": "PSFT_HR", "To": "ML_CONNECTOR", "OperationName": "PERSON_BASIC_SYNC.VERSION_3", "TransactionID": fmt.Sprintf("canary-%d", i),
			"X-Api-Key": canaryHead, "Cookie": "session=" + canaryHead, "User-Agent": canaryHead, "X-Forwarded-For": canaryHead, "Content-Type": "text/xml"} {
			r.Header.Set(k, v)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		for _, v := range []string{canaryWrong, canaryURL, canaryHead, canaryIB, nationalID, echoedName} {
			if strings.Contains(string(answer), v) {
				t.Errorf("the ingress answers %q", answer)
			}
		}
	}
}

// places counts the places where the person is, as wanted: Zendesk and the audit trail.
func (w *world) places(t *testing.T, _, who string) (n int) {
	t.Helper()
	if u, ok := w.ZD.UserByExternalID("psft:emp:" + who); ok && strings.Contains(u.Name, lastName) {
		n++
	}
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	b := birds{}
	for _, v := range []string{canaryPS, canaryZD, canaryIB, canaryWrong, canaryURL, canaryHead, canaryEnv, canaryEcho, nationalID, pssim.CanaryPay} {
		b.secrets = append(b.secrets, newCanary(v[:min(14, len(v))], v))
	}
	for _, h := range scan("the audit trail", text, b.secrets) {
		t.Error(h)
	}
	return n
}

// streams opens the folder of the dead process and reads every message of every stream as it was before encryption.
func (w *world) streams(t *testing.T, data string, b birds) (n int) {
	t.Helper()
	sys, err := embedded.Open(t.Context(), embedded.Options{Data: data, Log: logger(), Tuning: fast()})
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(t.Context())
	for _, s := range []bus.Stream{bus.ERP, bus.Directory, bus.Audit, bus.Dead} {
		for from := uint64(1); from > 0; {
			part, err := sys.Core.Bus.Read(t.Context(), acme, s, bus.Range{From: from}, 500)
			if err != nil {
				t.Fatalf("stream %s: %v", s, err)
			}
			for _, m := range part.Messages {
				n++
				text, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				text = append(text, m.Event.Data...)
				for _, h := range scan("stream "+string(s), text, slices.Concat(b.secrets, b.dropped)) {
					t.Error(h)
				}
			}
			from = part.Next
		}
	}
	return n
}

func fetched(t *testing.T, url, token string) []byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
