package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func commitTests() map[string]test {
	return map[string]test{
		"a commit stores links, findings and entries and ends the batch": commitStores,
		"a commit after a takeover stores nothing":                       commitNotMine,
		"of a hundred commits of one batch one is mine":                  commitRace,
	}
}

func outcome(ref record.Ref, id string) store.Commit {
	return store.Commit{
		Links:   []store.Link{link(ref, 1)},
		Entries: []audit.Entry{entry(id, ref)},
		Observations: []store.Observation{
			{Ref: ref, Findings: []store.Finding{{Code: fault.EmailTaken, Hold: true, Detail: "taken", At: utc(noon())}}},
		},
		Quarantine: map[record.Ref]time.Time{vendor(1): utc(noon().Add(time.Hour))},
	}
}

func commitStores(t *testing.T, s store.Store) {
	ok(t, s.BeginBatch(t.Context(), acme, batch("a", employee(1))))
	ok(t, s.BeginBatch(t.Context(), globex, batch("a", employee(1))))
	equal(t, "mine", commit(t, s, acme, "a", outcome(employee(1), "x")), true)
	equal(t, "open", len(open(t, s, acme)), 0)
	equal(t, "links", len(links(t, s, acme, employee(1))), 1)
	equal(t, "entries", ids(t, s, acme), []string{"x"})
	found := must[[]store.Finding](t)(s.Findings(t.Context(), acme, store.FindingQuery{}))
	want := store.Finding{Ref: employee(1), Stage: audit.Writer, Code: fault.EmailTaken, Hold: true, Detail: "taken"}
	want.Since, want.At = utc(noon()), utc(noon())
	equal(t, "findings", found, []store.Finding{want})
	equal(t, "quarantine", len(must[map[record.Ref]time.Time](t)(s.Quarantined(t.Context(), acme))), 1)

	equal(t, "other tenant's batch", len(open(t, s, globex)), 1)
	commitNothing(t, s)
}

// commitNothing shows that globex holds nothing but its batch.
func commitNothing(t *testing.T, s store.Store) {
	t.Helper()
	equal(t, "other tenant's links", len(links(t, s, globex, employee(1))), 0)
	equal(t, "other tenant's entries", ids(t, s, globex), []string{})
	equal(t, "other tenant's findings", len(must[[]store.Finding](t)(s.Findings(t.Context(), globex, store.FindingQuery{}))), 0)
	equal(t, "other tenant's quarantine", len(must[map[record.Ref]time.Time](t)(s.Quarantined(t.Context(), globex))), 0)
}

func commitNotMine(t *testing.T, s store.Store) {
	ok(t, s.BeginBatch(t.Context(), acme, batch("a", employee(1))))
	equal(t, "a batch of another tenant is not mine", commit(t, s, globex, "a", outcome(employee(1), "x")), false)
	commitNothing(t, s)
	equal(t, "takeover", commit(t, s, acme, "a", store.Commit{Entries: []audit.Entry{entry("takeover", employee(1))}}), true)
	equal(t, "late commit", commit(t, s, acme, "a", outcome(employee(1), "late")), false)
	equal(t, "entries", ids(t, s, acme), []string{"takeover"})
	equal(t, "links", len(links(t, s, acme, employee(1))), 0)
	equal(t, "quarantine", len(must[map[record.Ref]time.Time](t)(s.Quarantined(t.Context(), acme))), 0)
}

func commitRace(t *testing.T, s store.Store) {
	ok(t, s.BeginBatch(t.Context(), acme, batch("a", employee(1))))
	won := race(t, 100, func(i int) (bool, error) {
		return s.CommitBatch(t.Context(), acme, "a", outcome(employee(1), fmt.Sprint(i)))
	})
	equal(t, "mine", won, 1)
	equal(t, "entries", len(ids(t, s, acme)), 1)
	commitNothing(t, s)
}
