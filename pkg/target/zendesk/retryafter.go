package zendesk

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxRetryAfter = 15 * time.Minute // failures.md Z04
	maxBackoff    = 60 * time.Second // failures.md Z02
)

// retryAfter is how long to stay away after a 429 or 503: what the header asks for plus up to a tenth, or the own
// backoff of the given strike (1, 2, …) when the header is missing, 0, negative, in the past or not a time. It is
// never under 0 nor over 15 minutes (failures.md Z01-Z04).
func retryAfter(h http.Header, now time.Time, strike int) time.Duration {
	d, ok := parseRetryAfter(h.Get("Retry-After"), now)
	if !ok {
		return backoff(time.Second, strike)
	}
	if d >= maxRetryAfter {
		return maxRetryAfter
	}
	return min(d+jitter(d/10), maxRetryAfter)
}

func parseRetryAfter(text string, now time.Time) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, false
	}
	if strings.Trim(text, "0123456789") == "" {
		if len(text) > 9 {
			return maxRetryAfter, strings.Trim(text, "0") != ""
		}
		n, err := strconv.Atoi(text)
		return min(time.Duration(n)*time.Second, maxRetryAfter), err == nil && n > 0
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	d := at.Sub(now)
	if d <= 0 {
		return time.Second, true // failures.md Z03
	}
	return min(d, maxRetryAfter), true
}

// backoff is exponential from first with full jitter, but never under first and never over a minute.
func backoff(first time.Duration, strike int) time.Duration {
	top := first
	for range min(max(strike, 1), 10) {
		top *= 2
	}
	top = min(top, maxBackoff)
	return max(first, jitter(top))
}

func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}
