package writer

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// A bulk job costs its calls whether it is full or not. So a batch that is fetched from a flood is filled first, and the
// rest that would make a job of its own goes back when the next batch can take it along (performance.md 3c 2 and 3).
const (
	perJob = 100                    // records of one bulk job (zendesk.md 3.1)
	flood  = 20                     // deliveries of one fetch: fewer are changes as they happen, and never wait
	ebb    = 200 * time.Millisecond // a flood that brings nothing for so long is over
	filled = time.Second            // the longest wait for a full batch
	soon   = 100 * time.Millisecond // what goes back comes again after the batch let its record go
)

// fill fetches up to limit deliveries; while they come in numbers it waits for that many. Nothing urgent waits.
func (l *lane) fill(ctx context.Context, p bus.Puller, limit int) ([]bus.Delivery, error) {
	began := time.Now()
	got, err := p.Fetch(ctx, limit, l.w.opt.Linger)
	if err != nil || l.c == bus.UrgentLane {
		return got, err //nolint:wrapcheck // the caller tells which lane
	}
	end := time.Now().Add(min(filled, l.w.opt.Linger, p.Lease()/8))
	for len(got) >= flood && len(got) < limit && ctx.Err() == nil && time.Since(began) < p.Lease()/3 {
		left := time.Until(end)
		if left <= 0 {
			break
		}
		more, err := p.Fetch(ctx, limit-len(got), min(left, ebb))
		got = append(got, more...)
		if err != nil || len(more) == 0 { // what was fetched is worked on; the next fetch tells the trouble
			break
		}
	}
	return got, nil
}

// more tells that another full batch waits behind these deliveries.
func (l *lane) more(got []bus.Delivery) bool {
	return l.c != bus.UrgentLane && len(got) >= l.w.opt.Batch && got[len(got)-1].Message().Pending >= uint64(l.w.opt.Batch)
}

// even answers those of the places that are to be applied now: new users beyond full jobs wait for the next batch, once
// each, so that an account's jobs are full while there is a backlog.
func (b *batch) even(results []result, at []int) []int {
	var creates []int
	for _, i := range at {
		if c := results[i].outcome.Change; c.Verb == target.Create && c.Wanted.User != nil {
			creates = append(creates, i)
		}
	}
	rest := len(creates) % perJob
	if !b.more || len(creates) < perJob || rest > perJob*3/4 {
		return at
	}
	for _, i := range creates[len(creates)-rest:] {
		results[i].later = results[i].msg.Attempt <= 1
	}
	now := at[:0]
	for _, i := range at {
		if !results[i].later {
			now = append(now, i)
		}
	}
	return now
}
