package zendesk

import (
	"net/http"
	"time"
)

// minute is the account's allowance: a fixed clock minute of the other side (zendesk.md 4.3), of which a share is ours.
type minute struct {
	gateState
	share     float64
	seen      bool // an answer arrived: without rate headers there is no limit
	limit     int
	used      int // calls of ours that count into the window
	remaining int // as last reported, of all integrations together
	end       time.Time
	unproven  bool // the window began by our clock only: one call finds out
	others    others
}

const window = time.Minute

func (m *minute) budget() int { return max(1, int(float64(m.limit)*m.share+1e-9)) }

func (m *minute) ready(now time.Time, urgent bool) (wait time.Duration, ok bool) {
	if wait, held := m.hold(now); held {
		return wait, false
	}
	if !m.seen {
		return 0, m.flying == 0
	}
	if m.limit == 0 {
		return 0, true
	}
	m.roll(now)
	switch {
	case m.unproven && m.flying > 0:
		return 0, false
	case m.used+m.reserve(urgent) >= m.budget(), m.free(urgent) <= 0:
		return m.end.Sub(now), false
	}
	return 0, true
}

// free is what the account still has for a call of ours: not what flies already, what more urgent calls and what other
// integrations are about to take. We never yield more than half of our share: somebody who takes everything would else
// have us stand still.
func (m *minute) free(urgent bool) int {
	left := m.remaining - m.flying - m.reserve(urgent) - m.others.flying(m.used-m.flying, m.flying)
	if !urgent && m.used >= m.budget()/2 {
		left = min(left, m.remaining-m.flying-m.reserve(urgent)-m.others.coming())
	}
	return left
}

// roll begins a new window when the old one is over by our clock.
func (m *minute) roll(now time.Time) {
	if now.Before(m.end) {
		return
	}
	m.others.roll(m.limit, m.used-m.flying)
	for !now.Before(m.end) {
		m.end = m.end.Add(window)
	}
	m.used, m.remaining, m.unproven = m.flying, m.limit, true
}

func (m *minute) left() { m.used++; m.flying++ }

func (m *minute) answered(now time.Time, status int, r rateHead) {
	m.flying--
	if status == 0 {
		return
	}
	m.seen = true
	if r.known {
		m.learn(now, r)
	}
	if status != http.StatusTooManyRequests {
		m.strikes, m.unproven = 0, false
	}
}

func (m *minute) learn(now time.Time, r rateHead) {
	switch gap := r.end.Sub(m.end); {
	case m.limit == 0:
		m.end, m.used, m.remaining = r.end, m.flying+1, r.remaining
	case gap > window/2: // the other side began a new window before us
		m.others.roll(m.limit, m.used-m.flying)
		m.end, m.used, m.remaining = r.end, m.flying+1, r.remaining
	case gap < -window/2 && m.unproven: // we began too early: its old window still runs
		m.end, m.used, m.remaining = r.end.Add(time.Second), m.budget(), r.remaining
	case gap < -window/2: // a late answer from the window before
	default:
		m.remaining = min(m.remaining, r.remaining)
		if gap < 0 && r.end.After(now) {
			m.end = r.end
		}
		m.others.see(r.limit-r.remaining-m.used, window-m.end.Sub(now))
	}
	m.limit = r.limit
}
