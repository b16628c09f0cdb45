package writer

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// inHand is how many records the writers of a process work on at a time by default, about 3 KB each.
const inHand = 20_000

// Share divides what one process can hold among its tenants: a batch waits while too many records are in hand, and of
// the waiting tenants the one that holds the least goes first, urgent batches before all others. One tenant alone may
// have everything; a flood of one never keeps another waiting for more than one of its batches (failures.md M08).
type Share struct {
	mu    sync.Mutex
	free  int
	held  map[tenant.ID]int
	queue []*claim
}

type claim struct {
	t      tenant.ID
	n      int
	urgent bool
	ready  chan struct{}
}

// NewShare makes a share of so many records; 0 takes the default.
func NewShare(records int) *Share {
	return &Share{free: cmp.Or(records, inHand), held: map[tenant.ID]int{}}
}

// take waits for n records; give returns them and can be called once. A batch above all that there is goes alone.
func (s *Share) take(ctx context.Context, t tenant.ID, n int, urgent bool) (give func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	c := &claim{t: t, n: n, urgent: urgent, ready: make(chan struct{})}
	s.mu.Lock()
	s.queue = append(s.queue, c)
	s.serve()
	s.mu.Unlock()
	select {
	case <-c.ready:
	case <-ctx.Done():
		if s.withdraw(c) {
			return nil, context.Cause(ctx)
		}
	}
	return func() { s.giveBack(c) }, nil
}

func (s *Share) giveBack(c *claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += c.n
	if s.held[c.t] -= c.n; s.held[c.t] == 0 {
		delete(s.held, c.t)
	}
	s.serve()
}

// withdraw takes a claim out of the queue; false when it was served already.
func (s *Share) withdraw(c *claim) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, c)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	s.serve()
	return true
}

// serve hands out while the next in turn fits; nobody small overtakes a large one for ever.
func (s *Share) serve() {
	for len(s.queue) > 0 {
		next := 0
		for i, c := range s.queue[1:] {
			if s.before(c, s.queue[next]) {
				next = i + 1
			}
		}
		c := s.queue[next]
		if c.n > s.free && len(s.held) > 0 {
			return
		}
		s.queue = slices.Delete(s.queue, next, next+1)
		s.free -= c.n
		s.held[c.t] += c.n
		close(c.ready)
	}
}

func (s *Share) before(a, b *claim) bool {
	if a.urgent != b.urgent {
		return a.urgent
	}
	return s.held[a.t] < s.held[b.t]
}
