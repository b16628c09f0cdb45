package listener

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Waiting waits until n deliveries of the tenant wait for the batch before them.
func Waiting(t *testing.T, h *Handler, of tenant.ID, n int) {
	t.Helper()
	tick, end := time.NewTicker(time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for {
		l := h.desk(of).facts
		l.mu.Lock()
		got := len(l.waiting)
		l.mu.Unlock()
		if got == n {
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%d wait, want %d", got, n)
		}
	}
}
