package store

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Writer is one writer's presence at a tenant's account.
type Writer struct {
	Epoch string
	// Left is how long its life still lasts, on the backend's clock; negative since when it is over.
	Left time.Duration
}

// WriterStop is the connection whose finding with code SAFETY_STOP keeps a tenant's writers from writing: it outlives
// every process, and goes only when a person lets them go on.
func WriterStop() record.Ref { return record.Ref{Kind: "connection", Key: "zendesk.stop"} }

// Writers tell which writers of a tenant live. A life that ended never goes on: the writer comes back under another
// epoch. Whoever makes no call after the end of its own life, counted from before the call that renewed it, may be
// taken over from that end on.
type Writers interface {
	// Beat begins (first) or renews the life of an epoch. lives is false when it was over already, or when first names an
	// epoch that was there before: that epoch must not write any more. The life lasts from now on, whatever end it had
	// before, and no other writer's lasts longer than Bound of it: all writers of a tenant have about the same life.
	Beat(ctx context.Context, t tenant.ID, epoch string, first bool, life time.Duration) (lives bool, err error)
	// Leave ends a life now; its calls are over.
	Leave(ctx context.Context, t tenant.ID, epoch string) error
	// Writers lists the tenant's writers by epoch. One that is dead for a day and has no unfinished batch is forgotten.
	Writers(ctx context.Context, t tenant.ID) ([]Writer, error)
}
