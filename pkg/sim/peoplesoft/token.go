package peoplesoft

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// tokens are the bearer tokens that the invented identity provider has given out.
type tokens struct {
	life time.Duration
	seed uint64

	mu     sync.Mutex
	issued int
	expiry map[string]time.Time
}

func (t *tokens) issue(now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issued++
	if t.expiry == nil {
		t.expiry = map[string]time.Time{}
	}
	token := fmt.Sprintf("sim-%016x%016x", mix(fmt.Sprint("a", t.seed, t.issued)), mix(fmt.Sprint("b", t.seed, t.issued)))
	t.expiry[token] = now.Add(t.life)
	return token
}

func (t *tokens) valid(token string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, known := t.expiry[token]
	return known && now.Before(until)
}

// RevokeTokens makes every token given out so far invalid: the next call answers 401.
func (s *Sim) RevokeTokens() {
	s.token.mu.Lock()
	defer s.token.mu.Unlock()
	clear(s.token.expiry)
}

// issue is the token endpoint: client_credentials only, client in the header or in the body.
func (s *Sim) issue(r *http.Request) answer {
	if r.Method != http.MethodPost {
		return page(http.StatusMethodNotAllowed, "Error 405--Method Not Allowed", "POST only.")
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return tokenError(http.StatusBadRequest, "invalid_request")
	}
	o := s.opt.OAuth
	id, secret := client(r)
	switch {
	case !same(id, o.ClientID) || !same(secret, o.ClientSecret):
		return tokenError(http.StatusUnauthorized, "invalid_client")
	case r.PostForm.Get("grant_type") != "client_credentials":
		return tokenError(http.StatusBadRequest, "unsupported_grant_type")
	case o.Audience != "" && r.PostForm.Get("audience") != o.Audience && r.PostForm.Get("resource") != o.Audience:
		return tokenError(http.StatusBadRequest, "invalid_target")
	}
	return tokenAnswer(http.StatusOK, map[string]any{
		"access_token": s.token.issue(s.Now()), "token_type": "Bearer", "expires_in": int(o.Life.Seconds()), "scope": o.Scope,
	})
}

// client reads the credentials of the client; in the header they are form-encoded (RFC 6749 2.3.1).
func client(r *http.Request) (id, secret string) {
	if user, password, ok := r.BasicAuth(); ok {
		id, errID := url.QueryUnescape(user)
		secret, errSecret := url.QueryUnescape(password)
		if errID == nil && errSecret == nil {
			return id, secret
		}
	}
	return r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
}

func tokenError(status int, code string) answer {
	return tokenAnswer(status, map[string]any{"error": code})
}

func tokenAnswer(status int, content any) answer {
	body, err := json.Marshal(content)
	if err != nil {
		return page(http.StatusInternalServerError, "Error", "token")
	}
	return answer{status: status, kind: typeJSON, body: body, header: map[string]string{"Cache-Control": "no-store"}}
}
