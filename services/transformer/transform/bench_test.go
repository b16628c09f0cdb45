package transform

import (
	"fmt"
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

// twenty is somebody with a history: fourteen job rows in two jobs, two names, two addresses, two assignments; the
// texts of department and title come from reference data.
func twenty() []erp.Fact {
	stamp := "stamp=2026-01-01T00:00:00.000000"
	facts := []erp.Fact{set(erp.Name, "PRI", "2019-01-01", 0, stamp, "display_name=Dana O'Brien"), set(erp.Name, "PRF", "2021-01-01", 0, stamp, "display_name=Dee O'Brien"),
		set(erp.Email, "BUSN", "", 0, stamp, "email=dana.obrien@example.com"), set(erp.Email, "HOME", "", 0, stamp, "email=dana@home.example"),
		set(erp.Assignment, "0", "", 0, stamp, "per_org=EMP"), set(erp.Assignment, "1", "", 0, stamp, "per_org=EMP")}
	for i := range 14 {
		facts = append(facts, jobRow(fmt.Sprint(i%2), erp.Date(fmt.Sprintf("%d-06-01", 2013+i)), 0, stamp, "per_org=EMP", "dept_set=SHARE", "dept=0010200", "job_code_set=SHARE",
			"job_code=420060", "position=00012345", "supervisor=0000001", "hr_status=A", "empl_status=A", "job_indicator=P", "location=KC", "company=GBI"))
	}
	return facts
}

// BenchmarkTwentyRows holds the figure of issue 4: merging and resolving somebody with twenty rows, at least 20,000
// records a second on one core. All is the first load or a full read into an empty ledger; Again the full read of what
// is known; One a message with one changed row.
func BenchmarkTwentyRows(b *testing.B) {
	p, texts := Default(), Texts{"dept/SHARE/0010200": "Finance", "position/00012345": "Chief Analyst"}
	known := Merge(nil, twenty(), "").Facts
	one := []erp.Fact{jobRow("0", "2026-02-01", 0, "hr_status=A", "empl_status=A", "dept_set=SHARE", "dept=0010200", "position=00012345", "stamp=2026-02-01T00:00:00.000000")}
	for name, c := range map[string]struct{ known, incoming []erp.Fact }{"All": {nil, twenty()}, "Again": {known, twenty()}, "One": {known, one}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := Resolve(dana(), Merge(c.known, c.incoming, "").Facts, today, p, texts); d.Entry.User.Fields["user_fields.department"] != "Finance" {
					b.Fatalf("%+v", d)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkHundredThousandPeople is a full read of a large employer: everybody is somebody else and has twenty rows. Its
// records/s are of merging and resolving alone, on one core (issue 4: at least 20,000).
func BenchmarkHundredThousandPeople(b *testing.B) {
	const people = 100_000
	p, texts := Default(), Texts{"dept/SHARE/0010200": "Finance", "position/00012345": "Chief Analyst"}
	rows := twenty()
	var busy time.Duration
	for b.Loop() {
		for i := range people {
			ref := record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%07d", i)}
			facts := make([]erp.Fact, len(rows))
			copy(facts, rows)
			facts[2] = set(erp.Email, "BUSN", "", 0, "stamp=2026-01-01T00:00:00.000000", "email=p"+ref.Key+"@example.com")
			began := time.Now()
			d := Resolve(ref, Merge(nil, facts, "").Facts, today, p, texts)
			busy += time.Since(began)
			if d.Entry.User.Email != "p"+ref.Key+"@example.com" || d.Entry.User.Fields["user_fields.department"] != "Finance" {
				b.Fatalf("%s: %+v", ref, d)
			}
		}
	}
	b.ReportMetric(float64(b.N)*people/busy.Seconds(), "records/s")
}
