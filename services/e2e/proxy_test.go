package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The proxies of deploy/proxy, really run. Whatever happens to the backend, PeopleSoft sees an answer that it tries again.
func TestAProxyNeverTurnsARestartIntoAnError(t *testing.T) {
	for name, start := range map[string]func(testing.TB, string, string) []string{"nginx": nginx, "haproxy": haproxy} {
		t.Run(name, func(t *testing.T) {
			path, err := exec.LookPath(name)
			if err != nil {
				if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
					t.Skip("NOT RUN: " + name + " is not installed")
				}
			}
			backend, front := freePort(t), freePort(t)
			args := start(t, front, backend)
			c := spawn(t, path, nil, args...)
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			size := 20_000 // of bodies; a proxy that refuses at once may cut off a large one before its answer is read
			ask := func(path string) (int, http.Header) {
				resp, err := client.Post("https://"+front+path, "text/xml", strings.NewReader(strings.Repeat("<a/>", size)))
				if err != nil {
					return 0, nil
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				return resp.StatusCode, resp.Header
			}
			until(t, 20*time.Second, name+" answers", func() bool { size = 1; s, _ := ask("/"); return s != 0 }, func() { t.Log(c.log.tail(3000)) })
			want := func(when, path string, status int) {
				t.Helper()
				got, h := ask(path)
				if got != status || status == 503 && h.Get("Retry-After") == "" {
					t.Errorf("%s: %s answers %d %v, want %d", when, path, got, h, status)
				}
			}
			size = 1
			want("another path", "/", 403)
			want("the door without a name", "/ib", 403)
			size = 20_000
			want("nothing listens yet", "/ib/acme", 503)
			for when, behave := range map[string]func(net.Conn){
				"a backend that closes at once":          func(net.Conn) {},
				"a backend that dies while it reads":     func(k net.Conn) { _, _ = io.CopyN(io.Discard, k, 100) },
				"a backend that dies before its answer":  func(k net.Conn) { readRequest(k) },
				"a backend that dies in its status line": func(k net.Conn) { readRequest(k); _, _ = io.WriteString(k, "HTTP/1.1 2") },
			} {
				stop := answering(t, backend, behave)
				if got, _ := ask("/ib/acme"); got != 503 && got != 0 { // no answer is a failed contact: PeopleSoft tries again too
					t.Errorf("%s: %d", when, got)
				}
				stop()
				want("the backend is stopped", "/ib/acme", 503)
			}
			for _, status := range []int{200, 401, 403, 413, 503} {
				stop := answering(t, backend, func(k net.Conn) {
					readRequest(k)
					_, _ = fmt.Fprintf(k, "HTTP/1.1 %d X\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
				})
				want("the connector's own answer", "/ib/acme", status)
				stop()
			}
			want("stopped for good", "/ib/acme", 503)
		})
	}
}

func nginx(t testing.TB, front, backend string) []string {
	dir := t.TempDir()
	certificate(t, dir)
	site := deployed(t, "proxy/nginx.conf", "listen 443 ssl", "listen "+front+" ssl", "127.0.0.1:8081", backend, "/etc/ml-connector/tls/", dir+"/",
		"/etc/nginx/ml-connector-proxy.conf", dir+"/proxy.conf")
	write(t, dir, "proxy.conf", deployed(t, "proxy/ml-connector-proxy.conf"))
	write(t, dir, "nginx.conf", fmt.Sprintf("daemon off;\nmaster_process off;\npid %[1]s/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\nclient_body_temp_path %[1]s/a;\n"+
		"proxy_temp_path %[1]s/b;\nfastcgi_temp_path %[1]s/c;\nuwsgi_temp_path %[1]s/d;\nscgi_temp_path %[1]s/e;\n%[2]s}\n", dir, site))
	return []string{"-p", dir, "-c", filepath.Join(dir, "nginx.conf")}
}

func haproxy(t testing.TB, front, backend string) []string {
	dir := t.TempDir()
	certificate(t, dir)
	write(t, dir, "503-later.http", deployed(t, "proxy/503-later.http"))
	write(t, dir, "haproxy.cfg", deployed(t, "proxy/haproxy.cfg", "bind :443", "bind "+front, "127.0.0.1:8081", backend, "/etc/ml-connector/tls/", dir+"/", "/etc/haproxy/", dir+"/"))
	return []string{"-db", "-f", filepath.Join(dir, "haproxy.cfg")}
}

// deployed reads a file of deploy with names replaced; every name must occur.
func deployed(t testing.TB, name string, pairs ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(string(b), pairs[i]) {
			t.Fatalf("%s does not say %q", name, pairs[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(string(b))
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// answering listens until the answer is called and closes each connection after behave.
func answering(t testing.TB, address string, behave func(net.Conn)) (stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			k, err := l.Accept()
			if err != nil {
				return
			}
			behave(k)
			_ = k.Close()
		}
	}()
	return func() { _ = l.Close(); <-ended }
}

// readRequest reads a whole request, however its body is sent.
func readRequest(k net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(k)); err == nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// certificate writes ingress.pem, ingress.key and both in one file.
func certificate(t testing.TB, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "connector.example.com"}, DNSNames: []string{"connector.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	secret := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	write(t, dir, "ingress.pem", chain)
	write(t, dir, "ingress.key", secret)
	write(t, dir, "ingress-and-key.pem", chain+secret)
}
