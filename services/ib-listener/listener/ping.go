package listener

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// fresh is how long an answer about the broker's health may be used again: pings need no credential, and must not
// become questions to the broker one by one.
const fresh = 250 * time.Millisecond

// health remembers for a moment whether messages can be stored.
type health struct {
	ask func(context.Context) error
	now func() time.Time

	mu  sync.Mutex
	at  time.Time
	err error
}

func (h *health) check(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.at.IsZero() && h.now().Sub(h.at) < fresh {
		return h.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	h.err = h.ask(ctx)
	h.at = h.now()
	return h.err
}

// ping answers a node ping: 200 when messages can be stored, else 503, which keeps them in PeopleSoft's queues
// (peoplesoft.md 1.4). It gives nothing else away, and needs no credential.
func (h *Handler) ping(ctx context.Context) answer {
	if h.draining.Load() || !h.doors.known() {
		return again("", "not ready")
	}
	if err := h.health.check(ctx); err != nil {
		return again(fault.CodeOf(err), "messages cannot be stored now")
	}
	return answer{status: http.StatusOK}
}

// pinged tells whether the headers alone say that it is a node ping.
func pinged(h http.Header) bool {
	for name, values := range h {
		for _, v := range values {
			v = strings.Trim(v, ` "`)
			if strings.EqualFold(name, "TransactionID") && strings.EqualFold(v, "PING_NODE") || strings.EqualFold(name, "OperationType") && strings.EqualFold(v, "ping") {
				return true
			}
		}
	}
	return false
}
