package transform

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func ledgerRow(facts []erp.Fact, ref record.Ref) store.LedgerRow {
	doc, err := event.EncodeLedger(facts)
	if err != nil {
		panic(err)
	}
	return store.LedgerRow{Ref: ref, Revision: 1, Facts: doc}
}

// typical is an employee as a query shows one: two job rows, name, address, assignment.
func typical() []erp.Fact {
	stamp := "stamp=2026-01-01T00:00:00.000000"
	job := []string{stamp, "per_org=EMP", "dept_set=SHARE", "dept=0010200", "dept_text=Finance", "job_code_set=SHARE", "job_code=420060", "job_text=Analyst",
		"supervisor=0000001", "hr_status=A", "empl_status=A", "job_indicator=P", "location=KC", "company=GBI"}
	return person(jobRow("0", "2020-01-01", 0, job...), jobRow("0", "2025-06-01", 0, job...))
}

// BenchmarkMergeResolve is the pure part of one record: merge a newer row, resolve, encode. Goal: under 30 µs.
func BenchmarkMergeResolve(b *testing.B) {
	known, p := Merge(nil, typical(), "").Facts, Default()
	newer := []erp.Fact{set(erp.Email, "BUSN", "", 0, "email=new@example.com", "stamp=2026-02-01T00:00:00.000000")}
	for b.Loop() {
		m := Merge(known, newer, "")
		d := Resolve(dana(), m.Facts, today, p, nil)
		if _, err := event.EncodeEntry(d.Entry); err != nil {
			b.Fatal(err)
		}
		if _, err := event.EncodeLedger(m.Facts); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStepUnchanged is what a poller's overlap costs: decode the ledger, merge what is known, resolve, compare.
func BenchmarkStepUnchanged(b *testing.B) { benchmarkStep(b, typical()[4:]) }

// BenchmarkStepChanged is a change with its audit entry.
func BenchmarkStepChanged(b *testing.B) {
	benchmarkStep(b, []erp.Fact{set(erp.Email, "BUSN", "", 0, "email=new@example.com", "stamp=2026-02-01T00:00:00.000000")})
}

func benchmarkStep(b *testing.B, facts []erp.Fact) {
	row := ledgerRow(Merge(nil, typical(), "").Facts, dana())
	at := moment{tenant: acme, now: time.Unix(0, 0), day: today, policy: Default()}
	k := &task{ref: dana(), arrivals: []arrival{{event: event.Event{ID: "1"}, facts: facts}}}
	first, err := step(at, &task{ref: dana(), ring: true}, row, true)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := step(at, k, first.after, true); err != nil {
			b.Fatal(err)
		}
	}
}
