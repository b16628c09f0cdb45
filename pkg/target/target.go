// Package target is the contract of a system that is written. It is batch-first: plan many wanted states, apply many
// changes, one outcome each. There is no delete.
package target

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Verb is what a change does. There is no other.
type Verb string

// The verbs.
const (
	Nothing Verb = "nothing"
	Create  Verb = "create"
	Update  Verb = "update"
	Suspend Verb = "suspend"
	Restore Verb = "restore"
)

// Item is a record with what is wanted for it and what is known of its object.
type Item struct {
	Ref      record.Ref
	Version  uint64
	Wanted   directory.Entry
	TargetID string          // of the link; "" when the record has none yet
	Known    directory.Entry // what was last written or read; empty when nothing is known
	Memory   []byte          // what the adapter remembered of the object (role and groups before a suspension)
	Urgent   bool            // goes first, alone if that is faster
}

// Change is the difference between wanted and held, ready to be applied.
type Change struct {
	Item
	Verb    Verb
	Held    directory.Entry // what the target held when it was read for this plan; empty when nothing was there
	Object  string          // id of the object that Held was read from; "" when nothing was there
	Adopted bool            // the object existed before us and becomes ours by this change
	Diff    []audit.Change  // field by field, for people
	Why     string          // why this verb: "email changed", "already as wanted", "never active"
	Code    string          // reason code where there is one, such as SKIP_NEVER_ACTIVE
}

// Planned is the plan for one item: a change, or the error that keeps it from being planned. The error's kind says
// what becomes of the record: Held waits, Invalid is a dead letter, Transient is tried again.
type Planned struct {
	Item   Item
	Change Change
	Err    error
}

// Outcome is how applying one change ended.
type Outcome struct {
	Change   Change
	Err      error           // nil when the target holds what was wanted; IsUnknown when nobody knows
	TargetID string          // the object, when known
	Holds    directory.Entry // what the target holds now as far as known
	Memory   []byte          // to be remembered with the link
	Request  string          // method, path, job or request id, for the audit trail
}

// Journal is told about asynchronous jobs before anybody waits for them, so that a crash forgets none. An error must
// stop the batch.
type Journal interface {
	Job(ctx context.Context, id string, refs []record.Ref) error
}

// Target writes one account of one tenant. Implementations are safe for concurrent use; all calls share one pacer.
// Plan and Apply answer one result for each input, in input order; their own error means that nothing at all could
// be done (down, no credential, rate limit), and then there are no results.
type Target interface {
	Plan(ctx context.Context, t tenant.ID, items []Item) ([]Planned, error)
	Apply(ctx context.Context, t tenant.ID, changes []Change, j Journal) ([]Outcome, error)
	// Settle returns when none of the jobs can have any further effect; jobs unknown to the target count as over.
	Settle(ctx context.Context, t tenant.ID, jobs []string) error
	// Check tries the connection step by step and reads nothing personal.
	Check(ctx context.Context, t tenant.ID) []check.Step
	// Budget says how much of the account's allowance is left, for status pages.
	Budget(ctx context.Context, t tenant.ID) Budget
	// CallLife is the longest time for which a call whose answer was lost may still take effect.
	CallLife() time.Duration
}

// Budget is the state of an account's allowance.
type Budget struct {
	PerMinute int           `json:"per_minute"` // the account's limit; 0 while unknown
	Share     float64       `json:"share"`      // the part of it that is ours
	Remaining int           `json:"remaining"`  // as last reported
	Reset     time.Duration `json:"reset"`      // until the window ends
	Waiting   time.Duration `json:"waiting"`    // until the next call may leave; 0 when it may leave now
	Jobs      int           `json:"jobs"`       // ours in flight
	JobLimit  int           `json:"job_limit"`
}
