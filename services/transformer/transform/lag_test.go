package transform

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestATimeOfDayOnEveryKindOfDay(t *testing.T) {
	for name, tc := range map[string]struct {
		zone string
		day  erp.Date
		at   time.Duration
		want string
	}{
		"an ordinary evening":                           {"America/New_York", "2026-02-01", 18 * time.Hour, "2026-02-01T23:00:00Z"},
		"a time that clocks skip is the end of the gap": {"America/New_York", "2026-03-08", 150 * time.Minute, "2026-03-08T07:00:00Z"},
		"a time that comes twice is the first":          {"America/New_York", "2026-11-01", 90 * time.Minute, "2026-11-01T05:30:00Z"},
		"half an hour is skipped":                       {"Australia/Lord_Howe", "2026-10-04", 135 * time.Minute, "2026-10-03T15:30:00Z"},
		"half an hour comes twice":                      {"Australia/Lord_Howe", "2026-04-05", 105 * time.Minute, "2026-04-04T14:45:00Z"},
		"a midnight that clocks skip":                   {"America/Santiago", "2026-09-06", 0, "2026-09-06T04:00:00Z"},
		"a day that never was is the start of the next": {"Pacific/Apia", "2011-12-30", 18 * time.Hour, "2011-12-30T10:00:00Z"},
		"the evening after the day that never was":      {"Pacific/Apia", "2011-12-31", 18 * time.Hour, "2011-12-31T04:00:00Z"},
		"the evening before it":                         {"Pacific/Apia", "2011-12-29", 18 * time.Hour, "2011-12-30T04:00:00Z"},
		"ahead of UTC by fourteen hours":                {"Pacific/Kiritimati", "2026-02-01", 18 * time.Hour, "2026-02-01T04:00:00Z"},
		"two hours are skipped at an antarctic station": {"Antarctica/Troll", "2026-03-29", 90 * time.Minute, "2026-03-29T01:00:00Z"},
		"UTC has no surprises":                          {"UTC", "2026-02-01", 18*time.Hour + 5*time.Minute, "2026-02-01T18:05:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := clockTime(tc.day, tc.at, zoneOf(t, tc.zone))
			if !ok || got.UTC().Format(time.RFC3339) != tc.want {
				t.Errorf("%s, want %s", got.UTC().Format(time.RFC3339), tc.want)
			}
		})
	}
	if _, ok := clockTime("tomorrow", 0, time.UTC); ok {
		t.Error("what is no day has no time of day")
	}
}

// at resolves at a wall clock of the policy's zone.
func at(t *testing.T, facts []erp.Fact, wall string, p Policy) Decision {
	t.Helper()
	now, err := time.ParseInLocation("2006-01-02 15:04:05", wall, p.zone())
	if err != nil {
		t.Fatal(err)
	}
	return ResolveAt(dana(), facts, now, p, nil)
}

func TestLeadAndLag(t *testing.T) {
	const a, s, u = directory.Active, directory.Suspended, directory.Untouched
	hired, left := rowAt("0", "2020-01-01", 0, "A"), rowAt("0", "2026-02-01", 0, "T")
	evening := func(p *Policy) { p.LeaveAt = 18 * time.Hour }
	early := func(p *Policy) { p.HireLead = 3 }
	type walls map[string]directory.State
	for name, tc := range map[string]struct {
		policy func(*Policy)
		facts  []erp.Fact
		want   walls
	}{
		"a leaver keeps access until the evening": {evening, []erp.Fact{hired, left},
			walls{"2026-01-31 23:59:59": a, "2026-02-01 17:59:59": a, "2026-02-01 18:00:00": s, "2026-03-01 00:00:00": s}},
		"two days later": {func(p *Policy) { p.LeaveDays = 2 }, []erp.Fact{hired, left},
			walls{"2026-02-02 23:59:59": a, "2026-02-03 00:00:00": s}},
		"two days later in the evening": {func(p *Policy) { p.LeaveDays, p.LeaveAt = 2, 18*time.Hour }, []erp.Fact{hired, left},
			walls{"2026-02-03 17:59:59": a, "2026-02-03 18:00:00": s}},
		"thirty-six hours later": {func(p *Policy) { p.LeaveHours = 36 }, []erp.Fact{hired, left},
			walls{"2026-02-02 11:59:59": a, "2026-02-02 12:00:00": s}},
		"a later row of somebody who left moves nothing": {evening, []erp.Fact{hired, left, rowAt("0", "2026-02-02", 0, "T", "dept_text=Archive")},
			walls{"2026-02-01 18:00:00": s, "2026-02-02 12:00:00": s}},
		"nor does another row of the same day": {evening, []erp.Fact{hired, left, rowAt("0", "2026-02-01", 1, "T")},
			walls{"2026-02-01 17:59:59": a, "2026-02-01 18:00:00": s}},
		"a rehire in between leaves access alone": {func(p *Policy) { p.LeaveDays = 2 }, []erp.Fact{hired, left, rowAt("0", "2026-02-02", 0, "A")},
			walls{"2026-02-01 12:00:00": a, "2026-02-02 12:00:00": a, "2026-02-05 12:00:00": a}},
		"of two jobs the last counts": {evening, []erp.Fact{hired, left, rowAt("1", "2021-01-01", 0, "A"), rowAt("1", "2026-02-03", 0, "T")},
			walls{"2026-02-02 12:00:00": a, "2026-02-03 17:59:59": a, "2026-02-03 18:00:00": s}},
		"a death waits for nothing": {evening, []erp.Fact{hired, left, set(erp.Person, "", "", 0, "deceased=2026-01-31")},
			walls{"2026-02-01 09:00:00": s}},
		"who never worked has nothing to keep": {evening, []erp.Fact{left}, walls{"2026-02-01 09:00:00": s}},
		"a hire is there three days before": {early, []erp.Fact{rowAt("0", "2026-02-10", 0, "A")},
			walls{"2026-02-06 23:59:59": u, "2026-02-07 00:00:00": a, "2026-02-10 00:00:00": a}},
		"a rehire too": {early, []erp.Fact{hired, left, rowAt("0", "2026-02-10", 0, "A")},
			walls{"2026-02-06 23:59:59": s, "2026-02-07 00:00:00": a}},
		"who comes back within the lead is never suspended": {early, []erp.Fact{hired, left, rowAt("0", "2026-02-04", 0, "A")},
			walls{"2026-02-01 00:00:00": a, "2026-02-03 12:00:00": a}},
		"a row ahead that is no hire changes nothing": {early, []erp.Fact{hired, left, rowAt("0", "2026-02-03", 0, "T", "dept_text=Archive")},
			walls{"2026-02-01 12:00:00": s}},
		"out of scope is no hire": {early, []erp.Fact{rowAt("0", "2026-02-10", 0, "A", "per_org=POI")}, walls{"2026-02-09 00:00:00": u}},
		"a leaver's day is not moved by the lead": {early, []erp.Fact{hired, left},
			walls{"2026-01-31 23:59:59": a, "2026-02-01 00:00:00": s}},
	} {
		t.Run(name, func(t *testing.T) {
			p := Default()
			p.Zone = zoneOf(t, "America/Chicago")
			tc.policy(&p)
			for wall, want := range tc.want {
				if d := at(t, person(tc.facts...), wall, p); d.Entry.State() != want {
					t.Errorf("%s: %s, want %s; %q", wall, d.Entry.State(), want, d.Explain)
				}
			}
		})
	}
}

// Who is created ahead has the name, title and department of the first day.
func TestAHireAheadIsSeenAsOnTheFirstDay(t *testing.T) {
	p := Default()
	p.HireLead = 3
	d := at(t, []erp.Fact{set(erp.Name, "PRI", "2026-02-10", 0, "display_name=Dana O'Brien"), set(erp.Email, "BUSN", "", 0, "email=dana@example.com"),
		jobRow("0", "2026-02-10", 0, "hr_status=A", "dept_text=Finance", "job_text=Analyst"), jobRow("0", "2026-02-12", 0, "hr_status=A", "dept_text=Audit", "job_text=Analyst")},
		"2026-02-09 00:00:00", p)
	u := d.Entry.User
	if u.State != directory.Active || u.Name != "Dana O'Brien" || u.Fields["user_fields.department"] != "Finance" || d.Next != "2026-02-10" || codesOf(d) != "" {
		t.Errorf("%+v, next %s, %q", u, d.Next, d.Explain)
	}
	if !slices.ContainsFunc(d.Explain, func(s string) bool { return strings.Contains(s, "2026-02-10") }) {
		t.Errorf("not explained: %q", d.Explain)
	}
}

// The plan of a leaver's evening: armed at the instant, not due before, kept over a restart, moved with the row, replaced
// with the policy, and taken back with the row.
func TestThePlanFollowsTheRowAndThePolicy(t *testing.T) {
	w := newWorld(t)
	w.policy.LeaveAt = 18 * time.Hour
	w.now = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC) // 09:00 in Chicago
	s := w.service()
	tell := func(id string, facts ...erp.Fact) {
		t.Helper()
		mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, id, dana(), facts...)}))
	}
	armed := func(want string) {
		t.Helper()
		if got := w.at[dana()].UTC().Format(time.RFC3339); got != want {
			t.Fatalf("armed for %s, want %s; next %q", got, want, w.rows[dana()].NextDate)
		}
	}
	tell("1", person(hire("2026-01-01T00:00:00.000000"), leave("2026-03-02", "2026-03-01T00:00:00.000000"))...)
	armed("2026-03-03T00:00:00Z")
	if next := w.rows[dana()].NextDate; next != "2026-03-02T18:00:00-06:00" || w.wakes[dana()].At.IsZero() {
		t.Fatalf("next %q, wake %+v", next, w.wakes[dana()])
	}
	saves := w.saves
	if err := s.ring(t.Context(), acme); err != nil || w.saves != saves || w.wanted(t, dana()).User.State != directory.Active {
		t.Fatalf("before the hour: %v, %d saves", err, w.saves-saves)
	}
	w.at, w.wakes = map[record.Ref]time.Time{}, map[record.Ref]event.Wake{} // the schedules were lost while nobody ran
	if err := w.service().Rearm(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	armed("2026-03-03T00:00:00Z")
	w.policy.LeaveAt, w.policy.LeaveDays, w.policy.Version = 20*time.Hour, 6, 2 // 8 March: the day of the clock change
	if err := s.Reresolve(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	armed("2026-03-09T01:00:00Z")
	w.policy.LeaveDays, w.policy.Version = 0, 3
	if err := s.Reresolve(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	armed("2026-03-03T02:00:00Z")
	fired := w.fired(t, dana(), "2026-03-02")
	wake := event.Wake{Kind: dana().Kind, Key: dana().Key, Date: "2026-03-02", At: time.Date(2026, 3, 3, 2, 0, 0, 0, time.UTC)}
	var err error
	if fired.Event, err = event.With(fired.Event, wake); err != nil {
		t.Fatal(err)
	}
	w.now = wake.At.Add(-time.Minute)
	if errs := s.due(acme)(t.Context(), []bus.Message{fired}); errs[0] == nil {
		t.Fatal("a wake-up before its instant is waited for")
	}
	w.now = wake.At
	mustPass(t, s.due(acme)(t.Context(), []bus.Message{fired}))
	if w.wanted(t, dana()).User.State != directory.Suspended || w.rows[dana()].NextDate != "" || len(w.urged) != 1 {
		t.Fatalf("at the hour: %+v, urged %v", w.rows[dana()], w.urged)
	}
}

// A process that was down at the hour finds the row by its text.
func TestAnHourThatPassedWhileNobodyRanIsCaughtUp(t *testing.T) {
	w := newWorld(t)
	w.policy.LeaveAt = 18 * time.Hour
	mustPass(t, w.service().facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"), leave("2026-03-02", "2026-03-01T00:00:00.000000"))...)}))
	w.now = time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	if err := w.service().ring(t.Context(), acme); err != nil || w.wanted(t, dana()).User.State != directory.Suspended {
		t.Fatalf("%v, %+v", err, w.rows[dana()])
	}
}
