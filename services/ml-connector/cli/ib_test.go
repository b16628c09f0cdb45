package cli

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/app"
)

// ibRun runs the command line and answers what it printed and its exit code.
func ibRun(t *testing.T, stdin string, env map[string]string, args ...string) (stdout string, code int, err error) {
	t.Helper()
	var out, talk bytes.Buffer
	err = Main(t.Context(), app.Env{Args: args, Getenv: func(k string) string { return env[k] }, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &talk})
	return out.String() + talk.String(), app.ExitCode(err), err
}

// TestEverySampleIsUnderstood holds the built-in messages to the parser.
func TestEverySampleIsUnderstood(t *testing.T) {
	names := sampleNames()
	if len(names) != 4 {
		t.Fatalf("samples %v", names)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			out, code, err := ibRun(t, "", nil, "ib", "verify-sample", filepath.Join("sample", name+".xml"))
			if code != 0 || !strings.Contains(out, "message      "+name) || !strings.Contains(out, "MLSAMPLE") || strings.Contains(out, "note ") {
				t.Fatalf("exit %d, %v\n%s", code, err, out)
			}
		})
	}
}

func TestVerifySampleExplains(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	whole, err := samples.ReadFile("sample/PERSON_BASIC_SYNC.xml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body, headers string
		code          int
		want          string
	}{
		"headers tell the sender":  {string(whole), "POST /ib/acme HTTP/1.1\nFrom: PSFT_HR\nTransactionID: T1\n", 0, "transaction  T1"},
		"a page":                   {"<html></html>", "", 2, "SRC_NOT_SUPPORTED"},
		"a message that was cut":   {string(whole[:len(whole)-40]), "", 2, "SRC_TRUNCATED"},
		"nothing":                  {"", "", 2, ""},
		"a line that is no header": {string(whole), "From: A\nnonsense\n", 2, ":2: want"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"ib", "verify-sample", write("body", c.body)}
			if c.headers != "" {
				args = append(args, "--headers", write("headers", c.headers))
			}
			out, code, err := ibRun(t, "", nil, args...)
			if err != nil {
				out += err.Error()
			}
			if code != c.code || !strings.Contains(out, c.want) {
				t.Fatalf("exit %d, want %d\n%s", code, c.code, out)
			}
		})
	}
}

func TestSendSample(t *testing.T) {
	status := 200
	var got *http.Request
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		w.WriteHeader(status)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		status, code int
		stdin        string
		env          map[string]string
		args         []string
		want         string
	}{
		"stored, password from standard input":  {200, 0, "secret\n", nil, nil, "would show Done"},
		"stored, password from a file":          {200, 0, "", nil, []string{"--password-file", file}, "would show Done"},
		"stored, password from the environment": {200, 0, "", map[string]string{"MLC_IB_PASSWORD": "secret"}, nil, "would show Done"},
		"refused":                               {401, 3, "secret", nil, nil, "would show Error"},
		"not ready":                             {503, 3, "secret", nil, nil, "would show Retry"},
		"a proxy":                               {502, 3, "secret", nil, nil, "docs/how-to/proxy.md"},
		"no password":                           {200, 2, "", nil, nil, "no password"},
		"another message":                       {200, 2, "secret", nil, []string{"--message", "PAYROLL"}, "want one of"},
	} {
		t.Run(name, func(t *testing.T) {
			status, got, body = c.status, nil, ""
			out, code, err := ibRun(t, c.stdin, c.env, append([]string{"ib", "send-sample", "acme", "--url", srv.URL}, c.args...)...)
			if err != nil {
				out += app.Explain(err)
			}
			if code != c.code || !strings.Contains(out, c.want) || strings.Contains(out, "secret") {
				t.Fatalf("exit %d, want %d\n%s", code, c.code, out)
			}
			if code == 2 {
				return
			}
			user, password, _ := got.BasicAuth()
			if user != "psft" || password != "secret" || got.URL.Path != "/ib/acme" || got.Header.Get("From") != "PSFT_HR" || !strings.Contains(body, "<PERSON_BASIC_SYNC>") {
				t.Errorf("%s %s %v", user, got.URL, got.Header)
			}
		})
	}
	srv.Close()
	if _, code, err := ibRun(t, "secret", nil, "ib", "send-sample", "acme", "--url", srv.URL); code != 3 || errors.Is(err, io.EOF) {
		t.Fatalf("nobody there: exit %d, %v", code, err)
	}
}

func TestURLNeedsAProcess(t *testing.T) {
	dir := t.TempDir()
	if _, code, _ := ibRun(t, "", nil, "--data", dir, "ib", "url", "acme"); code == 0 {
		t.Fatal("an address of nobody")
	}
	if err := os.WriteFile(filepath.Join(dir, "admin.json"), []byte(`{"url":"http://127.0.0.1:1","ingress":"http://127.0.0.1:2","token":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code, err := ibRun(t, "", nil, "--data", dir, "ib", "url", "acme"); code != 0 || !strings.HasPrefix(out, "http://127.0.0.1:2/ib/acme\n") {
		t.Fatalf("%s %d %v", out, code, err)
	}
}
