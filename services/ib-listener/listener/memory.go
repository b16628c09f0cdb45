package listener

import "sync"

// remembered is how many deliveries of a tenant are remembered: minutes of heavy traffic, the time in which PeopleSoft
// sends again by itself.
const remembered = 4096

// memory knows the last deliveries of a tenant. It saves work and counts; nothing rests on it, for it is gone with
// the process.
type memory struct {
	mu     sync.Mutex
	stored map[string]int // how often a delivery that is stored came again
	doubts map[string]int // how often a delivery came that may be at fault itself
	order  []string
	last   map[string]turn
}

// turn counts the changes of content from senders that number nothing.
type turn struct {
	content string
	n       uint64
}

func newMemory() memory {
	return memory{stored: map[string]int{}, doubts: map[string]int{}, last: map[string]turn{}}
}

// again counts a delivery that may have been stored before: 0 for a new one, 1 for its first copy.
func (m *memory) again(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, known := m.stored[id]
	if !known {
		return 0
	}
	m.stored[id] = n + 1
	return n + 1
}

// keep remembers a delivery that is on disk.
func (m *memory) keep(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.stored[id]; !known {
		m.push(id)
		m.stored[id] = 0
	}
	delete(m.doubts, id)
}

// doubt counts a delivery that arrived whole and may be at fault itself: its document ends too early, or a parser of
// ours fails on it.
func (m *memory) doubt(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.doubts[id] == 0 {
		m.push(id)
	}
	m.doubts[id]++
	return m.doubts[id]
}

// push makes room for one more; the oldest is forgotten.
func (m *memory) push(id string) {
	if len(m.order) == remembered {
		delete(m.stored, m.order[0])
		delete(m.doubts, m.order[0])
		m.order = m.order[1:]
	}
	m.order = append(m.order, id)
}

// turn numbers the content of a sender that gives neither transaction nor time: the same content again has the same
// number, and the content that comes back after another one has a new number. A, B, A stays A, B, A.
func (m *memory) turn(sender, content string) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.last) >= remembered {
		clear(m.last)
	}
	t := m.last[sender]
	if t.content != content {
		t = turn{content, t.n + 1}
		m.last[sender] = t
	}
	return t.n
}
