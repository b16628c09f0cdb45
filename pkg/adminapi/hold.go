package adminapi

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Hold is a set of changes that waits, or waited, for a person.
type Hold struct {
	ID      string     `json:"id"`
	Change  string     `json:"change"` // suspend, email, create, ring, relink, adopt
	Kind    string     `json:"kind"`
	State   string     `json:"state"` // waiting, approved, rejected, void
	Hash    string     `json:"hash"`  // of its content; a decision names the hash of what was looked at
	Items   int        `json:"items"`
	Limit   int        `json:"limit"`  // that was exceeded
	Passed  int        `json:"passed"` // changes that had passed in the 24 hours before, and stay
	Cause   string     `json:"cause"`
	Created time.Time  `json:"created"`
	Decided *time.Time `json:"decided,omitempty"`
	By      string     `json:"by,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	// Rest is the hold that the rest waits in; only in the answer to a decision on a part.
	Rest string `json:"rest,omitempty"`
}

// HoldDetail is a hold with what waits in it. Records that passed after an approval are in the audit trail.
type HoldDetail struct {
	Hold    Hold         `json:"hold"`
	Records []HoldRecord `json:"records"` // the first 1000
}

// HoldRecord is one record of a hold with its old and new values.
type HoldRecord struct {
	Kind    string         `json:"kind"`
	Key     string         `json:"key"`
	State   string         `json:"state"`
	Cause   string         `json:"cause"`
	Since   time.Time      `json:"since"`
	Changes []audit.Change `json:"changes"`
}

// Decision approves or rejects a hold as it was looked at.
type Decision struct {
	Hash   string `json:"hash"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
	// WithoutReread approves without reading the source again first; the audit trail says so.
	WithoutReread bool `json:"without_reread,omitempty"`
	// Only decides on the records with these keys; the rest goes on waiting in a new hold. Hash is the whole hold's.
	Only []string `json:"only,omitempty"`
}

func holdPath(t tenant.ID, parts ...string) string {
	path := "/tenants/" + url.PathEscape(string(t)) + "/holds"
	for _, p := range parts {
		path += "/" + url.PathEscape(p)
	}
	return path
}

// Holds lists the tenant's holds, newest first.
func (c *Client) Holds(ctx context.Context, t tenant.ID) ([]Hold, error) {
	var out []Hold
	return out, c.do(ctx, http.MethodGet, holdPath(t), nil, &out)
}

// Hold reads one hold with its records.
func (c *Client) Hold(ctx context.Context, t tenant.ID, id string) (HoldDetail, error) {
	var out HoldDetail
	return out, c.do(ctx, http.MethodGet, holdPath(t, id), nil, &out)
}

// Approve lets everything pass that the hold holds and that is still true: its records are read from the source again
// first, and it fails with HOLD_NOT_REREAD when that cannot be done. It fails with HOLD_CHANGED when the hold is not
// what the hash says. A hold of which nothing is true any more is void.
func (c *Client) Approve(ctx context.Context, t tenant.ID, id string, d Decision) (Hold, error) {
	var out Hold
	return out, c.do(ctx, http.MethodPost, holdPath(t, id, "approve"), d, &out)
}

// Reject keeps the records as they are in Zendesk until the source changes them again; HOLD_CHANGED as in Approve.
func (c *Client) Reject(ctx context.Context, t tenant.ID, id string, d Decision) (Hold, error) {
	var out Hold
	return out, c.do(ctx, http.MethodPost, holdPath(t, id, "reject"), d, &out)
}
