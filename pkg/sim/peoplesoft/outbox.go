package peoplesoft

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// The statuses of a publication contract (peoplesoft.md 1.5).
const (
	StatusNew     = "New"
	StatusWorking = "Working"
	StatusRetry   = "Retry"
	StatusError   = "Error"
)

// Queue is the state of one sub-queue, as the Service Operations Monitor would show it.
type Queue struct {
	Name       string `json:"name"`
	Lane       int    `json:"lane"`
	Status     string `json:"status"`              // of the first contract: New, Working, Retry, Error; empty when none waits
	Blocked    bool   `json:"blocked"`             // an Error stops everything behind it until Resubmit or Cancel
	Operation  string `json:"operation"`           // of the first contract
	ID         string `json:"id"`                  // transaction id of the first contract
	Attempts   int    `json:"attempts"`            // of the first contract
	Waiting    int    `json:"waiting"`             // contracts not done, the first included
	Done       int    `json:"done"`                // contracts done
	Retries    int    `json:"retries"`             // failed contacts, all contracts
	Duplicates int    `json:"duplicates"`          // contracts sent again although they had been accepted
	Problem    string `json:"problem,omitempty"`   // of the first contract, for example "HttpStatusCode Returned = 503"
	Cancelled  int    `json:"cancelled"`           // contracts given up by Cancel
	NodeDown   bool   `json:"node_down"`           // the node does not answer; it is pinged
	HighWater  int    `json:"high_water"`          // most contracts that ever waited
	Errors     int    `json:"errors"`              // contracts that ever went to Error
	Last       string `json:"last_done,omitempty"` // transaction id done last
}

// Delivery is one request to the node.
type Delivery struct {
	Time      time.Time     `json:"time"` // real time of the answer
	Took      time.Duration `json:"took"`
	Queue     string        `json:"queue"`
	Operation string        `json:"operation"` // or PING
	ID        string        `json:"id"`
	Key       string        `json:"key"`            // first key of the message
	Wire      string        `json:"wire"`           // envelope
	Chunk     int           `json:"chunk"`          // from 1
	Status    int           `json:"status"`         // 0: no answer
	Type      string        `json:"type,omitempty"` // Content-Type of the answer
	Problem   string        `json:"problem,omitempty"`
}

// contract is one message on its way to the node.
type contract struct {
	posted
	status   string
	attempts int
	lose     bool // the first good answer is lost
	problem  string
}

type lane struct {
	Queue
	waiting []*contract
	held    *contract // leaves after the next one
	since   time.Time // of held
	wake    chan struct{}
}

// outbox holds node, queues and the log of deliveries. Its lock is taken after the Sim's, never before.
type outbox struct {
	mu      sync.Mutex
	node    NodeOptions
	wires   []Wire
	client  *http.Client
	seed    uint64
	given   bool
	lanes   []*lane
	count   int // contracts so far
	sent    int // requests so far, for the turn of the wires
	down    bool
	pinging sync.Mutex
	log     []Delivery
}

func (o *outbox) set(n NodeOptions, wires []Wire, seed uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.node, o.wires, o.seed, o.given = n, wires, seed, true
	transport := &http.Transport{DialContext: (&net.Dialer{Timeout: n.Timeout}).DialContext, TLSClientConfig: n.TLS, DisableCompression: true, MaxIdleConnsPerHost: 16,
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}} // HTTP/1 only, as the gateway
	o.client = &http.Client{Transport: transport, Timeout: n.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if len(o.lanes) == n.Lanes*len(queueNames()) {
		return
	}
	o.lanes = nil
	for _, name := range queueNames() {
		for i := range n.Lanes {
			o.lanes = append(o.lanes, &lane{Queue: Queue{Name: name, Lane: i}, wake: make(chan struct{}, 1)})
		}
	}
}

func (o *outbox) ready() bool     { o.mu.Lock(); defer o.mu.Unlock(); return o.given }
func (o *outbox) listening() bool { o.mu.Lock(); defer o.mu.Unlock(); return o.given && !o.node.Silent }
func (o *outbox) shape() Shape    { o.mu.Lock(); defer o.mu.Unlock(); return o.node.Shape }
func (o *outbox) jobFirst() bool  { o.mu.Lock(); defer o.mu.Unlock(); return o.node.JobFirst }

func (o *outbox) alias(operation string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return orText(o.node.Alias[operation], operation)
}

// enqueue gives the messages their ids and puts each into its lane.
func (o *outbox) enqueue(all []posted) (ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range all {
		o.count++
		m.id = transactionID(o.seed, o.count)
		c := &contract{posted: m, status: StatusNew, lose: o.draw("dup") < o.node.Duplicate}
		l := o.lane(m.queue, m.key)
		if l.held == nil && o.draw("late") < o.node.Reorder {
			l.held, l.since = c, time.Now()
		} else {
			l.waiting = append(l.waiting, c)
			l.release()
		}
		l.HighWater = max(l.HighWater, len(l.waiting))
		l.poke()
		ids = append(ids, m.id)
	}
	return ids
}

// transactionID looks like the ids on the wire and is the same in every run.
func transactionID(seed uint64, n int) string {
	a, b := mix(fmt.Sprint(seed, "tx", n)), mix(fmt.Sprint(seed, "ty", n))
	return fmt.Sprintf("%08x-%04x-11f1-%04x-%012x", uint32(a), uint16(a>>32), uint16(a>>48), b&0xffffffffffff)
}

// draw is a number from 0 to 1 for the newest contract, the same in every run.
func (o *outbox) draw(what string) float64 {
	return float64(mix(fmt.Sprint(o.seed, what, o.count))%1_000_000) / 1_000_000
}

func (o *outbox) lane(queue, key string) *lane {
	n := int(mix(key) % uint64(max(o.node.Lanes, 1)))
	for _, l := range o.lanes {
		if l.Name == queue && l.Lane == n {
			return l
		}
	}
	return o.lanes[0] // cannot happen: every family names a queue
}

func (l *lane) release() {
	if l.held != nil {
		l.waiting, l.held = append(l.waiting, l.held), nil
	}
}

func (l *lane) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Queues tells the state of every queue and lane.
func (s *Sim) Queues() []Queue {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	var all []Queue
	for _, l := range s.out.lanes {
		q := l.Queue
		q.Waiting, q.NodeDown = len(l.waiting), s.out.down
		if l.held != nil {
			q.Waiting++
		}
		if len(l.waiting) > 0 {
			first := l.waiting[0]
			q.Status, q.Operation, q.ID, q.Attempts, q.Problem = first.status, first.operation, first.id, first.attempts, first.problem
			q.Blocked = first.status == StatusError
		}
		all = append(all, q)
	}
	return all
}

// Deliveries is the log of requests to the node, oldest first.
func (s *Sim) Deliveries() []Delivery {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	return append([]Delivery{}, s.out.log...)
}

// Resubmit sends the contract that blocks a queue once more, as an administrator would; an empty name is every queue.
// It answers how many there were.
func (s *Sim) Resubmit(queue string) int {
	return s.out.blocked(queue, func(l *lane) { l.waiting[0].status = StatusNew })
}

// Cancel gives up the contract that blocks a queue.
func (s *Sim) Cancel(queue string) int {
	return s.out.blocked(queue, func(l *lane) { l.waiting, l.Cancelled = l.waiting[1:], l.Cancelled+1 })
}

func (o *outbox) blocked(queue string, act func(*lane)) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lanes {
		if cmp.Or(queue, l.Name) == l.Name && len(l.waiting) > 0 && l.waiting[0].status == StatusError {
			act(l)
			l.poke()
			n++
		}
	}
	return n
}
