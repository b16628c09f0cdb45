package peoplesoft

import (
	"fmt"
	"hash/fnv"
	"sync"
	"time"
)

// Sim is one simulated PeopleSoft with its company, gateway and identity provider. It is an http.Handler and
// safe for concurrent use.
type Sim struct {
	opt     Options
	account lock
	token   tokens
	log     requestLog
	out     outbox

	mu      sync.RWMutex // guards everything below
	maker   *maker
	setup   *setup
	people  []*person // newest versions, sorted by EMPLID
	vendors []*vendor // newest versions, sorted by VENDOR_ID, then SETID
	rows    Rows
	quirks  Quirks
	ahead   time.Duration // what Advance added to Now
	faults  []*Fault
	late    time.Duration // greatest lateness of commits
	commits int           // how many were drawn a lateness

	lockAfter int // bad passwords in a row until the account locks; 0: never
}

// New builds the company and the server. It does not listen; give it to an http.Server.
func New(o Options) *Sim {
	o = o.withDefaults()
	m := newMaker(o.Seed, o.Now(), o.Zone)
	return &Sim{
		opt: o, maker: m, setup: m.setup, people: m.people(o.Employees), vendors: m.suppliers(o.Vendors), rows: o.Rows, quirks: o.Quirks,
		lockAfter: o.LockAfter, token: tokens{life: o.OAuth.Life, seed: o.Seed}, log: requestLog{keep: o.Keep},
	}
}

// Now is the simulator's clock: Options.Now plus everything Advance added.
func (s *Sim) Now() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.now()
}

// Advance moves the simulator's clock forward: future rows become current, tokens expire.
func (s *Sim) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// Today is the date in the simulator's zone, CCYY-MM-DD.
func (s *Sim) Today() string { return s.Now().In(s.opt.Zone).Format(time.DateOnly) }

// SetRows changes which effective-dated rows the employee query shows.
func (s *Sim) SetRows(r Rows) error {
	if r != Current && r != History && r != All {
		return fmt.Errorf("rows %q: want current, history or all", r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = r
	return nil
}

// SetQuirks replaces the shape of the answers.
func (s *Sim) SetQuirks(q Quirks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quirks = q
}

// now and today need the lock, in either mode.
func (s *Sim) now() time.Time { return s.opt.Now().Add(s.ahead) }
func (s *Sim) today() string  { return s.now().In(s.opt.Zone).Format(time.DateOnly) }
func (s *Sim) stamp() wall    { return wallOf(s.now(), s.opt.Zone) }

// lateness draws how late the next commit becomes visible, from the seed and a count.
func (s *Sim) lateness(seconds int) time.Duration {
	if seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if s.late <= 0 {
		return 0
	}
	s.commits++
	return time.Duration(mix(fmt.Sprint(s.opt.Seed, "late", s.commits)) % uint64(s.late))
}

// mix hashes a text to a number that is the same in every run.
func mix(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash never fails
	return h.Sum64()
}
