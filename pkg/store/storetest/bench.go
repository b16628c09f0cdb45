package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Bench measures the calls that every record passes: run it for each backend with go test -bench.
func Bench(b *testing.B, open func(t testing.TB) store.Store) {
	b.Run("SaveLedger of 500 rows with 500 entries", func(b *testing.B) { benchSave(b, open(b), 500) })
	b.Run("CommitBatch of 100 links with 100 entries", func(b *testing.B) { benchCommit(b, open(b), 100) })
	b.Run("Append of 1000 entries", func(b *testing.B) { benchAppend(b, open(b), 1000) })
	b.Run("Rows of 500 refs", func(b *testing.B) { benchRows(b, open(b), 500) })
}

// page is saves as the transformer makes them: 1 KB of facts, an observation each, every tenth with a finding.
func page(n int, round uint64) []store.LedgerSave {
	saves := make([]store.LedgerSave, n)
	for i := range saves {
		saves[i] = save(employee(i), round, fmt.Sprintf("%032x", round<<20|uint64(i)))
		saves[i].Row.Facts = bytes.Repeat([]byte("0123456789abcdef"), 64)
		o := observe(employee(i), noon())
		if i%10 == 0 {
			o = observe(employee(i), noon(), fault.MissingEmail)
		}
		saves[i].Observation = &o
	}
	return saves
}

func benchSave(b *testing.B, s store.Store, n int) {
	defer s.Close() //nolint:errcheck // nothing hangs on it
	var round uint64
	for b.Loop() {
		done, err := s.SaveLedger(b.Context(), acme, page(n, round))
		if err != nil || !done[0] || !done[n-1] {
			b.Fatalf("round %d: %v", round, err)
		}
		round++
	}
	perSecond(b, n)
}

func benchCommit(b *testing.B, s store.Store, n int) {
	defer s.Close() //nolint:errcheck // nothing hangs on it
	round := 0
	for b.Loop() {
		begin, c := batch(fmt.Sprint(round)), store.Commit{}
		for i := range n {
			begin.Items = append(begin.Items, store.BatchItem{Ref: employee(i), Version: uint64(round)})
			c.Links = append(c.Links, link(employee(i), uint64(round)))
			c.Entries = append(c.Entries, entry(fmt.Sprintf("%032x", round<<20|i), employee(i)))
			c.Observations = append(c.Observations, observe(employee(i), noon()))
		}
		if err := s.BeginBatch(b.Context(), acme, begin); err != nil {
			b.Fatal(err)
		}
		if mine, err := s.CommitBatch(b.Context(), acme, begin.ID, c); err != nil || !mine {
			b.Fatalf("round %d: %v", round, err)
		}
		round++
	}
	perSecond(b, n)
}

func benchAppend(b *testing.B, s store.Store, n int) {
	defer s.Close() //nolint:errcheck // nothing hangs on it
	round := 0
	for b.Loop() {
		all := make([]audit.Entry, n)
		for i := range all {
			all[i] = entry(fmt.Sprintf("%032x", round<<20|i), employee(i))
		}
		if err := s.Append(b.Context(), acme, all); err != nil {
			b.Fatal(err)
		}
		round++
	}
	perSecond(b, n)
}

func benchRows(b *testing.B, s store.Store, n int) {
	defer s.Close() //nolint:errcheck // nothing hangs on it
	refs := make([]record.Ref, n)
	for i := range refs {
		refs[i] = employee(i)
	}
	if _, err := s.SaveLedger(b.Context(), acme, page(n, 0)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if rows, err := s.Rows(b.Context(), acme, refs); err != nil || len(rows) != n {
			b.Fatalf("%d rows: %v", len(rows), err)
		}
	}
	perSecond(b, n)
}

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
}
