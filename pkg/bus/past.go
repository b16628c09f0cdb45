package bus

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Range selects stored messages of a stream: facts of ERP, wanted states of DIRECTORY, entries of AUDIT, dead letters.
type Range struct {
	From uint64     // first sequence; 0 means the oldest
	To   uint64     // last sequence; 0 means the newest
	Ref  record.Ref // Kind and Key, or Key alone for that key of any kind; zero means every record
}

// Excerpt is a part of a range, in stream order.
type Excerpt struct {
	Messages   []Message
	Unreadable []uint64 // sequences of messages that are not ours or were damaged; they are not among Messages
	Next       uint64   // From of the next part; 0 at the end of the range
}

// Past reads what is stored once more, and sends facts through the transformer again. Reading moves no consumer.
type Past interface {
	// Read returns the next part of a range, at most limit messages (1 to 1000).
	Read(ctx context.Context, t tenant.ID, s Stream, r Range, limit int) (Excerpt, error)
	// FirstAt is the sequence of the first message stored at or after at; ErrNone when all are older.
	FirstAt(ctx context.Context, t tenant.ID, s Stream, at time.Time) (uint64, error)
	// Newest tells the sequence of each record's newest message on ERP or DIRECTORY; records without one are missing.
	Newest(ctx context.Context, t tenant.ID, s Stream, refs []record.Ref) (map[record.Ref]uint64, error)
	// Replay appends facts to REPLAY. Their ids must be made by event.Again: they say which replay they belong to and
	// behind which message of ERP they stand.
	Replay(ctx context.Context, t tenant.ID, events ...event.Event) error
}
