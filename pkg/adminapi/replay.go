package adminapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// ReplayRange says what goes through its handler again: sequences, a time window, or one key.
type ReplayRange struct {
	Stream string     `json:"stream"`             // ERP, DIRECTORY, AUDIT
	From   uint64     `json:"from_seq,omitempty"` // first sequence
	To     uint64     `json:"to_seq,omitempty"`   // last sequence
	Since  *time.Time `json:"since,omitempty"`    // stored at or after
	Until  *time.Time `json:"until,omitempty"`    // stored before
	Kind   string     `json:"kind,omitempty"`
	Key    string     `json:"key,omitempty"`
	By     string     `json:"by,omitempty"` // who asks; needed to start one
}

// ReplayPreview says what a replay would send. Nothing was sent.
type ReplayPreview struct {
	Stream     string         `json:"stream"`
	From       uint64         `json:"from_seq"` // of the range
	To         uint64         `json:"to_seq"`
	First      uint64         `json:"first"` // sequences that the stream still holds
	Last       uint64         `json:"last"`
	Gone       uint64         `json:"gone"` // sequences of the range that are gone by age
	Events     int            `json:"events"`
	Unreadable int            `json:"unreadable"` // skipped
	Kinds      map[string]int `json:"kinds"`      // events by kind
	Records    int            `json:"records"`    // distinct ones
	Newer      int            `json:"newer"`      // of them, those with a newer statement behind the range: it stays
	Capped     bool           `json:"capped"`     // there are more records than were counted
	Oldest     *time.Time     `json:"oldest,omitempty"`
	Newest     *time.Time     `json:"newest,omitempty"`
}

// Replay is a range that is on its way again, or was.
type Replay struct {
	ID      string     `json:"id"`
	Stream  string     `json:"stream"`
	From    uint64     `json:"from_seq"`
	To      uint64     `json:"to_seq"`
	Next    uint64     `json:"next"` // sequence at which it goes on
	Kind    string     `json:"kind,omitempty"`
	Key     string     `json:"key,omitempty"`
	State   string     `json:"state"` // running, finished, stopped
	By      string     `json:"by"`
	Events  int        `json:"events"`
	Skipped int        `json:"skipped"`
	Code    string     `json:"code,omitempty"`
	Detail  string     `json:"detail,omitempty"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
}

func tenantPath(t tenant.ID, parts ...string) string {
	path := "/tenants/" + url.PathEscape(string(t))
	for _, p := range parts {
		path += "/" + url.PathEscape(p)
	}
	return path
}

// PreviewReplay counts what a replay would send.
func (c *Client) PreviewReplay(ctx context.Context, t tenant.ID, r ReplayRange) (ReplayPreview, error) {
	var out ReplayPreview
	return out, c.do(ctx, http.MethodPost, tenantPath(t, "replays", "preview"), r, &out)
}

// StartReplay starts a replay. It fails with REPLAY_RUNNING while another of the tenant runs.
func (c *Client) StartReplay(ctx context.Context, t tenant.ID, r ReplayRange) (Replay, error) {
	var out Replay
	return out, c.do(ctx, http.MethodPost, tenantPath(t, "replays"), r, &out)
}

// Replays lists the tenant's replays, newest first.
func (c *Client) Replays(ctx context.Context, t tenant.ID) ([]Replay, error) {
	var out []Replay
	return out, c.do(ctx, http.MethodGet, tenantPath(t, "replays"), nil, &out)
}

// Replay reads one replay.
func (c *Client) Replay(ctx context.Context, t tenant.ID, id string) (Replay, error) {
	var out Replay
	return out, c.do(ctx, http.MethodGet, tenantPath(t, "replays", id), nil, &out)
}

// StopReplay stops a running replay where it is.
func (c *Client) StopReplay(ctx context.Context, t tenant.ID, id string, by By) (Replay, error) {
	var out Replay
	return out, c.do(ctx, http.MethodPost, tenantPath(t, "replays", id, "stop"), by, &out)
}

// By says who asks, for the audit trail.
type By struct {
	By string `json:"by"`
}
