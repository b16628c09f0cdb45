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
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func finance() record.Ref { return reference("dept/SHARE/0010200") }

func reference(key string) record.Ref { return record.Ref{Kind: record.Reference, Key: key} }

// text is a row of reference data.
func text(day erp.Date, value string, more ...string) erp.Fact {
	return set(erp.Reference, "", day, 0, append([]string{"eff_status=A", "text=" + value}, more...)...)
}

// member is somebody whose job row brings codes and no texts.
func member(more ...string) []erp.Fact {
	return []erp.Fact{set(erp.Name, "PRI", "", 0, "display_name=Dana O'Brien"), set(erp.Email, "BUSN", "", 0, "email=dana.obrien@example.com"),
		jobRow("0", "2020-01-01", 0, append([]string{"hr_status=A", "dept_set=SHARE", "dept=0010200", "job_code_set=SHARE", "job_code=420060", "position=00012345"}, more...)...)}
}

func TestDepartmentAndTitleAreResolvedInOrder(t *testing.T) {
	all := Texts{"dept/SHARE/0010200": "Finance", "jobcode/SHARE/420060": "Analyst", "position/00012345": "Chief Analyst"}
	business := set(erp.Assignment, "0", "", 0, "title=Wizard")
	const dept, job, position = "dept/SHARE/0010200", "jobcode/SHARE/420060", "position/00012345"
	tests := map[string]struct {
		facts  []erp.Fact
		texts  Texts
		policy func(*Policy)
		dept   string
		title  string
		codes  string
		points []string
	}{
		"the texts of the reference data, the position's first":     {facts: member(), texts: all, dept: "Finance", title: "Chief Analyst", points: []string{dept, job, position}},
		"the business title is the first of all":                    {facts: append(member(), business), texts: all, dept: "Finance", title: "Wizard", points: []string{dept}},
		"a blank business title is none":                            {facts: append(member(), set(erp.Assignment, "0", "", 0, "title= ")), texts: all, dept: "Finance", title: "Chief Analyst", points: []string{dept, job, position}},
		"a position without a text gives way to the job row's text": {facts: member("job_text=Clerk"), texts: Texts{job: "Analyst"}, dept: "0010200", title: "Clerk", codes: "MISSING_DEPARTMENT", points: []string{dept, position}},
		"the position's text goes before the job row's":             {facts: member("job_text=Clerk"), texts: all, dept: "Finance", title: "Chief Analyst", points: []string{dept, position}},
		"no position, no text in the row: the job code's text":      {facts: member("position="), texts: all, dept: "Finance", title: "Analyst", points: []string{dept, job}},
		"the job row's own department text is the first":            {facts: member("dept_text=Money"), texts: all, dept: "Money", title: "Chief Analyst", points: []string{job, position}},
		"codes and flags when no text is known":                     {facts: member(), dept: "0010200", title: "420060", codes: "MISSING_DEPARTMENT MISSING_TITLE", points: []string{dept, job, position}},
		"the department of another SETID is another department":     {facts: member("dept_set=OTHER"), texts: all, dept: "0010200", title: "Chief Analyst", codes: "MISSING_DEPARTMENT", points: []string{"dept/OTHER/0010200", job, position}},
		"without a SETID nothing is guessed":                        {facts: member("dept_set="), texts: all, dept: "0010200", title: "Chief Analyst", codes: "MISSING_DEPARTMENT", points: []string{job, position}},
		"codes are trimmed, zeros stay":                             {facts: member("dept_set=SHARE ", "dept= 0010200"), texts: all, dept: "Finance", title: "Chief Analyst", points: []string{dept, job, position}},
		"a code that cannot be one points nowhere":                  {facts: member("dept=00\u202e10200", "position="+strings.Repeat("9", 80)), texts: all, dept: "0010200", title: "Analyst", codes: "BAD_TEXT MISSING_DEPARTMENT", points: []string{job}},
		"what the tenant does not map is not looked up":             {facts: member(), texts: all, policy: func(p *Policy) { p.UserFields = map[string]string{"title": "user_fields.job_title"} }, title: "Chief Analyst", points: []string{job, position}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Default()
			if tt.policy != nil {
				tt.policy(&p)
			}
			d := Resolve(dana(), tt.facts, today, p, tt.texts)
			if u := d.Entry.User.Fields; u["user_fields.department"] != tt.dept || u["user_fields.job_title"] != tt.title {
				t.Errorf("fields %v, want %q and %q", u, tt.dept, tt.title)
			}
			if got := codesOf(d); got != tt.codes {
				t.Errorf("codes %q, want %q", got, tt.codes)
			}
			if got := Points(dana(), tt.facts, today, p); !slices.Equal(got, tt.points) {
				t.Errorf("points %q, want %q", got, tt.points)
			}
		})
	}
}

func TestTheTextOfADay(t *testing.T) {
	facts := []erp.Fact{text("2020-01-01", "Finance"), text("2026-03-01", "Treasury"), text("2026-06-01", "Money"), set(erp.Reference, "", "2026-09-01", 0, "eff_status=I", "text=Money")}
	for day, want := range map[erp.Date]struct {
		text string
		next erp.Date
	}{"2019-12-31": {"", "2020-01-01"}, "2026-02-28": {"Finance", "2026-03-01"}, "2026-03-01": {"Treasury", "2026-06-01"}, "2026-06-01": {"Money", "2026-09-01"}, "2026-09-01": {"", ""}} {
		if got, next := ReferenceText(facts, day); got != want.text || next != want.next {
			t.Errorf("%s: %q, next %q, want %+v: an ended row must not raise an older one", day, got, next, want)
		}
	}
	if got := Points(hoses(), facts, today, Default()); len(got) != 0 {
		t.Errorf("a vendor points to %q", got)
	}
}

func department(w *world, t *testing.T, ref record.Ref) string {
	t.Helper()
	return w.wanted(t, ref).User.Fields["user_fields.department"]
}

func employee(n int) record.Ref {
	return record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%07d", n)}
}

func tell(t *testing.T, s *Service, w *world, ref record.Ref, facts ...erp.Fact) {
	t.Helper()
	mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, fmt.Sprint(len(w.order), ref), ref, facts...)}))
}

func TestATextThatArrivesLaterRefreshesThePeopleConcerned(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for n := range 5 {
		tell(t, s, w, employee(n), member()...)
	}
	tell(t, s, w, employee(9), member("dept=0099999")...)
	if got := department(w, t, employee(3)); got != "0010200" || w.findings[employee(3)][0].Code != fault.MissingDepartment {
		t.Fatalf("before the text: %q, %v", got, w.findings[employee(3)])
	}
	other := w.rows[employee(9)].Revision
	tell(t, s, w, finance(), text("2020-01-01", "Finance"))
	for n := range 5 {
		if got := department(w, t, employee(n)); got != "Finance" || len(w.findings[employee(n)]) != 1 {
			t.Errorf("%s: %q, %v", employee(n), got, w.findings[employee(n)])
		}
	}
	if _, ok := w.table[finance()]; ok || w.rows[employee(9)].Revision != other {
		t.Error("reference data was published, or somebody else was touched")
	}
	if row := w.rows[finance()]; row.WantedAt != 1 || row.Published != 1 {
		t.Errorf("row %+v, want it marked as brought to its end", row)
	}
	saves, puts := w.saves, w.puts
	tell(t, s, w, finance(), text("2020-01-01", "Finance"))
	tell(t, s, w, finance(), text("2018-01-01", "Old"))
	if w.saves != saves+1 || w.puts != puts {
		t.Errorf("%d saves and %d puts for a text that did not change", w.saves-saves, w.puts-puts)
	}
	list := w.entries(audit.Resolved)
	i := slices.IndexFunc(list, func(e audit.Entry) bool { return e.Ref == finance() })
	if i < 0 || len(list[i].Changes) != 1 || list[i].Changes[0] != (audit.Change{Field: "text", After: "Finance"}) {
		t.Errorf("audit of the text %+v", list)
	}
}

func TestATextBecomesEffectiveByItself(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	tell(t, s, w, finance(), text("2020-01-01", "Finance"), text("2026-04-01", "Treasury"))
	tell(t, s, w, dana(), member()...)
	if department(w, t, dana()) != "Finance" || w.wakes[finance()].Date != "2026-04-01" || w.wakes[dana()].Date != "" {
		t.Fatalf("%q, wakes %v: the department waits, not the person", department(w, t, dana()), w.wakes)
	}
	w.now = time.Date(2026, 4, 1, 5, 0, 0, 0, time.UTC)
	mustPass(t, s.due(acme)(t.Context(), []bus.Message{w.fired(t, finance(), "2026-04-01")}))
	if got := department(w, t, dana()); got != "Treasury" {
		t.Errorf("%q on the day", got)
	}
}

func TestPeopleWhoMoveLeaveTheirOldTextBehind(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	tell(t, s, w, dana(), member()...)
	tell(t, s, w, dana(), jobRow("0", "2026-01-01", 0, "hr_status=A", "dept_set=SHARE", "dept=0020000"))
	saves := w.saves
	tell(t, s, w, finance(), text("2020-01-01", "Finance"))
	if w.saves != saves+1 {
		t.Error("somebody who left the department was touched")
	}
	tell(t, s, w, reference("dept/SHARE/0020000"), text("2020-01-01", "Sales"))
	if got := department(w, t, dana()); got != "Sales" {
		t.Errorf("%q", got)
	}
}

// The text moves after it was read and before the person is saved, and the one who moved it finds nobody yet.
func TestATextThatMovesMeanwhileIsSeen(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	once := false
	w.cut = func(point string) error {
		if point == "save" && !once {
			once = true
			tell(t, w.service(), w, finance(), text("2020-01-01", "Finance"))
		}
		return nil
	}
	tell(t, s, w, dana(), member()...)
	if got := department(w, t, dana()); got != "Finance" {
		t.Errorf("%q: the text was lost between two transformers", got)
	}
}

func TestACutOffRefreshGoesOnAfterARestart(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for n := range 5 {
		tell(t, s, w, employee(n), member()...)
	}
	down, pages := true, 0
	w.cut = func(p string) error {
		if p == "pointing" {
			pages++
		}
		if down && p == "pointing" && pages > 1 {
			return errCrash
		}
		return nil
	}
	if errs := s.facts(acme)(t.Context(), []bus.Message{message(t, "f", finance(), text("2020-01-01", "Finance"))}); !errors.Is(errs[0], errCrash) {
		t.Fatalf("acknowledged with people left: %v", errs)
	}
	if department(w, t, employee(0)) != "Finance" || department(w, t, employee(4)) == "Finance" {
		t.Fatal("the scenario is not as meant")
	}
	down = false
	if err := w.service().Sweep(t.Context(), acme); err != nil || department(w, t, employee(4)) != "Finance" || w.rows[finance()].Published != 1 {
		t.Errorf("%q, %v", department(w, t, employee(4)), err)
	}
}

// A crash before and after every call, with texts before, among and after the people, an email that is shared for a
// while and a text that becomes effective: the same end, and nothing explained twice.
func TestCrashAnywhereWithReferenceData(t *testing.T) {
	run := func(t *testing.T, crashAt int) (w *world, calls int) {
		w = newWorld(t)
		w.cut = func(string) error {
			calls++
			if calls == crashAt {
				return errCrash
			}
			return nil
		}
		batches := [][]bus.Message{
			{message(t, "1", employee(1), member()...), message(t, "2", finance(), text("2020-01-01", "Finance"))},
			{message(t, "3", employee(2), member()...), message(t, "4", reference("position/00012345"), text("2020-01-01", "Chief"))},
			{message(t, "5", finance(), text("2020-01-01", "Finances"), text("2026-04-01", "Treasury"))},
			{message(t, "6", employee(2), set(erp.Email, "BUSN", "", 0, "email=two@example.com"), jobRow("0", "2026-02-01", 0, "hr_status=A", "dept_set=SHARE", "dept=0010200"))},
		}
		s := w.service()
		restart := func() {
			s = w.service()
			for errors.Join(s.Rearm(t.Context(), acme), s.Sweep(t.Context(), acme), s.Recheck(t.Context(), acme)) != nil {
			}
		}
		for _, ms := range batches {
			for errors.Join(s.facts(acme)(t.Context(), ms)...) != nil {
				for i := range ms {
					ms[i].Attempt++
				}
				restart()
			}
		}
		w.now = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)
		for s.due(acme)(t.Context(), []bus.Message{w.fired(t, finance(), "2026-04-01")})[0] != nil {
			restart()
		}
		restart()
		return w, calls
	}
	clean, total := run(t, 0)
	if department(clean, t, employee(1)) != "Treasury" || department(clean, t, employee(2)) != "Treasury" || clean.flagged(fault.SharedEmail) != "" {
		t.Fatal("the scenario does not end as meant")
	}
	for at := 1; at <= total; at++ {
		w, _ := run(t, at)
		for ref, row := range clean.rows {
			got := w.rows[ref]
			if string(got.Facts) != string(row.Facts) || string(got.Wanted) != string(row.Wanted) || got.Published < got.WantedAt || !slices.Equal(got.Points, row.Points) {
				t.Errorf("crash at call %d: row of %s is %+v, want %+v", at, ref, got, row)
			}
			if ref.Kind == record.Employee && department(w, t, ref) != "Treasury" {
				t.Errorf("crash at call %d: table of %s is %s", at, ref, w.table[ref].Data)
			}
		}
		if w.flagged(fault.SharedEmail) != "" || len(w.wakes) != len(clean.wakes) {
			t.Errorf("crash at call %d: shared %q, wakes %v", at, w.flagged(fault.SharedEmail), w.wakes)
		}
	}
	t.Logf("%d crash points", total)
}

func TestReferenceKeys(t *testing.T) {
	for key, good := range map[string]bool{"dept/SHARE/0010200": true, "jobcode/SHARE/420060": true, "position/00012345": true, "location/SHARE/KC": true,
		"dept/SHARE/A/B": true, "dept/SHARE": false, "dept//0010200": false, "dept/SHARE/": false, "position/": false, "company/SHARE/GBI": false, "dept": false} {
		errs := newWorld(t).service().facts(acme)(t.Context(), []bus.Message{message(t, "1", reference(key), text("2020-01-01", "x"))})
		if (errs[0] == nil) != good {
			t.Errorf("%s: %v", key, errs[0])
		}
	}
	for name, m := range map[string]bus.Message{"a person's fact": message(t, "1", finance(), hire("")), "a text of a person": message(t, "1", dana(), text("2020-01-01", "x"))} {
		if errs := newWorld(t).service().facts(acme)(context.Background(), []bus.Message{m}); fault.KindOf(errs[0]) != fault.Invalid {
			t.Errorf("%s: %v", name, errs[0])
		}
	}
}

func TestOneBatchWithTextAndPersonSavesEachOnce(t *testing.T) {
	w := newWorld(t)
	mustPass(t, w.service().facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), member()...), message(t, "2", finance(), text("2020-01-01", "Finance"))}))
	if department(w, t, dana()) != "Finance" || w.saves != 2 || w.puts != 1 {
		t.Errorf("%q after %d saves and %d puts", department(w, t, dana()), w.saves, w.puts)
	}
}

func TestRowsOfAnOlderReleaseGetTheirPoints(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	tell(t, s, w, dana(), member()...)
	row := w.rows[dana()]
	row.Points = nil
	w.rows[dana()] = row
	if err := s.Reresolve(t.Context(), acme); err != nil || len(w.rows[dana()].Points) != 3 {
		t.Errorf("points %q, %v", w.rows[dana()].Points, err)
	}
}
