package zendesk

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// times is what is known of how long jobs take. A look that comes too early costs a call, one that comes late costs
// time: the bounds of what was seen are halved until they are close (performance.md 3c 3).
type times struct {
	recorded bool // the account is real: the recorded times hold before any is learnt
	known    map[string]bounds
}

// bounds hold a kind's jobs of about one size, in parts of the recorded time: longer than low, at most high.
type bounds struct{ low, high float64 }

const (
	near  = 1.07   // bounds this close are not halved any more
	fades = 0.9997 // what was once too early may be late enough by now: every job widens the bounds a little
)

// recorded is about the longest time seen for a job of n records (zendesk.md 3.3).
func recorded(n int) time.Duration { return 2*time.Second + time.Duration(n)*100*time.Millisecond }

func parts(d time.Duration, n int) float64 { return d.Seconds() / recorded(n).Seconds() }

func sizeOf(kind string, n int) string { return kind + " " + strconv.Itoa(bits.Len(uint(n))) }

// guess is when the first look at a job is worth its call. A kind not seen yet is as slow as the slowest of the others
// of its size. A simulator's jobs may be of any speed: there the first look comes at once and the next one when the job
// would be done at the recorded speed.
func (t *times) guess(kind string, n int, soonest time.Duration) time.Duration {
	b, ok := t.known[sizeOf(kind, n)]
	other := 0.0
	for _, x := range jobKinds() {
		other = max(other, t.known[sizeOf(x, n)].high)
	}
	switch {
	case ok:
		return time.Duration(b.aim() * float64(recorded(n)))
	case other > 0:
		return time.Duration(other * 1.002 * float64(recorded(n)))
	case t.recorded:
		return recorded(n)
	}
	return soonest
}

func jobKinds() []string {
	return []string{createMany().path, updateMany().path, createOrgs().path, updateOrgs().path}
}

// sure tells that a guess is the longest time that a job of that size took, and the shortest is close to it.
func (t *times) sure(kind string, n int) bool {
	b, ok := t.known[sizeOf(kind, n)]
	return ok && b.close()
}

func (b bounds) close() bool { return b.high <= b.low*near }

func (b bounds) aim() float64 {
	if b.close() {
		return b.high * 1.002
	}
	return (b.low + b.high) / 2
}

// longer notes that a job of that age still ran.
func (t *times) longer(k *ticket, age time.Duration) {
	k.early = age
	b, ok := t.known[sizeOf(k.kind, k.size)]
	if !ok {
		return
	}
	if b.low = max(b.low, parts(age, k.size)); b.high <= b.low {
		b.high = b.low * 1.2
	}
	t.known[sizeOf(k.kind, k.size)] = b
}

// took notes a job that was found ended at that age. Its message tells the end to the second: the truth lies within
// one second of it on both sides.
func (t *times) took(k *ticket, j wireJob, age time.Duration) {
	seen := bounds{low: parts(k.early, k.size), high: parts(age, k.size)}
	if text, ok := strings.CutPrefix(j.Message, "Completed at "); ok && !k.date.IsZero() {
		if end, err := time.Parse("2006-01-02 15:04:05 -0700", text); err == nil && !end.Before(k.date) {
			seen.low = max(seen.low, parts(end.Sub(k.date)-time.Second, k.size))
			seen.high = min(seen.high, parts(end.Sub(k.date)+time.Second, k.size))
		}
	}
	b, ok := t.known[sizeOf(k.kind, k.size)]
	switch {
	case !ok:
		b = seen
	case seen.low >= b.high: // jobs have become slower
		b = bounds{b.low, seen.high}
	case seen.high <= b.low: // or faster
		b = bounds{seen.low, seen.high}
	default:
		b = bounds{max(b.low, seen.low) * fades, min(b.high, seen.high)}
	}
	t.known[sizeOf(k.kind, k.size)] = bounds{max(0, b.low), b.high}
}

// rest is when a job that still runs is worth another look: by its progress or by the bounds, whichever is sooner; else
// by the recorded time, which is cut short for young jobs so that fast ones are noticed.
func (t *times) rest(k *ticket, j wireJob, age time.Duration) time.Duration {
	left := time.Duration(0)
	if j.Progress > 0 && j.Progress < j.Total {
		left = min(time.Duration(float64(age)*float64(j.Total-j.Progress)/float64(j.Progress)), 2*age, time.Minute)
	}
	if b, ok := t.known[sizeOf(k.kind, k.size)]; ok {
		if by := time.Duration(b.aim()*float64(recorded(k.size))) - age; by > 0 && (left == 0 || by < left) {
			left = by
		}
	}
	if left == 0 {
		if left = recorded(k.size) - age; left <= 0 || age < time.Second {
			left = age / 2
		}
	}
	return left
}
