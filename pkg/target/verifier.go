package target

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Doubt is a write that was reported as done and does not show any more.
type Doubt struct {
	Ref record.Ref
	Err error // what does not show, as the finding to keep until the record is right
}

// Verifier is an optional ability of a target, asked for by type assertion: it looks again, a while later, at some of
// what it reported as done, and at every suspension (failures.md Z22). The list is in memory: the
// suspensions that a process had not looked at when it ended are found in the audit trail by the writer that comes next;
// the sample begins anew. Verify answers what is due now and costs no call when nothing
// is; a look that fails is repeated by the next Verify. The caller has the doubtful records written again.
type Verifier interface {
	Verify(ctx context.Context, t tenant.ID) ([]Doubt, error)
}
