package adminapi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// DeadGroup is the open dead letters of one code and stage.
type DeadGroup struct {
	Code    string    `json:"code"`
	Stage   string    `json:"stage"`
	Letters int       `json:"letters"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
	Next    string    `json:"next,omitempty"` // what to do
}

// DeadList is the open dead letters, grouped, and the first of them.
type DeadList struct {
	Groups  []DeadGroup  `json:"groups"`
	Letters []DeadLetter `json:"letters"` // the oldest 1000
}

// DeadLetter is an event that is not tried again by itself.
type DeadLetter struct {
	Sequence uint64    `json:"sequence"` // its number: dead show, retry and drop take it
	At       time.Time `json:"at"`
	Code     string    `json:"code"`
	Stage    string    `json:"stage"`
	Kind     string    `json:"kind,omitempty"`
	Key      string    `json:"key,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Next     string    `json:"next,omitempty"`
	Stream   string    `json:"stream"` // where the event stood, and at which sequence
	Place    uint64    `json:"place"`
	Attempts int       `json:"attempts"`
	Cause    string    `json:"cause,omitempty"`
	Again    uint64    `json:"again,omitempty"`   // number of the letter whose retry this is
	Decided  string    `json:"decided,omitempty"` // retry or drop
	By       string    `json:"by,omitempty"`      // who decided
	Reason   string    `json:"reason,omitempty"`
}

// DeadDetail is one letter with its event.
type DeadDetail struct {
	Letter   DeadLetter `json:"letter"`
	Original string     `json:"original,omitempty"` // the event as JSON text; the bytes of a message are sealed in it
	Raw      string     `json:"raw,omitempty"`      // first bytes of what is not JSON, in base64
	Revealed string     `json:"revealed,omitempty"` // the opened message, after reveal
}

// DeadChoice selects letters: by number, by code and stage, or all.
type DeadChoice struct {
	Sequences []uint64 `json:"sequences,omitempty"`
	Code      string   `json:"code,omitempty"`
	Stage     string   `json:"stage,omitempty"`
	All       bool     `json:"all,omitempty"`
	By        string   `json:"by"`
	Reason    string   `json:"reason,omitempty"` // needed to drop
}

// DeadResult is what became of one letter.
type DeadResult struct {
	Sequence uint64 `json:"sequence"`
	Done     bool   `json:"done"` // false: the letter stays
	Code     string `json:"code,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Next     string `json:"next,omitempty"`
}

// DeadLetters lists the open dead letters.
func (c *Client) DeadLetters(ctx context.Context, t tenant.ID) (DeadList, error) {
	var out DeadList
	return out, c.do(ctx, http.MethodGet, tenantPath(t, "dead"), nil, &out)
}

func letterPath(t tenant.ID, seq uint64, parts ...string) string {
	return tenantPath(t, append([]string{"dead", strconv.FormatUint(seq, 10)}, parts...)...)
}

// DeadLetter reads one letter, also one that was decided on.
func (c *Client) DeadLetter(ctx context.Context, t tenant.ID, seq uint64) (DeadDetail, error) {
	var out DeadDetail
	return out, c.do(ctx, http.MethodGet, letterPath(t, seq), nil, &out)
}

// RevealDead opens the sealed message of a letter; the audit trail tells who did.
func (c *Client) RevealDead(ctx context.Context, t tenant.ID, seq uint64, by By) (DeadDetail, error) {
	var out DeadDetail
	return out, c.do(ctx, http.MethodPost, letterPath(t, seq, "reveal"), by, &out)
}

// RetryDead sends letters through the handler that failed, once more.
func (c *Client) RetryDead(ctx context.Context, t tenant.ID, d DeadChoice) ([]DeadResult, error) {
	var out []DeadResult
	return out, c.do(ctx, http.MethodPost, tenantPath(t, "dead", "retry"), d, &out)
}

// DropDead gives letters up, with a reason.
func (c *Client) DropDead(ctx context.Context, t tenant.ID, d DeadChoice) ([]DeadResult, error) {
	var out []DeadResult
	return out, c.do(ctx, http.MethodPost, tenantPath(t, "dead", "drop"), d, &out)
}

// Verified is what a walk along the audit trail found.
type Verified struct {
	OK         bool        `json:"ok"`
	Entries    int64       `json:"entries"`    // read
	Sealed     int64       `json:"sealed"`     // part of the chain, and as they were sealed
	Checkpoint string      `json:"checkpoint"` // the newest of them, as position:hash
	Compared   int         `json:"compared"`   // checkpoints that agree
	Bad        int64       `json:"bad"`        // first position that is not as it was sealed; 0 when all are
	Why        string      `json:"why,omitempty"`
	Entry      *AuditEntry `json:"entry,omitempty"` // what stands at that position now; nil when nothing does
}

// VerifyAudit walks along the tenant's chain. Checkpoints come from the operator's log system.
func (c *Client) VerifyAudit(ctx context.Context, t tenant.ID, known []audit.Checkpoint) (Verified, error) {
	v := url.Values{}
	for _, k := range known {
		v.Add("checkpoint", k.String())
	}
	var out Verified
	return out, c.do(ctx, http.MethodGet, tenantPath(t, "audit", "verify")+"?"+v.Encode(), nil, &out)
}

// Rotation asks for a new master key.
type Rotation struct {
	KeyFile string `json:"key_file,omitempty"` // on the machine of the process; a random key when left out
	By      string `json:"by"`
}

// Rotated is the end of a rotation. Fingerprints name keys and give nothing away.
type Rotated struct {
	Before  string `json:"before"`
	After   string `json:"after"`
	Tenants int    `json:"tenants"` // whose data keys are wrapped by the new key
}

// RotateVault makes a new master key and wraps every tenant's data key with it.
func (c *Client) RotateVault(ctx context.Context, r Rotation) (Rotated, error) {
	var out Rotated
	return out, c.do(ctx, http.MethodPost, "/vault/rotate", r, &out)
}
