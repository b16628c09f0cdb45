package peoplesoft

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is one line of the request log. Credentials are never logged.
type Request struct {
	Time    time.Time         `json:"time"` // the simulator's clock
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	On      string            `json:"on"` // query, rest, gateway, token or nothing
	Query   string            `json:"query,omitempty"`
	Prompts map[string]string `json:"prompts,omitempty"`
	Params  string            `json:"params,omitempty"` // the query string as it came
	Status  int               `json:"status"`
	Rows    int               `json:"rows"`
	Faults  []string          `json:"faults,omitempty"`
}

// Counts are totals since the start or the last ForgetRequests.
type Counts struct {
	Requests int            `json:"requests"`
	Rows     int            `json:"rows"`
	On       map[string]int `json:"on"`     // by kind of address
	Status   map[int]int    `json:"status"` // by status answered
}

type requestLog struct {
	keep int

	mu     sync.Mutex
	lines  []Request
	counts Counts
}

func (l *requestLog) add(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) >= 2*max(l.keep, 1) { // drop the older half at once, not one by one
		l.lines = slices.Clone(l.lines[len(l.lines)-l.keep:])
	}
	l.lines = append(l.lines, r)
	if l.counts.On == nil {
		l.counts.On, l.counts.Status = map[string]int{}, map[int]int{}
	}
	l.counts.Requests++
	l.counts.Rows += r.Rows
	l.counts.On[r.On]++
	l.counts.Status[r.Status]++
}

func (s *Sim) entry(r *http.Request, to route, a answer, hit script) Request {
	return Request{
		Time: s.Now(), Method: r.Method, Path: r.URL.Path, On: to.on, Query: a.query, Prompts: a.prompts, Params: r.URL.RawQuery,
		Status: a.status, Rows: a.rows, Faults: hit.names(),
	}
}

// Requests gives the newest requests, oldest first, at most Options.Keep of them. The control API is not logged.
func (s *Sim) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	from := max(len(s.log.lines)-s.log.keep, 0)
	return append([]Request{}, s.log.lines[from:]...)
}

// Counts gives the totals of all requests.
func (s *Sim) Counts() Counts {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	c := s.log.counts
	c.On, c.Status = maps.Clone(c.On), maps.Clone(c.Status)
	return c
}

// ForgetRequests empties the log and the totals.
func (s *Sim) ForgetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.lines, s.log.counts = nil, Counts{}
}
