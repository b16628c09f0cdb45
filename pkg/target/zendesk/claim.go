package zendesk

import (
	"strings"
	"sync"
	"time"
)

// claims remembers which keys a plan found to be new and who was the first to want an address. It is what keeps a
// bulk upsert from choosing a person: only a record with a recent proof goes into one.
type claims struct {
	mu      sync.Mutex
	byExt   map[string]proof
	byKey   map[string]owner
	cleaned time.Time
}

type proof struct {
	at    time.Time
	exact bool // no user of the account has the address, secondary addresses included
}

type owner struct {
	ext string
	at  time.Time
}

func newClaims() *claims { return &claims{byExt: map[string]proof{}, byKey: map[string]owner{}} }

// prove notes that ext was looked for and not found.
func (c *claims) prove(ext string, exact bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byExt[strings.ToLower(ext)] = proof{time.Now(), exact}
}

// proved gives the proof of ext while it is younger than life.
func (c *claims) proved(ext string, life time.Duration) (proof, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clean(life)
	p, ok := c.byExt[strings.ToLower(ext)]
	return p, ok && time.Since(p.at) < life
}

// take claims an address or name for ext; it fails while another record has it.
func (c *claims) take(key, ext string, life time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ext = strings.ToLower(ext)
	if o, ok := c.byKey[key]; ok && o.ext != ext && time.Since(o.at) < life {
		return false
	}
	c.byKey[key] = owner{ext, time.Now()}
	return true
}

// release gives a claim back after a definite failure, and always drops the proof: what was true before a write is
// not known after it.
func (c *claims) release(key, ext string, failed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ext = strings.ToLower(ext)
	delete(c.byExt, ext)
	if failed && c.byKey[key].ext == ext {
		delete(c.byKey, key)
	}
}

// yield gives an address up that the user of ext does not hold any more.
func (c *claims) yield(key, ext string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key].ext == strings.ToLower(ext) {
		delete(c.byKey, key)
	}
}

func (c *claims) clean(life time.Duration) {
	if time.Since(c.cleaned) < life {
		return
	}
	c.cleaned = time.Now()
	for k, p := range c.byExt {
		if time.Since(p.at) >= life {
			delete(c.byExt, k)
		}
	}
	for k, o := range c.byKey {
		if time.Since(o.at) >= life {
			delete(c.byKey, k)
		}
	}
}
