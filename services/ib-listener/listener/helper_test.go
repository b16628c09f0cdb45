package listener_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

// letter is the message format of these tests: JSON in place of XML.
type letter struct {
	Name, From, Tx, Sent, User, Password, NodePassword string
	Chunk, Chunks                                      int
	Ping, Header, Trailer                              bool
	Keys                                               []string
	Ignored                                            int
	Notes                                              []source.Note
	Large                                              int // bytes of each record's text
	Fail                                               string
}

var (
	errCut     = fault.New(fault.Transient, fault.SourceTruncated, "the document ends too early")
	errInvalid = fault.New(fault.Invalid, fault.SourceNotData, "not a message")
)

func (l letter) fail(at string) error {
	switch l.Fail {
	case at + " panic":
		panic("a bug of ours with secret-canary")
	case at + " cut":
		return errCut
	case at + " invalid":
		return errInvalid
	}
	return nil
}

func open(d listener.Delivery) (listener.Message, error) {
	var l letter
	b, err := io.ReadAll(d.Body)
	if err != nil || json.Unmarshal(b, &l) != nil {
		return listener.Message{Answer: form}, errInvalid
	}
	if n, err := strconv.Atoi(d.Header.Get("DataChunk")); err == nil {
		l.Chunk, l.Chunks = n, 9
	}
	if err := l.fail("open"); err != nil {
		return listener.Message{Answer: form}, err
	}
	return listener.Message{Format: "F1", Name: l.Name, From: l.From, Transaction: l.Tx, Sent: l.Sent, Chunk: l.Chunk, Chunks: l.Chunks, Ping: l.Ping,
		NodePassword: secret.New(l.NodePassword), User: l.User, UserPassword: secret.New(l.Password), Answer: form, Each: l.each}, nil
}

func (l letter) each(yield func(source.Record) error) (listener.Counts, error) {
	c := listener.Counts{Header: l.Header, Trailer: l.Trailer, Ignored: l.Ignored, Notes: l.Notes}
	for _, k := range l.Keys {
		c.Rows, c.Records = c.Rows+1, c.Records+1
		err := yield(source.Record{Ref: record.Ref{Kind: record.Employee, Key: k}, Facts: []erp.Fact{{Facet: erp.Name, Row: "PRI", Action: erp.Set,
			Fields: map[erp.Field]string{erp.DisplayName: "Ann Example" + strings.Repeat("x", l.Large)}}}})
		if err != nil {
			return c, err
		}
	}
	return c, l.fail("each")
}

func form(ok bool, detail string) (string, []byte) {
	return "text/xml", fmt.Appendf(nil, "<answer ok=%q>%s</answer>", fmt.Sprint(ok), detail)
}

// fakeBus keeps what is published, by id, as the broker's duplicate window does.
type fakeBus struct {
	mu      sync.Mutex
	ids     map[string]bool
	facts   []event.Event
	audit   []audit.Entry
	dead    []event.Dead
	fail    error         // of every publish and of Healthy
	failing bus.Stream    // only this stream, when set
	hold    chan struct{} // publishing of facts waits for it, when set
	entered chan struct{} // told when publishing of facts begins
	calls   int
	panics  bool
}

func (b *fakeBus) err(s bus.Stream) error {
	if b.failing != "" && b.failing != s {
		return nil
	}
	return b.fail
}

func (b *fakeBus) PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error {
	b.mu.Lock()
	hold, entered, panics := b.hold, b.entered, b.panics
	b.calls++
	b.mu.Unlock()
	if panics {
		panic("secret-canary")
	}
	if entered != nil {
		entered <- struct{}{}
	}
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return b.add(t, bus.ERP, events, func(e event.Event) error { b.facts = append(b.facts, e); return nil })
}

func (b *fakeBus) Publish(_ context.Context, t tenant.ID, s bus.Stream, events ...event.Event) error {
	return b.add(t, s, events, func(e event.Event) error {
		if s == bus.Dead {
			d, err := event.Payload[event.Dead](e, event.DeadV1)
			b.dead = append(b.dead, d)
			return err
		}
		a, err := event.Payload[event.Audit](e, event.AuditV1)
		b.audit = append(b.audit, a.Entry())
		return err
	})
}

func (b *fakeBus) add(t tenant.ID, s bus.Stream, events []event.Event, take func(event.Event) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.err(s); err != nil {
		return err
	}
	for _, e := range events {
		if e.Tenant != t {
			return errors.New("event of another tenant")
		}
		if _, err := event.Encode(e); err != nil {
			return err
		}
		id := string(t) + string(s) + e.ID
		if b.ids == nil {
			b.ids = map[string]bool{}
		}
		if b.ids[id] {
			continue
		}
		b.ids[id] = true
		if err := take(e); err != nil {
			return err
		}
	}
	return nil
}

func (b *fakeBus) Healthy(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing == "" {
		return b.fail
	}
	return nil
}

func (b *fakeBus) set(f func(b *fakeBus)) { b.mu.Lock(); defer b.mu.Unlock(); f(b) }

func (b *fakeBus) keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.facts {
		f, _ := event.Payload[event.Facts](e, event.FactsV1)
		out = append(out, f.Key)
	}
	return out
}

func (b *fakeBus) outcomes() []audit.Outcome {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []audit.Outcome
	for _, e := range b.audit {
		out = append(out, e.Outcome)
	}
	return out
}

func seal(_ context.Context, t tenant.ID, place string, plain []byte) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"sealed for": string(t) + " " + place, "bytes": len(plain)})
}

// house is a listener with its surroundings.
type house struct {
	t     *testing.T
	bus   *fakeBus
	doors *listener.Doors
	h     *listener.Handler
	srv   *httptest.Server
	door  *listener.Door
}

func newHouse(t *testing.T, o listener.Options) *house {
	t.Helper()
	b, doors := &fakeBus{}, &listener.Doors{}
	o.Form = form
	x := &house{t: t, bus: b, doors: doors, h: listener.New(doors, b, seal, o)}
	x.door = &listener.Door{Tenant: "acme", Nodes: []string{"PSFT_HR"}, Open: open,
		Access: listener.Access{Basic: &listener.Basic{User: "psft", Password: secret.New("right")}}}
	doors.Set(map[tenant.ID]*listener.Door{"acme": x.door})
	x.srv = httptest.NewServer(x.h)
	t.Cleanup(x.srv.Close)
	return x
}

// post sends a letter to acme, signed in, with changes.
func (x *house) post(l letter, change ...func(*http.Request)) *http.Response {
	x.t.Helper()
	if l.From == "" {
		l.From = "PSFT_HR"
	}
	b, err := json.Marshal(l)
	if err != nil {
		x.t.Fatal(err)
	}
	return x.send("POST", "/ib/acme", string(b), change...)
}

func (x *house) send(method, path, body string, change ...func(*http.Request)) *http.Response {
	x.t.Helper()
	r, err := http.NewRequestWithContext(x.t.Context(), method, x.srv.URL+path, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	r.SetBasicAuth("psft", "right")
	r.Header.Set("Content-Type", "text/xml")
	for _, c := range change {
		c(r)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(strings.NewReader(string(text)))
	allowed(x.t, res.StatusCode)
	if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "5" {
		x.t.Errorf("503 with Retry-After %q", res.Header.Get("Retry-After"))
	}
	return res
}

// allowed fails on every answer that Integration Broker would take wrong, whatever the case is about.
func allowed(t *testing.T, status int) {
	t.Helper()
	if !slices.Contains([]int{200, 400, 401, 403, 405, 413, 415, 431, 501, 503}, status) {
		t.Errorf("status %d must never be answered", status)
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func basic(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func stranger(r *http.Request) { r.Header.Del("Authorization") }
