package audit_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// book is a trail in memory.
type book struct {
	rows []audit.Stored
	ends audit.Chain
	most int // rows asked for at once
}

func newBook(sealed, open int) *book {
	b := &book{}
	for i := range sealed + open {
		e := audit.Stored{Position: int64(i + 1), Entry: audit.Entry{ID: fmt.Sprint("e", i), At: time.Unix(int64(i), 0), Detail: "d"}}
		if i < sealed {
			e.Seal = audit.Link(b.ends.Head.Hash, e)
			b.ends.Head = audit.Checkpoint{Position: e.Position, Hash: e.Seal}
		}
		b.rows = append(b.rows, e)
	}
	b.ends.Last = int64(sealed + open)
	return b
}

func (b *book) Chain(context.Context, tenant.ID) (audit.Chain, error) { return b.ends, nil }

func (b *book) Trail(_ context.Context, _ tenant.ID, q audit.Query) ([]audit.Stored, error) {
	b.most = max(b.most, q.Limit)
	var out []audit.Stored
	for _, e := range b.rows {
		if e.Position > q.After && len(out) < q.Limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func TestVerifyNamesTheFirstBadPosition(t *testing.T) {
	point := func(b *book, p int64) audit.Checkpoint { return audit.Checkpoint{Position: p, Hash: b.rows[p-1].Seal} }
	anew := func(b *book) { // whoever can write everything computes the chain anew
		last := ""
		for i := range b.rows {
			if b.rows[i].Seal != "" {
				b.rows[i].Seal = audit.Link(last, b.rows[i])
				last = b.rows[i].Seal
				b.ends.Head = audit.Checkpoint{Position: b.rows[i].Position, Hash: last}
			}
		}
	}
	for name, c := range map[string]struct {
		edit  func(b *book)
		known func(b *book) []audit.Checkpoint
		bad   int64
		why   string
	}{
		"nothing":                     {edit: func(*book) {}},
		"an edit":                     {edit: func(b *book) { b.rows[4].Detail = "other" }, bad: 5, why: "edited"},
		"a removal":                   {edit: func(b *book) { b.rows = slices.Delete(b.rows, 4, 5) }, bad: 5, why: "removed"},
		"a swap":                      {edit: func(b *book) { b.rows[4].Entry, b.rows[7].Entry = b.rows[7].Entry, b.rows[4].Entry }, bad: 5, why: "swapped"},
		"a seal removed":              {edit: func(b *book) { b.rows[4].Seal = "" }, bad: 5, why: "seal was removed"},
		"the first removed":           {edit: func(b *book) { b.rows = b.rows[1:] }, bad: 1, why: "removed"},
		"the last sealed removed":     {edit: func(b *book) { b.rows = b.rows[:len(b.rows)-1] }, bad: 12, why: "cut off"},
		"all removed":                 {edit: func(b *book) { b.rows = nil }, bad: 1, why: "cut off"},
		"an entry put in with a seal": {edit: func(b *book) { b.rows[10].Seal = audit.Link(b.rows[9].Seal, b.rows[10]) }, bad: 11, why: "put in"},
		"a tail cut off and hidden":   {edit: func(b *book) { *b = *newBook(8, 0) }, known: func(b *book) []audit.Checkpoint { return []audit.Checkpoint{point(b, 10)} }, bad: 9, why: "cut off"},
		"a chain computed anew":       {edit: func(b *book) { b.rows[4].Detail = "other"; anew(b) }, known: func(b *book) []audit.Checkpoint { return []audit.Checkpoint{point(b, 3), point(b, 10)} }, bad: 10, why: "anew"},
		"the end's hash changed":      {edit: func(b *book) { b.ends.Head.Hash = "x" }, bad: 10, why: "end says"},
		"checkpoints that agree":      {edit: func(*book) {}, known: func(b *book) []audit.Checkpoint { return []audit.Checkpoint{point(b, 3), point(b, 10)} }},
		"checkpoints against each other": {edit: func(*book) {}, known: func(b *book) []audit.Checkpoint {
			return []audit.Checkpoint{point(b, 3), {Position: 3, Hash: strings.Repeat("0", 64)}}
		}, bad: 3, why: "disagree"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(10, 2)
			var known []audit.Checkpoint
			if c.known != nil {
				known = c.known(b)
			}
			c.edit(b)
			got, err := audit.Verify(t.Context(), "acme", b, known...)
			if err != nil || got.Bad != c.bad || !strings.Contains(got.Why, c.why) {
				t.Fatalf("%+v, %v: want bad %d because %q", got, err, c.bad, c.why)
			}
			if c.bad == 0 && (got.Entries != 12 || got.Sealed != 10 || got.Head != b.ends.Head || got.Compared != len(known)) {
				t.Errorf("report %+v", got)
			}
		})
	}
}

func TestVerifyReadsInPages(t *testing.T) {
	b := newBook(5000, 0)
	if got, err := audit.Verify(t.Context(), "acme", b); err != nil || got.Bad != 0 || got.Sealed != 5000 {
		t.Fatalf("%+v, %v", got, err)
	}
	if b.most > 2000 {
		t.Errorf("asked for %d rows at once", b.most)
	}
}

func TestACheckpointReadsBack(t *testing.T) {
	c := audit.Checkpoint{Position: 12, Hash: strings.Repeat("0a", 32)}
	if got, err := audit.ParseCheckpoint(c.String()); err != nil || got != c {
		t.Fatalf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "12", "x:" + c.Hash, "12:ab", "0:" + c.Hash, "12:" + strings.Repeat("zz", 32)} {
		if _, err := audit.ParseCheckpoint(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
