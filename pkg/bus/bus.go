// Package bus is the contract of the event streams (design.md 4): per-tenant streams, durable publishing, batches
// that are stored whole or not at all, a table of wanted states that only moves forward, consumers that acknowledge
// last. Every method takes the tenant right after the context; a publish that returned nil is on disk.
package bus

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Stream names a stream of a tenant, without the tenant.
type Stream string

// The streams.
const (
	ERP       Stream = "ERP"
	Directory Stream = "DIRECTORY"
	Desk      Stream = "DESK"
	Audit     Stream = "AUDIT"
	Dead      Stream = "DEAD"
	Replay    Stream = "REPLAY"
)

// Streams lists every stream.
func Streams() []Stream { return []Stream{ERP, Directory, Desk, Audit, Dead, Replay} }

// Consumer names a durable consumer of a tenant.
type Consumer string

// The durable consumers, in brackets stream and filter.
const (
	Transformer Consumer = "transformer" // [ERP erp.<tenant>.>]
	Due         Consumer = "due"         // [DIRECTORY due.<tenant>.>] fired wakes, to the transformer
	Ticks       Consumer = "poller"      // [DIRECTORY tick.<tenant>.>] poll triggers
	Writer      Consumer = "writer"      // [DIRECTORY directory.<tenant>.>] pinned: one active puller
	UrgentLane  Consumer = "urgent"      // [DIRECTORY urgent.<tenant>.>] pinned like writer
	Recorder    Consumer = "recorder"    // [AUDIT audit.<tenant>.>]
	Replayer    Consumer = "replayer"    // [REPLAY replay.<tenant>.>] facts once more, to the transformer
)

// Consumers lists every durable consumer.
func Consumers() []Consumer {
	return []Consumer{Transformer, Due, Ticks, Writer, UrgentLane, Recorder, Replayer}
}

// ErrConflict says that the cursor moved since it was read: another poller was faster. Nothing was stored.
var ErrConflict = errors.New("bus: cursor moved")

// ErrNone says that there is no such message.
var ErrNone = errors.New("bus: no message")

// Bus is everything; services ask for the part they need.
type Bus interface {
	Topology
	Pages
	Table
	Publisher
	Consuming
	Schedules
	Past
	// Healthy fails when the broker cannot store messages now (connection, JetStream, plain health; failures.md fact 3).
	Healthy(ctx context.Context) error
	// Close drains and closes; nothing that was acknowledged is lost.
	Close() error
}

// Topology makes and verifies streams and consumers.
type Topology interface {
	// Ensure creates what is missing and verifies the rest, idempotently. It fails with BROKER_DRIFT on a difference
	// that it may not repair, with BROKER_NOT_SYNCED on a server that acknowledges before it syncs (unless allowed).
	// known are streams that existed before, by full name (ERP_<tenant>), with their creation time: one that is missing
	// or was created anew is data loss and an error. created holds the creation times of all of the tenant's streams.
	Ensure(ctx context.Context, t tenant.ID, known map[string]time.Time) (created map[string]time.Time, err error)
	// State describes the tenant's streams and consumers for status pages.
	State(ctx context.Context, t tenant.ID) (State, error)
}

// State is what the broker says about a tenant's streams.
type State struct {
	Streams   map[Stream]StreamState
	Consumers map[Consumer]ConsumerState
}

// StreamState is the size of a stream.
type StreamState struct {
	Messages, Bytes, First, Last uint64
}

// ConsumerState is the backlog of a consumer.
type ConsumerState struct {
	Pending     uint64 // stored and not yet delivered
	InFlight    int    // delivered and not yet settled
	Redelivered int
	OldestAge   time.Duration // age of the first message that is not settled; 0 when all are
}

// Page is a page of events with the cursor that stands behind it.
type Page struct {
	Events []event.Event // of type facts.v1
	Cursor event.Event   // of type cursor.v1
	Prev   uint64        // sequence of the cursor that was read; 0 when there was none
}

// Pages appends what the poller read.
type Pages interface {
	// Cursor returns the newest cursor event of the kind and its sequence; ErrNone before the first page.
	Cursor(ctx context.Context, t tenant.ID, kind record.Kind) (event.Event, uint64, error)
	// AppendPage stores events and cursor as one atomic batch, or nothing, and returns the cursor's sequence.
	// ErrConflict when the cursor is not at Prev any more. A page of more events than a batch may hold is refused
	// with code TOO_LARGE: the caller splits it, each part with its own cursor.
	AppendPage(ctx context.Context, t tenant.ID, kind record.Kind, p Page) (uint64, error)
}

// MaxPage is how many events a page may hold, its cursor not counted (broker.md 2.1: 1000 messages a batch).
const MaxPage = 999

// Put is how one write to the table ended.
type Put struct {
	Stored bool // false: the table holds this version or a newer one already
	Err    error
}

// Table is the latest wanted state per record, a max-register by version.
type Table interface {
	// PutWanted stores each event whose version is above what the table holds for its record. Any number of callers,
	// any order, any duplicates: the highest version stays.
	PutWanted(ctx context.Context, t tenant.ID, events []event.Event) ([]Put, error)
	// Wanted returns the table's state of a record; ErrNone when there is none.
	Wanted(ctx context.Context, t tenant.ID, ref record.Ref) (event.Event, error)
	// Touch stores each record's present state again with Force set, so that the writer looks at the target again.
	// Records without a state are skipped.
	Touch(ctx context.Context, t tenant.ID, cause string, refs []record.Ref) error
	// Urge announces records that go first. The wanted state must be in the table already.
	Urge(ctx context.Context, t tenant.ID, refs []record.Ref) error
}

// Publisher appends events to DESK, AUDIT or DEAD (facts go through AppendPage or PublishFacts). Ids make repeats
// within the duplicate window harmless.
type Publisher interface {
	Publish(ctx context.Context, t tenant.ID, s Stream, events ...event.Event) error
	// PublishFacts appends facts outside a page (Integration Broker, single-record reads). While many others wait for
	// the transformer, a few are announced to the Due consumer with their place, so that they need not wait for their
	// turn; that a crash may lose the announcement costs only time.
	PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error
}

// Message is an event on its way to a handler.
type Message struct {
	Event   event.Event
	Ref     record.Ref // from the subject
	Stream  Stream
	Seq     uint64
	Attempt int    // 1 for the first delivery
	Pending uint64 // how many waited behind it when it was delivered; 0 where that is not known
	Stored  time.Time
}

// Handler handles messages and answers one error for each, in order; nil is success. The error's kind decides what
// becomes of the message: nil acknowledged; Invalid: dead letter, then terminated; RateLimited: again after
// fault.AfterOf; everything else again with growing delay; Internal at most MaxAttempts times, then dead letter.
type Handler func(ctx context.Context, ms []Message) []error

// MaxAttempts is how often a message that fails with an internal error is tried before it becomes a dead letter
// (failures.md M04).
const MaxAttempts = 8

// Batch limits how many messages a Handler gets at once.
type Batch struct {
	Max    int           // 0 means 1
	Linger time.Duration // how long to wait for more after the first; 0 means not at all
}

// Consuming delivers messages.
type Consuming interface {
	// Handle calls h until ctx ends, then lets running calls finish and settles their messages. It returns nil after
	// ctx ended and an error when it cannot go on. A message that cannot be decoded never reaches h: it becomes a dead
	// letter with code BAD_ENVELOPE.
	Handle(ctx context.Context, t tenant.ID, c Consumer, b Batch, h Handler) error
	// Puller gives batches to a caller that settles each message itself (the writer).
	Puller(ctx context.Context, t tenant.ID, c Consumer) (Puller, error)
}

// Puller fetches deliveries. For the pinned consumers only one Puller of all processes gets messages at a time; the
// pin is not a fence.
type Puller interface {
	// Fetch returns up to limit deliveries, waiting at most wait for the first; none is not an error.
	Fetch(ctx context.Context, limit int, wait time.Duration) ([]Delivery, error)
	// Lease is how long after the start of a Fetch its deliveries are surely not given to another puller, provided
	// that Working is called meanwhile.
	Lease() time.Duration
	Close() error
}

// Claimer is a Puller that can take the pin of its consumer from whoever has it: for the one that is to pull when the
// former one died, or steps back. Two that claim at the same time only cost each other a fetch.
type Claimer interface {
	Puller
	Claim(ctx context.Context, t tenant.ID) error
}

// Delivery is a message that must be settled exactly once. Errors of settling are harmless: it comes again.
type Delivery interface {
	Message() Message
	Ack(ctx context.Context) error
	Retry(ctx context.Context, after time.Duration) error
	// Bury publishes the dead letter, waits until it is stored, and terminates the message.
	Bury(ctx context.Context, d event.Dead) error
	// Working tells the broker that the message is still being worked on.
	Working() error
}

// Tick is a poll trigger's place: one per kind and mode (and key); a newer one replaces an older one.
type Tick struct {
	Kind record.Kind
	Mode event.Mode
	Key  string
}

// Schedules arms message schedules.
type Schedules interface {
	// Wake arms or moves the record's wake-up; it fires on the Due consumer, never before at.
	Wake(ctx context.Context, t tenant.ID, w event.Wake, at time.Time) error
	// Unwake cancels it.
	Unwake(ctx context.Context, t tenant.ID, ref record.Ref) error
	// Every arms a repeating tick; spec is a Go duration (at least 1s) or a cron line of five fields in zone; "" disarms.
	Every(ctx context.Context, t tenant.ID, k Tick, spec string, zone *time.Location) error
	// Poke publishes a tick now. cycle is the id the cycle shall take, cause who asked.
	Poke(ctx context.Context, t tenant.ID, k Tick, cycle, cause string) error
}
