package storetest

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func ledgerListTests() map[string]test {
	return map[string]test{
		"unpublished rows are listed oldest first":      ledgerUnpublished,
		"due rows are paged by kind and key":            ledgerDue,
		"a walk pages a kind by key, in order of bytes": ledgerWalk,
		"the ledger is counted by kind":                 ledgerCount,
	}
}

func keys(of []store.LedgerRow) []string {
	out := []string{}
	for _, r := range of {
		out = append(out, r.Ref.String())
	}
	return out
}

func ledgerUnpublished(t *testing.T, s store.Store) {
	for i, at := range []time.Duration{3, 1, 2} {
		one := save(employee(i), 0, string(rune('a'+i)))
		one.Row.At = utc(noon().Add(at * time.Minute))
		saved(t, s, acme, one)
	}
	saved(t, s, globex, save(employee(9), 0, "g"))
	list := func(limit int) []string {
		return keys(must[[]store.LedgerRow](t)(s.Unpublished(t.Context(), acme, limit)))
	}
	equal(t, "all", list(0), []string{"employee/000001", "employee/000002", "employee/000000"})
	equal(t, "limited", list(2), []string{"employee/000001", "employee/000002"})
	ok(t, s.MarkPublished(t.Context(), acme, map[record.Ref]uint64{employee(1): 1, employee(2): 0}))
	equal(t, "after one was published", list(0), []string{"employee/000002", "employee/000000"})
	ok(t, s.MarkPublished(t.Context(), globex, map[record.Ref]uint64{employee(2): 1}))
	equal(t, "after another tenant published", list(0), []string{"employee/000002", "employee/000000"})
}

func ledgerDue(t *testing.T, s store.Store) {
	for i, day := range []string{"2026-04-01", "2026-04-02", "", "2026-03-31"} {
		one := save(employee(i), 0, string(rune('a'+i)))
		one.Row.NextDate = day
		other := save(vendor(i), 0, string(rune('k'+i)))
		other.Row.NextDate = day
		saved(t, s, acme, one, other)
	}
	saved(t, s, globex, save(employee(0), 0, "g"))
	list := func(after record.Ref, limit int) []string {
		return keys(must[[]store.LedgerRow](t)(s.DueRows(t.Context(), acme, "2026-04-01", after, limit)))
	}
	want := []string{"employee/000000", "employee/000003", "vendor/SHARE/0000000000", "vendor/SHARE/0000000003"}
	equal(t, "all", list(record.Ref{}, 0), want)
	equal(t, "first page", list(record.Ref{}, 1), want[:1])
	equal(t, "next page", list(employee(0), 2), want[1:3])
	equal(t, "behind a kind", list(employee(3), 9), want[2:])
	equal(t, "behind the last", list(vendor(3), 9), []string{})
}

func ledgerWalk(t *testing.T, s store.Store) {
	for _, key := range []string{"a", "B", "b", "_", "0", "Ä", "a/1", "a-1"} {
		saved(t, s, acme, save(record.Ref{Kind: record.Vendor, Key: key}, 0, key))
	}
	saved(t, s, acme, save(employee(1), 0, "e"))
	saved(t, s, globex, save(vendor(1), 0, "g"))
	var got []string
	for after := ""; ; {
		page := must[[]store.LedgerRow](t)(s.WalkLedger(t.Context(), acme, record.Vendor, after, 3))
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			after, got = r.Ref.Key, append(got, r.Ref.Key)
		}
	}
	equal(t, "keys", got, []string{"0", "B", "_", "a", "a-1", "a/1", "b", "Ä"})
}

func ledgerCount(t *testing.T, s store.Store) {
	saved(t, s, acme, save(employee(1), 0, "a"), save(employee(2), 0, "b"), save(vendor(1), 0, "c"))
	saved(t, s, globex, save(vendor(1), 0, "g"))
	count := must[map[record.Kind]int](t)(s.CountLedger(t.Context(), acme))
	equal(t, "counts", count, map[record.Kind]int{record.Employee: 2, record.Vendor: 1})
	count = must[map[record.Kind]int](t)(s.CountLedger(t.Context(), globex))
	equal(t, "other tenant's", count, map[record.Kind]int{record.Vendor: 1})
}
