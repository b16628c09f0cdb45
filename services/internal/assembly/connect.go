package assembly

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

// Connect begins a consent: a person opens the answer's URL, and Zendesk sends him back to the operators' pages.
func (c *Core) Connect(ctx context.Context, t tenant.ID, actor string) (adminapi.Connecting, error) {
	tg, err := c.targetOf(ctx, t)
	if err != nil {
		return adminapi.Connecting{}, err
	}
	defer tg.Close() //nolint:errcheck // gives idle connections back
	redirect, err := c.redirect()
	if err != nil {
		return adminapi.Connecting{}, err
	}
	state, err := newState(string(t))
	if err != nil {
		return adminapi.Connecting{}, err
	}
	ask, err := tg.Ask(secret.New(state), redirect)
	if err != nil {
		return adminapi.Connecting{}, err
	}
	sum, asked := sha256.Sum256([]byte(state)), c.Now().UTC()
	until := asked.Add(consentLife)
	var given int64
	err = c.consents(ctx, t, func(d *consents) bool {
		given = d.Given
		d.add(consent{State: sum[:], Verifier: ask.Verifier.Reveal(), Redirect: redirect, Actor: actor, Until: until}, c.Now())
		return true
	})
	return adminapi.Connecting{URL: ask.URL, Redirect: redirect, Asked: asked, Until: until, Consents: given}, err
}

func (c *Core) targetOf(ctx context.Context, t tenant.ID) (*zendesk.Target, error) {
	s, _, err := c.Settings(ctx, t)
	if err != nil {
		return nil, err
	}
	return c.openTarget(ctx, t, s)
}

// redirect is where Zendesk sends the person; the OAuth client names it letter by letter.
func (c *Core) redirect() (string, error) {
	u, err := url.Parse(c.Public)
	if err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())) {
		return strings.TrimSuffix(c.Public, "/") + adminapi.CallbackPath, nil
	}
	return "", &fault.Error{Kind: fault.Config, Code: fault.BadConfig, Detail: "Zendesk sends people back to an https address or to this machine, and none is known",
		Next: "set MLC_PUBLIC_URL (public_url in --config) to the https address of these pages, and register it with " + adminapi.CallbackPath + " as redirect URL of the OAuth client"}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Returned ends a consent with what Zendesk sent along. It answers the tenant when the state tells of one of its
// consents; nothing of what was sent is ever shown.
func (c *Core) Returned(ctx context.Context, q url.Values) (tenant.ID, error) {
	t, one, err := c.claim(ctx, q.Get("state"))
	if err != nil {
		return "", err
	}
	given, err := c.accept(ctx, t, one, q)
	last := &ending{At: c.Now().UTC(), Actor: one.Actor}
	if err != nil {
		last.Code, last.Detail, last.Next = string(fault.CodeOf(err)), detail(err), fault.NextOf(err)
	}
	noted := c.consents(ctx, t, func(d *consents) bool {
		if d.Last = last; err == nil {
			d.Given++
		}
		return true
	})
	return t, errors.Join(err, noted, c.connected(ctx, t, last, given))
}

// claim finds the tenant's consent of a state and closes it: it is good for one use, for ten minutes.
func (c *Core) claim(ctx context.Context, state string) (t tenant.ID, one consent, err error) {
	foreign := &fault.Error{Kind: fault.Invalid, Code: fault.TargetConsent, Detail: "this way back from Zendesk was not asked for here, was used before, or is older than ten minutes"}
	name, _, _ := strings.Cut(state, ".")
	if t, err = tenant.Parse(name); err != nil || len(state) > 200 {
		return "", one, foreign
	}
	if _, err := c.Store.Tenant(ctx, t); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			err = foreign
		}
		return "", one, err
	}
	found := false
	err = c.consents(ctx, t, func(d *consents) bool {
		before := len(d.Open)
		one, found = d.take(state, c.Now())
		return len(d.Open) != before
	})
	if err == nil && !found {
		err = foreign
	}
	return t, one, err
}

func (c *Core) accept(ctx context.Context, t tenant.ID, one consent, q url.Values) (zendesk.Consented, error) {
	s, _, err := c.Settings(ctx, t)
	if err != nil {
		return zendesk.Consented{}, err
	}
	if iss := q.Get("iss"); iss != "" && strings.TrimSuffix(iss, "/") != strings.TrimSuffix(string(s.Zendesk.BaseURL), "/") {
		return zendesk.Consented{}, fault.New(fault.Auth, fault.TargetConsent, "the answer comes from another account than the tenant's")
	}
	if q.Get("error") == "access_denied" {
		return zendesk.Consented{}, fault.New(fault.Auth, fault.TargetConsent, "whoever was asked in Zendesk did not consent")
	}
	if q.Get("error") != "" || q.Get("code") == "" {
		return zendesk.Consented{}, &fault.Error{Kind: fault.Auth, Code: fault.TargetConsent, Detail: "Zendesk refused to ask for the consent",
			Next: "check the OAuth client in Zendesk: its identifier, its scopes, and that its redirect URL is exactly " + one.Redirect}
	}
	tg, err := c.openTarget(ctx, t, s)
	if err != nil {
		return zendesk.Consented{}, err
	}
	defer tg.Close() //nolint:errcheck // gives idle connections back
	return tg.Accept(ctx, secret.New(q.Get("code")), secret.New(one.Verifier), one.Redirect)
}

// connected tells the audit trail, and closes the finding that asked for a person.
func (c *Core) connected(ctx context.Context, t tenant.ID, last *ending, given zendesk.Consented) error {
	e := audit.Entry{ID: audit.ID(audit.Operator, record.Ref{}, 0, string(t), "connect", last.At.Format(time.RFC3339Nano)), At: last.At,
		Stage: audit.Operator, Verb: "connect zendesk", Outcome: audit.Finished, Cause: "person/" + last.Actor, Detail: "consent with scopes " + strings.Join(given.Scopes, " ")}
	if last.Code != "" {
		e.Outcome, e.Code, e.Detail, e.Next = audit.Failed, last.Code, last.Detail, last.Next
	}
	if err := c.Store.Append(ctx, t, []audit.Entry{e}); err != nil || last.Code != "" {
		return err
	}
	ref := record.Ref{Kind: "connection", Key: "zendesk"}
	found, err := c.Store.Findings(ctx, t, store.FindingQuery{Kind: ref.Kind, Key: ref.Key, Code: fault.TargetReauth})
	if err != nil || len(found) == 0 {
		return err
	}
	return c.Store.SetFindings(ctx, t, found[0].Stage, store.Observation{Ref: ref})
}

// consents changes the tenant's document; change answers whether there is anything to store. It is called again when
// another process was faster.
func (c *Core) consents(ctx context.Context, t tenant.ID, change func(*consents) bool) error {
	for range 20 {
		text, version, err := c.Keys.OpenVersion(ctx, t, vault.ZendeskConsent)
		if err != nil {
			return err
		}
		doc, err := readConsents(text)
		if err != nil {
			return fault.New(fault.Internal, fault.Unclassified, "the stored consents were written by another version")
		}
		if !change(&doc) {
			return nil
		}
		if text, err = doc.text(); err != nil {
			return err
		}
		if err = c.Keys.SealOver(ctx, t, vault.ZendeskConsent, text, version); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
	return fault.New(fault.Transient, fault.StoreDown, "others change the consents at the same time")
}

func detail(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Detail != "" {
		return f.Detail
	}
	return string(fault.CodeOf(err))
}

// Connection tells how the tenant signs in to Zendesk and what a person must do about it. It asks nobody.
func (c *Core) Connection(ctx context.Context, t tenant.ID) (adminapi.Connection, error) {
	s, _, err := c.Settings(ctx, t)
	if err != nil {
		return adminapi.Connection{}, err
	}
	out := adminapi.Connection{Account: string(s.Zendesk.BaseURL), State: adminapi.Configured}
	switch a := s.Zendesk.Auth; {
	case a.APIToken != nil:
		out.Method = "api_token"
		days, urgent, text := zendesk.Ending(c.Now())
		out.EndsInDays = &days
		out.Problem = &adminapi.Problem{Code: string(fault.TargetTokenEnding), Detail: text, Next: fault.TargetTokenEnding.Next(), Where: "zendesk", Hold: urgent}
	case a.ClientCredentials != nil:
		out.Method = "client_credentials"
	case a.AuthorizationCode != nil:
		out.Method = "authorization_code"
		err = c.consented(ctx, t, s, &out)
	}
	return out, err
}

func (c *Core) consented(ctx context.Context, t tenant.ID, s config.Tenant, out *adminapi.Connection) error {
	is, err := c.grantAuth(t, s.Zendesk.Auth).Connection(ctx, string(s.Zendesk.BaseURL))
	if err != nil {
		return err
	}
	out.State, out.Scopes = is.State, is.Scopes
	out.Since, out.AccessUntil, out.RefreshUntil = moment(is.Since), moment(is.AccessEnds), moment(is.RefreshEnds)
	if is.State != zendesk.Connected {
		out.Problem = &adminapi.Problem{Code: string(fault.TargetReauth), Detail: is.Cause, Next: repair(t), Where: "zendesk", Since: out.Since, Hold: true}
	}
	text, _, err := c.Keys.OpenVersion(ctx, t, vault.ZendeskConsent)
	if err != nil {
		return err
	}
	doc, err := readConsents(text)
	if out.Consents = doc.Given; doc.Last != nil && doc.Last.Code != "" {
		out.Tried = &adminapi.Problem{Code: doc.Last.Code, Detail: doc.Last.Detail, Next: doc.Last.Next, Where: "zendesk", Since: &doc.Last.At}
	}
	return err
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
