package zendesk

import (
	"math"
	"time"
)

// others is the traffic of other integrations on the account, another replica's too: what the account counts beyond
// our own calls (performance.md 3c 1). The count errs on their side being small: every call of ours that may have
// arrived is taken for arrived.
type others struct {
	seen   int           // theirs in this window so far
	after  time.Duration // how far the window was when that was seen
	minute float64       // theirs in a whole window, as the windows before tell
}

// see takes over a count and when in the window it was true.
func (o *others) see(n int, after time.Duration) {
	if n > o.seen {
		o.seen = n
	}
	o.after = max(o.after, after)
}

// roll ends a window. What was seen stands for the part of it in which we looked, as far as room was left for it
// beside our own calls; a window without a look tells nothing, and what was known before fades.
func (o *others) roll(limit, ours int) {
	now := 0.0
	if o.after > 0 {
		now = min(float64(o.seen)*window.Seconds()/max(o.after.Seconds(), 1), float64(max(limit-ours, o.seen)))
	}
	if o.minute = (o.minute + now) / 2; now > o.minute {
		o.minute = now
	}
	o.seen, o.after = 0, 0
}

// coming is what they will still take in this window if it goes on as before.
func (o *others) coming() int { return max(0, int(math.Ceil(o.minute))-o.seen) }

// flying is what they have on the way, guessed from their part of what arrived beside done calls of ours: twice, for
// the answer that tells us is as old as a call takes.
func (o *others) flying(done, ours int) int {
	if o.seen == 0 {
		return 0
	}
	return int(math.Ceil(2 * float64(ours+1) * float64(o.seen) / float64(max(done, 1))))
}
