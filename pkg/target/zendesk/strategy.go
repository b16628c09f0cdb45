package zendesk

import (
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// few is how many changes of one sort always go singly: a job of them saves no call (its own and a look) and takes
// seconds (zendesk.md 3.3).
const few = 2

// crowd is how many changes may be faster one by one than as a job: single updates of users share one a second
// (zendesk.md 4.2), a small job takes a few seconds.
const crowd = 5

// way is how changes of one sort go, and the reason for the audit trail.
type way struct {
	bulk bool
	why  string
}

// lot is what a way is chosen for: n changes of one sort. one is the time of a single write, job that of a job of
// them; ample says that the account's minute has calls to spare.
type lot struct {
	n        int
	one, job time.Duration
	ample    bool
	gated    bool // the account refuses this bulk path
	jammed   bool // the account has had no place for a job for long
}

// choose takes the fewest calls; while there are calls to spare and the changes are few, the shortest time.
func choose(l lot) way {
	singly := time.Duration(l.n) * l.one
	switch {
	case l.gated:
		return way{false, "singly: the account refuses bulk calls on this path"}
	case l.jammed:
		return way{false, "singly: the account has had no place for a job for minutes"}
	case l.n <= few:
		return way{false, "singly: a job would save no call"}
	case l.n <= crowd && l.ample && singly < l.job:
		return way{false, fmt.Sprintf("singly: %d calls take less time than a job", l.n)}
	}
	return way{true, fmt.Sprintf("a job of %d: the fewest calls", min(l.n, perCall))}
}

// way chooses for n changes that could go by k.
func (t *Target) way(k bulkKind, n int) way {
	one := 100 * time.Millisecond
	if !k.org && !k.creates {
		one = time.Second // zendesk.md 4.2
	}
	return choose(lot{
		n: n, one: one, job: t.jobs.expect(k.path, n), ample: t.client.pace.ample(n),
		gated: t.gates.closed(k.path), jammed: t.jam.long(),
	})
}

// halves says that the fields of a change may go in bulk and its address alone after them: only the calls for
// identities are single ones then.
func halves(c target.Change) bool {
	return c.Verb != target.Create && has(c.Diff, fieldEmail) && len(c.Diff) > 1 && !has(c.Diff, fieldRole) && !replacesPhone(c)
}

// fieldsOnly is a change without its address; addressOnly is what is left of it once the fields are written.
func fieldsOnly(c target.Change) target.Change {
	c.Diff = without(c.Diff, fieldEmail)
	return c
}

func addressOnly(c target.Change, o target.Outcome) target.Change {
	var d []audit.Change
	for _, x := range c.Diff {
		if x.Field == fieldEmail {
			d = append(d, x)
		}
	}
	c.Diff, c.Held, c.Memory = d, o.Holds, o.Memory
	return c
}
