package peoplesoft

import (
	"crypto/subtle"
	"net/http"
	"strings"
	"sync"
)

// lock counts bad passwords; PeopleSoft locks an account after some (peoplesoft.md 3.6).
type lock struct {
	mu     sync.Mutex
	failed int
	locked bool
}

// admit checks Basic or Bearer credentials. With neither configured everybody may read.
func (s *Sim) admit(r *http.Request) (answer, bool) {
	if s.opt.User == "" && s.opt.OAuth.ClientID == "" {
		return answer{}, true
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && s.opt.OAuth.ClientID != "" {
		if s.token.valid(bearer, s.Now()) {
			return answer{}, true
		}
		a := unauthorized("Token is not valid. (158,10506)")
		a.header["WWW-Authenticate"] = `Bearer error="invalid_token"`
		return a, false
	}
	user, password, ok := r.BasicAuth()
	if !ok || s.opt.User == "" {
		return unauthorized("User authentication required. (158,43)"), false
	}
	s.mu.RLock()
	after := s.lockAfter
	s.mu.RUnlock()
	return s.account.check(same(user, s.opt.User), same(password, s.opt.Password), after)
}

func (l *lock) check(user, password bool, after int) (answer, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.locked && user:
		return unauthorized("User account is locked. (158,46)"), false
	case user && password:
		l.failed = 0
		return answer{}, true
	case user:
		l.failed++
		l.locked = after > 0 && l.failed >= after
	}
	return unauthorized("User password failed. (158,45)"), false
}

// Locked tells whether bad passwords have locked the account.
func (s *Sim) Locked() bool {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	return s.account.locked
}

// Unlock opens the account again, as an administrator does.
func (s *Sim) Unlock() {
	s.account.mu.Lock()
	defer s.account.mu.Unlock()
	s.account.locked, s.account.failed = false, 0
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
