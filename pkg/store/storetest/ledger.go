package storetest

import (
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func ledgerTests() map[string]test {
	return map[string]test{
		"a ledger row comes back as it was saved":                      ledgerRoundTrip,
		"a save with an old revision is refused and leaves nothing":    ledgerRefused,
		"of a hundred savers of one revision one wins":                 ledgerRace,
		"overlapping saves in opposite order do not lock each other":   ledgerOpposite,
		"two saves of one record in one call follow each other":        ledgerTwice,
		"published only rises, also through a save that read it early": ledgerPublished,
		"five hundred rows are saved and read in one call each":        ledgerMany,
	}
}

func ledgerRow(ref record.Ref, revision uint64) store.LedgerRow {
	return store.LedgerRow{
		Ref: ref, Revision: revision, Facts: []byte(`[ {"facet":"job"} ]`), Wanted: []byte("{\"user\": \"🦉\"}\n"),
		WantedAt: revision, Published: 0, NextDate: "2026-04-01", Config: 3, Email: "ada@example.com", Points: []string{"dept/SHARE/0010200"}, At: utc(noon()),
	}
}

func save(ref record.Ref, expect uint64, entryID string) store.LedgerSave {
	return store.LedgerSave{Row: ledgerRow(ref, expect+1), Expect: expect, Entries: []audit.Entry{entry(entryID, ref)}}
}

func rows(t *testing.T, s store.Store, id tenant.ID, refs ...record.Ref) map[record.Ref]store.LedgerRow {
	t.Helper()
	return must[map[record.Ref]store.LedgerRow](t)(s.Rows(t.Context(), id, refs))
}

func saved(t *testing.T, s store.Store, id tenant.ID, saves ...store.LedgerSave) []bool {
	t.Helper()
	return must[[]bool](t)(s.SaveLedger(t.Context(), id, saves))
}

func ledgerRoundTrip(t *testing.T, s store.Store) {
	full, bare := save(employee(1), 0, "a"), store.LedgerSave{Row: store.LedgerRow{Ref: vendor(1), Revision: 1, At: utc(noon())}}
	equal(t, "stored", saved(t, s, acme, full, bare), []bool{true, true})
	theirs := save(employee(1), 0, "a")
	theirs.Row.Email = "other@example.com"
	equal(t, "other tenant stored", saved(t, s, globex, theirs), []bool{true})

	want := map[record.Ref]store.LedgerRow{full.Row.Ref: full.Row, bare.Row.Ref: bare.Row}
	equal(t, "rows", rows(t, s, acme, employee(1), vendor(1), employee(2), vendor(1)), want)
	equal(t, "other tenant's", rows(t, s, globex, employee(1), vendor(1)), map[record.Ref]store.LedgerRow{employee(1): theirs.Row})
	equal(t, "no refs", len(rows(t, s, acme)), 0)
	for name, doc := range documents() {
		next := save(employee(1), rows(t, s, acme, employee(1))[employee(1)].Revision, name)
		next.Row.Facts, next.Row.Wanted = doc, doc
		equal(t, name, saved(t, s, acme, next), []bool{true})
		got := rows(t, s, acme, employee(1))[employee(1)]
		if string(got.Facts) != string(doc) || string(got.Wanted) != string(doc) {
			t.Errorf("%s: came back changed", name)
		}
	}
}

func ledgerRefused(t *testing.T, s store.Store) {
	equal(t, "first", saved(t, s, acme, save(employee(1), 0, "a1")), []bool{true})
	for _, expect := range []uint64{0, 2, 7} {
		late := save(employee(1), expect, fmt.Sprint("late", expect))
		late.Observation = &store.Observation{Ref: employee(1), Findings: []store.Finding{{Code: fault.MissingEmail, At: noon()}}}
		good := save(employee(int(expect)+10), 0, fmt.Sprint("good", expect))
		equal(t, "late among good", saved(t, s, acme, late, good), []bool{false, true})
	}
	equal(t, "an update of a missing row", saved(t, s, acme, save(employee(99), 1, "x")), []bool{false})
	equal(t, "entries", ids(t, s, acme), []string{"a1", "good0", "good2", "good7"})
	equal(t, "findings", len(must[[]store.Finding](t)(s.Findings(t.Context(), acme, store.FindingQuery{}))), 0)
	equal(t, "revision", rows(t, s, acme, employee(1))[employee(1)].Revision, uint64(1))
	equal(t, "another tenant's revision does not count", saved(t, s, globex, save(employee(1), 1, "g")), []bool{false})
	equal(t, "other tenant's entries", ids(t, s, globex), []string{})
}

func ledgerRace(t *testing.T, s store.Store) {
	for expect := range uint64(3) {
		won := race(t, 100, func(i int) (bool, error) {
			done, err := s.SaveLedger(t.Context(), acme, []store.LedgerSave{save(employee(1), expect, fmt.Sprintf("%d-%d", expect, i))})
			return err == nil && done[0], err
		})
		equal(t, "winners", won, 1)
	}
	equal(t, "revision", rows(t, s, acme, employee(1))[employee(1)].Revision, uint64(3))
	equal(t, "entries", len(ids(t, s, acme)), 3)
	equal(t, "other tenant's rows", len(rows(t, s, globex, employee(1))), 0)
}

func ledgerOpposite(t *testing.T, s store.Store) {
	race(t, 20, func(i int) (bool, error) {
		id := []tenant.ID{acme, globex}[i%2]
		for round := range 10 {
			var saves []store.LedgerSave
			for n := range 20 {
				if i%4 < 2 {
					n = 19 - n
				}
				saves = append(saves, save(employee(n), uint64(round), fmt.Sprintf("%d-%d-%d", i, round, n)))
			}
			if _, err := s.SaveLedger(t.Context(), id, saves); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	for _, id := range []tenant.ID{acme, globex} {
		equal(t, "revision", rows(t, s, id, employee(7))[employee(7)].Revision, uint64(10))
		equal(t, "one entry per revision of each row", len(ids(t, s, id)), 200)
	}
}

func ledgerTwice(t *testing.T, s store.Store) {
	got := saved(t, s, acme, save(employee(1), 0, "a"), save(employee(2), 0, "b"), save(employee(1), 1, "c"), save(employee(1), 1, "d"))
	equal(t, "stored", got, []bool{true, true, true, false})
	equal(t, "revision", rows(t, s, acme, employee(1))[employee(1)].Revision, uint64(2))
	equal(t, "other tenant's rows", len(rows(t, s, globex, employee(1))), 0)
}

func ledgerPublished(t *testing.T, s store.Store) {
	saved(t, s, acme, save(employee(1), 0, "a"))
	saved(t, s, globex, save(employee(1), 0, "a"))
	mark := func(upTo uint64, want uint64) {
		t.Helper()
		ok(t, s.MarkPublished(t.Context(), acme, map[record.Ref]uint64{employee(1): upTo, employee(9): upTo}))
		equal(t, "published", rows(t, s, acme, employee(1))[employee(1)].Published, want)
	}
	mark(5, 5)
	mark(4, 5)
	saved(t, s, acme, save(employee(1), 1, "b")) // its Published is 0
	mark(0, 5)
	ok(t, s.MarkPublished(t.Context(), acme, nil))
	equal(t, "other tenant's", rows(t, s, globex, employee(1))[employee(1)].Published, uint64(0))
}

func ledgerMany(t *testing.T, s store.Store) {
	var saves []store.LedgerSave
	var refs []record.Ref
	for i := range 500 {
		saves, refs = append(saves, save(employee(i), 0, fmt.Sprint(i))), append(refs, employee(i))
	}
	for _, isStored := range saved(t, s, acme, saves...) {
		equal(t, "stored", isStored, true)
	}
	equal(t, "rows", len(rows(t, s, acme, refs...)), 500)
	equal(t, "other tenant's rows", len(rows(t, s, globex, refs...)), 0)
	equal(t, "entries", len(ids(t, s, acme)), 500)
}
