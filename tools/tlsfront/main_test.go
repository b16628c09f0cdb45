package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestClientsThatTrustTheAuthorityReachTheirHost(t *testing.T) {
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer back.Close()
	routes, names, err := parse([]string{"a.example=" + back.URL})
	if err != nil {
		t.Fatal(err)
	}
	cert, ca, err := issue(names, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(byHost(routes))
	front.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	front.StartTLS()
	defer front.Close()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "a.example"}}}
	for host, want := range map[string]int{"a.example:8443": http.StatusOK, "b.example": http.StatusMisdirectedRequest} {
		req, _ := http.NewRequest(http.MethodGet, front.URL, nil)
		req.Host = host
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestWrongRoutesAreRefused(t *testing.T) {
	for name, args := range map[string][]string{"no route at all": nil, "no URL behind the host": {"a.example"}, "a URL without host": {"a.example=x"}} {
		if _, _, err := parse(args); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
