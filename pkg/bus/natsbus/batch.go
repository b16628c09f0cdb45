package natsbus

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const (
	chunkCount = 500     // messages of one batch where we choose; 1000 is the server's limit
	chunkBytes = 4 << 20 // of their payloads
	busyFirst  = 50 * time.Millisecond
	busyLast   = 2 * time.Second
	busyTotal  = 12 * time.Second // an abandoned batch blocks a place for 10 s (broker.md 2.1)
)

// atomic stores all messages or none and returns the last one's sequence. A broker with too many open batches is
// asked again with backoff; other errors are the client's own, for the caller to look at.
func (b *Bus) atomic(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	until := time.Now().Add(busyTotal)
	for wait := busyFirst; ; wait = min(2*wait, busyLast) {
		call, cancel := b.call(ctx)
		ack, err := jetstreamext.PublishMsgBatch(call, b.js, msgs)
		cancel()
		if err == nil {
			return ack.Sequence, nil
		}
		if c := codeOf(err); c != codeBatchBusy && c != codeBatchLost || time.Now().Add(wait).After(until) {
			return 0, err //nolint:wrapcheck // callers look at the broker's code and classify
		}
		if pause(ctx, wait) != nil {
			return 0, err //nolint:wrapcheck // as above
		}
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// chunks cuts n items of the given sizes into ranges that make good batches.
func chunks(n int, size func(i int) int) [][2]int {
	var out [][2]int
	for from := 0; from < n; {
		to, bytes := from, 0
		for to < n && to-from < chunkCount && (to == from || bytes+size(to) <= chunkBytes) {
			bytes += size(to)
			to++
		}
		out = append(out, [2]int{from, to})
		from = to
	}
	return out
}
