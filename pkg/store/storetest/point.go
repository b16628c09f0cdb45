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

func pointTests() map[string]test {
	return map[string]test{
		"a record is found by each of its points and by no old one": pointsMove,
		"a refused save leaves the points as they were":             pointsRefused,
		"pointing records are paged, each once":                     pointsPaged,
		"records that share an email are found":                     emailsShared,
		"many records' findings are set in one call":                findingsOfMany,
	}
}

const (
	finance = "dept/SHARE/0010200"
	analyst = "jobcode/SHARE/420060"
	chair   = "position/00012345"
)

// pointed is a save whose row has the points.
func pointed(ref record.Ref, expect uint64, points ...string) store.LedgerSave {
	one := save(ref, expect, fmt.Sprint(ref, expect))
	one.Row.Points = points
	return one
}

// pointing lists every record that points to one of the points, in pages.
func pointing(t *testing.T, s store.Store, id tenant.ID, limit int, points ...string) []string {
	t.Helper()
	got := []string{}
	for after := (record.Ref{}); ; {
		page := must[[]record.Ref](t)(s.Pointing(t.Context(), id, points, after, limit))
		if len(page) == 0 {
			return got
		}
		if limit > 0 && len(page) > limit {
			t.Fatalf("%d records, want at most %d", len(page), limit)
		}
		for _, ref := range page {
			got, after = append(got, ref.String()), ref
		}
	}
}

func pointsMove(t *testing.T, s store.Store) {
	saved(t, s, acme, pointed(employee(1), 0, finance, analyst), pointed(employee(2), 0, finance), pointed(employee(3), 0))
	saved(t, s, globex, pointed(employee(4), 0, finance))
	equal(t, "points come back", rows(t, s, acme, employee(1))[employee(1)].Points, []string{finance, analyst})
	equal(t, "none are none", len(rows(t, s, acme, employee(3))[employee(3)].Points), 0)
	equal(t, "one point", pointing(t, s, acme, 0, finance), []string{"employee/000001", "employee/000002"})
	saved(t, s, acme, pointed(employee(1), 1, analyst, chair))
	equal(t, "left", pointing(t, s, acme, 0, finance), []string{"employee/000002"})
	equal(t, "kept", pointing(t, s, acme, 0, analyst), []string{"employee/000001"})
	equal(t, "gained", pointing(t, s, acme, 0, chair), []string{"employee/000001"})
	saved(t, s, acme, pointed(employee(1), 2))
	equal(t, "none left", pointing(t, s, acme, 0, analyst, chair), []string{})
	equal(t, "no points asked for", pointing(t, s, acme, 0), []string{})
	equal(t, "other tenant's", pointing(t, s, globex, 0, finance), []string{"employee/000004"})
	saved(t, s, acme, pointed(employee(9), 0, "a\xff\x00b"), pointed(employee(9), 1, "a\xff\x00b", "c"))
	equal(t, "bytes that are no text", pointing(t, s, acme, 0, "a\xff\x00b"), []string{"employee/000009"})
}

func pointsRefused(t *testing.T, s store.Store) {
	saved(t, s, acme, pointed(employee(1), 0, finance))
	for _, expect := range []uint64{0, 7} {
		equal(t, "stored", saved(t, s, acme, pointed(employee(1), expect, analyst)), []bool{false})
	}
	equal(t, "kept", pointing(t, s, acme, 0, finance, analyst), []string{"employee/000001"})
	equal(t, "not gained", pointing(t, s, acme, 0, analyst), []string{})
	equal(t, "other tenant's", pointing(t, s, globex, 0, finance), []string{})
}

func pointsPaged(t *testing.T, s store.Store) {
	var saves []store.LedgerSave
	want := []string{}
	for i := range 30 {
		points := [][]string{{finance}, {analyst, finance}, {chair}}[i%3]
		saves = append(saves, pointed(employee(i), 0, points...))
		if i%3 < 2 {
			want = append(want, employee(i).String())
		}
	}
	saves = append(saves, pointed(vendor(1), 0, analyst))
	saved(t, s, acme, saves...)
	saved(t, s, globex, pointed(employee(99), 0, finance))
	for _, limit := range []int{0, 1, 2, 7, 20, 21, 22} {
		equal(t, fmt.Sprint("pages of ", limit), pointing(t, s, acme, limit, analyst, finance, finance), append(want, "vendor/SHARE/0000000001"))
	}
	equal(t, "other tenant's", pointing(t, s, globex, 2, analyst, finance), []string{"employee/000099"})
}

func emailsShared(t *testing.T, s store.Store) {
	wanting := func(ref record.Ref, expect uint64, email string) store.LedgerSave {
		one := save(ref, expect, fmt.Sprint(ref, expect))
		one.Row.Email = email
		return one
	}
	saved(t, s, acme, wanting(employee(2), 0, "a@example.com"), wanting(employee(1), 0, "a@example.com"), wanting(employee(3), 0, "b@example.com"),
		wanting(employee(4), 0, ""), wanting(employee(5), 0, ""), wanting(employee(6), 0, "a@example.com"))
	saved(t, s, globex, wanting(employee(7), 0, "a@example.com"))
	list := func(id tenant.ID, limit int, emails ...string) map[string][]record.Ref {
		return must[map[string][]record.Ref](t)(s.Sharing(t.Context(), id, emails, limit))
	}
	equal(t, "all", list(acme, 0, "b@example.com", "a@example.com", "", "nobody@example.com"), map[string][]record.Ref{
		"a@example.com": {employee(1), employee(2), employee(6)}, "b@example.com": {employee(3)}})
	equal(t, "limited", list(acme, 2, "a@example.com"), map[string][]record.Ref{"a@example.com": {employee(1), employee(2)}})
	saved(t, s, acme, wanting(employee(1), 1, "c@example.com"))
	equal(t, "after one left", list(acme, 0, "a@example.com"), map[string][]record.Ref{"a@example.com": {employee(2), employee(6)}})
	equal(t, "nobody asked for", list(acme, 0), map[string][]record.Ref{})
	equal(t, "other tenant's", list(globex, 0, "a@example.com"), map[string][]record.Ref{"a@example.com": {employee(7)}})
}

func findingsOfMany(t *testing.T, s store.Store) {
	const stage = audit.Transformer + ".email"
	set := func(id tenant.ID, of ...store.Observation) { t.Helper(); ok(t, s.Observe(t.Context(), id, stage, of)) }
	set(globex, observe(employee(1), noon(), fault.MissingEmail))
	set(acme, observe(employee(2), noon(), fault.MissingEmail), observe(employee(1), noon(), fault.MissingEmail))
	ok(t, s.SetFindings(t.Context(), acme, audit.Transformer, observe(employee(1), noon())))
	set(acme)
	equal(t, "open", told(t, s, acme, store.FindingQuery{}), []string{"000001 MISSING_EMAIL transformer.email", "000002 MISSING_EMAIL transformer.email"})
	set(acme, observe(employee(1), noon()), observe(employee(2), noon(), fault.MissingName))
	equal(t, "after", told(t, s, acme, store.FindingQuery{}), []string{"000002 MISSING_NAME transformer.email"})
	equal(t, "other tenant's", told(t, s, globex, store.FindingQuery{}), []string{"000001 MISSING_EMAIL transformer.email"})
}
