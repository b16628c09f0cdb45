package transform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func hire(stamp string) erp.Fact {
	return jobRow("0", "2020-01-01", 0, "hr_status=A", "empl_status=A", "dept_text=Finance", "stamp="+stamp)
}

func leave(day erp.Date, stamp string) erp.Fact {
	return jobRow("0", day, 0, "hr_status=I", "empl_status=T", "dept_text=Finance", "action=TER", "stamp="+stamp)
}

func TestFactsBecomeAWantedState(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"))...)}))
	got := w.wanted(t, dana())
	if got.User == nil || got.User.State != directory.Active || got.User.Email != "dana.obrien@example.com" || got.User.Fields["user_fields.job_title"] != "Senior Analyst" {
		t.Fatalf("wanted %+v", got.User)
	}
	e := w.table[dana()]
	if e.Version != 1 || e.Tenant != acme || e.Cause != "cycle/1" || e.Type != event.WantedV1 {
		t.Errorf("event %+v", e)
	}
	row := w.rows[dana()]
	if row.Revision != 1 || row.WantedAt != 1 || row.Published != 1 || row.Config != 1 || row.Email != "dana.obrien@example.com" {
		t.Errorf("row %+v", row)
	}
	list := w.entries(audit.Resolved)
	if len(list) != 1 || list[0].Event != "1" || len(list[0].Explain) == 0 || !slices.ContainsFunc(list[0].Changes, func(c audit.Change) bool {
		return c.Field == "state" && c.Before == "" && c.After == "active"
	}) {
		t.Errorf("audit %+v", list)
	}
	if len(w.urged) != 0 {
		t.Error("a new hire is not urgent")
	}
}

func TestTheSameFactsAgainWriteNothing(t *testing.T) {
	w := newWorld(t)
	h := w.service().facts(acme)
	facts := person(hire("2026-01-01T00:00:00.000000"))
	mustPass(t, h(t.Context(), []bus.Message{message(t, "1", dana(), facts...)}))
	mustPass(t, h(t.Context(), []bus.Message{message(t, "2", dana(), facts...), message(t, "3", dana(), facts...)}))
	if w.saves != 1 || w.puts != 1 || len(w.order) != 1 {
		t.Errorf("%d saves, %d puts, %d audit entries, want one each", w.saves, w.puts, len(w.order))
	}
}

func TestLeaverAndReturnerGoFirst(t *testing.T) {
	w := newWorld(t)
	h := w.service().facts(acme)
	mustPass(t, h(t.Context(), []bus.Message{message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"))...)}))
	mustPass(t, h(t.Context(), []bus.Message{message(t, "2", dana(), leave("2026-03-01", "2026-03-02T08:00:00.000000"))}))
	if w.wanted(t, dana()).User.State != directory.Suspended || !slices.Equal(w.urged, []record.Ref{dana()}) {
		t.Fatalf("suspended and urgent wanted, got %+v, urged %v", w.wanted(t, dana()).User, w.urged)
	}
	mustPass(t, h(t.Context(), []bus.Message{message(t, "3", dana(), drop(erp.Job, "0", "2026-03-01", 0, "2026-03-02T08:30:00.000000"))}))
	if w.wanted(t, dana()).User.State != directory.Active || len(w.urged) != 2 {
		t.Errorf("a deleted termination restores: %+v, urged %v", w.wanted(t, dana()).User, w.urged)
	}
}

func TestOlderFactsAreRecordedOnce(t *testing.T) {
	w := newWorld(t)
	h := w.service().facts(acme)
	mustPass(t, h(t.Context(), []bus.Message{message(t, "1", dana(), person(leave("2026-03-01", "2026-03-02T08:00:00.000000"))...)}))
	old := jobRow("0", "2026-03-01", 0, "hr_status=A", "empl_status=A", "stamp=2026-03-01T00:00:00.000000")
	for _, id := range []string{"2", "3"} {
		mustPass(t, h(t.Context(), []bus.Message{message(t, id, dana(), old)}))
	}
	if w.wanted(t, dana()).User.State != directory.Suspended || w.rows[dana()].Revision != 1 {
		t.Error("an older fact changed something")
	}
	if list := w.entries(audit.Superseded); len(list) != 1 || len(list[0].Explain) != 1 {
		t.Errorf("superseded entries %+v, want one for both deliveries", list)
	}
	replay := message(t, "4", dana(), old)
	replay.Event.Cause = "replay/r1"
	mustPass(t, h(t.Context(), []bus.Message{replay}))
	if list := w.entries(audit.Superseded); len(list) != 2 {
		t.Errorf("a replay leaves its own entry, got %d", len(list))
	}
}

func TestFutureDateActsOnItsDay(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(
		jobRow("0", "2026-04-01", 0, "hr_status=A", "dept_text=Finance"), jobRow("0", "2026-01-16", 1, "hr_status=I", "dept_text=Finance"))...)}))
	chicago := time.Date(2026, 4, 1, 5, 0, 0, 0, time.UTC) // midnight in Chicago, daylight saving
	if w.wakes[dana()].Date != "2026-04-01" || !w.at[dana()].Equal(chicago) {
		t.Fatalf("wake %+v at %s, want the start of the day in Chicago", w.wakes[dana()], w.at[dana()])
	}
	w.now = chicago.Add(-30 * time.Second)
	if errs := s.due(acme)(t.Context(), []bus.Message{w.fired(t, dana(), "2026-04-01")}); fault.KindOf(errs[0]) != fault.RateLimited || fault.AfterOf(errs[0]) < 30*time.Second {
		t.Fatalf("a wake-up half a minute early waits, got %v", errs)
	}
	w.now = chicago
	mustPass(t, s.due(acme)(t.Context(), []bus.Message{w.fired(t, dana(), "2026-04-01")}))
	if w.wanted(t, dana()).User.State != directory.Active || len(w.wakes) != 0 || len(w.urged) != 1 {
		t.Errorf("wanted %+v, wakes %v, urged %v", w.wanted(t, dana()).User, w.wakes, w.urged)
	}
	if list := w.entries(audit.Resolved); list[len(list)-1].Cause != "wake/2026-04-01" {
		t.Errorf("cause %q", list[len(list)-1].Cause)
	}
}

func TestStaleWakesDoNothing(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"), leave("2026-05-01", "2026-02-01T00:00:00.000000"))...)}))
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "2", dana(), drop(erp.Job, "0", "2026-05-01", 0, "2026-03-01T00:00:00.000000"))}))
	if len(w.wakes) != 0 {
		t.Errorf("a withdrawn date is still armed: %v", w.wakes)
	}
	w.now = time.Date(2026, 5, 1, 6, 0, 0, 0, time.UTC)
	saves := w.saves
	mustPass(t, s.due(acme)(t.Context(), []bus.Message{w.fired(t, dana(), "2026-05-01"), w.fired(t, record.Ref{Kind: record.Employee, Key: "nobody"}, "2026-05-01")}))
	if w.saves != saves || w.wanted(t, dana()).User.State != directory.Active {
		t.Error("a stale wake-up did something")
	}
}

func TestAnEarlyWakeOfAMovedDateIsArmedAgain(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"), leave("2026-05-01", "2026-02-01T00:00:00.000000"))...)}))
	w.wakes = map[record.Ref]event.Wake{} // the broker purged the schedule that fired
	mustPass(t, s.due(acme)(t.Context(), []bus.Message{w.fired(t, dana(), "2026-02-20")}))
	if w.wakes[dana()].Date != "2026-05-01" {
		t.Errorf("wakes %v", w.wakes)
	}
}

func TestConflictReadsAgain(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"))...)}))
	w.meddle = func() {
		mustPass(t, w.service().facts(acme)(t.Context(), []bus.Message{message(t, "2", dana(), set(erp.Email, "BUSN", "", 0, "email=new@example.com"))}))
	}
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "3", dana(), leave("2026-03-01", "2026-03-02T08:00:00.000000"))}))
	got := w.wanted(t, dana()).User
	if got.Email != "new@example.com" || got.State != directory.Suspended || w.rows[dana()].Revision != 3 || w.table[dana()].Version != 3 {
		t.Errorf("both changes wanted, got %+v at revision %d", got, w.rows[dana()].Revision)
	}
}

func TestEndlessConflictIsAnswered(t *testing.T) {
	w := newWorld(t)
	n := 0
	w.cut = func(point string) error {
		if point == "rows done" {
			n++
			row := w.rows[dana()]
			row.Ref, row.Revision = dana(), row.Revision+1
			w.rows[dana()] = row
		}
		return nil
	}
	errs := w.service().facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person()...)})
	if fault.KindOf(errs[0]) != fault.Conflict || n != 8 {
		t.Errorf("got %v after %d reads", errs, n)
	}
}

func TestBadMessagesAreRefusedAndOthersGoOn(t *testing.T) {
	good := func(t *testing.T) bus.Message { return message(t, "1", dana(), person(hire(""))...) }
	edit := func(change func(*bus.Message)) func(*testing.T) bus.Message {
		return func(t *testing.T) bus.Message { m := good(t); change(&m); return m }
	}
	say := func(ref record.Ref, facts ...erp.Fact) func(*testing.T) bus.Message {
		return func(t *testing.T) bus.Message { return message(t, "1", ref, facts...) }
	}
	tests := map[string]func(*testing.T) bus.Message{
		"another type":                 edit(func(m *bus.Message) { m.Event.Type = event.WakeV1 }),
		"not JSON":                     edit(func(m *bus.Message) { m.Event.Data = []byte("{") }),
		"another tenant's event":       edit(func(m *bus.Message) { m.Event.Tenant = "other" }),
		"another record's subject":     edit(func(m *bus.Message) { m.Ref.Key = "0004712" }),
		"no key":                       say(record.Ref{Kind: record.Employee}),
		"a key that no source has":     say(record.Ref{Kind: record.Employee, Key: strings.Repeat("1", 65)}),
		"unknown kind":                 say(record.Ref{Kind: "robot", Key: "1"}),
		"vendor without SETID":         say(record.Ref{Kind: record.Vendor, Key: "0000000011"}),
		"a job of a vendor":            say(hoses(), hire("")),
		"a vendor row of an employee":  say(dana(), set(erp.Vendor, "", "", 0, "name=x")),
		"unknown facet":                say(dana(), set("pay", "", "", 0)),
		"unknown action":               say(dana(), erp.Fact{Facet: erp.Job, Row: "0", Action: "delete"}),
		"a field that may not be here": say(dana(), set(erp.Job, "0", "2020-01-01", 0, "national_id=1")),
		"not a date":                   say(dana(), set(erp.Job, "0", "tomorrow", 0)),
		"a year that cannot be":        say(dana(), set(erp.Job, "0", "0001-01-01", 0)),
		"not a stamp":                  say(dana(), set(erp.Job, "0", "2020-01-01", 0, "stamp=yesterday")),
		"negative sequence":            say(dana(), set(erp.Job, "0", "2020-01-01", -1)),
		"set and dropped at once":      say(dana(), hire(""), drop(erp.Job, "0", "2020-01-01", 0, "")),
	}
	for name, bad := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			other := record.Ref{Kind: record.Employee, Key: "0004799"}
			errs := w.service().facts(acme)(t.Context(), []bus.Message{bad(t), message(t, "2", other, person(hire(""))...)})
			if fault.KindOf(errs[0]) != fault.Invalid || errs[1] != nil {
				t.Errorf("got %v, want invalid and nil", errs)
			}
			if _, ok := w.table[other]; !ok || len(w.rows) != 1 {
				t.Error("the good message did not go on alone")
			}
			if strings.Contains(fmt.Sprint(errs[0]), "national_id") {
				t.Errorf("the refusal repeats content: %v", errs[0])
			}
		})
	}
}

func TestSettingsChangeIsResolvedAgain(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	var refs []record.Ref
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		ref := record.Ref{Kind: record.Employee, Key: key}
		refs = append(refs, ref)
		mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, key, ref, person(hire(""))...)}))
	}
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "v", hoses(), set(erp.Vendor, "", "", 0, "name=Hoses", "status=A"))}))
	w.policy.Version, w.policy.UserFields = 2, map[string]string{"department": "user_fields.division"}
	puts := w.puts
	if err := s.Reresolve(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if got := w.wanted(t, ref).User.Fields; got["user_fields.division"] != "Finance" || w.rows[ref].Config != 2 {
			t.Errorf("%s: %v, config %d", ref, got, w.rows[ref].Config)
		}
	}
	if w.puts != puts+len(refs) || w.rows[hoses()].Config != 2 {
		t.Errorf("%d published, want %d: the vendor did not change", w.puts-puts, len(refs))
	}
	saves := w.saves
	if err := s.Reresolve(t.Context(), acme); err != nil || w.saves != saves {
		t.Errorf("a second time changed something: %v", err)
	}
}

func TestFindingsCloseThemselves(t *testing.T) {
	w := newWorld(t)
	h := w.service().facts(acme)
	mustPass(t, h(t.Context(), []bus.Message{message(t, "1", dana(), set(erp.Name, "PRI", "", 0, "display_name=Dana"), hire(""), set(erp.Assignment, "0", "", 0, "title=Chief"))}))
	if f := w.findings[dana()]; len(f) != 1 || f[0].Code != fault.MissingEmail || f[0].Hold || f[0].Stage != audit.Transformer {
		t.Fatalf("findings %+v", f)
	}
	if list := w.entries(audit.Resolved); list[0].Code != string(fault.MissingEmail) || list[0].Next == "" {
		t.Errorf("audit %+v", list[0])
	}
	mustPass(t, h(t.Context(), []bus.Message{message(t, "2", dana(), set(erp.Email, "BUSN", "", 0, "email=d@example.com"))}))
	if f := w.findings[dana()]; len(f) != 0 {
		t.Errorf("findings %+v, want none", f)
	}
}

// Whatever call fails, before or after its effect: once the messages come again after a restart, everything is as if
// nothing had happened, and nothing is explained twice.
func TestCrashAnywhereEndsTheSame(t *testing.T) {
	run := func(t *testing.T, crashAt int) (w *world, calls int) {
		w = newWorld(t)
		w.cut = func(string) error {
			calls++
			if calls == crashAt {
				return errCrash
			}
			return nil
		}
		inputs := []bus.Message{
			message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"))...),
			message(t, "2", hoses(), set(erp.Vendor, "", "", 0, "name=Hoses", "status=A")),
			message(t, "3", dana(), leave("2026-03-01", "2026-03-02T08:00:00.000000"), jobRow("0", "2026-04-01", 0, "hr_status=A", "stamp=2026-03-02T08:00:00.000000")),
			message(t, "4", dana(), jobRow("0", "2026-04-01", 0, "hr_status=A", "dept_text=Sales", "stamp=2026-03-02T09:00:00.000000")),
		}
		s := w.service()
		for _, m := range inputs {
			for s.facts(acme)(t.Context(), []bus.Message{m})[0] != nil {
				m.Attempt++
				s = w.service()
				for errors.Join(s.Rearm(t.Context(), acme), s.Sweep(t.Context(), acme)) != nil {
				}
			}
		}
		w.now = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
		for s.due(acme)(t.Context(), []bus.Message{w.fired(t, dana(), "2026-04-01")})[0] != nil {
		}
		return w, calls
	}
	clean, total := run(t, 0)
	if clean.wanted(t, dana()).User.Fields["user_fields.department"] != "Sales" {
		t.Fatal("the scenario does not end as meant")
	}
	for at := 1; at <= total; at++ {
		w, _ := run(t, at)
		for ref, row := range clean.rows {
			got := w.rows[ref]
			if got.Revision != row.Revision || got.WantedAt != row.WantedAt || got.Published != row.Published || string(got.Facts) != string(row.Facts) || got.NextDate != row.NextDate {
				t.Errorf("crash at call %d: row of %s is %+v, want %+v", at, ref, got, row)
			}
			if w.table[ref].ID != clean.table[ref].ID || string(w.table[ref].Data) != string(clean.table[ref].Data) {
				t.Errorf("crash at call %d: table of %s is %s", at, ref, w.table[ref].Data)
			}
		}
		if len(w.order) != len(clean.order) || len(w.wakes) != len(clean.wakes) {
			t.Errorf("crash at call %d: %d audit entries and %d wakes, want %d and %d", at, len(w.order), len(w.wakes), len(clean.order), len(clean.wakes))
		}
		if !slices.Contains(w.urged, dana()) {
			t.Errorf("crash at call %d: the leaver was never urgent", at)
		}
	}
	t.Logf("%d crash points", total)
}

func TestRunRecoversWorksAndEnds(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	failing := true
	w.cut = func(point string) error {
		if failing && (point == "put" || point == "wake") {
			return errCrash
		}
		return nil
	}
	if errs := s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire("2026-01-01T00:00:00.000000"), leave("2026-05-01", ""))...)}); !errors.Is(errs[0], errCrash) {
		t.Fatalf("got %v", errs)
	}
	failing = false
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, acme) }()
	w.inbox[bus.Transformer] <- []bus.Message{message(t, "2", hoses(), set(erp.Vendor, "", "", 0, "name=Hoses", "status=A"))}
	mustPass(t, <-w.answers)
	w.inbox[bus.Due] <- []bus.Message{w.fired(t, dana(), "2026-02-01")}
	mustPass(t, <-w.answers)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if w.wanted(t, dana()).User.State != directory.Active || w.wakes[dana()].Date != "2026-05-01" || w.wanted(t, hoses()).Organization == nil {
		t.Errorf("table %v, wakes %v", w.table, w.wakes)
	}
}

func TestADayThatPassedWhileDownIsCaughtUp(t *testing.T) {
	w := newWorld(t)
	mustPass(t, w.service().facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hire(""), leave("2026-03-05", ""), jobRow("0", "2026-06-01", 0, "hr_status=A"))...)}))
	w.now, w.wakes = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC), map[record.Ref]event.Wake{}
	if err := w.service().Rearm(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	if w.wanted(t, dana()).User.State != directory.Suspended || w.wakes[dana()].Date != "2026-06-01" {
		t.Errorf("wanted %+v, wakes %v", w.wanted(t, dana()).User, w.wakes)
	}
}

func TestSettingsThatCannotBeReadStopNothingForEver(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	down := fault.New(fault.Transient, fault.StoreDown, "")
	s.deps.Policies = func(context.Context, tenant.ID) (Policy, error) { return Policy{}, down }
	for name, errs := range map[string][]error{"facts": s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), hire(""))}), "due": s.due(acme)(t.Context(), []bus.Message{w.fired(t, dana(), today)})} {
		if fault.KindOf(errs[0]) != fault.Transient {
			t.Errorf("%s: %v, want the store's own transient error", name, errs)
		}
	}
}

func TestStartOfADayWithoutMidnight(t *testing.T) {
	zone, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	at, err := start("2026-09-06", zone) // clocks go from 24:00 to 01:00
	if err != nil || erp.Today(at, zone) != "2026-09-06" || erp.Today(at.Add(-15*time.Minute), zone) != "2026-09-05" {
		t.Errorf("start %s, %v", at.In(zone), err)
	}
}
