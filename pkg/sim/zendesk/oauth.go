package zendesk

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const codeLife = 120 * time.Second // 5.5

type code struct {
	client    string
	redirect  string
	scopes    []string
	challenge string
	user      int64
	expires   time.Time
	used      bool
}

// tokenRequest is the body of POST /oauth/tokens in JSON or form encoding (5.4, 5.5).
type tokenRequest struct {
	GrantType        string `json:"grant_type"`
	ClientID         string `json:"client_id"`
	ClientSecret     string `json:"client_secret"`
	Scope            string `json:"scope"`
	Code             string `json:"code"`
	RedirectURI      string `json:"redirect_uri"`
	CodeVerifier     string `json:"code_verifier"`
	RefreshToken     string `json:"refresh_token"`
	ExpiresIn        int    `json:"expires_in"`
	RefreshExpiresIn int    `json:"refresh_token_expires_in"`
}

func oauthError(status int, code, description string) reply {
	return reply{status: status, body: obj{"error": code, "error_description": description}}
}

func (c *call) tokenRequest() (in tokenRequest, err error) {
	if !strings.HasPrefix(c.r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return in, json.Unmarshal(c.body, &in)
	}
	q, err := url.ParseQuery(string(c.body))
	in = tokenRequest{
		GrantType: q.Get("grant_type"), ClientID: q.Get("client_id"), ClientSecret: q.Get("client_secret"), Scope: q.Get("scope"),
		Code: q.Get("code"), RedirectURI: q.Get("redirect_uri"), CodeVerifier: q.Get("code_verifier"), RefreshToken: q.Get("refresh_token"),
	}
	_, _ = fmt.Sscan(q.Get("expires_in"), &in.ExpiresIn) // absent is zero
	_, _ = fmt.Sscan(q.Get("refresh_token_expires_in"), &in.RefreshExpiresIn)
	if id, secret, isBasic := c.r.BasicAuth(); isBasic && in.ClientID == "" {
		in.ClientID, in.ClientSecret = id, secret
	}
	return in, err
}

func (s *Sim) client(id string) *OAuthClient {
	for i := range s.opts.Auth.Clients {
		if s.opts.Auth.Clients[i].ID == id {
			return &s.opts.Auth.Clients[i]
		}
	}
	if s.anything() && id != "" {
		return &OAuthClient{ID: id}
	}
	return nil
}

func (s *Sim) issueToken(c *call) reply {
	in, err := c.tokenRequest()
	if err != nil {
		return oauthError(http.StatusBadRequest, "invalid_request", "The request could not be read.")
	}
	client := s.client(in.ClientID)
	if client == nil || !s.anything() && client.Secret != in.ClientSecret {
		return oauthError(http.StatusUnauthorized, "invalid_client", "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.")
	}
	if in.ExpiresIn != 0 && (in.ExpiresIn < 300 || in.ExpiresIn > 172_800) {
		return oauthError(http.StatusBadRequest, "invalid_request", "expires_in must be between 300 and 172800")
	}
	if in.RefreshExpiresIn != 0 && (in.RefreshExpiresIn < 604_800 || in.RefreshExpiresIn > 7_776_000) {
		return oauthError(http.StatusBadRequest, "invalid_request", "refresh_token_expires_in must be between 604800 and 7776000")
	}
	scopes := strings.Fields(in.Scope)
	for _, scope := range scopes {
		if len(client.Scopes) > 0 && !slices.Contains(client.Scopes, scope) {
			return oauthError(http.StatusBadRequest, "invalid_scope", "The requested scope is invalid, unknown, or malformed.")
		}
	}
	switch in.GrantType {
	case "client_credentials":
		return s.grantToken(c, client, scopes, in, s.owner, 0)
	case "authorization_code":
		return s.grantCode(c, client, in)
	case "refresh_token":
		return s.grantRefresh(c, client, in)
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
}

// grantToken issues a token for a user; family is 0 for one that cannot be refreshed.
func (s *Sim) grantToken(c *call, client *OAuthClient, scopes []string, in tokenRequest, user, family int64) reply {
	g := &grant{
		id: s.nextID(), user: user, client: client, scopes: append([]string{}, scopes...), issued: c.now, family: family,
		access: fmt.Sprintf("sim-access-%016x%016x", s.rng.Uint64(), s.rng.Uint64()),
	}
	body := obj{"access_token": g.access, "token_type": "bearer", "scope": strings.Join(scopes, " "), "expires_in": nil}
	if s.oauth.HideScope {
		delete(body, "scope")
	}
	status := or(s.opts.Quirks.TokenStatus, http.StatusOK)
	life := or(in.ExpiresIn, client.ExpiresIn)
	if family != 0 {
		life = or(s.oauth.AccessLife, life)
		refreshLife := or(s.oauth.RefreshLife, or(in.RefreshExpiresIn, 2_592_000))
		g.refresh = fmt.Sprintf("sim-refresh-%016x%016x", s.rng.Uint64(), s.rng.Uint64())
		g.refreshExpires = c.now.Add(time.Duration(refreshLife) * time.Second)
		s.access.byRefresh[g.refresh] = g
		body["refresh_token"], body["refresh_token_expires_in"] = g.refresh, refreshLife
		status = or(s.opts.Quirks.TokenStatus, http.StatusCreated)
	}
	if life > 0 {
		g.expires = c.now.Add(time.Duration(life) * time.Second)
		body["expires_in"] = life
	}
	s.access.byAccess[g.access] = g
	return reply{status: status, body: body}
}

func (s *Sim) grantCode(c *call, client *OAuthClient, in tokenRequest) reply {
	k := s.access.codes[in.Code]
	sum := sha256.Sum256([]byte(in.CodeVerifier))
	if k != nil && k.used {
		s.counters.Reused++
	}
	switch {
	case k == nil || k.used || k.client != client.ID || !c.now.Before(k.expires) || k.redirect != in.RedirectURI:
	case k.challenge != "" && k.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
	default:
		k.used = true
		s.counters.Exchanges++
		return s.grantToken(c, client, s.consented(k.scopes), in, k.user, s.nextID())
	}
	return oauthError(http.StatusBadRequest, "invalid_grant", "The provided authorization grant is invalid, expired, revoked, or does not match the redirection URI.")
}

// grantRefresh rotates: the old access and refresh token die at once (5.5).
func (s *Sim) grantRefresh(c *call, client *OAuthClient, in tokenRequest) reply {
	g := s.access.byRefresh[in.RefreshToken]
	if g != nil && g.spent {
		s.counters.Reused++
		if s.oauth.ReuseRevokes {
			s.revokeFamily(g.family)
		}
	}
	if g == nil || g.dead || g.client.ID != client.ID || !c.now.Before(g.refreshExpires) || s.oauth.RefuseRefresh {
		return oauthError(http.StatusBadRequest, "invalid_grant", "The provided refresh token is invalid, expired or revoked.")
	}
	g.dead, g.spent = true, true
	s.counters.Refreshes++
	return s.grantToken(c, client, s.consented(g.scopes), in, g.user, g.family)
}

// currentToken shows the bearer token that asks (5.5).
func (s *Sim) currentToken(c *call) reply {
	g := c.who
	if g.access == "" {
		return notFound()
	}
	token := obj{"id": g.id, "user_id": g.user, "client_id": g.clientID, "scopes": g.scopes, "used_at": c.now, "created_at": g.issued, "expires_at": nil, "refresh_token_expires_at": nil}
	if !g.expires.IsZero() {
		token["expires_at"] = g.expires
	}
	if !g.refreshExpires.IsZero() {
		token["refresh_token_expires_at"] = g.refreshExpires
	}
	return ok(obj{"token": token})
}
