package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func findingTests() map[string]test {
	return map[string]test{
		"a finding keeps Since until it closes":         findingSince,
		"a stage closes its own findings only":          findingStages,
		"findings are selected and paged":               findingQueries,
		"findings come with the row that is saved":      findingSaved,
		"text that is not UTF-8 does not block a batch": findingText,
	}
}

func observe(ref record.Ref, at time.Time, codes ...fault.Code) store.Observation {
	o := store.Observation{Ref: ref}
	for _, c := range codes {
		o.Findings = append(o.Findings, store.Finding{Code: c, At: at, Detail: string(c), Hold: c == fault.BadEmail})
	}
	return o
}

func findings(t *testing.T, s store.Store, id tenant.ID, q store.FindingQuery) []store.Finding {
	t.Helper()
	return must[[]store.Finding](t)(s.Findings(t.Context(), id, q))
}

// told is findings as "key code stage".
func told(t *testing.T, s store.Store, id tenant.ID, q store.FindingQuery) []string {
	t.Helper()
	out := []string{}
	for _, f := range findings(t, s, id, q) {
		out = append(out, fmt.Sprint(f.Ref.Key, " ", f.Code, " ", f.Stage))
	}
	return out
}

func findingSince(t *testing.T, s store.Store) {
	ctx, first, later := t.Context(), utc(noon()), utc(noon().Add(time.Hour))
	set := func(id tenant.ID, at time.Time, codes ...fault.Code) {
		t.Helper()
		ok(t, s.SetFindings(ctx, id, audit.Transformer, observe(employee(1), at, codes...)))
	}
	set(globex, first, fault.MissingEmail)
	set(acme, first, fault.MissingEmail, fault.BadEmail)
	set(acme, later, fault.MissingEmail, fault.MissingTitle)
	got := findings(t, s, acme, store.FindingQuery{})
	equal(t, "open", len(got), 2)
	equal(t, "kept", [2]time.Time{got[0].Since, got[0].At}, [2]time.Time{first, later})
	equal(t, "new", [2]time.Time{got[1].Since, got[1].At}, [2]time.Time{later, later})
	set(acme, later)
	equal(t, "all closed", len(findings(t, s, acme, store.FindingQuery{})), 0)
	set(acme, later, fault.MissingEmail)
	equal(t, "opened again", findings(t, s, acme, store.FindingQuery{})[0].Since, later)
	equal(t, "other tenant's", findings(t, s, globex, store.FindingQuery{})[0].Since, first)
}

func findingStages(t *testing.T, s store.Store) {
	ctx := t.Context()
	ok(t, s.SetFindings(ctx, acme, audit.Transformer, observe(employee(1), noon(), fault.MissingEmail)))
	ok(t, s.SetFindings(ctx, acme, audit.Writer, observe(employee(1), noon(), fault.MissingEmail, fault.EmailTaken)))
	ok(t, s.SetFindings(ctx, acme, audit.Writer, observe(employee(2), noon(), fault.EmailTaken)))
	ok(t, s.SetFindings(ctx, globex, audit.Writer, observe(employee(2), noon(), fault.EmailTaken)))
	ok(t, s.SetFindings(ctx, acme, audit.Writer, observe(employee(1), noon())))
	equal(t, "open", told(t, s, acme, store.FindingQuery{}), []string{"000001 MISSING_EMAIL transformer", "000002 EMAIL_TAKEN zendesk-writer"})
	counts := must[map[fault.Code]int](t)(s.FindingCounts(ctx, acme))
	equal(t, "counts", counts, map[fault.Code]int{fault.MissingEmail: 1, fault.EmailTaken: 1})
	equal(t, "other tenant's", must[map[fault.Code]int](t)(s.FindingCounts(ctx, globex)), map[fault.Code]int{fault.EmailTaken: 1})
}

func findingQueries(t *testing.T, s store.Store) {
	for i := range 3 {
		ok(t, s.SetFindings(t.Context(), acme, audit.Transformer, observe(employee(i), noon(), fault.MissingEmail, fault.BadEmail)))
		ok(t, s.SetFindings(t.Context(), acme, audit.Transformer, observe(vendor(i), noon(), fault.MissingName)))
		ok(t, s.SetFindings(t.Context(), globex, audit.Transformer, observe(employee(i), noon(), fault.NoJob)))
	}
	for name, c := range map[string]struct {
		q    store.FindingQuery
		want int
	}{
		"all":           {store.FindingQuery{}, 9},
		"of a kind":     {store.FindingQuery{Kind: record.Vendor}, 3},
		"of a key":      {store.FindingQuery{Key: "000001"}, 2},
		"of a code":     {store.FindingQuery{Code: fault.MissingEmail}, 3},
		"holds":         {store.FindingQuery{Holds: true}, 3},
		"all at once":   {store.FindingQuery{Kind: record.Employee, Key: "000002", Code: fault.BadEmail, Holds: true}, 1},
		"beyond":        {store.FindingQuery{After: 9}, 0},
		"other's codes": {store.FindingQuery{Code: fault.NoJob}, 0},
	} {
		equal(t, name, len(findings(t, s, acme, c.q)), c.want)
	}
	all, paged := told(t, s, acme, store.FindingQuery{}), []string{}
	for after := 0; after < 9; after += 2 {
		paged = append(paged, told(t, s, acme, store.FindingQuery{After: after, Limit: 2})...)
	}
	equal(t, "paged", paged, all)
}

func findingSaved(t *testing.T, s store.Store) {
	with := func(ref record.Ref, expect uint64, codes ...fault.Code) store.LedgerSave {
		one := save(ref, expect, fmt.Sprint(ref, expect))
		o := observe(ref, noon(), codes...)
		one.Observation = &o
		return one
	}
	saved(t, s, acme, with(employee(1), 0, fault.MissingEmail, fault.MissingEmail), with(employee(2), 0, fault.NoJob), with(employee(3), 0))
	saved(t, s, globex, with(employee(1), 0, fault.NoJob))
	equal(t, "open", told(t, s, acme, store.FindingQuery{}), []string{"000001 MISSING_EMAIL transformer", "000002 NO_JOB transformer"})
	saved(t, s, acme, with(employee(1), 1), save(employee(2), 1, "no observation"))
	equal(t, "one closed, one left as it was", told(t, s, acme, store.FindingQuery{}), []string{"000002 NO_JOB transformer"})
	equal(t, "other tenant's", told(t, s, globex, store.FindingQuery{}), []string{"000001 NO_JOB transformer"})
}

func findingText(t *testing.T, s store.Store) {
	o := observe(employee(1), noon(), fault.BadText)
	o.Findings[0].Detail = "a\x00b\xffc"
	ok(t, s.SetFindings(t.Context(), acme, audit.Transformer, o))
	equal(t, "detail", findings(t, s, acme, store.FindingQuery{})[0].Detail, "a\uFFFDb\uFFFDc")
	bad := entry("x", record.Ref{Kind: record.Employee, Key: "k\x00\xff"})
	bad.Detail, bad.Cause, bad.Changes[0].After = "a\x00\xff", "c\xff", "\xff"
	ok(t, s.Append(t.Context(), acme, append([]audit.Entry{bad}, entries("good", 2)...)))
	equal(t, "entries", ids(t, s, acme), []string{"x", "good-0", "good-1"})
	equal(t, "other tenant's", len(ids(t, s, globex)), 0)
}
