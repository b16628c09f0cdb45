// Package app is what every program of ours does around its work: run components together, stop on signals in
// bounded time, say whether it lives and is ready, log, and turn errors into exit codes.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Component is a part that runs until ctx ends. A nil return before that counts as a failure: nothing stops silently.
type Component struct {
	Name string
	Run  func(ctx context.Context) error
}

var errStopped = errors.New("stopped by itself")

// Run runs the components until ctx ends or one of them fails, which stops the others. It waits at most grace for
// them to end and returns nil after ctx ended, else the first failure with its component's name.
func Run(ctx context.Context, log *slog.Logger, grace time.Duration, components ...Component) error {
	inner, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	var mu sync.Mutex
	left := map[string]bool{}
	for _, c := range components {
		left[c.Name] = true
		running.Go(func() {
			err := c.Run(inner)
			mu.Lock()
			delete(left, c.Name)
			mu.Unlock()
			if inner.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
				return
			}
			if err == nil {
				err = errStopped
			}
			log.Error("component failed", "component", c.Name, "err", err)
			stop(fmt.Errorf("%s: %w", c.Name, err))
		})
	}
	<-inner.Done()
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(grace):
		mu.Lock()
		log.Error("components did not stop in time", "left", fmt.Sprint(left), "grace", grace)
		mu.Unlock()
	}
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(inner)
}
