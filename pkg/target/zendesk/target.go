package zendesk

import (
	"context"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Target is one Zendesk account of one tenant. It is safe for concurrent use and starts no goroutine that outlives a
// call.
type Target struct {
	cfg    Config
	client *client
	idle   func()
	skew   func() time.Duration
	users  *census
	orgs   *census
	claims *claims
	gates  *gates
	jam    jam
	watch  *watch
	fields *catalog
	jobs   *desk
	roll   *roll
	naming turn // one writer of organization names: Zendesk checks them without a lock (zendesk.md 2)
}

var (
	_ target.Target   = (*Target)(nil)
	_ target.Fixer    = (*Target)(nil)
	_ target.Verifier = (*Target)(nil)
	_ target.Lister   = (*Target)(nil)
)

// Open prepares the account; it connects to nothing yet. It fails on a bad configuration or CA file only.
func Open(cfg Config) (*Target, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.filled()
	h, err := httpx.New(httpx.Config{CAFile: cfg.CAFile, Silence: cfg.Silence, MaxBody: 32 << 20, Codes: httpx.Codes{
		Timeout: fault.TargetTimeout, Unreachable: fault.TargetUnreachable, TLS: fault.TargetTLS,
		Redirect: fault.TargetRedirect, Truncated: fault.TargetNotData, TooLarge: fault.TargetNotData,
	}})
	if err != nil {
		return nil, err
	}
	t, err := assemble(cfg, h)
	if err != nil {
		return nil, err
	}
	t.idle, t.skew = h.CloseIdle, h.Skew
	return t, nil
}

func assemble(cfg Config, h doer) (*Target, error) {
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, fault.New(fault.Config, fault.BadConfig, "zendesk.base_url cannot be read")
	}
	c := &client{base: base, account: cfg.BaseURL, http: h, pace: newPacer(cfg.Share), routes: routes(), patience: cfg.Patience, log: cfg.Log}
	c.pace.window = cfg.Window
	c.session = cfg.Auth.session(c)
	t := &Target{cfg: cfg, client: c, idle: func() {}, skew: func() time.Duration { return 0 }, claims: newClaims(), gates: newGates(), watch: newWatch(cfg.Look), fields: newCatalog(), naming: newTurn()}
	t.users, t.orgs = newCensus(cfg.Fresh, t.exportUsers), newCensus(cfg.Fresh, t.exportOrgs)
	t.jobs = newDesk(cfg, t.fetchJobs)
	t.roll = newRoll(t.usersSince, t.exportOpen)
	return t, nil
}

// Close gives back idle connections; the target can still be used.
func (t *Target) Close() error {
	t.idle()
	return nil
}

// Skew is how far Zendesk's clock is ahead of ours at least, by the Date of its answers; negative when it is behind.
func (t *Target) Skew() time.Duration { return t.skew() }

// Budget implements target.Target.
func (t *Target) Budget(context.Context, tenant.ID) target.Budget {
	b := t.client.pace.state(t.cfg.Jobs)
	b.Jobs = t.jobs.inFlight()
	return b
}

// CallLife counts from the moment at which we stopped waiting for an answer: what the other side may still be doing for a
// request that it has in hand. Zendesk ends its own work on a request well within a minute; a bulk job that was queued
// is not covered, its id is in the journal or its records are found by their external ids.
func (t *Target) CallLife() time.Duration { return time.Minute }

// Renew keeps the account's tokens from running out while nobody writes: it renews them when they are due, and does
// nothing else. A consent that was given meanwhile is used from then on. It fails with REAUTH_REQUIRED when only a person
// can go on.
func (t *Target) Renew(ctx context.Context) error {
	k, is := t.client.session.(*rotating)
	if !is {
		return nil
	}
	return k.again(ctx)
}
