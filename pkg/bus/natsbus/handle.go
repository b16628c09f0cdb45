package natsbus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	fetchWait  = 5 * time.Second // of one request for a first message
	fetchPause = time.Second     // after a failed one
)

// Handle calls h until ctx ends, through a Watermill router, one call at a time: in stream order as long as nothing
// fails. Several Handle calls on one consumer share its messages. How messages are joined into one call is told in
// docs/adr/0002-batched-handlers.md.
func (b *Bus) Handle(ctx context.Context, t tenant.ID, c bus.Consumer, batch bus.Batch, h bus.Handler) error {
	if !b.enter() {
		return fault.New(fault.Transient, fault.BrokerDown, "the bus is closed")
	}
	defer b.runs.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(b.alive, cancel)
	defer stop()
	l, err := b.lane(ctx, t, c)
	if err == nil {
		err = l.route(ctx, batch, h)
		_ = b.nc.FlushTimeout(b.opts.Timeout) // what was settled is settled before Handle returns
	}
	switch {
	case b.alive.Err() != nil:
		return fault.New(fault.Transient, fault.BrokerDown, "the bus was closed")
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return nil // it ended while the consumer was looked up
	}
	return err
}

// outlive is ctx that ends grace after it: running handlers may finish.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = pause(out, grace)
		cancel()
	})
	return out, func() { stop(); cancel() }
}

// results calls h. When it panics over a batch, each message is given to it alone, so that only the one at fault is
// punished; handlers are written for repeats.
func (l *lane) results(ctx context.Context, list []bus.Message, h bus.Handler) []error {
	errs, err := l.protect(ctx, list, h)
	if err == nil {
		return errs
	}
	errs = make([]error, len(list))
	for i := range list {
		errs[i] = err
		if len(list) == 1 {
			break
		}
		one, err := l.protect(ctx, list[i:i+1], h)
		if errs[i] = err; err == nil {
			errs[i] = one[0]
		}
	}
	return errs
}

func (l *lane) protect(ctx context.Context, list []bus.Message, h bus.Handler) (errs []error, err error) {
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("handler panic", "messages", len(list), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, fault.Poison, "the handler panicked")
		}
	}()
	errs = h(ctx, list)
	if len(errs) != len(list) {
		return nil, fault.New(fault.Internal, fault.Unclassified, fmt.Sprintf("the handler answered %d results for %d messages", len(errs), len(list)))
	}
	return errs, nil
}
