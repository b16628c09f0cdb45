package natsbus

import (
	"context"
	"sync"

	"github.com/ml-connector/ml-connector/pkg/bus"
)

// joint makes one handler call out of the messages of a group. Watermill runs a handler per message; each of them
// waits here for its own result, and the last one to arrive makes the call for all (broker.md 1.6).
type joint struct {
	ctx  context.Context //nolint:containedctx // of the group, which the joint is a part of
	run  func(ctx context.Context, ms []bus.Message) []error
	done chan struct{}

	mu      sync.Mutex
	list    []bus.Message
	arrived int
	errs    []error
}

// wait returns the result of the message at a place of the group, once all of the group arrived and were handled.
func (j *joint) wait(at int) error {
	j.mu.Lock()
	j.arrived++
	last := j.arrived == len(j.list)
	j.mu.Unlock()
	if last {
		j.call()
	}
	<-j.done
	return j.errs[at]
}

// shrink says that only the first n of the group come.
func (j *joint) shrink(n int) {
	j.mu.Lock()
	full := n > 0 && n < len(j.list) && j.arrived == n
	j.list = j.list[:n]
	j.mu.Unlock()
	if full {
		j.call()
	}
}

func (j *joint) call() {
	j.errs = j.run(j.ctx, j.list)
	close(j.done)
}
