package assembly

import (
	"context"
	"crypto/tls"
	"net/url"
	"time"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/poller/poll"
)

// connection is one configured source with the kinds that are read from it.
type connection struct {
	name   string // peoplesoft.hcm
	kind   record.Kind
	source source.Source
}

// sources opens every source of the tenant: the catalog of sources. One that cannot be opened with the present settings
// and credentials is shut: it fails each cycle of its own with the reason, and the other goes on. The error is for what
// may pass by itself.
func (c *Core) sources(ctx context.Context, t tenant.ID, s config.Tenant) ([]connection, error) {
	var list []connection
	var passing error
	add := func(name string, kind record.Kind, src source.Source, err error) {
		switch {
		case err == nil:
		case fault.KindOf(err) == fault.Config, fault.CodeOf(err) == fault.NoCredential:
			src = shut{err}
		default:
			passing = err
			return
		}
		list = append(list, connection{name, kind, src})
	}
	if h := s.PeopleSoft.HCM; h != nil {
		src, err := c.peoplesoft(ctx, t, s, h.Connection, record.Employee, h.Employees, vault.HCMPassword, vault.HCMSecret)
		add("peoplesoft.hcm", record.Employee, src, err)
	}
	if f := s.PeopleSoft.FSCM; f != nil {
		src, err := c.peoplesoft(ctx, t, s, f.Connection, record.Vendor, f.Vendors, vault.FSCMPassword, vault.FSCMSecret)
		add("peoplesoft.fscm", record.Vendor, src, err)
	}
	return list, passing
}

// shut is a source that could not be opened. Settings and credentials that change start the poller anew.
type shut struct{ err error }

// Read implements source.Source.
func (s shut) Read(context.Context, tenant.ID, source.Window) (source.Page, error) {
	return source.Page{}, s.err
}

// ReadKey implements source.KeyReader.
func (s shut) ReadKey(context.Context, tenant.ID, record.Ref) (source.Page, error) {
	return source.Page{}, s.err
}

// Check implements source.Source.
func (s shut) Check(context.Context, tenant.ID, record.Kind) []check.Step {
	return failed("open", s.err)
}

func (c *Core) peoplesoft(ctx context.Context, t tenant.ID, s config.Tenant, k config.Connection, kind record.Kind, q config.Query, password, client vault.Purpose) (source.Source, error) {
	cfg := peoplesoft.Default()
	cfg.BaseURL, cfg.Node, cfg.CAFile, cfg.Zone, cfg.MinTLS = string(k.BaseURL), string(k.Node), string(k.TLS.CAFile), s.Zone(), tls.VersionTLS12
	if k.TLS.MinVersion == "1.3" {
		cfg.MinTLS = tls.VersionTLS13
	}
	cfg.Silence = c.Tune.Silence
	var err error
	if cfg.Auth, err = c.sourceAuth(ctx, t, k.Auth, password, client); err != nil {
		return nil, err
	}
	if q.Type == config.Generic {
		cfg.Generics[kind] = generic(q)
	} else {
		cfg.Queries[kind] = query(q)
	}
	return peoplesoft.Open(cfg)
}

func (c *Core) sourceAuth(ctx context.Context, t tenant.ID, a config.Auth, password, client vault.Purpose) (peoplesoft.Auth, error) {
	if a.Basic != nil {
		v, err := c.Keys.Open(ctx, t, password)
		return peoplesoft.Auth{Basic: &peoplesoft.Basic{User: string(a.Basic.Username), Password: v}}, err
	}
	o := a.OAuth2
	v, err := c.Keys.Open(ctx, t, client)
	if err != nil {
		return peoplesoft.Auth{}, err
	}
	out := &peoplesoft.OAuth2{TokenURL: string(o.TokenURL), ClientID: string(o.ClientID), Secret: v, Params: url.Values{}}
	if o.Style == "body" {
		out.AuthStyle = peoplesoft.Body
	}
	for _, sc := range o.Scopes {
		out.Scopes = append(out.Scopes, string(sc))
	}
	for k, p := range o.Params {
		out.Params.Set(string(k), string(p))
	}
	return peoplesoft.Auth{OAuth2: out}, nil
}

func query(q config.Query) peoplesoft.Query {
	out := peoplesoft.Query{Name: string(q.Query), Format: peoplesoft.Format(q.Format), Owner: peoplesoft.Owner(q.Owner), MaxRows: q.MaxRows,
		PromptLayout: string(q.Layout), KeyLength: q.KeyLength, Columns: map[string]string{},
		Prompts: peoplesoft.Prompts{From: string(q.Prompts.From), To: string(q.Prompts.To), After: string(q.Prompts.After), Key: string(q.Prompts.Key),
			EffFrom: string(q.Prompts.EffFrom), EffTo: string(q.Prompts.EffTo)}}
	for k, v := range q.Columns {
		out.Columns[string(k)] = string(v)
	}
	return out
}

func generic(q config.Query) peoplesoft.Generic {
	out := peoplesoft.Generic{URL: string(q.URL), Rows: string(q.RowPath), Page: peoplesoft.Rule(q.Page), MaxRows: q.MaxRows,
		PromptLayout: string(q.Layout), KeyLength: q.KeyLength, Fields: map[string]string{}}
	for canonical, field := range q.Fields {
		out.Fields[string(field)] = string(canonical)
	}
	return out
}

// feeds are the poller's feeds over the tenant's sources.
func feeds(s config.Tenant, list []connection) map[record.Kind]poll.Feed {
	out := map[record.Kind]poll.Feed{}
	sched := s.PeopleSoft.Schedule
	for _, k := range list {
		every := sched.Employees
		if k.kind == record.Vendor {
			every = sched.Vendors
		}
		f := poll.Feed{Source: k.source, Name: k.name, Every: string(every), Full: string(sched.Full), Overlap: sched.Overlap.Duration,
			Uniform: s.Guard.Uniform == config.AcceptUniform}
		if k.kind == record.Employee {
			f.Ahead = int(s.Employees.Hire.Lead)
		}
		if d, ok := every.Interval(); ok {
			f.Jitter = min(d/10, 30*time.Second)
		}
		out[k.kind] = f
	}
	return out
}
