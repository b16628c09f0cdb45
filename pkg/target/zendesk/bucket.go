package zendesk

import (
	"net/http"
	"time"
)

// The buckets of zendesk.md 4.2, each for the whole account unless it is per record.
const (
	bucketUpsert      = "create-update-user"
	bucketUser        = "user"
	bucketOrg         = "organization"
	bucketIncremental = "incremental-exports"
)

// gateState is what account and bucket share: a pause after a 429, and the single probe that follows it.
type gateState struct {
	blocked time.Time
	strikes int // refusals in a row; while over 0 only one call flies
	flying  int
	urgent  int // urgent calls that wait here: a normal one leaves them their place
}

func (g *gateState) block(now time.Time, d time.Duration) {
	g.strikes++
	if until := now.Add(d); until.After(g.blocked) {
		g.blocked = until
	}
}

// hold tells whether the pause or the probe keeps a call here; wait 0 means until something changes.
func (g *gateState) hold(now time.Time) (wait time.Duration, held bool) {
	if now.Before(g.blocked) {
		return g.blocked.Sub(now), true
	}
	return 0, g.strikes > 0 && g.flying > 0
}

func (g *gateState) reserve(urgent bool) int {
	if urgent {
		return 0
	}
	return g.urgent
}

// bucket lets at most limit calls arrive in any window, whatever the phase of the other side's clock: a call occupies
// its place from its start until window after its answer. limit 0 means that only refusals pause it.
type bucket struct {
	gateState
	limit  int
	window time.Duration
	ends   []time.Time
}

func newBucket(name string, perRecord time.Duration) *bucket {
	switch name {
	case bucketUpsert:
		return &bucket{limit: 1, window: time.Second}
	case bucketUser, bucketOrg:
		return &bucket{limit: 5, window: perRecord}
	case bucketIncremental:
		return &bucket{limit: 10, window: time.Minute}
	}
	return &bucket{}
}

func (b *bucket) ready(now time.Time, urgent bool) (wait time.Duration, ok bool) {
	if wait, held := b.hold(now); held {
		return wait, false
	}
	b.prune(now)
	if b.limit == 0 || b.flying+len(b.ends)+b.reserve(urgent) < b.limit {
		return 0, true
	}
	if len(b.ends) > 0 {
		return b.ends[0].Add(b.window).Sub(now), false
	}
	return 0, false
}

func (b *bucket) prune(now time.Time) {
	n := 0
	for n < len(b.ends) && !b.ends[n].Add(b.window).After(now) {
		n++
	}
	b.ends = b.ends[n:]
}

func (b *bucket) idle(now time.Time) bool {
	b.prune(now)
	return b.flying == 0 && b.urgent == 0 && len(b.ends) == 0 && !now.Before(b.blocked)
}

func (b *bucket) answered(now time.Time, status int) {
	b.flying--
	if b.limit > 0 {
		b.ends = append(b.ends, now)
	}
	if status != 0 && status != http.StatusTooManyRequests {
		b.strikes = 0
	}
}

// learn takes over what the account says about this bucket: a larger total (High Volume), or that it is used up.
func (b *bucket) learn(q quota, now time.Time) {
	if b.limit > 0 && q.total > b.limit {
		b.limit = q.total
	}
	if q.remaining == 0 && q.resets > 0 {
		if until := now.Add(q.resets); until.After(b.blocked) {
			b.blocked = until
		}
	}
}
