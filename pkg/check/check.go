// Package check is the vocabulary of connectivity checks: named steps, each passed, warned or failed, with a code,
// the cause and what to do next. Sources and targets report them, `ml-connector check` prints them.
package check

import "time"

// State is how a step ended.
type State string

// The states of a step. A step that could not run because an earlier one failed is Skipped.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Step is one thing that was tried.
type Step struct {
	Name   string // dns, tls, gateway, sign-in, query, columns, budget, …
	State  State
	Code   string // stable reason code of package fault; "" when OK
	Detail string // what was seen; never a secret, never a response body
	Next   string // what the operator does about it; "" when OK
	Took   time.Duration
}

// Failure returns the first failed step, if any.
func Failure(steps []Step) (Step, bool) {
	for _, s := range steps {
		if s.State == Failed {
			return s, true
		}
	}
	return Step{}, false
}
