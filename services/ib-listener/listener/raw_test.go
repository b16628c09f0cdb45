package listener_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

// raw writes text to the server as it is and answers the status; 0 when the server closed without an answer.
func (x *house) raw(text string, hangUp bool) int {
	x.t.Helper()
	c, err := net.Dial("tcp", x.srv.Listener.Addr().String())
	if err != nil {
		x.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		x.t.Fatal(err)
	}
	if hangUp {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	allowed(x.t, res.StatusCode)
	return res.StatusCode
}

// TestRawSockets is failures.md N08 and 5.4: what no client library sends. Nothing of it may be stored but a whole body.
func TestRawSockets(t *testing.T) {
	auth := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("psft:right")) + "\r\n"
	body := `{"From":"PSFT_HR","Tx":"1","Keys":["a"]}`
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	head := func(target, more string) string {
		return "POST " + target + " HTTP/1.1\r\nHost: x.example\r\n" + auth + more + "\r\n"
	}
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
	const te = "Transfer-Encoding: chunked\r\n"
	for name, c := range map[string]struct {
		text   string
		hangUp bool
		status int
		stored int
	}{
		"a whole request":                    {text: head("/ib/acme", length) + body, status: 200, stored: 1},
		"a whole chunked request":            {text: head("/ib/acme", te) + chunk + "0\r\n\r\n", status: 200, stored: 1},
		"a short body":                       {text: head("/ib/acme", length) + body[:20], hangUp: true, status: 503},
		"a body that stalls":                 {text: head("/ib/acme", length) + body[:20], status: 503},
		"a body that never begins":           {text: head("/ib/acme", length), status: 503},
		"chunks without an end":              {text: head("/ib/acme", te) + chunk, hangUp: true, status: 503},
		"a chunk with bare line feeds":       {text: head("/ib/acme", te) + strings.ReplaceAll(chunk, "\r\n", "\n") + "0\n\n", hangUp: true, status: 503},
		"a chunk of no size":                 {text: head("/ib/acme", te) + "zz\r\n" + body + "\r\n0\r\n\r\n", hangUp: true, status: 503},
		"two lengths":                        {text: head("/ib/acme", length+"Content-Length: 5\r\n") + body, status: 400},
		"a length with a sign":               {text: head("/ib/acme", "Content-Length: +40\r\n") + body, status: 400},
		"length and chunks":                  {text: head("/ib/acme", length+te) + chunk + "0\r\n\r\n", status: 200, stored: 1},
		"an encoding that nobody knows":      {text: head("/ib/acme", "Transfer-Encoding: gzip, chunked\r\n") + chunk + "0\r\n\r\n", status: 501},
		"a target with another host":         {text: head("http://evil.example/ib/acme", length) + body, status: 200, stored: 1},
		"a target with another tenant in it": {text: head("http://acme.example/ib/other", length) + body, status: 401},
		"two hosts":                          {text: head("/ib/acme", "Host: y\r\n"+length) + body, status: 400},
		"an escaped slash":                   {text: head("/ib/a%2f..%2facme", length) + body, status: 403},
		"an escaped letter":                  {text: head("/ib/%61cme", length) + body, status: 403},
		"dots":                               {text: head("/ib/../ib/acme", length) + body, status: 403},
		"one dot":                            {text: head("/ib/./acme", length) + body, status: 403},
		"two slashes":                        {text: head("/ib//acme", length) + body, status: 403},
		"a query":                            {text: head("/ib/acme?x=1&x=2", length) + body, status: 200, stored: 1},
		"a semicolon":                        {text: head("/ib/acme;x=1", length) + body, status: 403},
		"a backslash":                        {text: head(`/ib\acme`, length) + body, status: 403},
		"a header block too large":           {text: head("/ib/acme", "X: "+strings.Repeat("x", 40<<10)+"\r\n"+length) + body, status: 431},
		"no method":                          {text: "/ib/acme HTTP/1.1\r\n\r\n", status: 400},
		"TLS at a plain port":                {text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newHouse(t, listener.Options{Patience: 200 * time.Millisecond})
			x.srv = httptest.NewUnstartedServer(x.h)
			x.srv.Config.MaxHeaderBytes = 16 << 10
			x.srv.Start()
			t.Cleanup(x.srv.Close)
			if got := x.raw(c.text, c.hangUp); got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if got := x.bus.keys(); len(got) != c.stored {
				t.Errorf("stored %v, want %d", got, c.stored)
			}
		})
	}
}

// TestEveryCutOfABodyIsRefused sends a request cut at every byte of its body.
func TestEveryCutOfABodyIsRefused(t *testing.T) {
	x := newHouse(t, listener.Options{})
	body := `{"From":"PSFT_HR","Tx":"1","Keys":["a"]}`
	for i := range len(body) {
		head := fmt.Sprintf("POST /ib/acme HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Length: %d\r\n\r\n", base64.StdEncoding.EncodeToString([]byte("psft:right")), len(body))
		if got := x.raw(head+body[:i], true); got != http.StatusServiceUnavailable {
			t.Fatalf("cut at %d: status %d", i, got)
		}
	}
	if got := len(x.bus.keys()) + len(x.bus.dead) + len(x.bus.audit); got != 0 {
		t.Fatalf("%d things stored", got)
	}
}

func TestServeDrains(t *testing.T) {
	x := newHouse(t, listener.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- listener.Serve(ctx, l, nil, x.h, x.h) }()
	x.srv.URL = "http://" + l.Addr().String()
	x.bus.hold, x.bus.entered = make(chan struct{}), make(chan struct{}, 1)
	inFlight := make(chan int, 1)
	go func() { inFlight <- x.post(letter{Tx: "1", Keys: []string{"a"}}).StatusCode }()
	<-x.bus.entered
	stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for x.send("GET", "/ib/acme", "").StatusCode != http.StatusServiceUnavailable { // while the door is still open
		<-tick.C
	}
	close(x.bus.hold)
	if got := <-inFlight; got != http.StatusOK {
		t.Errorf("the delivery in flight got %d", got)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the door is still open")
	}
}

// TestOneAddressDoesNotTakeAllPlaces opens more connections than one address may have.
func TestOneAddressDoesNotTakeAllPlaces(t *testing.T) {
	x := newHouse(t, listener.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- listener.Serve(ctx, l, nil, x.h, x.h) }()
	defer func() { stop(); <-ended }()
	var conns []net.Conn
	ask := func() int {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, "GET /ib/acme HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	for i := range 50 {
		if got := ask(); got != http.StatusOK {
			t.Fatalf("connection %d: %d", i, got)
		}
	}
	if got := ask(); got != http.StatusServiceUnavailable {
		t.Fatalf("connection 51: %d", got)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ask() != http.StatusOK {
		<-tick.C
	}
}
