package zendesk

import (
	"net/http"
	"time"
)

// leave takes back the place of a call and learns from its answer; a zero answer means that none arrived.
func (ps *pass) leave(a answer) {
	p, now := ps.p, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	rate, quotas := readRate(a.Header, now), endpointQuotas(a.Header)
	p.minute.answered(now, a.Status, rate)
	for _, b := range ps.buckets {
		b.answered(now, a.Status)
	}
	ps.learn(quotas, now)
	switch {
	case a.Status == http.StatusTooManyRequests && !tooManyJobs(a):
		g := ps.refusedBy(rate, quotas)
		g.block(now, retryAfter(a.Header, now, g.strikes+1))
		if g == &p.minute.gateState && p.minute.end.After(g.blocked) {
			p.minute.end = g.blocked // the account says when the next minute begins
		}
	case a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
		p.minute.block(now, retryAfter(a.Header, now, p.minute.strikes+1))
	}
	p.announce()
}

func (ps *pass) learn(quotas map[string]quota, now time.Time) {
	for name, q := range quotas {
		switch {
		case name == "inflight-jobs":
			ps.p.jobsLeft = q.remaining
		case ps.limitNamed(name):
			ps.p.bucket(name).learn(q, now)
		default:
			ps.buckets[0].learn(q, now)
		}
	}
}

func (ps *pass) limitNamed(name string) bool {
	for _, l := range ps.route.limits {
		if l.name == name && !l.perRecord {
			return true
		}
	}
	return false
}

// refusedBy finds what a 429 pauses (zendesk.md 4.4): the account when its minute is used up or nothing tells,
// the endpoint when its own header says so or no record is named, else this record only.
func (ps *pass) refusedBy(rate rateHead, quotas map[string]quota) *gateState {
	if !rate.known && len(quotas) == 0 && len(ps.route.limits) == 0 || rate.known && rate.remaining == 0 {
		return &ps.p.minute.gateState
	}
	for name, q := range quotas {
		if q.remaining > 0 || name == "inflight-jobs" {
			continue
		}
		if ps.limitNamed(name) {
			return &ps.p.bucket(name).gateState
		}
		return &ps.buckets[0].gateState
	}
	for i, l := range ps.route.limits {
		if l.perRecord {
			return &ps.buckets[i+1].gateState
		}
	}
	return &ps.buckets[0].gateState
}
