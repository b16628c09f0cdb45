package zendesk

import (
	"sync"
	"time"
)

// gates remembers which bulk paths the account refuses: user imports are off by default (zendesk.md 3.1). They are
// tried again after a day.
type gates struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func newGates() *gates { return &gates{until: map[string]time.Time{}} }

func (g *gates) closed(path string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return time.Now().Before(g.until[path])
}

func (g *gates) close(path string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until[path] = time.Now().Add(24 * time.Hour)
}

// any names one closed path.
func (g *gates) any() (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, path := range sortedKeys(g.until) {
		if time.Now().Before(g.until[path]) {
			return path, true
		}
	}
	return "", false
}
