package store

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Lease is the right of one process to do something for a tenant for a while.
type Lease struct {
	Name   string // what may be done
	Holder string // who may do it
	// Fence grows whenever the lease passes to another holder: whoever sees a larger one than his own has lost it.
	Fence int64
	Until time.Time // on the backend's clock
}

// Bound is how long from now on somebody else's lease or life may last for one who asks for as long as lasts. What is
// longer was left by a clock that was put back, and is cut to lasts: the holder keeps a full time, and nobody waits for
// hours for one that is dead (failures.md I11).
func Bound(lasts time.Duration) time.Duration { return max(10*lasts, time.Minute) }

// Leases let one process among many do something at a time. The backend's clock decides, so that the clocks of the
// processes do not matter. A lease bounds who begins; what its holder still does after its end must be harmless by
// other means: a compare-and-set, or the fence.
type Leases interface {
	// TakeLease gives the lease to the holder when nobody has it, its time is over, or the holder has it already; its
	// time then begins anew. taken is false when somebody else has it; the answer is then the lease of the other, cut
	// when it lasts longer than Bound: who takes a lease of one name takes it for about the same time.
	TakeLease(ctx context.Context, t tenant.ID, name, holder string, lasts time.Duration) (l Lease, taken bool, err error)
	// EndLease gives the lease back before its time. A lease that passed to somebody else stays as it is.
	EndLease(ctx context.Context, t tenant.ID, l Lease) error
}
