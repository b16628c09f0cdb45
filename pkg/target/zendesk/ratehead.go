package zendesk

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rateHead is what an answer says about the account's minute (zendesk.md 4.3). known is false without such headers.
type rateHead struct {
	known            bool
	limit, remaining int
	end              time.Time
}

func readRate(h http.Header, now time.Time) rateHead {
	limit, ok := firstNumber(h, "X-Rate-Limit", "Ratelimit-Limit", "Rate-Limit")
	if !ok || limit <= 0 {
		return rateHead{}
	}
	r := rateHead{known: true, limit: limit, remaining: limit}
	if left, ok := firstNumber(h, "X-Rate-Limit-Remaining", "Ratelimit-Remaining", "Rate-Limit-Remaining"); ok {
		r.remaining = left
	}
	if reset, ok := firstNumber(h, "Ratelimit-Reset", "Rate-Limit-Reset"); ok && reset <= 60 {
		r.end = now.Add(time.Duration(reset) * time.Second)
		return r
	}
	clock := now
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		clock = date
	}
	r.end = now.Add(time.Duration(60-clock.UTC().Second()) * time.Second)
	return r
}

func firstNumber(h http.Header, keys ...string) (int, bool) {
	for _, k := range keys {
		if n, err := strconv.Atoi(strings.TrimSpace(h.Get(k))); err == nil && n >= 0 {
			return n, true
		}
	}
	return 0, false
}

// quota is one zendesk-ratelimit-<bucket> header.
type quota struct {
	total, remaining int
	resets           time.Duration
}

// endpointQuotas reads every zendesk-ratelimit-* and zendesk-rate-limit-* header, by bucket name in lower case.
func endpointQuotas(h http.Header) map[string]quota {
	var out map[string]quota
	for key, values := range h {
		k := strings.ToLower(key)
		name, ok := strings.CutPrefix(k, "zendesk-ratelimit-")
		if !ok {
			name, ok = strings.CutPrefix(k, "zendesk-rate-limit-")
		}
		if !ok || len(values) == 0 {
			continue
		}
		if q, ok := parseQuota(values[0]); ok {
			if out == nil {
				out = map[string]quota{}
			}
			out[name] = q
		}
	}
	return out
}

// parseQuota reads "total=30; remaining=29; resets=60".
func parseQuota(text string) (q quota, ok bool) {
	for part := range strings.SplitSeq(text, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			continue
		}
		switch strings.ToLower(key) {
		case "total":
			q.total = n
		case "remaining":
			q.remaining, ok = n, true
		case "resets":
			q.resets = time.Duration(min(n, 900)) * time.Second
		}
	}
	return q, ok
}
