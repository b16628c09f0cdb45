package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Checkpoint is a place of a tenant's chain: the hash over all entries up to a position. Kept away from the store, in
// the operator's log system, it shows what the store alone cannot: that the end was cut off, or that the whole chain was
// computed anew.
type Checkpoint struct {
	Position int64
	Hash     string
}

// String is the form that ParseCheckpoint reads: position:hash.
func (c Checkpoint) String() string { return strconv.FormatInt(c.Position, 10) + ":" + c.Hash }

// ParseCheckpoint reads position:hash.
func ParseCheckpoint(s string) (Checkpoint, error) {
	pos, hash, ok := strings.Cut(s, ":")
	n, err := strconv.ParseInt(pos, 10, 64)
	if !ok || err != nil || n < 1 || len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return Checkpoint{}, fmt.Errorf("checkpoint %q: want position:hash, with 64 hexadecimal digits", s)
	}
	return Checkpoint{n, hash}, nil
}

// Chain is where a tenant's trail ends.
type Chain struct {
	Head Checkpoint // the newest sealed entry
	Last int64      // position of the newest entry
}

// Report is what Verify found.
type Report struct {
	Entries  int64      // read
	Sealed   int64      // of them, part of the chain and as they were sealed
	Head     Checkpoint // the newest entry that was found true
	Bad      int64      // position of the first that is not as it was sealed; 0 when all are
	Why      string     // what is wrong at Bad
	Compared int        // checkpoints that lie in the chain and agree
}

// Source is what Verify reads, with the promises of store.Trail.
type Source interface {
	Trail(ctx context.Context, t tenant.ID, q Query) ([]Stored, error)
	Chain(ctx context.Context, t tenant.ID) (Chain, error)
}

const verifyPage = 2000 // entries in memory at a time

// Verify walks the tenant's trail from its beginning, computes every hash anew and stops at the first entry that is not
// as it was sealed: edited, removed, swapped, put in between, or cut off at the end. Entries that are not sealed yet are
// counted only. It reads page by page; the trail may grow meanwhile. An error says that the trail could not be read, not
// that it is bad.
func Verify(ctx context.Context, t tenant.ID, s Source, known ...Checkpoint) (Report, error) {
	ends, err := s.Chain(ctx, t)
	if err != nil {
		return Report{}, err
	}
	w := walk{ends: ends, known: map[int64]string{}}
	for _, c := range known {
		if was, ok := w.known[c.Position]; ok && was != c.Hash {
			return w.report.broken(c.Position, "two checkpoints for one position disagree"), nil
		}
		w.known[c.Position] = c.Hash
	}
	for {
		page, err := s.Trail(ctx, t, Query{After: w.report.Entries, Limit: verifyPage})
		if err != nil {
			return w.report, err
		}
		for _, e := range page {
			if !w.step(e) {
				return w.report, nil
			}
		}
		if len(page) < verifyPage {
			break
		}
	}
	if w.over {
		return w.afterwards(ctx, t, s)
	}
	w.end()
	return w.report, nil
}

// walk is Verify on its way.
type walk struct {
	ends   Chain
	known  map[int64]string
	report Report
	over   bool // sealed entries behind the head: the recorder went on, or somebody made them
}

func (r Report) broken(at int64, why string) Report {
	r.Bad, r.Why = at, why
	return r
}

func (w *walk) fail(at int64, why string, args ...any) bool {
	w.report = w.report.broken(at, fmt.Sprintf(why, args...))
	return false
}

// step checks the next entry; false stops the walk.
func (w *walk) step(e Stored) bool {
	want := w.report.Entries + 1
	if e.Position != want {
		return w.fail(want, "the entry is missing: it was removed (the next one is at %d)", e.Position)
	}
	if e.Seal == "" {
		if e.Position <= w.ends.Head.Position {
			return w.fail(want, "the entry's seal was removed")
		}
		w.report.Entries++
		return true
	}
	if w.report.Sealed != w.report.Entries {
		return w.fail(want, "the entry is sealed and the one before it is not")
	}
	hash := Link(w.report.Head.Hash, e)
	if hash != e.Seal {
		return w.fail(want, "the entry does not fit its seal: it was edited, swapped with another or put in between")
	}
	if known, ok := w.known[want]; ok {
		if known != hash {
			return w.fail(want, "the checkpoint says another hash: this entry or one before it was changed, and the chain computed anew")
		}
		w.report.Compared++
	}
	if want == w.ends.Head.Position && hash != w.ends.Head.Hash {
		return w.fail(want, "the chain's end says another hash")
	}
	w.report.Entries++
	w.report.Sealed++
	w.report.Head = Checkpoint{want, hash}
	w.over = w.over || want > w.ends.Head.Position
	return true
}

// end checks that nothing is missing behind the last entry.
func (w *walk) end() {
	at := w.report.Entries + 1
	for _, last := range []int64{w.ends.Last, w.ends.Head.Position} {
		if w.report.Entries < last {
			w.fail(at, "the end was cut off: entries up to %d are missing", last)
			return
		}
	}
	for p := range w.known {
		if p > w.report.Sealed {
			w.fail(min(at, w.report.Sealed+1), "the end was cut off: a checkpoint knows position %d, the chain ends at %d", p, w.report.Sealed)
			return
		}
	}
}

// afterwards asks once more where the chain ends: sealed entries behind it are not the recorder's.
func (w *walk) afterwards(ctx context.Context, t tenant.ID, s Source) (Report, error) {
	now, err := s.Chain(ctx, t)
	if err != nil {
		return w.report, err
	}
	if now.Head.Position < w.report.Sealed {
		w.fail(now.Head.Position+1, "the entry is sealed, but the chain ends before it: it was put in")
		return w.report, nil
	}
	w.end()
	return w.report, nil
}
