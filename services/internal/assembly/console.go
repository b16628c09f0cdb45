package assembly

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"runtime/debug"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/console/admin"
	"github.com/ml-connector/ml-connector/services/console/web"
)

// Admin makes the admin API over the core. accounts may be nil where no writer runs in this process.
func (c *Core) Admin(token secret.String, accounts *Accounts, getenv func(string) string) *admin.API {
	d := admin.Deps{Store: c.Store, Bus: c.Bus, Seal: sealer{c}, Set: c.Keys, Prepare: c.Prepare, Check: c.Check, Connection: c.Connection, Connect: c.Connect, Plan: c.Plan(accounts), Lookup: Lookup(getenv),
		Token: token, Version: Version(), Now: c.Now, Log: c.Log}
	d.Coming, d.Own = c.Coming, c.own
	d.Unseal, d.RetryIB, d.Rotate = c.unseal, c.retryIB, c.rotate
	if accounts != nil {
		d.Account = func(t tenant.ID) (target.Budget, string, bool) { return accounts.Account(t) }
	}
	return admin.New(d)
}

// Pages makes the operators' pages over the admin API.
func (c *Core) Pages(api *admin.API) *web.Pages { return web.New(pages{api, c.Store, c}, c.Log) }

type pages struct {
	*admin.API
	tenants store.Tenants
	core    *Core
}

// Connect implements web.Consents.
func (p pages) Connect(ctx context.Context, t tenant.ID, actor string) (adminapi.Connecting, error) {
	return p.core.Connect(ctx, t, actor)
}

// Returned implements web.Consents.
func (p pages) Returned(ctx context.Context, q url.Values) (tenant.ID, error) {
	return p.core.Returned(ctx, q)
}

// TenantIDs implements web.Status.
func (p pages) TenantIDs(ctx context.Context) ([]tenant.ID, error) { return p.tenants.TenantIDs(ctx) }

type sealer struct{ core *Core }

// Seal implements vault.Sealer.
func (s sealer) Seal(ctx context.Context, t tenant.ID, p vault.Purpose, v secret.String) error {
	return s.core.Seal(ctx, t, p, v)
}

// PublicURL is where browsers find the operators' pages: as configured, or the address itself on this machine.
func PublicURL(configured string, listen net.Addr) string {
	if configured != "" {
		return configured
	}
	return "http://" + listen.String()
}

// Version is the version of this build.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "devel"
	}
	return info.Main.Version
}

// Token reads the admin token from a file, or makes one there with mode 0600.
func Token(file string) (secret.String, error) {
	b, err := os.ReadFile(file)
	if err == nil && len(strings.TrimSpace(string(b))) >= 32 {
		return secret.New(strings.TrimSpace(string(b))), nil
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return secret.String{}, fault.New(fault.Config, fault.BadConfig, "the admin token file "+file+" cannot be read or holds fewer than 32 characters")
	}
	raw := make([]byte, 32)
	if _, err := rand.Read(raw); err != nil {
		return secret.String{}, err
	}
	token := hex.EncodeToString(raw)
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		return secret.String{}, fault.Wrap(err, fault.Config, fault.BadConfig, "the admin token file cannot be written")
	}
	return secret.New(token), nil
}

// Console is the main of the console service.
func Console(ctx context.Context, env app.Env) error {
	s, err := FromEnv(env)
	if err != nil {
		return err
	}
	if s.Listen == "" || s.TokenFile == "" {
		return app.InputError{Err: errors.New("MLC_LISTEN and MLC_ADMIN_TOKEN_FILE must be set: where the admin API is served, and the file with its token")}
	}
	token, err := Token(s.TokenFile)
	if err != nil {
		return err
	}
	core, end, err := connectPatiently(ctx, "console", s)
	if err != nil {
		return err
	}
	defer end()
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return fault.Wrap(err, fault.Config, fault.BadConfig, "MLC_LISTEN")
	}
	core.Public = PublicURL(s.Public, l.Addr())
	api := core.Admin(token, nil, env.Getenv)
	return app.Run(ctx, core.Log, grace, core.TellKeys(), core.Operations(l, api.Routes, core.Pages(api).Routes))
}
