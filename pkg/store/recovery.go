package store

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// ReplayState is how far a replay is.
type ReplayState string

// The states of a replay.
const (
	ReplayRunning  ReplayState = "running"
	ReplayFinished ReplayState = "finished"
	ReplayStopped  ReplayState = "stopped" // by a person, or because it can never go on: see Code
)

// Replay is a range of a stream that goes through its handler again.
type Replay struct {
	ID      string
	Stream  string
	From    uint64 // first sequence of the range
	To      uint64 // last sequence of the range
	Ref     record.Ref
	By      string // who asked
	State   ReplayState
	Next    uint64 // sequence at which it goes on; above To when everything was sent
	Events  int    // sent so far
	Skipped int    // in the range and not readable
	Code    fault.Code
	Detail  string
	Started time.Time
	Moved   time.Time // when Next moved last
	Ended   time.Time // zero while running
}

// Letter is what a person decided about a dead letter. The stream keeps every letter; one that was decided on is not
// listed any more.
type Letter struct {
	Sequence uint64 // on the DEAD stream
	Verb     string // retry or drop
	By       string
	Reason   string
	At       time.Time
}

// Recovery keeps how far replays are and what became of dead letters.
type Recovery interface {
	// BeginReplay stores a running replay with its audit entries. ErrBusy when another replay of the tenant runs,
	// ErrConflict when the id is taken.
	BeginReplay(ctx context.Context, t tenant.ID, r Replay, entries []audit.Entry) error
	// MoveReplay replaces a running replay whose Next is still expect, with audit entries, in one transaction.
	// ErrConflict when it is not running any more or somebody else moved it.
	MoveReplay(ctx context.Context, t tenant.ID, r Replay, expect uint64, entries []audit.Entry) error
	Replay(ctx context.Context, t tenant.ID, id string) (Replay, error)    // ErrNotFound
	Replays(ctx context.Context, t tenant.ID, limit int) ([]Replay, error) // newest first
	// DecideLetters stores decisions with their audit entries in one transaction; a letter that was decided on before
	// keeps its decision, and the answer says for each whether it was stored. Decisions on letters below oldest, which
	// the stream does not hold any more, are forgotten.
	DecideLetters(ctx context.Context, t tenant.ID, ls []Letter, oldest uint64, entries []audit.Entry) ([]bool, error)
	// Letters lists the decisions on letters from one sequence to another, both included, by sequence.
	Letters(ctx context.Context, t tenant.ID, from, to uint64) ([]Letter, error)
	// CountLetters counts the decisions on letters from a sequence on.
	CountLetters(ctx context.Context, t tenant.ID, from uint64) (int, error)
	// RaiseLedger lifts revision and WantedAt of rows to at least the given number, which makes them unpublished: a row
	// that was lost and read anew must stand above what the table of wanted states holds. Higher rows stay.
	RaiseLedger(ctx context.Context, t tenant.ID, above map[record.Ref]uint64) error
}
