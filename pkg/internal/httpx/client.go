// Package httpx is the one way out of the program over HTTP: no redirects, no transparent inflation, capped and
// complete bodies, named timeouts, forbidden addresses checked on every dial, and errors without URLs or tokens.
package httpx

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Config of a client. Zero durations take the defaults of failures.md N02 and P14.
type Config struct {
	CAFile    string        // PEM bundle trusted beside the system's; "" for the system's alone
	MinTLS    uint16        // 0 means TLS 1.2
	Dial      time.Duration // default 10s
	Handshake time.Duration // default 10s
	Header    time.Duration // until the first byte of the answer; default 60s
	Stall     time.Duration // without any byte of the body; default 15s
	Total     time.Duration // whole exchange; default 120s
	MaxBody   int64         // bytes; default 8 MiB
	Silence   time.Duration // scales the five above: Dial, Handshake and Stall default to it, Header to four times, Total to eight times
	Codes     Codes
}

// Codes are the reason codes that this client's failures carry.
type Codes struct{ Timeout, Unreachable, TLS, Redirect, Truncated, TooLarge fault.Code }

// Client sends requests. It is safe for concurrent use.
type Client struct {
	cfg    Config
	http   *http.Client
	dialer *net.Dialer
	roots  *x509.CertPool
	skew   skew
}

// Response is a complete answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// New builds a client; it fails on an unreadable CA file.
func New(cfg Config) (*Client, error) {
	cfg = withDefaults(cfg)
	roots, err := roots(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: cfg.Dial, KeepAlive: 30 * time.Second, ControlContext: forbid}
	return &Client{cfg: cfg, dialer: dialer, roots: roots, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:           dialer.DialContext,
			TLSClientConfig:       &tls.Config{MinVersion: cfg.MinTLS, RootCAs: roots},
			TLSHandshakeTimeout:   cfg.Handshake,
			ResponseHeaderTimeout: cfg.Header,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   16,
			DisableCompression:    true,
			ForceAttemptHTTP2:     true,
		},
	}}, nil
}

// Do sends the request and reads the whole answer. Every error is a *fault.Error of kind Transient or Config; its
// Unknown tells whether the request may have reached the other side. A redirect answer is returned as it is.
func (c *Client) Do(ctx context.Context, req *http.Request) (Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Total, errTotal)
	defer cancel()
	ctx, stall := context.WithCancelCause(ctx)
	defer stall(nil)
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	began := time.Now()
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return Response{}, c.classify(ctx, err, sent.Load())
	}
	c.skew.note(resp.Header, began, time.Now())
	defer resp.Body.Close()
	body, err := c.read(resp.Body, stall)
	if err != nil {
		return Response{Status: resp.StatusCode, Header: resp.Header}, c.classify(ctx, err, true)
	}
	return Response{resp.StatusCode, resp.Header, body}, nil
}

// CloseIdle closes connections that nobody uses.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

var (
	errTotal    = errors.New("no complete answer in time")
	errStall    = errors.New("answer stalled")
	errTooLarge = errors.New("answer larger than allowed")
)

func (c *Client) read(r io.Reader, stall context.CancelCauseFunc) ([]byte, error) {
	watch := time.AfterFunc(c.cfg.Stall, func() { stall(errStall) })
	defer watch.Stop()
	body, err := io.ReadAll(io.LimitReader(touch{r, watch, c.cfg.Stall}, c.cfg.MaxBody+1))
	if err == nil && int64(len(body)) > c.cfg.MaxBody {
		err = errTooLarge
	}
	return body, err
}

// touch restarts the stall watch with every read that brought bytes.
type touch struct {
	io.Reader
	watch *time.Timer
	every time.Duration
}

func (t touch) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if n > 0 {
		t.watch.Reset(t.every)
	}
	return n, err
}

func withDefaults(c Config) Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if s := c.Silence; s > 0 {
		def(&c.Dial, s)
		def(&c.Handshake, s)
		def(&c.Header, 4*s)
		def(&c.Stall, s)
		def(&c.Total, 8*s)
	}
	def(&c.Dial, 10*time.Second)
	def(&c.Handshake, 10*time.Second)
	def(&c.Header, 60*time.Second)
	def(&c.Stall, 15*time.Second)
	def(&c.Total, 120*time.Second)
	if c.MaxBody == 0 {
		c.MaxBody = 8 << 20
	}
	if c.MinTLS == 0 {
		c.MinTLS = tls.VersionTLS12
	}
	return c
}

func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.Wrap(err, fault.Config, fault.BadConfig, "tls.ca_file cannot be read")
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.Config, fault.BadConfig, fmt.Sprintf("tls.ca_file %s holds no certificate", file))
	}
	return pool, nil
}
