package transform

import (
	"context"
	"log/slog"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Ledger is what the service needs of the store, with the promises of store.Ledger and store.Trail.
type Ledger interface {
	Rows(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.LedgerRow, error)
	SaveLedger(ctx context.Context, t tenant.ID, saves []store.LedgerSave) ([]bool, error)
	MarkPublished(ctx context.Context, t tenant.ID, upTo map[record.Ref]uint64) error
	Unpublished(ctx context.Context, t tenant.ID, limit int) ([]store.LedgerRow, error)
	DueRows(ctx context.Context, t tenant.ID, day string, after record.Ref, limit int) ([]store.LedgerRow, error)
	WalkLedger(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]store.LedgerRow, error)
	Append(ctx context.Context, t tenant.ID, entries []audit.Entry) error
	Relations
	Findings
}

// Relations find records by what they have in common, with the promises of store.Ledger.
type Relations interface {
	Pointing(ctx context.Context, t tenant.ID, points []string, after record.Ref, limit int) ([]record.Ref, error)
	Sharing(ctx context.Context, t tenant.ID, emails []string, limit int) (map[string][]record.Ref, error)
}

// Findings are written beside a row, with the promises of store.Findings.
type Findings interface {
	Findings(ctx context.Context, t tenant.ID, q store.FindingQuery) ([]store.Finding, error)
	Observe(ctx context.Context, t tenant.ID, stage audit.Stage, of []store.Observation) error
}

// Guard is what the service needs of the store to keep mass changes back, with the promises of store.Holds,
// store.Links and store.Cycles.
type Guard interface {
	GuardItems(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]store.GuardItem, error)
	GuardList(ctx context.Context, t tenant.ID, state store.ItemState, limit int) ([]store.GuardItem, error)
	Judge(ctx context.Context, t tenant.ID, since time.Time, judge func(store.Book) store.Judgement) error
	Loads(ctx context.Context, t tenant.ID) (map[record.Kind]store.Load, error)
	BeginLoad(ctx context.Context, t tenant.ID, kind record.Kind, l store.Load) error
	EndLoad(ctx context.Context, t tenant.ID, kind record.Kind, at time.Time) error
	Links(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.Link, error)
	Holding(ctx context.Context, t tenant.ID, emails []string) ([]store.Link, error)
	Holds(ctx context.Context, t tenant.ID, limit int) ([]store.Hold, error)
	CountLinks(ctx context.Context, t tenant.ID) (map[record.Kind]map[string]int, error)
	Cycle(ctx context.Context, t tenant.ID, id string) (store.Cycle, error)
	Cycles(ctx context.Context, t tenant.ID, kind record.Kind, limit int) ([]store.Cycle, error)
}

// Flow tells how far the consumers are, with the promises of bus.Topology.
type Flow interface {
	State(ctx context.Context, t tenant.ID) (bus.State, error)
}

// Table is what the service needs of the table of wanted states, with the promises of bus.Table.
type Table interface {
	PutWanted(ctx context.Context, t tenant.ID, events []event.Event) ([]bus.Put, error)
	Urge(ctx context.Context, t tenant.ID, refs []record.Ref) error
}

// Wakes arms and cancels wake-ups, with the promises of bus.Schedules.
type Wakes interface {
	Wake(ctx context.Context, t tenant.ID, w event.Wake, at time.Time) error
	Unwake(ctx context.Context, t tenant.ID, ref record.Ref) error
}

// Inbox delivers messages, with the promises of bus.Consuming.
type Inbox interface {
	Handle(ctx context.Context, t tenant.ID, c bus.Consumer, b bus.Batch, h bus.Handler) error
}

// Counter names a number that the service counts up.
type Counter string

// The counters.
const (
	CountFacts      Counter = "facts"      // facts that arrived
	CountSaved      Counter = "saved"      // ledger rows saved
	CountUnchanged  Counter = "unchanged"  // records touched without a change
	CountConflicts  Counter = "conflicts"  // saves that found another revision
	CountLate       Counter = "late"       // facts older than what was known
	CountPublished  Counter = "published"  // wanted states in the table
	CountUrgent     Counter = "urgent"     // suspensions and restores announced
	CountWakes      Counter = "wakes"      // wake-ups armed
	CountRefused    Counter = "refused"    // messages that contradict themselves
	CountRefreshed  Counter = "refreshed"  // records resolved again after a text of reference data changed
	CountReresolved Counter = "reresolved" // records resolved again after a change of settings
)

// Metrics counts. Add is called often and from several goroutines.
type Metrics interface {
	Add(t tenant.ID, c Counter, n int)
}

// Deps are the parts that the service works with. Metrics may be nil. Without a Guard nothing is kept back; a Guard
// needs a Flow. Without a Past no replays are handled; a Past needs a Lift.
type Deps struct {
	Past     Past
	Lift     Lift
	Guard    Guard
	Flow     Flow
	Ledger   Ledger
	Table    Table
	Wakes    Wakes
	Inbox    Inbox
	Policies func(ctx context.Context, t tenant.ID) (Policy, error) // the policy in force now; called once for each batch
	Now      func() time.Time
	Log      *slog.Logger
	Metrics  Metrics
}

// Options tune the service; zero values take the defaults in brackets.
type Options struct {
	Batch   int           // messages merged, saved and published together [500: as many as a writer takes, so that its jobs are full]
	Linger  time.Duration // how long to wait for a batch to fill [5 ms]
	Retries int           // how often a save is repeated after somebody else was faster [8]
	Sweep   time.Duration // how often due and unpublished rows are looked for beside the wake-ups [1 m]
	Judge   time.Duration // how often staged changes are judged [1 s]
	Quiet   time.Duration // a set without a cycle is whole when nothing came to it for so long [2 s]
}

func (o Options) withDefaults() Options {
	if o.Batch <= 0 {
		o.Batch = 500
	}
	if o.Linger <= 0 {
		o.Linger = 5 * time.Millisecond
	}
	if o.Retries <= 0 {
		o.Retries = 8
	}
	if o.Judge <= 0 {
		o.Judge = time.Second
	}
	if o.Quiet <= 0 {
		o.Quiet = 2 * time.Second
	}
	if o.Sweep <= 0 {
		o.Sweep = time.Minute
	}
	return o
}
