package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Change is a kind of change that the guard counts (design.md 6).
type Change string

// The counted changes.
const (
	Suspension  Change = "suspend"
	EmailChange Change = "email"
	Creation    Change = "create"
)

// Changes of an address that wait for another record; no limit counts them.
const (
	Address Change = "address" // the record follows as soon as another one has given the address up
	Ring    Change = "ring"    // records want each other's addresses; a hold for each ring
	Relink  Change = "relink"  // the record takes a leaver's object over; a hold for each
)

// Adoption is what a first load would take over, or create beside somebody with the same name, in an account that was
// not empty (ADR 0024). The wanted state is handed on; the writer keeps the change back while the item waits. No limit
// counts it.
const Adoption Change = "adopt"

// Group is what has a limit of its own: one kind of change on one kind of record.
type Group struct {
	Change Change
	Kind   record.Kind
}

// ItemState is where a counted change stands.
type ItemState string

// The states. A granted item has not passed yet: it passes with the save that carries a GuardMove with Drop.
const (
	ItemStaged   ItemState = "staged"   // waits for the rest of its set
	ItemHeld     ItemState = "held"     // waits for a person, as part of a hold
	ItemGranted  ItemState = "granted"  // may pass
	ItemRejected ItemState = "rejected" // a person said no; until the source changes again
	ItemStuck    ItemState = "stuck"    // waits for something that does not come by itself, outside any hold
)

// GuardItem is a counted change that did not reach the table of wanted states; a record has one at most.
type GuardItem struct {
	Ref      record.Ref
	Change   Change
	Cause    string
	State    ItemState
	Hold     string // id of the hold that it is or was part of; "" for none
	Content  string // what is counted: "suspended", or the new address; a grant is for this and nothing else
	Granted  string // the Content that was granted
	Digest   string // of Before and After
	Before   []byte // event.EncodeEntry of the state that was handed on last, and of the one that waits;
	After    []byte // both only from GuardItems and HoldItems
	Revision uint64 // of the ledger row that asked for it last
	At       time.Time
}

// Group is the limit that the item counts against.
func (i GuardItem) Group() Group { return Group{i.Change, i.Ref.Kind} }

// GuardMove is what a save does to its record's item, in the transaction of the save.
type GuardMove struct {
	Item  GuardItem // to be stored, unless Drop
	Fresh bool      // State, Hold and Granted are taken from Item; else an item that is there keeps them
	Drop  bool      // the record's item leaves
	Count bool      // the change passes: it counts against its group from Item.At
}

// HoldState is how far a hold is.
type HoldState string

// The states of a hold.
const (
	HoldWaiting  HoldState = "waiting"
	HoldApproved HoldState = "approved"
	HoldRejected HoldState = "rejected"
	HoldVoid     HoldState = "void" // nothing of it was true any more
)

// Hold is a set of changes that waits for a person, bound to the hash of its content.
type Hold struct {
	ID      string
	Group   Group
	Cause   string // of its first item
	State   HoldState
	Hash    string // of the items now; of those that were decided on when it does not wait any more
	Items   int    // the same
	Limit   int    // that was exceeded
	Passed  int    // changes of the group that had passed in the 24 h before
	Created time.Time
	Decided time.Time // zero while it waits
	By      string
	Reason  string
	Rest    string // in the answer of DecideHold alone: id of the new hold of what was not decided on; "" for none
}

// Decision is what a person says about a hold.
type Decision struct {
	Approve bool
	Hash    string       // of the content that the person saw; with Only, of those records
	Only    []record.Ref // decides on these records of the hold and no others; empty means on all
	By      string
	Reason  string
	At      time.Time
}

// Load is the first load of a kind of records: creations are free while it lasts.
type Load struct {
	Began time.Time
	Ended time.Time // zero while it lasts
}

// Book is what Judge decides on: every item that is staged, held or granted, by kind and key, without Before and After.
type Book struct {
	Items  []GuardItem
	Passed map[Group]int // counted since the given time
	Holds  []Hold        // those that wait, oldest first; Hash and Items are empty
	Next   int           // number of the tenant's next hold
}

// Ruling moves one item.
type Ruling struct {
	Ref   record.Ref
	State ItemState
	Hold  string
}

// Judgement is what Judge stores.
type Judgement struct {
	Rulings      []Ruling
	Items        []GuardItem // new ones; a record's former item leaves
	Holds        []Hold      // new ones
	Void         []string    // ids of holds that nothing is left of
	Entries      []audit.Entry
	Observations []Observation // of stage transformer
	At           time.Time
}

// Holds keeps what the guard stopped. Its items come and go with SaveLedger (see LedgerSave.Guard).
type Holds interface {
	GuardItems(ctx context.Context, t tenant.ID, of []record.Ref) (map[record.Ref]GuardItem, error) // missing ones are absent
	// GuardList lists items in a state by kind and key, without Before and After; "" means every state.
	GuardList(ctx context.Context, t tenant.ID, state ItemState, limit int) ([]GuardItem, error)
	// Judge calls judge with the tenant's book and stores its answer, in one transaction. Calls for one tenant are
	// serialised. Counts from before since are forgotten. judge may be called again after a failure and must not call
	// the store. An empty judgement stores nothing.
	Judge(ctx context.Context, t tenant.ID, since time.Time, judge func(Book) Judgement) error
	Holds(ctx context.Context, t tenant.ID, limit int) ([]Hold, error)                     // newest first
	Hold(ctx context.Context, t tenant.ID, id string) (Hold, error)                        // ErrNotFound
	HoldItems(ctx context.Context, t tenant.ID, id string, limit int) ([]GuardItem, error) // by kind and key
	// DecideHold grants or rejects every item of a waiting hold and stores entries, in one transaction. ErrConflict,
	// and nothing stored, when the hold does not wait any more or its content has another hash than the decision;
	// the answer is the hold as it is then. With Only the rest goes on waiting in a new hold, the answer's Rest.
	DecideHold(ctx context.Context, t tenant.ID, id string, d Decision, entries func(Hold, []GuardItem) []audit.Entry) (Hold, error)
	// Loads lists the first loads that began; BeginLoad stores one unless the kind has one; EndLoad ends it once.
	Loads(ctx context.Context, t tenant.ID) (map[record.Kind]Load, error)
	BeginLoad(ctx context.Context, t tenant.ID, kind record.Kind, l Load) error
	EndLoad(ctx context.Context, t tenant.ID, kind record.Kind, at time.Time) error
}

// HashItems is the hash that an approval is bound to: over every item's record, change, old and new state. The order
// of items does not matter.
func HashItems(items []GuardItem) string {
	lines := make([]string, len(items))
	for i, it := range items {
		lines[i] = fmt.Sprintf("%q %q %q %q\n", it.Ref.Kind, it.Ref.Key, it.Change, it.Digest)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// DigestItem is the digest of an item's two states.
func DigestItem(before, after []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d:", len(before))
	h.Write(before)
	h.Write(after)
	return hex.EncodeToString(h.Sum(nil)[:16])
}
