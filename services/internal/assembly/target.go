package assembly

import (
	"context"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/target/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

// Verify implements target.Verifier: a call life that was told must not end the looks at what was written.
func (s shortLived) Verify(ctx context.Context, t tenant.ID) ([]target.Doubt, error) {
	if v, able := s.Target.(target.Verifier); able {
		return v.Verify(ctx, t)
	}
	return nil, nil
}

// openTarget opens the tenant's account: the catalog of targets.
func (c *Core) openTarget(ctx context.Context, t tenant.ID, s config.Tenant) (*zendesk.Target, error) {
	cfg := zendesk.Default()
	cfg.Tenant = t
	cfg.BaseURL = string(s.Zendesk.BaseURL)
	cfg.Share, cfg.Jobs = s.Zendesk.Budget.Share, min(s.Zendesk.Budget.Jobs, 10)
	cfg.FreeSeats = s.Employees.Leaver.DowngradeAgents
	cfg.Adopt, _ = s.Zendesk.Adopts()
	cfg.EmailInPlace = s.Employees.Email.Change == config.InPlace
	cfg.Fields, cfg.Policies = mapped(s), map[string]zendesk.Policy{}
	for f, w := range s.Zendesk.Fields {
		cfg.Policies[string(f)] = zendesk.Policy(w)
	}
	cfg.Shapes = map[string]zendesk.Shape{}
	for f, d := range s.Zendesk.Define {
		cfg.Shapes[string(f)] = zendesk.Shape{Type: string(d.Type), Options: texts(d.Options)}
	}
	cfg.Log, cfg.Silence = c.Log.With("tenant", t), c.Tune.Silence
	cfg.Look, cfg.Window = c.Tune.Look, c.Tune.Window
	if c.Tune.Patience > 0 {
		cfg.Patience = c.Tune.Patience
	}
	if c.Tune.JobLife > 0 {
		cfg.JobLife = c.Tune.JobLife
	}
	if c.Tune.JobPoll > 0 {
		cfg.Poll = c.Tune.JobPoll
	}
	var err error
	if cfg.Auth, err = c.targetAuth(ctx, t, s.Zendesk.Auth); err != nil {
		return nil, err
	}
	return zendesk.Open(cfg)
}

func (c *Core) targetAuth(ctx context.Context, t tenant.ID, a config.ZendeskAuth) (zendesk.Auth, error) {
	switch {
	case a.APIToken != nil:
		v, err := c.Keys.Open(ctx, t, vault.ZendeskToken)
		return zendesk.APIToken{Email: string(a.APIToken.Email), Token: v}, err
	case a.ClientCredentials != nil:
		v, err := c.Keys.Open(ctx, t, vault.ZendeskSecret)
		return zendesk.ClientCredentials{ClientID: string(a.ClientCredentials.ClientID), Secret: v, Scopes: texts(a.ClientCredentials.Scopes)}, err
	}
	v, err := c.Keys.Open(ctx, t, vault.ZendeskSecret)
	auth := c.grantAuth(t, a)
	auth.Secret = v
	return auth, err
}

// grantAuth is the authorization code grant without its client secret: enough to tell how it stands.
func (c *Core) grantAuth(t tenant.ID, a config.ZendeskAuth) zendesk.AuthorizationCode {
	return zendesk.AuthorizationCode{ClientID: string(a.AuthorizationCode.ClientID), Scopes: texts(a.AuthorizationCode.Scopes),
		Grants: &grants{core: c, tenant: t, holder: uuid.NewString()}, Repair: repair(t)}
}

func repair(t tenant.ID) string {
	return "run `ml-connector connect " + string(t) + "`, or press Reconnect on the console's page, and sign in to Zendesk as an admin"
}

// mapped lists the target fields that the mapping writes.
func mapped(s config.Tenant) []string {
	var list []string
	for _, p := range s.Employees.User {
		list = append(list, string(p))
	}
	for _, p := range s.Vendors.Organization {
		list = append(list, string(p))
	}
	set := map[string]bool{}
	for _, p := range list {
		if p != "phone" {
			set[p] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
