package zendesk

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// grant is what a credential allows: an API token, or an OAuth token with its refresh token.
type grant struct {
	id             int64
	user           int64
	client         *OAuthClient
	clientID       int64
	scopes         []string // nil = unscoped
	access         string
	refresh        string
	issued         time.Time
	expires        time.Time // zero = never
	refreshExpires time.Time
	dead           bool // rotated away or revoked
	spent          bool // its refresh token was used
	family         int64
}

type accessStore struct {
	byAccess  map[string]*grant
	byRefresh map[string]*grant
	codes     map[string]*code
}

func newAccessStore() accessStore {
	return accessStore{byAccess: map[string]*grant{}, byRefresh: map[string]*grant{}, codes: map[string]*code{}}
}

// anything says that no credential is configured, so that every one is good.
func (s *Sim) anything() bool { return len(s.opts.Auth.Tokens)+len(s.opts.Auth.Clients) == 0 }

// authenticate finds who calls: nil without refusal is an anonymous caller, whom only users/me tolerates (5.6).
func (s *Sim) authenticate(c *call) (*grant, *reply) {
	scheme, credential, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	isMe := c.route == "GET /api/v2/users/me"
	var who *grant
	var refusal *reply
	switch {
	case strings.EqualFold(scheme, "bearer"):
		who = s.bearer(credential, c.now)
		if who == nil {
			return nil, new(invalidToken())
		}
	case strings.EqualFold(scheme, "basic"):
		who, refusal = s.basic(credential)
	}
	switch {
	case who != nil && s.users.byID[who.user].Suspended:
		return nil, new(forbidden("This user is suspended"))
	case refusal != nil && !(isMe && s.opts.Quirks.WrongTokenIsAnonymous):
		return nil, refusal
	case who == nil && !isMe:
		return nil, new(unauthorized())
	}
	return who, nil
}

// basic reads email/token:secret; a password instead of a token is no credential at all since 2026 (5.1, 5.6).
func (s *Sim) basic(credential string) (*grant, *reply) {
	raw, err := base64.StdEncoding.DecodeString(credential)
	name, secret, found := strings.Cut(string(raw), ":")
	email, isToken := strings.CutSuffix(name, "/token")
	if err != nil || !found || !isToken {
		return nil, nil
	}
	if s.anything() {
		return &grant{user: s.owner}, nil
	}
	for _, t := range s.opts.Auth.Tokens {
		if strings.EqualFold(t.Email, email) && t.Token == secret {
			return &grant{user: s.users.byAddress[strings.ToLower(email)]}, nil
		}
	}
	return nil, new(unauthorized())
}

func (s *Sim) bearer(token string, now time.Time) *grant {
	g := s.access.byAccess[token]
	switch {
	case g == nil && s.anything() && token != "":
		return &grant{user: s.owner, scopes: []string{"read", "write"}}
	case g == nil || g.dead || !g.expires.IsZero() && !now.Before(g.expires):
		return nil
	}
	return g
}

// authorize compares the token's scopes with what the route needs (5.3).
func (s *Sim) authorize(who *grant, rt route, method string) *reply {
	if who == nil || who.scopes == nil {
		return nil
	}
	need := "write"
	if method == http.MethodGet || method == http.MethodHead {
		need = "read"
	}
	if slices.Contains(who.scopes, need) {
		return nil
	}
	switch {
	case rt.scope == "":
		if !s.opts.Quirks.JobsNeedRead && len(who.scopes) > 0 && slices.ContainsFunc(who.scopes, knownScope) {
			return nil
		}
	case slices.Contains(who.scopes, rt.scope+":"+need):
		return nil
	}
	return new(forbidden("You do not have access to this page. The token lacks the scope for it."))
}

func knownScope(scope string) bool {
	family, _, _ := strings.Cut(scope, ":")
	return slices.Contains([]string{"read", "write", "users", "organizations", "groups", "account_settings", "webhooks", "auditlogs", "security", "tickets"}, family)
}

// RevokeTokens kills every OAuth token, as an admin can.
func (s *Sim) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.access.byAccess {
		g.dead = true
	}
}

// RevokeAccess ends every OAuth access token as if its time were over; refresh tokens stay good.
func (s *Sim) RevokeAccess() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, g := range s.access.byAccess {
		g.expires = now
	}
}
