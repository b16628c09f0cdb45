package transform

import (
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// starter begins on 5 March and brings codes without texts.
func starter() []erp.Fact {
	return []erp.Fact{set(erp.Name, "PRI", "", 0, "display_name=Dana O'Brien"), set(erp.Email, "BUSN", "", 0, "email=dana.obrien@example.com"),
		jobRow("0", "2026-03-05", 0, "hr_status=A", "dept_set=SHARE", "dept=0010200", "job_text=Analyst")}
}

// aheadWorld is 2 March for a tenant that creates users five days before.
func aheadWorld(t *testing.T) *world {
	w := newWorld(t)
	w.policy.HireLead, w.now = 5, time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	return w
}

// The department is renamed on the day before the first one, and again after it.
func TestAHireAheadHasTheTextsOfTheFirstDay(t *testing.T) {
	for name, tt := range map[string]struct {
		texts []erp.Fact
		want  string
	}{
		"a text that changes before the first day":  {[]erp.Fact{text("2020-01-01", "Finance"), text("2026-03-04", "Treasury")}, "Treasury"},
		"a text that changes on the first day":      {[]erp.Fact{text("2020-01-01", "Finance"), text("2026-03-05", "Treasury")}, "Treasury"},
		"a text that changes after the first day":   {[]erp.Fact{text("2020-01-01", "Finance"), text("2026-03-06", "Treasury")}, "Finance"},
		"a department that does not exist yet":      {[]erp.Fact{text("2026-03-05", "Treasury")}, "Treasury"},
		"a department that is closed until then":    {[]erp.Fact{text("2020-01-01", "Finance"), text("2026-03-04", "Finance", "eff_status=I")}, "0010200"},
		"a text that stays is the one of every day": {[]erp.Fact{text("2020-01-01", "Finance")}, "Finance"},
	} {
		t.Run(name, func(t *testing.T) {
			w := aheadWorld(t)
			s := w.service()
			tell(t, s, w, finance(), tt.texts...)
			tell(t, s, w, dana(), starter()...)
			if got := department(w, t, dana()); got != tt.want {
				t.Errorf("%q before the first day, want %q", got, tt.want)
			}
			late := aheadWorld(t) // the person first, the texts later
			s = late.service()
			tell(t, s, late, dana(), starter()...)
			tell(t, s, late, finance(), tt.texts...)
			if got := department(late, t, dana()); got != tt.want {
				t.Errorf("%q when the texts come later, want %q", got, tt.want)
			}
		})
	}
}

// A text to come arrives, moves and is deleted while somebody is seen as on the first day; today's text never changes.
func TestATextToComeFindsWhoIsSeenAhead(t *testing.T) {
	w := aheadWorld(t)
	s := w.service()
	tell(t, s, w, finance(), text("2020-01-01", "Finance"))
	tell(t, s, w, dana(), starter()...)
	tell(t, s, w, employee(2), member()...)
	must := func(want string) {
		t.Helper()
		if got := department(w, t, dana()); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		if got := department(w, t, employee(2)); got != "Finance" {
			t.Fatalf("somebody who works today has %q", got)
		}
	}
	must("Finance")
	tell(t, s, w, finance(), text("2026-03-04", "Treasury"))
	must("Treasury")
	list := w.entries(audit.Resolved)
	if last := list[len(list)-1]; !strings.Contains(last.Explain[0], "ahead") && last.Ref == dana() {
		t.Errorf("not explained: %+v", last)
	}
	puts := w.puts
	tell(t, s, w, finance(), text("2026-03-20", "Money"))
	must("Treasury")
	if w.puts != puts {
		t.Errorf("%d puts for a text of after the first day", w.puts-puts)
	}
	gone := text("2026-03-04", "")
	gone.Action, gone.Fields = erp.Drop, nil
	tell(t, s, w, finance(), gone)
	must("Finance")
	w.now = time.Date(2026, 3, 20, 15, 0, 0, 0, time.UTC)
	mustPass(t, s.due(acme)(t.Context(), []bus.Message{w.fired(t, finance(), "2026-03-20")}))
	if got := department(w, t, dana()); got != "Money" {
		t.Errorf("%q when the day has come", got)
	}
}

// Without a lead nobody is seen ahead: a text to come is kept and touches nobody.
func TestWithoutALeadATextToComeTouchesNobody(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	tell(t, s, w, finance(), text("2020-01-01", "Finance"))
	tell(t, s, w, dana(), member()...)
	was := w.rows[finance()].WantedAt
	tell(t, s, w, finance(), text("2026-04-01", "Treasury"))
	if row := w.rows[finance()]; row.WantedAt != was || string(row.Wanted) != `{"text":"Finance"}` || w.wakes[finance()].Date != "2026-04-01" {
		t.Errorf("%+v, wakes %v", row, w.wakes)
	}
}

// The plan says the same as what is handed on.
func TestThePlanOfAHireAheadHasTheTextsOfTheFirstDay(t *testing.T) {
	g := newGate(t, 1)
	g.policy.HireLead, g.now = 5, time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	g.facts(t, message(t, "text", finance(), text("2020-01-01", "Finance"), text("2026-03-04", "Treasury")), message(t, "dana", dana(), starter()...))
	rows, err := g.store.Rows(t.Context(), acme, []record.Ref{dana()})
	if err != nil {
		t.Fatal(err)
	}
	list, err := g.guarded().Preview(t.Context(), acme, []store.LedgerRow{rows[dana()]})
	if err != nil || list[0].Decision.Entry.User.Fields["user_fields.department"] != "Treasury" {
		t.Errorf("%+v, %v", list, err)
	}
}
