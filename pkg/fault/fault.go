// Package fault classifies errors by who can fix them. The adapter that saw a failure chooses the kind and the code;
// one place downstream acts on the kind; people read the code, the cause and the next step.
package fault

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Kind decides what happens to the work that failed.
type Kind string

// The kinds. Any error that is not an *Error is Internal.
const (
	Transient   Kind = "transient"    // try again later, same bytes
	RateLimited Kind = "rate_limited" // try again, not before After; never counts against the breaker
	Auth        Kind = "auth"         // stop this connection until somebody repairs the credential
	Config      Kind = "config"       // the settings are wrong: stop this connection, tell the operator what to change
	Invalid     Kind = "invalid"      // this record will never pass as it is: dead letter
	Held        Kind = "held"         // this record waits for a person or another record; asked again later
	Conflict    Kind = "conflict"     // somebody else moved first: read again
	Internal    Kind = "internal"     // our bug
)

// Error is a classified failure.
type Error struct {
	Kind    Kind
	Code    Code          // stable, documented in docs/reference/errors.md
	Op      string        // what was tried, as a path: "poll employees: read page"
	Detail  string        // what was seen, in words for an operator; never a secret or a personal value
	Next    string        // what to do; "" takes the default of the code
	After   time.Duration // with RateLimited: do not try before; 0 when the other side did not say
	Unknown bool          // the request may have taken effect although no answer was seen
	Over    bool          // with Unknown: the other side answered, so that the request can take effect no later than this
	Err     error         // the cause, for errors.Is and logs; must be free of secrets as well
}

// Error reads as a path from left to right: operation, code, detail, cause.
func (e *Error) Error() string {
	parts := make([]string, 0, 4)
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	head := string(e.Code)
	if e.Detail != "" {
		head = strings.TrimSpace(head + " " + e.Detail)
	}
	if head != "" {
		parts = append(parts, head)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a classified error with a detail for people.
func New(kind Kind, code Code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail}
}

// Wrap classifies err; the text of err is shown behind the detail.
func Wrap(err error, kind Kind, code Code, detail string) *Error {
	return &Error{Kind: kind, Code: code, Detail: detail, Err: err}
}

// KindOf is the kind of err: Transient for an ended context, Internal for anything unclassified.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Transient
	}
	return Internal
}

// CodeOf is the code of err, or Unclassified.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok && e.Code != "" {
		return e.Code
	}
	return Unclassified
}

// AfterOf is how long to wait before the next try, when the other side said so.
func AfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.After
	}
	return 0
}

// NextOf is what an operator does about err: the error's own advice or that of its code.
func NextOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Next != "" {
		return e.Next
	}
	return CodeOf(err).Next()
}

// IsUnknown tells whether the failed call may have taken effect.
func IsUnknown(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Unknown
}

// IsOver tells of a failed call with an unknown outcome that it can take no effect from now on: the outcome can be read
// at once.
func IsOver(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Unknown && e.Over
}
