package peoplesoft

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
)

// newSigner builds the signer of a validated Auth. Tokens are fetched through the same guarded client.
func newSigner(a Auth, c *httpx.Client) signer {
	if a.Basic != nil {
		return basic{*a.Basic}
	}
	style := oauth2.AuthStyleInHeader
	if a.OAuth2.AuthStyle == Body {
		style = oauth2.AuthStyleInParams
	}
	return &bearer{http: &http.Client{Transport: c, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		config: clientcredentials.Config{ClientID: a.OAuth2.ClientID, ClientSecret: a.OAuth2.Secret.Reveal(), TokenURL: a.OAuth2.TokenURL,
			Scopes: slices.Clone(a.OAuth2.Scopes), EndpointParams: a.OAuth2.Params, AuthStyle: style}}
}

type basic struct{ Basic }

func (b basic) sign(_ context.Context, req *http.Request) error {
	req.SetBasicAuth(b.User, b.Password.Reveal())
	return nil
}

func (basic) renew(*http.Request) bool { return false }

// bearer keeps one token for all requests of the source.
type bearer struct {
	http   *http.Client
	config clientcredentials.Config

	mu    sync.Mutex // held during a fetch: one fetch at a time
	token *oauth2.Token
}

func (b *bearer) sign(ctx context.Context, req *http.Request) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.token.Valid() {
		t, err := b.config.Token(context.WithValue(ctx, oauth2.HTTPClient, b.http))
		if err != nil {
			return tokenFault(ctx, err)
		}
		b.token = t
	}
	req.Header.Set("Authorization", "Bearer "+b.token.AccessToken)
	return nil
}

// renew forgets the token that req carried, unless somebody else has fetched another one since.
func (b *bearer) renew(req *http.Request) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.token != nil && req.Header.Get("Authorization") == "Bearer "+b.token.AccessToken {
		b.token = nil
	}
	return true
}

// tokenFault never shows the answer of the identity provider: it may hold tokens, and RetrieveError prints it
// (failures.md fact 14). Only the registered error words of RFC 6749 pass.
func tokenFault(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return &fault.Error{Kind: f.Kind, Code: f.Code, Op: "fetch token", Detail: f.Detail, Next: f.Next, After: f.After}
	}
	if ctx.Err() != nil {
		return fault.New(fault.Transient, fault.SourceTimeout, "stopped by us")
	}
	r, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || r.Response == nil {
		return &fault.Error{Kind: fault.Transient, Code: fault.SourceNotData, Op: "fetch token", Detail: "the answer of the token URL is not a token"}
	}
	return &fault.Error{Kind: tokenKind(r), Code: tokenCode(r), Op: "fetch token", Detail: "the identity provider answers " + r.Response.Status[:min(3, len(r.Response.Status))] + word(r.ErrorCode)}
}

func tokenKind(r *oauth2.RetrieveError) fault.Kind {
	switch s := r.Response.StatusCode; {
	case s >= 500 || s == http.StatusTooManyRequests || s == http.StatusRequestTimeout:
		return fault.Transient
	case s >= 300 && s < 400, s == http.StatusNotFound:
		return fault.Config
	}
	return fault.Auth
}

func tokenCode(r *oauth2.RetrieveError) fault.Code {
	switch s := r.Response.StatusCode; {
	case s >= 500 || s == http.StatusTooManyRequests || s == http.StatusRequestTimeout:
		return fault.SourceDown
	case s >= 300 && s < 400:
		return fault.SourceRedirect
	case s == http.StatusNotFound:
		return fault.SourceNotFound
	}
	return fault.SourceAuth
}

func word(code string) string {
	switch code {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return " " + code
	}
	return ""
}
