package cli

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/app"
)

// canned answers each path of the admin API with a fixed document, and runs a command against it.
func canned(t *testing.T, answers map[string]string, args ...string) (out string, code int) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			http.Error(w, "{}", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	var stdout, stderr strings.Builder
	env := app.Env{Args: append(args, "--server", srv.URL, "--data", filepath.Join(t.TempDir(), "none")), Stdin: strings.NewReader("x"),
		Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "token" }}
	err := Main(t.Context(), env)
	return stdout.String() + stderr.String(), app.ExitCode(err)
}

// What somebody reads at three in the morning names the row, the record, the number of people and the next command.
func TestTextsTellWhatToDo(t *testing.T) {
	const letter = `{"sequence":4,"at":"2026-11-23T08:00:00Z","code":"SRC_SCHEMA","stage":"ib-listener","attempts":1,"cause":"ib/t1","detail":"no record","next":"map it"}`
	for name, c := range map[string]struct {
		answers map[string]string
		args    []string
		code    int
		has     []string
		lacks   []string
	}{
		"a broken trail names the entry": {map[string]string{"GET /api/v1/tenants/acme/audit/verify": `{"ok":false,"sealed":7,"bad":8,"why":"it was edited",
			"entry":{"position":8,"id":"5af8","at":"2026-11-23T08:00:00Z","kind":"employee","key":"0001003","stage":"zendesk-writer","verb":"suspend","outcome":"applied"}}`},
			[]string{"audit", "verify", "acme"}, 1, []string{"BROKEN at position 8: it was edited", "employee/0001003, zendesk-writer applied suspend, as it reads now: id 5af8", "7 entries before it", "next  keep a copy"}, nil},
		"a trail whose entry is gone names the position": {map[string]string{"GET /api/v1/tenants/acme/audit/verify": `{"ok":false,"sealed":7,"bad":8,"why":"the entry is missing"}`},
			[]string{"audit", "verify", "acme"}, 1, []string{"BROKEN at position 8: the entry is missing"}, []string{"as it reads now"}},
		"a sealed letter says how it is opened": {map[string]string{"GET /api/v1/tenants/acme/dead/4": `{"letter":` + letter + `,"original":"{\"sealed\":{}}"}`},
			[]string{"dead", "show", "acme", "4"}, 0, []string{"no record", "from  the ingress after 1 try", "open  ml-connector dead show acme 4 --reveal"}, []string{", /,", "ERP 0"}},
		"an opened letter does not": {map[string]string{"GET /api/v1/tenants/acme/dead/5": `{"letter":{"sequence":5,"stream":"ERP","place":17,"attempts":3,"kind":"employee","key":"0001003"},"original":"{}"}`},
			[]string{"dead", "show", "acme", "5"}, 0, []string{"employee/0001003", "from  ERP 17 after 3 tries"}, []string{"--reveal"}},
		"findings end with what to do about each code": {map[string]string{"GET /api/v1/tenants/acme/findings": `[{"kind":"employee","key":"1","code":"ZD_NO_SEAT","hold":true,"severity":"hold","next":"buy a seat"},{"kind":"employee","key":"2","code":"ZD_NO_SEAT","hold":true,"severity":"hold","next":"buy a seat"}]`},
			[]string{"missing", "acme"}, 0, []string{"employee/1", "employee/2", "ZD_NO_SEAT\n    next  buy a seat\n"}, nil},
		"no findings": {map[string]string{"GET /api/v1/tenants/acme/findings": `[]`}, []string{"missing", "acme"}, 0, []string{"nothing is missing and nothing waits"}, nil},
		"a check counts its warnings": {map[string]string{"POST /api/v1/tenants/acme/check": `{"tenant":"acme","ok":true,"steps":[{"connection":"zendesk","name":"token","state":"warning","code":"ZD_TOKEN_ENDING","detail":"in 156 days","next":"create a client"}]}`},
			[]string{"check", "acme"}, 0, []string{"! token", "next  create a client", "0 problems, 1 warning\n"}, nil},
		"a credential says what comes next": {map[string]string{"PUT /api/v1/tenants/acme/credentials/zendesk.client_secret": `{"sealed":"zendesk.client_secret"}`},
			[]string{"credential", "set", "acme", "zendesk.client_secret"}, 0, []string{"sealed", "next: ml-connector check acme"}, nil},
		"people who wait for a seat are counted, with what to do": {map[string]string{"GET /api/v1/status": `{"tenants":[{"tenant":"acme","holds":3,"dead_letters":1,"held":[{"code":"ZD_NO_SEAT","records":2,"next":"buy a seat"},{"code":"EMAIL_OWNED","records":1,"next":"free it"}]}]}`},
			[]string{"status"}, 0, []string{"! ZD_NO_SEAT: 2 records wait\n    next  buy a seat", "! EMAIL_OWNED: 1 record waits\n    next  free it", "ml-connector missing acme names them", "! 1 dead letter\n    next  ml-connector dead list acme", "waiting    3 records, 1 dead letter\n"}, nil},
		"a writer elsewhere has a breaker all the same": {map[string]string{"GET /api/v1/status": `{"tenants":[{"tenant":"acme","breaker":"open"}]}`},
			[]string{"status"}, 0, []string{"budget     the process that writes tells it (/metrics), breaker open"}, nil},
		"an account that announced nothing has no limit of zero": {map[string]string{"GET /api/v1/status": `{"tenants":[{"tenant":"acme","breaker":"closed","budget":{"share":0.8,"job_limit":5}}]}`},
			[]string{"status"}, 0, []string{"Zendesk told no limit yet (our share 80 %), 0 of 5 jobs, breaker closed"}, []string{"0 of 0"}},
		"limits, jobs and breaker stand in one line": {map[string]string{"GET /api/v1/status": `{"tenants":[{"tenant":"acme","breaker":"half-open","budget":{"per_minute":700,"remaining":12,"share":0.8,"jobs":5,"job_limit":5,"waiting":9000000000}}]}`},
			[]string{"status"}, 0, []string{"12 of 700 calls left this minute (our share 80 %), 5 of 5 jobs, breaker half-open\n", "the next call leaves in 9s"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := canned(t, c.answers, c.args...)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, want := range c.has {
				if !strings.Contains(out, want) {
					t.Errorf("lacks %q:\n%s", want, out)
				}
			}
			for _, not := range c.lacks {
				if strings.Contains(out, not) {
					t.Errorf("has %q:\n%s", not, out)
				}
			}
		})
	}
}
