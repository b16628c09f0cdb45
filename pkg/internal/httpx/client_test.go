package httpx

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

const canary = "canary-TOKEN-1199"

func codes() Codes {
	return Codes{Timeout: fault.SourceTimeout, Unreachable: fault.SourceUnreachable, TLS: fault.SourceTLS,
		Redirect: fault.SourceRedirect, Truncated: fault.SourceTruncated, TooLarge: fault.SourcePartial}
}

func client(t *testing.T, c Config) *Client {
	t.Helper()
	c.Codes = codes()
	got, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(got.CloseIdle)
	return got
}

func get(t *testing.T, c *Client, address string) (Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(t.Context(), req)
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// raw answers every connection with bytes of our choice and closes it.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096)) // the request is not looked at
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Bool
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			followed.Store(true)
		}
		http.Redirect(w, r, "/there", http.StatusFound)
	})
	r, err := get(t, client(t, Config{}), address)
	if err != nil || r.Status != http.StatusFound || followed.Load() {
		t.Errorf("status %d, %v, followed %v", r.Status, err, followed.Load())
	}
}

func TestBodiesAreCappedAndNotInflated(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("the client asks for compression")
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 100))
	})
	if r, err := get(t, client(t, Config{MaxBody: 100}), address); err != nil || len(r.Body) != 100 {
		t.Errorf("a body of exactly the cap: %d bytes, %v", len(r.Body), err)
	}
	if _, err := get(t, client(t, Config{MaxBody: 99}), address); fault.CodeOf(err) != fault.SourcePartial {
		t.Errorf("a body above the cap: %v", err)
	}
}

func TestIncompleteAnswersAreFaults(t *testing.T) {
	cases := map[string]struct {
		answer string
		code   fault.Code
	}{
		"Content-Length promises more":  {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", fault.SourceTruncated},
		"chunks end without the last":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", fault.SourceTruncated},
		"a chunk is cut":                {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{}", fault.SourceTruncated},
		"the head is cut":               {"HTTP/1.1 200 OK\r\n", fault.SourceTruncated},
		"a line of the head is cut":     {"HTTP/1.1 200 OK\r\nContent-Le", fault.SourceUnreachable},
		"nothing comes at all":          {"", fault.SourceTruncated},
		"something else than HTTP came": {"hello\r\n\r\n", fault.SourceUnreachable},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := get(t, client(t, Config{}), raw(t, tc.answer))
			if fault.CodeOf(err) != tc.code || fault.KindOf(err) != fault.Transient || len(r.Body) > 0 {
				t.Errorf("got %v and %d bytes, want %s", err, len(r.Body), tc.code)
			}
			if !fault.IsUnknown(err) {
				t.Error("the request was sent, so its effect is unknown")
			}
		})
	}
}

func TestSlowAnswersEnd(t *testing.T) {
	hold := func(w http.ResponseWriter, r *http.Request, first string) {
		_, _ = io.WriteString(w, first)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	cases := map[string]struct {
		config  Config
		handler http.HandlerFunc
		detail  string
	}{
		"no head":                     {Config{Header: 50 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer in time"},
		"a body that stalls":          {Config{Stall: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) { hold(w, r, "x") }, "stalled"},
		"a body that stalls at once":  {Config{Stall: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) { hold(w, r, "") }, "stalled"},
		"a whole that takes too long": {Config{Total: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) { hold(w, r, "x") }, "no complete answer"},
		"a drip that never stalls": {Config{Total: 150 * time.Millisecond, Stall: time.Second}, func(w http.ResponseWriter, r *http.Request) {
			for tick := time.NewTicker(10 * time.Millisecond); ; {
				select {
				case <-r.Context().Done():
					tick.Stop()
					return
				case <-tick.C:
					_, _ = io.WriteString(w, "x")
					_ = http.NewResponseController(w).Flush()
				}
			}
		}, "no complete answer"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := get(t, client(t, tc.config), serve(t, tc.handler))
			if fault.CodeOf(err) != fault.SourceTimeout || !strings.Contains(err.Error(), tc.detail) || !fault.IsUnknown(err) {
				t.Errorf("got %v, want a timeout with %q", err, tc.detail)
			}
		})
	}
}

func TestForbiddenAddressesAreRefusedOnDial(t *testing.T) {
	for _, host := range []string{"169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "100.100.100.200", "168.63.129.16", "[fd00:ec2::254]",
		"0.0.0.0", "[::]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:a9fe:a9fe::1]"} {
		t.Run(host, func(t *testing.T) {
			_, err := get(t, client(t, Config{Dial: time.Second}), "http://"+host+"/latest?"+canary)
			if fault.KindOf(err) != fault.Config || fault.CodeOf(err) != fault.SourceUnreachable || fault.IsUnknown(err) {
				t.Errorf("got %v, want a refusal", err)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), canary) {
				t.Error("the error shows the query string")
			}
		})
	}
	if err := forbid(t.Context(), "tcp", "127.0.0.1:80", nil); err != nil {
		t.Errorf("loopback: %v", err)
	}
	if err := forbid(t.Context(), "tcp", "10.20.0.1:8443", nil); err != nil {
		t.Errorf("private: %v", err)
	}
	if err := forbid(t.Context(), "tcp", "not an address", nil); err == nil {
		t.Error("an address that cannot be read is allowed")
	}
}

func TestErrorsShowNoURL(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + closed.Addr().String()
	_ = closed.Close()
	for name, base := range map[string]string{"refused": address, "unknown name": "http://nowhere.invalid", "no HTTP": raw(t, "x\r\n\r\n"), "cut": raw(t, "")} {
		t.Run(name, func(t *testing.T) {
			_, err := get(t, client(t, Config{}), base+"/p?token="+canary)
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestUnknownTellsWhetherTheRequestWasSent(t *testing.T) {
	_, err := get(t, client(t, Config{}), "http://nowhere.invalid")
	if err == nil || fault.IsUnknown(err) {
		t.Errorf("a name that does not resolve: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client has left
		cancel()
		<-r.Context().Done()
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client(t, Config{}).Do(ctx, req)
	if !fault.IsUnknown(err) || fault.KindOf(err) != fault.Transient || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped by us after sending: %v", err)
	}
}

func TestCAFile(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := get(t, client(t, Config{CAFile: file}), server.URL); err != nil || string(r.Body) != "ok" {
		t.Errorf("with the CA: %q, %v", r.Body, err)
	}
	_, err := get(t, client(t, Config{}), server.URL)
	if fault.CodeOf(err) != fault.SourceTLS || fault.KindOf(err) != fault.Config {
		t.Errorf("without the CA: %v", err)
	}
	host := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	if _, err = get(t, client(t, Config{CAFile: file}), host); fault.CodeOf(err) != fault.SourceTLS {
		t.Errorf("under another name: %v", err)
	}
	for name, content := range map[string]string{"missing.pem": "", "empty.pem": "no certificate"} {
		path := filepath.Join(t.TempDir(), name)
		if content != "" {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := New(Config{CAFile: path}); fault.CodeOf(err) != fault.BadConfig {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOldAndMissingTLSAreNamed(t *testing.T) {
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	t.Cleanup(old.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	for name, address := range map[string]string{"TLS 1.1 only": old.URL, "no TLS at all": strings.Replace(plain, "http:", "https:", 1)} {
		t.Run(name, func(t *testing.T) {
			if _, err := get(t, client(t, Config{}), address+"/?"+canary); fault.CodeOf(err) != fault.SourceTLS || strings.Contains(err.Error(), canary) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRoundTripGoesThroughTheSameGuards(t *testing.T) {
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	h := &http.Client{Transport: client(t, Config{})}
	resp, err := h.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTeapot || resp.Request == nil {
		t.Errorf("got %+v", resp)
	}
	_, err = h.Get("http://169.254.169.254/")
	if _, ok := errors.AsType[*fault.Error](err); !ok {
		t.Errorf("got %v, want a fault inside", err)
	}
}

func TestProbe(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, Config{})
	if n, err := c.Resolve(t.Context(), host); err != nil || n != 1 {
		t.Errorf("resolve: %d, %v", n, err)
	}
	if _, err := c.Resolve(t.Context(), "nowhere.invalid"); fault.CodeOf(err) != fault.SourceUnreachable {
		t.Errorf("resolve an unknown name: %v", err)
	}
	if err := c.Connect(t.Context(), host, port); err != nil {
		t.Errorf("connect: %v", err)
	}
	if err := c.Connect(t.Context(), "169.254.169.254", "80"); fault.KindOf(err) != fault.Config {
		t.Errorf("connect to metadata: %v", err)
	}
	if _, err := c.Secure(t.Context(), host, port); fault.CodeOf(err) != fault.SourceTLS {
		t.Errorf("an unknown authority: %v", err)
	}
}

func TestSilenceScalesTheTimes(t *testing.T) {
	d := withDefaults(Config{Silence: time.Second, Stall: 3 * time.Second})
	if d.Dial != time.Second || d.Handshake != time.Second || d.Header != 4*time.Second || d.Stall != 3*time.Second || d.Total != 8*time.Second {
		t.Errorf("%+v", d)
	}
}
