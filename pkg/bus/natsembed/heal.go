package natsembed

import (
	"context"
	"time"
)

// sick is after how many bad looks in a row the server is restarted. A store that met a full disk stays broken until
// then, also when space is free again; nothing that was acknowledged is lost by it (failures.md fact 3, I05).
const sick = 3

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
		if bad++; bad >= sick {
			s.log.Error("embedded broker cannot store: restarting it", "err", err)
			s.restart(ctx)
			bad = 0
		}
	}
}

// restart replaces the inside. When the new one does not start, the next look tries again.
func (s *Server) restart(ctx context.Context) {
	old := s.current()
	old.Shutdown()
	old.WaitForShutdown()
	inner, err := launch(ctx, s.opts)
	if err != nil {
		s.log.Error("restart of the embedded broker", "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // Shutdown waits for heal to end and then stops the one it saw
		inner.Shutdown()
		inner.WaitForShutdown()
		return
	}
	s.inner = inner
	s.log.Info("embedded broker restarted")
}
