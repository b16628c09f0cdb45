package zendesk

import (
	"strings"
	"sync"
	"time"
)

// claims remembers who was the first new record to want an address, until look-ups see its user.
type claims struct {
	mu      sync.Mutex
	byKey   map[string]owner
	byExt   map[string]string // the address that a record claimed last
	cleaned time.Time
}

type owner struct {
	ext string
	at  time.Time
}

func newClaims() *claims { return &claims{byKey: map[string]owner{}, byExt: map[string]string{}} }

// take claims an address or name for ext; it fails while another record has it.
func (c *claims) take(key, ext string, life time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clean(life)
	ext = strings.ToLower(ext)
	if o, ok := c.byKey[key]; ok && o.ext != ext && time.Since(o.at) < life {
		return false
	}
	c.byKey[key] = owner{ext, time.Now()}
	if strings.Contains(key, "@") {
		c.byExt[ext] = key
	}
	return true
}

// release gives a claim back after a definite failure.
func (c *claims) release(key, ext string, failed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ext = strings.ToLower(ext)
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

// seen gives up what the record of ext claimed as a new one, when its user is there and has another address: a change whose
// answer was lost gave nothing up.
func (c *claims) seen(ext, address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ext = strings.ToLower(ext)
	if key, ok := c.byExt[ext]; ok && key != address && c.byKey[key].ext == ext {
		delete(c.byKey, key)
		delete(c.byExt, ext)
	}
}

func (c *claims) clean(life time.Duration) {
	if time.Since(c.cleaned) < life {
		return
	}
	c.cleaned = time.Now()
	for k, o := range c.byKey {
		if time.Since(o.at) >= life {
			delete(c.byKey, k)
			delete(c.byExt, o.ext)
		}
	}
}
