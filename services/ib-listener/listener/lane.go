package listener

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// lane stores the events of requests that run at the same time together: while one batch is on its way to the disk,
// the next one gathers, so that eight senders cost one sync and not eight. Order is the order of put.
type lane struct {
	publish func(ctx context.Context, events ...event.Event) error
	wait    time.Duration // longest time of one batch
	most    int           // events of a batch

	mu      sync.Mutex
	waiting []*parcel
	busy    bool
}

// parcel is what one put stores: whole or not at all, unless it is larger than a batch of the broker.
type parcel struct {
	events []event.Event
	done   chan error
}

// put stores the events and answers nil when they are on disk. It gives up waiting at the end of ctx; the events may
// then be stored all the same.
func (l *lane) put(ctx context.Context, events []event.Event) error {
	if len(events) == 0 {
		return nil
	}
	p := &parcel{events, make(chan error, 1)}
	l.mu.Lock()
	l.waiting = append(l.waiting, p)
	if !l.busy {
		l.busy = true
		go l.run()
	}
	l.mu.Unlock()
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *lane) run() {
	for {
		batch := l.next()
		if batch == nil {
			return
		}
		l.store(batch)
	}
}

// next takes as many parcels as fit into a batch; nil ends the lane's goroutine.
func (l *lane) next() []*parcel {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, size := 0, 0
	for n < len(l.waiting) && (n == 0 || size+len(l.waiting[n].events) <= l.most) {
		size += len(l.waiting[n].events)
		n++
	}
	batch := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	if n == 0 {
		l.busy, l.waiting = false, nil
		return nil
	}
	return batch
}

// store publishes the batch. When the broker refuses its content for good, each parcel is tried alone, so that nobody
// suffers from what another one sent.
func (l *lane) store(batch []*parcel) {
	var events []event.Event
	for _, p := range batch {
		events = append(events, p.events...)
	}
	err := l.guarded(events)
	if err != nil && len(batch) > 1 && fault.KindOf(err) == fault.Invalid {
		for _, p := range batch {
			p.done <- l.guarded(p.events)
		}
		return
	}
	for _, p := range batch {
		p.done <- err
	}
}

func (l *lane) guarded(events []event.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Transient, fault.Unclassified, fmt.Sprintf("publishing panicked: %v", p))
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), l.wait)
	defer cancel()
	return l.publish(ctx, events...)
}
