package zendesk

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Sim is one simulated Zendesk account. It is safe for concurrent use; make it with New.
type Sim struct {
	opts    Options
	mux     *http.ServeMux
	control *http.ServeMux

	mu       sync.Mutex // guards everything below
	rng      *rand.Rand
	lastID   int64
	owner    int64
	users    userStore
	orgs     orgStore
	members  memberStore
	defs     map[string]*fieldDefs // "user" and "organization"
	jobs     jobStore
	limits   limiter
	access   accessStore
	oauth    OAuth
	faults   faultStore
	hooks    hookStore
	log      effectLog
	counters Counters
	requests []Request
	requestN int64
	writeN   int64
}

// New makes an account that holds its owner (an admin) and the admins that Options.Auth names, and nothing else.
func New(opts Options) *Sim {
	s := &Sim{
		opts:    opts.filled(),
		rng:     rand.New(rand.NewPCG(opts.Seed, 0x7a656e6465736b)),
		lastID:  6_100_000_000_000,
		users:   newUserStore(),
		orgs:    newOrgStore(),
		members: newMemberStore(),
		defs:    map[string]*fieldDefs{"user": {}, "organization": {}},
		jobs:    jobStore{byID: map[string]*job{}},
		limits:  limiter{buckets: map[string]*window{}},
		access:  newAccessStore(),
		oauth:   opts.OAuth,
		counters: Counters{
			Calls: map[string]int64{}, Statuses: map[int]int64{}, Limited: map[string]int64{},
		},
	}
	s.owner = s.seedAdmin("Account Owner", "owner@sim.example")
	for _, t := range opts.Auth.Tokens {
		if s.users.byAddress[strings.ToLower(t.Email)] == 0 {
			s.seedAdmin("Service "+t.Email, t.Email)
		}
	}
	s.mux = s.routes()
	s.control = s.controls()
	return s
}

// OwnerID is the id of the account owner, whom no write may suspend or downgrade (1.6).
func (s *Sim) OwnerID() int64 { return s.owner }

// ServeHTTP answers the API, the OAuth pages and the control paths under /_sim/.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, withoutSuffix(r))
}

// withoutSuffix makes /users.json and /users the same path.
func withoutSuffix(r *http.Request) *http.Request {
	if !strings.HasSuffix(r.URL.Path, ".json") {
		return r
	}
	plain, u := *r, *r.URL
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, ".json"), ""
	plain.URL = &u
	return &plain
}

// nextID gives ids that grow but are not dense, as Zendesk's.
func (s *Sim) nextID() int64 {
	s.lastID += 1 + s.rng.Int64N(30)
	return s.lastID
}

// now is the account's time with the precision that Zendesk shows.
func (s *Sim) now() time.Time { return s.opts.Now().UTC() }

func (s *Sim) link(format string, args ...any) string {
	return s.opts.BaseURL + "/api/v2/" + fmt.Sprintf(format, args...)
}

// locked runs f on settled state: jobs that are due have taken effect.
func (s *Sim) locked(f func(now time.Time)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.settle(now)
	f(now)
}
