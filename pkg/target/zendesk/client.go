package zendesk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// answer is a complete HTTP answer.
type answer = httpx.Response

// doer is the guarded HTTP client.
type doer interface {
	Do(ctx context.Context, req *http.Request) (httpx.Response, error)
}

// client is the only part that sees status codes: everybody else sees values and faults.
type client struct {
	base     *url.URL
	account  string // the base URL as it is configured
	http     doer
	session  session
	pace     *pacer
	routes   []route
	patience time.Duration
	log      *slog.Logger
	tripped  atomic.Pointer[fault.Error] // the violation after which nothing leaves
}

// call is one thing to ask. out is decoded from a 2xx answer, which must be a JSON object.
type call struct {
	method, path string
	query        url.Values
	body         any
	out          any
	urgent       bool
	about        []target.Change // whom a write is for, in the order of its body
}

func (k call) writes() bool { return k.method != http.MethodGet }

// receipt is what the audit trail keeps of a call.
type receipt struct {
	line   string // method, route and request id; never a value
	header http.Header
}

// tries counts what may be repeated within one call.
type tries struct{ renewed, faults, conflicts int }

const (
	maxFaults    = 2 // repeats of a read after 5xx or a broken connection
	maxConflicts = 3 // failures.md Z11
)

// do sends a call until it has a final answer. Reads survive short trouble, refusals for rate wait their time, 409 is
// tried again; a write whose answer is lost fails with Unknown.
func (c *client) do(ctx context.Context, k call) (receipt, error) {
	r, record, err := permit(c.routes, k.method, k.path)
	if err != nil {
		return receipt{}, c.trip(err)
	}
	until, t := time.Now().Add(c.patience), tries{}
	for {
		a, used, err := c.once(ctx, k, r, record, until)
		rc := receipt{line: strings.TrimSpace(r.method + " " + r.path + " " + a.Header.Get("X-Request-Id")), header: a.Header}
		if err == nil && a.Status/100 == 2 {
			err = c.accept(k, a)
		} else if err == nil {
			err = c.refusal(k, a)
		}
		if err == nil {
			return rc, nil
		}
		again, wait, err := c.again(ctx, k, a, used, err, &t)
		if !again {
			return rc, withOp(err, r)
		}
		if err := pause(ctx, wait); err != nil {
			return rc, withOp(err, r)
		}
	}
}

// once lets the call leave when the pacer says so, signs it and sends it.
func (c *client) once(ctx context.Context, k call, r route, record string, until time.Time) (answer, secret.String, error) {
	sign, err := c.session.header(ctx)
	if err != nil {
		return answer{}, sign, err
	}
	ps, err := c.pace.enter(ctx, r, record, k.urgent, until)
	if err != nil {
		return answer{}, sign, err
	}
	if sign, err = c.session.header(ctx); err != nil { // the wait may have been longer than the life of a token
		ps.leave(answer{})
		return answer{}, sign, err
	}
	var body []byte
	if k.body != nil {
		body = encode(k.body)
	}
	if err := c.trip(vouch(k, r, record, body)); err != nil {
		ps.leave(answer{})
		return answer{}, sign, err
	}
	a, err := c.send(ctx, k.method, k.path, k.query, "application/json", body, sign)
	if err != nil {
		ps.leave(answer{Status: a.Status, Header: a.Header})
		return answer{Header: a.Header}, sign, harmless(err, k)
	}
	ps.leave(a)
	c.warn(r, a)
	return a, sign, nil
}

// send is the last point before the wire: what is not on the list does not leave (failures.md 2.3 O4).
func (c *client) send(ctx context.Context, method, path string, q url.Values, kind string, body []byte, sign secret.String) (answer, error) {
	if _, _, err := permit(c.routes, method, path); err != nil {
		return answer{}, c.trip(err)
	}
	if err := c.shut(); err != nil {
		return answer{}, err
	}
	u := *c.base
	u.Path, u.RawQuery = path, q.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return answer{}, fault.New(fault.Internal, fault.Unclassified, "request cannot be built")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "ml-connector")
	if body != nil {
		req.Header.Set("Content-Type", kind)
	}
	if sign.IsSet() {
		req.Header.Set("Authorization", sign.Reveal())
	}
	return c.http.Do(ctx, req)
}

// token sends a token request: no signature, outside the account's minute.
func (c *client) token(ctx context.Context, kind string, body []byte) (answer, error) {
	return c.send(ctx, http.MethodPost, "/oauth/tokens", nil, kind, body, secret.String{})
}

func (c *client) warn(r route, a answer) {
	if text := a.Header.Get("X-Zendesk-API-Warn"); text != "" {
		c.log.Warn("zendesk ignored part of a write", "route", r.method+" "+r.path, "warning", clean(text), "request", a.Header.Get("X-Request-Id"))
	}
}

// accept decodes a 2xx answer; anything but a JSON object is not data (failures.md Z06, Z07).
func (c *client) accept(k call, a answer) error {
	if !shapeOfObject(a.Body) || k.out != nil && json.Unmarshal(a.Body, k.out) != nil {
		return &fault.Error{Kind: fault.Transient, Code: fault.TargetNotData, Detail: statusText(a.Status) + " without the data asked for",
			Unknown: k.writes(), Over: k.writes() && ends(k, a.Status)}
	}
	return nil
}

func shapeOfObject(body []byte) bool {
	b := bytes.TrimSpace(body)
	return len(b) > 1 && b[0] == '{' && b[len(b)-1] == '}'
}

// again decides whether a failed try is repeated, and after which wait.
func (c *client) again(ctx context.Context, k call, a answer, used secret.String, err error, t *tries) (bool, time.Duration, error) {
	switch kind := fault.KindOf(err); {
	case ctx.Err() != nil:
		return false, 0, err
	case a.Status == http.StatusUnauthorized && t.renewed < maxRenewals:
		ok, renewErr := c.session.renew(ctx, used, t.renewed)
		t.renewed++
		if renewErr != nil {
			err = renewErr
		}
		return ok, 0, err
	case a.Status == http.StatusTooManyRequests && !tooManyJobs(a):
		return true, 0, nil // the pacer holds it back, and gives up when that takes too long
	case a.Status == http.StatusConflict && t.conflicts < maxConflicts:
		t.conflicts++
		return true, backoff(2*time.Second, t.conflicts), nil
	case kind == fault.Transient && !fault.IsUnknown(err) && a.Status != http.StatusConflict && t.faults < maxFaults:
		t.faults++
		return true, backoff(time.Second, t.faults), nil
	}
	return false, 0, err
}

// harmless: a read whose answer was lost has no effect that anybody must look for.
func harmless(err error, k call) error {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Unknown && !k.writes() {
		known := *e
		known.Unknown = false
		return &known
	}
	return err
}

func withOp(err error, r route) error {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		named := *e
		named.Op = r.method + " " + r.path
		return &named
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return stopped(ctx)
	}
}

func statusText(status int) string { return "HTTP " + strconv.Itoa(status) }
