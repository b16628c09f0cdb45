package store

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// LedgerRow is everything known about one record.
type LedgerRow struct {
	Ref       record.Ref
	Revision  uint64   // raised by every save; the version of what was resolved from it
	Facts     []byte   // event.EncodeLedger
	Wanted    []byte   // event.EncodeEntry of the last resolved state; empty before the first
	WantedAt  uint64   // revision at which Wanted last changed
	Published uint64   // highest WantedAt that the DIRECTORY stream is known to hold; a save never lowers it
	NextDate  string   // when the state changes by itself: a day, 2006-01-02, or an instant in RFC 3339 with the tenant's offset; "" when it does not
	Config    int64    // version of the tenant's settings that resolved it
	Email     string   // wanted email in lower case, for finding shared ones; "" for none
	Points    []string // keys of the reference data that the resolution looked at, sorted, each once
	At        time.Time
}

// LedgerSave is a row to be saved with what explains it.
type LedgerSave struct {
	Row         LedgerRow // Revision is the new one: Expect+1
	Expect      uint64    // revision that was read; 0 when there was no row
	Entries     []audit.Entry
	Observation *Observation // of stage transformer; nil leaves findings as they are
	Guard       *GuardMove   // of the record's counted change; nil leaves it as it is
}

// Ledger keeps facts per record with compare-and-set.
type Ledger interface {
	Rows(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]LedgerRow, error) // missing ones are absent
	// SaveLedger saves each row whose stored revision is Expect, together with its entries and findings, all in one
	// transaction; the answer says for each save whether it was stored (false: somebody was faster, read again).
	SaveLedger(ctx context.Context, t tenant.ID, saves []LedgerSave) ([]bool, error)
	// MarkPublished raises Published; lower values change nothing.
	MarkPublished(ctx context.Context, t tenant.ID, upTo map[record.Ref]uint64) error
	// Unpublished lists rows with WantedAt above Published, oldest first.
	Unpublished(ctx context.Context, t tenant.ID, limit int) ([]LedgerRow, error)
	// DueRows lists rows with a NextDate up to day, compared as text, for re-arming wakes. Ordered by kind and key, behind after.
	DueRows(ctx context.Context, t tenant.ID, day string, after record.Ref, limit int) ([]LedgerRow, error)
	// WalkLedger lists rows of a kind by key, behind after.
	WalkLedger(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]LedgerRow, error)
	// Pointing lists the records that have one of the points, each once, ordered by kind and key, behind after.
	Pointing(ctx context.Context, t tenant.ID, points []string, after record.Ref, limit int) ([]record.Ref, error)
	// Sharing lists, for each of the emails, the first limit records that want it, ordered by kind and key. An email
	// that nobody wants is absent.
	Sharing(ctx context.Context, t tenant.ID, emails []string, limit int) (map[string][]record.Ref, error)
	CountLedger(ctx context.Context, t tenant.ID) (map[record.Kind]int, error)
}

// Link says which target object stands for a record and what was last written to it.
type Link struct {
	Ref      record.Ref
	TargetID string // "" while nothing was created (for example a record that is untouched)
	Version  uint64 // of the wanted state that was last brought to an end
	Digest   string // of that wanted state; "" forces the next write to look at the target
	Known    []byte // event.EncodeEntry of what the target holds
	Email    string // address.Key of the primary address that the object holds, as far as known; "" for none
	Memory   []byte // role, groups: what a rehire gets back
	State    string // directory.State last applied
	At       time.Time
}

// Links reads what CommitBatch wrote.
type Links interface {
	Links(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]Link, error) // missing ones are absent
	WalkLinks(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]Link, error)
	CountLinks(ctx context.Context, t tenant.ID) (map[record.Kind]map[string]int, error) // by state; only with a TargetID
	// Holding lists the links with a TargetID whose object holds one of the emails (as in Link.Email), by kind and key.
	Holding(ctx context.Context, t tenant.ID, emails []string) ([]Link, error)
}

// BatchItem is one record of a batch in flight.
type BatchItem struct {
	Ref     record.Ref
	Version uint64
	Job     string // what was sent about the record: "" nothing yet, Calls, or the asynchronous job that is its last call
}

// Calls stands for calls that are no job: only their time tells that they are over.
const Calls = "*"

// Batch is a batch in flight: what may have been sent and is not yet known to have ended.
type Batch struct {
	ID      string
	Epoch   string // of the writer that began it
	Items   []BatchItem
	Jobs    []string
	Started time.Time
}

// Commit is how a batch ended, stored in one transaction.
type Commit struct {
	Links        []Link
	Entries      []audit.Entry
	Observations []Observation            // of stage zendesk-writer
	Quarantine   map[record.Ref]time.Time // records whose outcome is unknown: not written before that time; their link's digest is cleared
	Release      []record.Ref             // records that leave the quarantine
}

// Journal makes a writer's crash harmless: what is in it may have been sent.
type Journal interface {
	// BeginBatch stores the batch before anything is sent. ErrBusy when a record is in another unfinished batch;
	// ErrConflict when the id is taken by a different batch. Repeating a call whose answer was lost is harmless.
	BeginBatch(ctx context.Context, t tenant.ID, b Batch) error
	// Sending says that calls about the batch's items of refs are made from now on. ErrNotFound when the batch is gone:
	// another writer took it over, and nothing of it must be sent.
	Sending(ctx context.Context, t tenant.ID, batch string, refs []record.Ref) error
	// AddJob remembers an asynchronous job of the batch before anybody waits for it, and that it is the last call about
	// the batch's items of refs; a job that is remembered already stays as it is. ErrNotFound when the batch is gone.
	AddJob(ctx context.Context, t tenant.ID, batch, job string, refs []record.Ref) error
	// CommitBatch ends the batch. mine is false when the batch was not there any more (another writer took over);
	// then nothing was stored. A batch id of "" stores the commit without a batch.
	CommitBatch(ctx context.Context, t tenant.ID, batch string, c Commit) (mine bool, err error)
	// OpenBatches lists unfinished batches, oldest first.
	OpenBatches(ctx context.Context, t tenant.ID) ([]Batch, error)
	// Quarantined lists the records that must not be written yet, with the time at which they may. A record stays in
	// the list after that time, until it is released; a second quarantine can only lengthen the first.
	Quarantined(ctx context.Context, t tenant.ID) (map[record.Ref]time.Time, error)
}
