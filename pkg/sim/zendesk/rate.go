package zendesk

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// window is a fixed clock window of a bucket (4.3: remaining jumps back at :00).
type window struct {
	start   time.Time
	used    int
	refused bool // somebody was told to wait for the next window
}

type limiter struct {
	account window
	buckets map[string]*window
}

func (w *window) roll(now time.Time, every time.Duration) {
	if start := now.Truncate(every); !start.Equal(w.start) {
		w.start, w.used, w.refused = start, 0, false
	}
}

// refuse notes a refusal; a second one in the same window means that a caller did not wait for Retry-After.
func (s *Sim) refuse(w *window) {
	if w.refused {
		s.counters.TooSoon++
	}
	w.refused = true
}

// untilReset is whole seconds to the end of the window, at least 1.
func (w *window) untilReset(now time.Time, every time.Duration) int {
	return max(1, int(math.Ceil(w.start.Add(every).Sub(now).Seconds())))
}

// spendAccount takes one request from the account's minute, or answers 429.
func (s *Sim) spendAccount(c *call) *reply {
	limit := s.opts.RequestsPerMinute
	if limit <= 0 {
		return nil
	}
	w := &s.limits.account
	w.roll(c.now, time.Minute)
	foreign := int(float64(s.opts.ForeignPerMinute) * c.now.Sub(w.start).Minutes())
	over := w.used+foreign >= limit
	if !over {
		w.used++
	}
	s.counters.Busiest = max(s.counters.Busiest, int64(w.used))
	reset := w.untilReset(c.now, time.Minute)
	left := strconv.Itoa(max(0, limit-w.used-foreign))
	c.header.Set("X-Rate-Limit", strconv.Itoa(limit))
	c.header.Set("X-Rate-Limit-Remaining", left)
	c.header.Set("Ratelimit-Limit", strconv.Itoa(limit))
	c.header.Set("Ratelimit-Remaining", left)
	c.header.Set("Ratelimit-Reset", strconv.Itoa(reset))
	if !over {
		return nil
	}
	s.counters.OverBudget++
	s.refuse(w)
	return new(s.tooMany("account", "Number of allowed API requests per minute exceeded", reset))
}

// spend takes one call from an endpoint bucket and announces it; nil means that the call may go on.
func (s *Sim) spend(c *call, bucket string, limit int, every time.Duration, title string) *reply {
	if limit <= 0 {
		return nil
	}
	w := s.bucket(bucket, c.now, every)
	over := w.used >= limit
	if !over {
		w.used++
	}
	reset := w.untilReset(c.now, every)
	c.header.Set("Zendesk-RateLimit-"+bucket, fmt.Sprintf("total=%d; remaining=%d; resets=%d", limit, limit-w.used, reset))
	if !over {
		return nil
	}
	s.refuse(w)
	return new(s.tooMany(bucket, title, reset))
}

func (s *Sim) bucket(name string, now time.Time, every time.Duration) *window {
	w := s.limits.buckets[name]
	if w == nil {
		w = &window{}
		s.limits.buckets[name] = w
	}
	w.roll(now, every)
	return w
}

// spendUpsert is the 1/s bucket of PUT users/{id} and create_or_update (4.2).
func (s *Sim) spendUpsert(c *call, endpoint string) *reply {
	name := "create-update-user"
	if s.opts.Quirks.SeparateUpsertBuckets {
		name = endpoint
	}
	return s.spend(c, name, s.opts.UpsertPerSecond, time.Second, "Too many requests to create or update users")
}

// spendUser is the 5/min limit of one and the same user, whose 429 is plain text (4.4, recorded).
func (s *Sim) spendUser(c *call, id int64) *reply {
	if s.opts.PerUserPerMinute <= 0 {
		return nil
	}
	w := s.bucket("user/"+strconv.FormatInt(id, 10), c.now, s.opts.RecordWindow)
	if w.used < s.opts.PerUserPerMinute {
		w.used++
		return nil
	}
	s.counters.Limited["user"]++
	s.refuse(w)
	return &reply{
		status: http.StatusTooManyRequests,
		body:   []byte("You have exceeded the rate limit for updating a single unique user. user email:  id:  external_id: "),
		header: http.Header{"Retry-After": {strconv.Itoa(w.untilReset(c.now, s.opts.RecordWindow))}},
	}
}

// spendOrg is the 5/min limit of one organization (2, 4.2), without a header of its own.
func (s *Sim) spendOrg(c *call, id int64) *reply {
	if s.opts.PerOrgPerMinute <= 0 {
		return nil
	}
	w := s.bucket("organization/"+strconv.FormatInt(id, 10), c.now, s.opts.RecordWindow)
	if w.used < s.opts.PerOrgPerMinute {
		w.used++
		return nil
	}
	s.refuse(w)
	return new(s.tooMany("organization", "Too many requests to update", w.untilReset(c.now, s.opts.RecordWindow)))
}

// tooMany answers 429 in the body shape that Quirks.RateBody names (4.4).
func (s *Sim) tooMany(bucket, title string, reset int) reply {
	s.counters.Limited[bucket]++
	a := reply{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {strconv.Itoa(reset)}}}
	switch s.opts.Quirks.RateBody {
	case "flat":
		a.body = obj{"error": "APIRateLimitExceeded", "description": title}
	case "text":
		a.body = []byte(title)
	case "html":
		a.body, a.plain = []byte("<html><body><h1>429</h1>"+title+"</body></html>"), "text/html; charset=UTF-8"
	default:
		a.body = obj{"errors": []obj{{"code": "TooManyRequests", "title": title}}}
	}
	return a
}
