// Package store is the contract of the state behind the streams: small interfaces split by noun, two backends
// (sqlitestore, pgstore) behind one suite (storetest). Every method on a tenant's data takes the tenant right after
// the context; the suite proves that two tenants never see each other. Times are UTC, cut to microseconds. Documents
// are bytes that come back exactly as stored.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Sentinels for the questions that callers ask. Every other error is a *fault.Error with code STORE_DOWN or the like.
var (
	ErrNotFound = errors.New("store: not found")
	ErrBusy     = errors.New("store: a record of the batch is in another unfinished batch")
	ErrConflict = errors.New("store: revision moved")
)

// Store is everything; services ask for the part they need.
type Store interface {
	Tenants
	Credentials
	Leases
	Cycles
	Ledger
	Links
	Journal
	Writers
	Holds
	Findings
	Trail
	Streams
	Recovery
	KeyHolders
	// Ping fails when the backend does not answer.
	Ping(ctx context.Context) error
	// Close releases the backend; calls in flight may fail.
	Close() error
}

// Tenant is a tenant with its settings document (package config decides what is in it; no secret values).
type Tenant struct {
	ID      tenant.ID
	Version int64 // raised by every change of the document
	Doc     []byte
	At      time.Time // of the last change
}

// Tenants keeps the settings.
type Tenants interface {
	// PutTenant stores doc and the audit entries in one transaction and returns the version: raised by one when doc
	// differs from what is stored, else as it was (and then no entry is stored).
	PutTenant(ctx context.Context, t tenant.ID, doc []byte, entries []audit.Entry) (version int64, err error)
	Tenant(ctx context.Context, t tenant.ID) (Tenant, error) // ErrNotFound
	// TenantIDs lists every tenant, sorted. It is the one method without a tenant: it is how a process learns of them.
	TenantIDs(ctx context.Context) ([]tenant.ID, error)
}

// Sealed is a credential as stored: only package vault can open it.
type Sealed struct {
	Purpose string
	Version int64 // raised with every new value
	KeyID   string
	Box     []byte
	At      time.Time
}

// WrappedKey is a tenant's data key, wrapped by the master key.
type WrappedKey struct {
	ID     string // of the data key
	Master string // fingerprint of the master key that wraps it
	Box    []byte
	At     time.Time
}

// Credentials keeps sealed credentials and wrapped data keys.
type Credentials interface {
	PutCredential(ctx context.Context, t tenant.ID, s Sealed) error // replaces the purpose's credential when s.Version is newer, else ErrConflict
	Credential(ctx context.Context, t tenant.ID, purpose string) (Sealed, error)
	Credentials(ctx context.Context, t tenant.ID) ([]Sealed, error) // without Box, by purpose
	// PutDataKey stores the tenant's data key, or replaces its wrapping when the stored one has the same ID.
	// ErrConflict when the tenant has a data key with another ID: two processes may seal the first credential at once.
	PutDataKey(ctx context.Context, t tenant.ID, k WrappedKey) error
	DataKey(ctx context.Context, t tenant.ID) (WrappedKey, error) // ErrNotFound
	// SealedTenants lists every tenant with a data key, sorted. Like TenantIDs it takes no tenant: a rotation must find
	// them all, also a tenant whose settings were never stored.
	SealedTenants(ctx context.Context) ([]tenant.ID, error)
	// KeyCheck is what the vault wrote to recognise its master key; ErrNotFound before the first PutKeyCheck.
	KeyCheck(ctx context.Context) ([]byte, error)
	PutKeyCheck(ctx context.Context, check []byte) error // ErrConflict when another check is there already
	ReplaceKeyCheck(ctx context.Context, check []byte) error
}

// CycleState is how far a cycle is.
type CycleState string

// The states of a cycle. Incomplete means that something was read, but nothing may be concluded from it.
const (
	Running    CycleState = "running"
	Complete   CycleState = "complete"
	Incomplete CycleState = "incomplete"
	Failed     CycleState = "failed"
	Aborted    CycleState = "aborted" // the process ended; the next cycle goes on
)

// Cycle is one scheduled pass of the poller.
type Cycle struct {
	ID      string
	Kind    record.Kind
	Mode    string // window, full, key
	Cause   string
	State   CycleState
	Started time.Time
	Ended   time.Time // zero while running
	From    string    // window, wall clock of the source
	To      string
	Before  string // cursor before and after, for display
	After   string
	Pages   int
	Rows    int
	Records int
	Code    fault.Code // why it stopped, when not complete
	Detail  string
	Next    string
}

// Cycles keeps what happened; the cursor itself lives in the ERP stream.
type Cycles interface {
	PutCycle(ctx context.Context, t tenant.ID, c Cycle) error // insert or replace by ID
	Cycle(ctx context.Context, t tenant.ID, id string) (Cycle, error)
	Cycles(ctx context.Context, t tenant.ID, kind record.Kind, limit int) ([]Cycle, error) // newest first; kind "" means all
}

// Finding is something that an operator should know about a record; it closes itself when it is not reported again.
type Finding struct {
	Ref    record.Ref
	Stage  audit.Stage
	Code   fault.Code
	Hold   bool // the record waits; else it is only flagged
	Detail string
	Since  time.Time // first seen (At, when zero); kept while the finding stays open
	At     time.Time // last seen
}

// FindingQuery selects open findings; zero fields do not restrict.
type FindingQuery struct {
	Kind  record.Kind
	Key   string
	Code  fault.Code
	Holds bool // only those that hold
	After int  // offset for paging
	Limit int  // 0 means 1000
}

// Findings reads what SaveLedger and CommitBatch wrote.
type Findings interface {
	Findings(ctx context.Context, t tenant.ID, q FindingQuery) ([]Finding, error)          // by kind, key, code
	FindingCounts(ctx context.Context, t tenant.ID) (map[fault.Code]int, error)            // open ones
	SetFindings(ctx context.Context, t tenant.ID, stage audit.Stage, of Observation) error // one record's findings of a stage
	// Observe is SetFindings for many records in one transaction.
	Observe(ctx context.Context, t tenant.ID, stage audit.Stage, of []Observation) error
}

// Observation is the complete set of findings that a stage has about a record now: those that are missing close. It
// holds one finding per code (the last one counts); their Ref and Stage are those of the observation.
type Observation struct {
	Ref      record.Ref
	Findings []Finding
}

// Trail is the audit trail. Entries whose id is stored already are dropped silently. Positions start at 1 for each
// tenant and have no gaps, and they become visible in their order, so that a reader who remembers the last position
// misses nothing. Bytes that are not UTF-8 become U+FFFD.
type Trail interface {
	Append(ctx context.Context, t tenant.ID, entries []audit.Entry) error
	// Trail lists entries with Since <= At < Until. After pages in the direction of the listing: with Newest it selects
	// the positions below After, else those above it.
	Trail(ctx context.Context, t tenant.ID, q audit.Query) ([]audit.Stored, error)
	// Seal chains up to limit unsealed entries in their stored order, calling link with the chain's last hash ("" at
	// the start) and the entry to get the next hash. It answers how many were sealed. Concurrent calls are serialised.
	// link runs inside the transaction: it must not call the store.
	Seal(ctx context.Context, t tenant.ID, limit int, link func(last string, e audit.Stored) string) (int, error)
	// Chain is where the tenant's chain and trail end. Both are zero before the first entry.
	Chain(ctx context.Context, t tenant.ID) (audit.Chain, error)
}

// Streams remembers which streams were made, so that a vanished one is noticed and not silently made anew.
type Streams interface {
	KnownStreams(ctx context.Context, t tenant.ID) (map[string]time.Time, error) // name to creation time
	RememberStream(ctx context.Context, t tenant.ID, name string, created time.Time) error
}
