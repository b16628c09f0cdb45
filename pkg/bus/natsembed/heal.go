package natsembed

import (
	"context"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/disk"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

const (
	// sick is after how many bad looks in a row the server is restarted. A store that met a full disk stays broken until
	// then, also when space is free again; nothing that was acknowledged is lost by it (failures.md fact 3, I05).
	sick = 3
	// roomToStart is the free space, in bytes, without which a restart would meet the full disk again.
	roomToStart = 2 << 20
)

func (s *Server) heal(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(s.opts.Watch)
	defer tick.Stop()
	for bad := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.Healthy(ctx)
		if err == nil || ctx.Err() != nil {
			bad = 0
			continue
		}
		if bad++; bad == sick {
			s.log.Error("embedded broker cannot store", "fault", fault.CodeOf(err), "err", err)
		}
		if bad >= sick && !s.cramped() && s.restart(ctx) {
			bad = 0
		}
	}
}

// cramped tells whether a restart has to wait for room.
func (s *Server) cramped() bool {
	space, err := disk.Of(s.opts.Dir)
	return err == nil && space.Free < roomToStart
}

// unhealthy is what a bad health means: without room it is the disk's fault, and told so.
func (s *Server) unhealthy(status, text string) error {
	if s.cramped() {
		return fault.New(fault.Transient, fault.DiskFull, fmt.Sprintf("embedded broker %s, no room in %s: %s", status, s.opts.Dir, text))
	}
	return fault.New(fault.Transient, fault.BrokerDown, fmt.Sprintf("embedded broker %s: %s", status, text))
}

// restart replaces the inside. When the new one does not start, the next look tries again.
func (s *Server) restart(ctx context.Context) bool {
	s.log.Warn("restarting the embedded broker")
	old := s.current()
	old.Shutdown()
	old.WaitForShutdown()
	inner, err := launch(ctx, s.opts)
	if err != nil {
		s.log.Error("restart of the embedded broker", "err", err)
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // Shutdown waits for heal to end and then stops the one it saw
		inner.Shutdown()
		inner.WaitForShutdown()
		return true
	}
	s.inner = inner
	s.log.Info("embedded broker restarted", "fault", fault.Recovered)
	return true
}
