package httpx

import (
	"net/http"
	"sync"
	"time"
)

// skew compares the other side's clock with ours, by the Date of its answers. It believes what two answers in a row
// agree on, and of each only what is certain: an answer's Date lies between the request and the answer, however slow.
type skew struct {
	mu   sync.Mutex
	last [2]time.Duration
}

// Skew is how far the other side's clock is ahead of ours at least; negative when it is behind. One that differs by less
// than a second, or was not seen in two answers, is 0.
func (c *Client) Skew() time.Duration {
	c.skew.mu.Lock()
	defer c.skew.mu.Unlock()
	switch a, b := c.skew.last[0], c.skew.last[1]; {
	case a > 0 && b > 0:
		return min(a, b)
	case a < 0 && b < 0:
		return max(a, b)
	}
	return 0
}

// note takes the Date of an answer to a request that was sent and answered at these times. Answers of caches are old,
// and a clock that jumped meanwhile says nothing.
func (s *skew) note(h http.Header, sent, got time.Time) {
	date, err := http.ParseTime(h.Get("Date"))
	took, shown := got.Sub(sent), got.Round(0).Sub(sent.Round(0)) // by the monotonic clock, by the wall's
	if err != nil || h.Get("Age") != "" || (took-shown).Abs() > time.Second {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last[0], s.last[1] = s.last[1], certain(date, sent.Round(0), got.Round(0))
}

// certain is the least distance of a date, in whole seconds, from the time between two moments.
func certain(date, sent, got time.Time) time.Duration {
	switch latest := date.Add(time.Second); {
	case date.After(got):
		return date.Sub(got)
	case latest.Before(sent):
		return latest.Sub(sent)
	}
	return 0
}
