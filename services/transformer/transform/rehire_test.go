package transform

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
)

// rowAt makes a job row with a status; more are "field=value" pairs as for set.
func rowAt(rcd string, day erp.Date, seq int, status string, more ...string) erp.Fact {
	hr := map[string]string{"A": "A", "L": "A", "T": "I", "R": "I", "D": "I"}[status]
	return jobRow(rcd, day, seq, append([]string{"hr_status=" + hr, "empl_status=" + status, "dept_text=Finance", "stamp=2020-01-01T00:00:00.000000"}, more...)...)
}

// Whatever way somebody comes back, the same user is active again on the day and not before, and in whatever order the
// rows arrive.
func TestRehires(t *testing.T) {
	const a, s, u = directory.Active, directory.Suspended, directory.Untouched
	hired, left := rowAt("0", "2020-01-01", 0, "A"), rowAt("0", "2026-01-16", 0, "T")
	type days map[erp.Date]directory.State
	tests := map[string]struct {
		facts []erp.Fact
		want  days
	}{
		"on the same job after a gap": {[]erp.Fact{hired, left, rowAt("0", "2026-02-01", 0, "A")},
			days{"2026-01-15": a, "2026-01-16": s, "2026-01-31": s, "2026-02-01": a}},
		"on the day of leaving, by sequence": {[]erp.Fact{hired, left, rowAt("0", "2026-01-16", 1, "A")},
			days{"2026-01-15": a, "2026-01-16": a, "2027-01-01": a}},
		"on the day after leaving": {[]erp.Fact{hired, left, rowAt("0", "2026-01-17", 0, "A")},
			days{"2026-01-16": s, "2026-01-17": a}},
		"before the day of leaving, so that nothing is left to come": {[]erp.Fact{hired, left, rowAt("0", "2026-01-10", 0, "A")},
			days{"2026-01-15": a, "2026-01-16": s}},
		"on a new job while the old one stays ended": {[]erp.Fact{hired, left, rowAt("1", "2026-02-01", 0, "A")},
			days{"2026-01-20": s, "2026-02-01": a}},
		"on a new job before the old one ends": {[]erp.Fact{hired, left, rowAt("1", "2026-01-01", 0, "A")},
			days{"2026-01-15": a, "2026-01-16": a}},
		"announced and withdrawn": {[]erp.Fact{hired, left, rowAt("0", "2026-02-01", 0, "A"), drop(erp.Job, "0", "2026-02-01", 0, "2026-01-20T00:00:00.000000")},
			days{"2026-01-31": s, "2026-02-01": s, "2026-06-01": s}},
		"announced and moved to a later day": {[]erp.Fact{hired, left, rowAt("0", "2026-02-01", 0, "A"), drop(erp.Job, "0", "2026-02-01", 0, "2026-01-20T00:00:00.000000"), rowAt("0", "2026-03-01", 0, "A")},
			days{"2026-02-01": s, "2026-02-28": s, "2026-03-01": a}},
		"announced and moved to an earlier day": {[]erp.Fact{hired, left, rowAt("0", "2026-03-01", 0, "A"), drop(erp.Job, "0", "2026-03-01", 0, "2026-01-20T00:00:00.000000"), rowAt("0", "2026-02-01", 0, "A")},
			days{"2026-01-31": s, "2026-02-01": a, "2026-03-01": a}},
		"because the leaving was taken back": {[]erp.Fact{hired, left, drop(erp.Job, "0", "2026-01-16", 0, "2026-01-20T00:00:00.000000")},
			days{"2026-01-16": a, "2026-02-01": a}},
		"by a correction of the leaving's row": {[]erp.Fact{hired, left, rowAt("0", "2026-01-16", 0, "A", "stamp=2026-01-20T00:00:00.000000")},
			days{"2026-01-16": a, "2026-02-01": a}},
		"and gone again": {[]erp.Fact{hired, left, rowAt("0", "2026-02-01", 0, "A"), rowAt("0", "2026-02-15", 0, "T")},
			days{"2026-01-20": s, "2026-02-01": a, "2026-02-14": a, "2026-02-15": s}},
		"three times on one job": {[]erp.Fact{hired, left, rowAt("0", "2026-02-01", 0, "A"), rowAt("0", "2026-03-01", 0, "T"), rowAt("0", "2026-04-01", 0, "A"), rowAt("0", "2026-05-01", 0, "T"), rowAt("0", "2026-06-01", 0, "A")},
			days{"2026-01-20": s, "2026-02-10": a, "2026-03-10": s, "2026-04-10": a, "2026-05-10": s, "2026-06-10": a}},
		"as a contingent worker": {[]erp.Fact{hired, left, rowAt("1", "2026-02-01", 0, "A", "per_org=CWR")},
			days{"2026-01-20": s, "2026-02-01": a}},
		"as a person of interest only, which is no rehire": {[]erp.Fact{hired, left, rowAt("1", "2026-02-01", 0, "A", "per_org=POI")},
			days{"2026-01-20": s, "2026-02-01": s}},
		"out of retirement, told in long names": {[]erp.Fact{hired, jobRow("0", "2026-01-16", 0, "hr_status=Inactive", "empl_status=Retired", "dept_text=Finance"),
			jobRow("0", "2026-02-01", 0, "hr_status=Active", "empl_status=Active", "dept_text=Finance")},
			days{"2026-01-20": s, "2026-02-01": a}},
		"into a leave of absence": {[]erp.Fact{hired, left, rowAt("0", "2026-02-01", 0, "L")},
			days{"2026-01-20": s, "2026-02-01": a}},
		"from a leave of absence, where nobody was ever suspended": {[]erp.Fact{hired, rowAt("0", "2026-01-16", 0, "L"), rowAt("0", "2026-02-01", 0, "A")},
			days{"2026-01-20": a, "2026-02-01": a}},
		"with a status that nobody knows, which concludes nothing": {[]erp.Fact{hired, left, jobRow("0", "2026-02-01", 0, "empl_status=Z")},
			days{"2026-01-20": s, "2026-02-01": u}},
		"after a death that was recorded by mistake": {[]erp.Fact{hired, set(erp.Person, "", "", 0, "deceased=2026-01-16", "stamp=2026-01-16T00:00:00.000000"), set(erp.Person, "", "", 0, "deceased=", "stamp=2026-01-20T00:00:00.000000")},
			days{"2026-01-15": a, "2026-02-01": a}},
	}
	if len(tests) < 12 {
		t.Fatal("too few variants")
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(uint64(len(name)), 1))
			for range 20 {
				facts := person(tt.facts...)
				rnd.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
				known := Merge(nil, facts, "").Facts
				for _, day := range slices.Sorted(maps.Keys(tt.want)) {
					d := Resolve(dana(), known, day, Default(), nil)
					if got := d.Entry.State(); got != tt.want[day] || d.Entry.ExternalID() != "psft:emp:0004711" {
						t.Fatalf("%s: %s, want %s; %q of %v", day, got, tt.want[day], d.Explain, facts)
					}
				}
			}
		})
	}
}
