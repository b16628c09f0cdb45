package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Client talks to the admin API of a running process.
type Client struct {
	base  string
	token secret.String
	http  *http.Client
}

// NewClient makes a client for a server such as http://127.0.0.1:8080.
func NewClient(server string, token secret.String) *Client {
	return &Client{strings.TrimSuffix(server, "/"), token, &http.Client{Timeout: 3 * time.Minute}}
}

// Local is how a process on this machine can be reached; it is written to the data folder, readable by its owner only.
type Local struct {
	URL     string `json:"url"`
	Ingress string `json:"ingress,omitempty"` // where PeopleSoft finds the process: http://host:port
	Token   string `json:"token"`
	PID     int    `json:"pid"`
}

const localFile = "admin.json"

// WriteLocal tells commands on this machine where the process on the data folder is.
func WriteLocal(dir string, l Local) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, localFile+".new")
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, localFile))
}

// RemoveLocal is for a process that ends.
func RemoveLocal(dir string) { _ = os.Remove(filepath.Join(dir, localFile)) }

// FindLocal gives a client for the process that runs on the data folder. The error says how to start one.
func FindLocal(dir string) (*Client, error) {
	l, err := ReadLocal(dir)
	if err != nil {
		return nil, err
	}
	return NewClient(l.URL, secret.New(l.Token)), nil
}

// ReadLocal tells how the process that runs on the data folder can be reached.
func ReadLocal(dir string) (Local, error) {
	b, err := os.ReadFile(filepath.Join(dir, localFile))
	if err != nil {
		return Local{}, &fault.Error{Kind: fault.Config, Code: NotRunning, Detail: "no ml-connector runs on the data folder " + dir,
			Next: "start one with `ml-connector serve --data " + dir + "`, or name a server with --server"}
	}
	var l Local
	if err := json.Unmarshal(b, &l); err != nil {
		return Local{}, fmt.Errorf("%s in %s: %w", localFile, dir, err)
	}
	return l, nil
}

// Codes of this package.
const (
	NotRunning   fault.Code = "NOT_RUNNING"
	NotAllowed   fault.Code = "NOT_ALLOWED"
	NoSuchTenant fault.Code = "NO_SUCH_TENANT"
	BadRequest   fault.Code = "BAD_REQUEST"
)

// Apply creates or changes the tenants of a file.
func (c *Client) Apply(ctx context.Context, a Apply) ([]Applied, error) {
	var out []Applied
	return out, c.do(ctx, http.MethodPost, "/apply", a, &out)
}

// SetCredential seals one value as a new version, also when it is equal to the old one: whoever sets it wants it tried.
// by says who, for the audit trail.
func (c *Client) SetCredential(ctx context.Context, t tenant.ID, purpose string, value secret.String, by string) error {
	return c.do(ctx, http.MethodPut, "/tenants/"+url.PathEscape(string(t))+"/credentials/"+url.PathEscape(purpose),
		map[string]string{"value": value.Reveal(), "by": by}, nil)
}

// Check tries every connection of the tenant.
func (c *Client) Check(ctx context.Context, t tenant.ID, fix bool) (Checked, error) {
	var out Checked
	return out, c.do(ctx, http.MethodPost, fmt.Sprintf("/tenants/%s/check?fix=%t", url.PathEscape(string(t)), fix), nil, &out)
}

// Sync asks for cycles now.
func (c *Client) Sync(ctx context.Context, t tenant.ID, s Sync) (Synced, error) {
	var out Synced
	return out, c.do(ctx, http.MethodPost, "/tenants/"+url.PathEscape(string(t))+"/sync", s, &out)
}

// Cycle reads one cycle; ok is false while it has not begun.
func (c *Client) Cycle(ctx context.Context, t tenant.ID, id string) (cy Cycle, ok bool, err error) {
	err = c.do(ctx, http.MethodGet, "/tenants/"+url.PathEscape(string(t))+"/cycles/"+url.PathEscape(id), nil, &cy)
	if errors.Is(err, errNotFound) {
		return Cycle{}, false, nil
	}
	return cy, err == nil, err
}

// Status reads the state of one tenant, or of all when t is "".
func (c *Client) Status(ctx context.Context, t tenant.ID) (Status, error) {
	path := "/status"
	if t != "" {
		path += "?tenant=" + url.QueryEscape(string(t))
	}
	var out Status
	return out, c.do(ctx, http.MethodGet, path, nil, &out)
}

// Quiet tells whether anything of the tenant is in flight, with the stages. It is cheap, for asking again and again.
func (c *Client) Quiet(ctx context.Context, t tenant.ID) (bool, []Stage, error) {
	var out Status
	err := c.do(ctx, http.MethodGet, "/status?brief=true&tenant="+url.QueryEscape(string(t)), nil, &out)
	if err != nil || len(out.Tenants) == 0 {
		return false, nil, err
	}
	return out.Quiet, out.Tenants[0].Stages, nil
}

// Audit reads the trail.
func (c *Client) Audit(ctx context.Context, t tenant.ID, q audit.Query) ([]AuditEntry, error) {
	v := url.Values{}
	set := func(k, s string) {
		if s != "" {
			v.Set(k, s)
		}
	}
	set("kind", string(q.Ref.Kind))
	set("key", q.Ref.Key)
	set("cause", q.Cause)
	set("stage", string(q.Stage))
	set("outcome", string(q.Outcome))
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	v.Set("after", strconv.FormatInt(q.After, 10))
	v.Set("limit", strconv.Itoa(q.Limit))
	v.Set("newest", strconv.FormatBool(q.Newest))
	var out []AuditEntry
	return out, c.do(ctx, http.MethodGet, "/tenants/"+url.PathEscape(string(t))+"/audit?"+v.Encode(), nil, &out)
}

// Findings lists what is open.
func (c *Client) Findings(ctx context.Context, t tenant.ID) ([]Finding, error) {
	var out []Finding
	return out, c.do(ctx, http.MethodGet, "/tenants/"+url.PathEscape(string(t))+"/findings", nil, &out)
}

var errNotFound = errors.New("not found")

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+Prefix+path, body)
	if err != nil {
		return nil, fault.New(fault.Config, BadRequest, "the server address is not a URL")
	}
	req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-MLC-CSRF", "1")
	return req, nil
}

// silent is the error of a server that does not answer.
func (c *Client) silent(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return &fault.Error{Kind: fault.Transient, Code: NotRunning, Detail: "nobody answers at " + c.base,
		Next: "start the process, or name the right one with --data or --server"}
}

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.silent(ctx)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fault.Wrap(err, fault.Transient, NotRunning, "the answer of "+c.base+" was cut")
	}
	if resp.StatusCode == http.StatusNotFound {
		f := failure(resp.StatusCode, b)
		f.Err = errNotFound
		return f
	}
	if resp.StatusCode/100 != 2 {
		return failure(resp.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

func failure(status int, b []byte) *fault.Error {
	var f Failure
	if err := json.Unmarshal(b, &f); err != nil || f.Code == "" {
		return fault.New(fault.Transient, NotRunning, fmt.Sprintf("HTTP %d from something that is not our admin API", status))
	}
	return f.fault()
}

func (f Failure) fault() *fault.Error {
	detail := f.Detail
	if len(f.Lines) > 0 {
		detail = strings.Join(append([]string{detail}, f.Lines...), "\n")
	}
	return &fault.Error{Kind: fault.Kind(f.Kind), Code: fault.Code(f.Code), Detail: strings.TrimSpace(detail), Next: f.Next}
}
