package assembly

import (
	"context"
	"sync"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// turns lets one at a time do something for a tenant; other tenants do not wait. The zero value is ready.
type turns struct {
	mu   sync.Mutex
	open map[tenant.ID]chan struct{}
}

// begin waits for the tenant's turn; end gives it on.
func (t *turns) begin(ctx context.Context, id tenant.ID) (end func(), err error) {
	t.mu.Lock()
	if t.open == nil {
		t.open = map[tenant.ID]chan struct{}{}
	}
	turn := t.open[id]
	if turn == nil {
		turn = make(chan struct{}, 1)
		t.open[id] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
