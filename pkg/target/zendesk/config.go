package zendesk

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Config of one account. Start from Default: the zero value refuses adoption and is not valid.
type Config struct {
	Tenant tenant.ID // whose account it is; Apply for another tenant is refused. "" asks nothing

	BaseURL string // https://<subdomain>.zendesk.com; http for loopback only
	Auth    Auth   // ClientCredentials, AuthorizationCode or APIToken

	Share float64 // of the account's calls per minute, over 0 up to 1
	Jobs  int     // bulk jobs of ours in flight at once, 1 to 10 (zendesk.md 3.4)

	Adopt bool // a user found by email, or an organization by name, without external id becomes ours
	// EmailInPlace replaces a user's address in place of adding a second one, so that the old one is free for others.
	EmailInPlace bool

	FreeSeats   bool              // downgrade every leaving agent, also when the wanted state does not ask for it
	StaffFields []string          // fields that may be written on agents; none by default; never on admins
	Policies    map[string]Policy // by field: name, phone or a path; SourceWins where nothing is said
	Fields      []string          // target field paths of the tenant's mapping, for Check and FixFields
	Shapes      map[string]Shape  // by path, for the same two; a plain text field where nothing is said

	CAFile   string        // PEM bundle trusted beside the system's
	Silence  time.Duration // of the other side before a call is given up; 0 is 15s, with a minute for the first byte
	Poll     time.Duration // least time between two looks at bulk jobs
	Patience time.Duration // longest wait for a limit inside one call; beyond it the call fails as RateLimited
	JobLife  time.Duration // a job without an end after this long is given up as unknown (failures.md Z13)
	Look     time.Duration // after so long a write is looked at again; five times as long for samples that wait for others (failures.md Z22)
	Window   time.Duration // in which one user or organization takes five updates (zendesk.md 4.2); only a simulator has another than a minute
	Fresh    time.Duration // how long "this key is new" and the census are believed
	Now      func() time.Time
	Log      *slog.Logger
}

// Default is the configuration of design.md 8; BaseURL and Auth are left to fill in.
func Default() Config {
	return Config{
		Share: 0.8, Jobs: 5, Adopt: true,
		Poll: time.Second, Patience: 90 * time.Second, JobLife: 30 * time.Minute, Fresh: 10 * time.Minute,
		Look: time.Minute, Window: time.Minute,
	}
}

// Validate reports every problem at once, each with the path of its key in the tenant file.
func (c Config) Validate() error {
	var all []error
	bad := func(key, want string, got any) {
		all = append(all, fmt.Errorf("zendesk.%s: want %s, got %v", key, want, got))
	}
	if !validBase(c.BaseURL) {
		bad("base_url", "an https URL such as https://acme.zendesk.com", fmt.Sprintf("%q", c.BaseURL))
	}
	if c.Auth == nil {
		bad("auth", "client_credentials, authorization_code or api_token", "nothing")
	} else {
		all = append(all, c.Auth.validate())
	}
	if c.Share <= 0 || c.Share > 1 {
		bad("budget.share", "more than 0 and at most 1", c.Share)
	}
	if c.Jobs < 1 || c.Jobs > 10 {
		bad("budget.jobs", "1 to 10", c.Jobs)
	}
	for _, f := range sortedKeys(c.Policies) {
		if f != fieldName && f != fieldPhone && !managedPath(f) {
			bad("fields", "name, phone, user_fields.<key> or organization_fields.<key>", f)
		}
		if p := c.Policies[f]; p != SourceWins && p != TargetWins && p != AskPerson {
			bad("fields."+f, "source_wins, target_wins or ask", p)
		}
	}
	for _, f := range c.Fields {
		if !managedPath(f) {
			bad("fields", "user_fields.<key> or organization_fields.<key>", f)
		}
	}
	if err := errors.Join(all...); err != nil {
		return fault.Wrap(err, fault.Config, fault.BadConfig, "")
	}
	return nil
}

// validBase accepts https anywhere and http on loopback; no user, query, fragment or path.
func validBase(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

// localBase tells a simulator or proxy on this machine from the real service.
func localBase(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && loopback(u.Hostname())
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func (c Config) filled() Config {
	d := Default()
	orElse(&c.Poll, d.Poll)
	orElse(&c.Patience, d.Patience)
	orElse(&c.JobLife, d.JobLife)
	orElse(&c.Fresh, d.Fresh)
	orElse(&c.Look, d.Look)
	orElse(&c.Window, d.Window)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func orElse(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}
