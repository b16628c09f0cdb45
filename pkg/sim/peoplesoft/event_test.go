package peoplesoft_test

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// person is the EMPLID of someone ordinary: one active job, nothing ahead.
const person = "0001003"

type truth = peoplesoft.EmployeeTruth

// story is something that happens to a person, and what the truth of a day must then say.
type story struct {
	id    string // default person
	happy func(w *world)
	day   string // default today, 2026-03-02
	want  func(before, after truth) bool
}

func tell(t *testing.T, stories map[string]story) {
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			w := start(t, peoplesoft.Options{Seed: 2, Employees: 6})
			id := cmp.Or(s.id, person)
			before, _ := w.Truth(s.day).Employee(id)
			s.happy(w)
			if after := w.employee(id, s.day); !s.want(before, after) {
				t.Errorf("before %+v\nafter  %+v", before, after)
			}
		})
	}
}

func TestComingAndGoingShowInTheTruthOfTheDay(t *testing.T) {
	tell(t, map[string]story{
		"hired today": {id: "7000001", happy: func(w *world) {
			w.must(w.Hire(peoplesoft.NewHire{EmplID: "7000001", First: "Æsa", Last: "O'Neale", Email: "aesa@example.com", Dept: "0010300", Title: "Beekeeper"}, ""))
		}, want: func(_, a truth) bool {
			return a.Started && a.Active && a.InScope && a.Name == "Æsa O'Neale" && a.Email == "aesa@example.com" && a.Department == "Customer Care" && a.Title == "Beekeeper"
		}},
		"hired for next week: not started": {id: "7000001", happy: func(w *world) {
			w.must(w.FutureHire(peoplesoft.NewHire{EmplID: "7000001"}, "2026-03-09"))
		}, want: func(_, a truth) bool { return !a.Started && !a.Active && a.NextChange == "2026-03-09" }},
		"hired for next week: started on the day": {id: "7000001", day: "2026-03-09", happy: func(w *world) {
			w.must(w.FutureHire(peoplesoft.NewHire{EmplID: "7000001"}, "2026-03-09"))
		}, want: func(_, a truth) bool { return a.Started && a.Active }},
		"terminated today": {happy: func(w *world) { w.must(w.Terminate(person, "")) },
			want: func(b, a truth) bool { return b.Active && !a.Active && a.Started && a.DeptID == b.DeptID }},
		"terminated tomorrow: active today": {happy: func(w *world) { w.must(w.FutureTerminate(person, "2026-03-03")) },
			want: func(b, a truth) bool { return a.Active && a.NextChange == "2026-03-03" && b.NextChange == "" }},
		"terminated tomorrow: inactive tomorrow": {day: "2026-03-03", happy: func(w *world) { w.must(w.FutureTerminate(person, "2026-03-03")) },
			want: func(_, a truth) bool { return !a.Active && a.NextChange == "" }},
		"termination moved to a later day": {day: "2026-03-20", happy: func(w *world) {
			w.must(w.FutureTerminate(person, "2026-03-10"))
			w.must(w.MoveDate(person, -1, "2026-03-10", "2026-03-21"))
		}, want: func(_, a truth) bool { return a.Active && a.NextChange == "2026-03-21" }},
		"termination withdrawn": {day: "2027-01-01", happy: func(w *world) {
			w.must(w.FutureTerminate(person, "2026-03-10"))
			w.must(w.Withdraw(person, "2026-03-10"))
		}, want: func(_, a truth) bool { return a.Active && a.NextChange == "" }},
		"future hire withdrawn": {id: "7000001", day: "2027-01-01", happy: func(w *world) {
			w.must(w.FutureHire(peoplesoft.NewHire{EmplID: "7000001"}, "2026-03-09"))
			w.must(w.Withdraw("7000001", "2026-03-09"))
		}, want: func(_, a truth) bool { return !a.Started && !a.Active && !a.InScope }},
		"terminated and rehired on one day": {happy: func(w *world) {
			w.must(w.Terminate(person, "2026-03-01"))
			w.must(w.Rehire(person, "2026-03-01"))
		}, want: func(_, a truth) bool { return a.Active }},
		"termination row deleted": {happy: func(w *world) {
			w.must(w.Terminate(person, "2026-03-01"))
			w.must(w.DeleteRow(person, 0, "2026-03-01", 0))
		}, want: func(_, a truth) bool { return a.Active }},
		"a future hire moved forward": {id: "7000001", day: "2026-03-04", happy: func(w *world) {
			w.must(w.FutureHire(peoplesoft.NewHire{EmplID: "7000001"}, "2026-03-09"))
			w.must(w.MoveDate("7000001", 0, "2026-03-09", "2026-03-04"))
		}, want: func(_, a truth) bool { return a.Started && a.Active && a.NextChange == "" }},
		"a rehire under way when the leaver is not gone yet": {day: "2026-03-15", happy: func(w *world) {
			w.must(w.FutureTerminate(person, "2026-03-10"))
			w.must(w.Rehire(person, "2026-03-20"))
		}, want: func(_, a truth) bool { return !a.Active && a.NextChange == "2026-03-20" }},
		"a termination takes later rows with it": {day: "2027-01-01", happy: func(w *world) {
			w.must(w.ChangeDepartment(person, "0010500", "2026-05-01"))
			w.must(w.Terminate(person, ""))
		}, want: func(_, a truth) bool { return !a.Active }},
	})
}

func TestChangesShowInTheTruthOfTheDay(t *testing.T) {
	tell(t, map[string]story{
		"on leave": {happy: func(w *world) { w.must(w.ChangeStatus(person, "L", "")) },
			want: func(_, a truth) bool { return a.Active }},
		"retired by status": {happy: func(w *world) { w.must(w.ChangeStatus(person, "R", "")) },
			want: func(_, a truth) bool { return !a.Active }},
		"department changed": {happy: func(w *world) { w.must(w.ChangeDepartment(person, "0010500", "")) },
			want: func(b, a truth) bool {
				return a.Department == "Engineering" && b.Department != a.Department && a.Active
			}},
		"department changed to one without a name": {happy: func(w *world) { w.must(w.ChangeDepartment(person, "0011600", "")) },
			want: func(_, a truth) bool { return a.Department == "0011600" }},
		"title changed": {happy: func(w *world) { w.must(w.ChangeTitle(person, "Beekeeper", "")) },
			want: func(_, a truth) bool { return a.Title == "Beekeeper" }},
		"title changed from next month": {happy: func(w *world) { w.must(w.ChangeTitle(person, "Beekeeper", "2026-04-01")) },
			want: func(b, a truth) bool { return a.Title == b.Title && a.NextChange == "2026-04-01" }},
		"renamed": {happy: func(w *world) { w.must(w.Rename(person, "", "D'Ønné")) },
			want: func(b, a truth) bool { return strings.HasSuffix(a.Name, " D'Ønné") && a.Name != b.Name }},
		"email changed": {happy: func(w *world) { w.must(w.ChangeEmail(person, "x@example.com")) },
			want: func(_, a truth) bool { return a.Email == "x@example.com" }},
		"email missing": {happy: func(w *world) { w.must(w.BlankEmail(person)) },
			want: func(_, a truth) bool { return a.Email == "" && a.Active }},
		"emails swapped": {id: "0001004", happy: func(w *world) {
			w.must(w.ChangeEmail(person, "x@example.com"))
			w.must(w.SwapEmails(person, "0001004"))
		}, want: func(_, a truth) bool { return a.Email == "x@example.com" }},
		"a second job does not take over": {happy: func(w *world) { w.must(w.AddJob(person, "0010500", "")) },
			want: func(b, a truth) bool { return a.DeptID == b.DeptID && a.Rcd == 0 }},
		"the first of two jobs ends": {happy: func(w *world) {
			w.must(w.AddJob(person, "0010500", "2026-02-01"))
			w.must(w.EndJob(person, 0, ""))
		}, want: func(_, a truth) bool { return a.Active && a.Department == "Engineering" && a.Rcd == 1 }},
		"the second of two jobs ends": {happy: func(w *world) {
			w.must(w.AddJob(person, "0010500", "2026-02-01"))
			w.must(w.EndJob(person, 1, ""))
		}, want: func(b, a truth) bool { return a.Active && a.DeptID == b.DeptID }},
		"history corrected: today stays": {happy: correction,
			want: func(_, a truth) bool { return a.Department == "Engineering" }},
		"history corrected: the past changes": {day: "2026-01-15", happy: correction,
			want: func(_, a truth) bool { return a.Department == "Facilities" }},
		"department renamed": {happy: func(w *world) {
			w.must(w.ChangeDepartment(person, "0010500", ""))
			w.must(w.RenameDepartment("0010500", "Engineering & Design"))
		}, want: func(_, a truth) bool { return a.Department == "Engineering & Design" }},
	})
}

func correction(w *world) {
	w.must(w.ChangeDepartment(person, "0010500", "2026-01-20"))
	w.must(w.CorrectHistory(person, "0010600", "2026-01-10"))
}

func TestVendorEventsShowInTruthAndQuery(t *testing.T) {
	w := start(t, peoplesoft.Options{Vendors: 5})
	w.Advance(24 * time.Hour)
	added := w.must(w.VendorAdd("Zinnia & Co", "ar@zinnia.example"))
	w.must(w.VendorRename("SHARE", "0000000011", "Renamed <Ltd>"))
	w.must(w.VendorInactivate("SHARE", "0000000012"))
	w.must(w.VendorStatus("SHARE", "0000000013", "E"))
	w.must(w.Apply(peoplesoft.Event{Type: "vendor-change", VendorID: "0000000014", City: "Cork"}))
	got := map[string]row{}
	for _, r := range w.call(vendors, 0, "FROM_DTTM=2026-03-03") {
		got[r.text("SETID")+"/"+r.text("VENDOR_ID")] = r
	}
	if len(got) != 5 || got[added.Key()].text("NAME1") != "Zinnia & Co" || got["SHARE/0000000011"].text("NAME1") != "Renamed <Ltd>" ||
		got["SHARE/0000000012"].text("VENDOR_STATUS") != "I" || got["SHARE/0000000014"].text("CITY") != "Cork" {
		t.Errorf("changed vendors: %v", got)
	}
	truth := w.Truth("")
	inactive, _ := truth.Vendor("SHARE", "0000000012")
	held, _ := truth.Vendor("SHARE", "0000000013")
	if inactive.State != "inactive" || held.State != "held" || len(truth.Vendors) != 6 {
		t.Errorf("truth: %+v %+v, %d vendors", inactive, held, len(truth.Vendors))
	}
}

func TestEventsStampTheRowOrSayTheyDoNot(t *testing.T) {
	w := start(t, peoplesoft.Options{Seed: 2, Employees: 6, Rows: peoplesoft.All})
	w.must(w.ChangeDepartment(person, "0010500", "2026-02-01"))
	w.Advance(24 * time.Hour)
	events := []peoplesoft.Event{
		{Type: "change-title", EmplID: person, Title: "Poet"},
		{Type: "change-department", EmplID: person, Dept: "0010200", Date: "2026-05-01"},
		{Type: "status", EmplID: person, Status: "S"},
		{Type: "rename", EmplID: person, First: "Ada"},
		{Type: "blank-email", EmplID: person},
		{Type: "change-phone", EmplID: person, Phone: "555/555-0101"},
		{Type: "add-job", EmplID: person},
		{Type: "withdraw", EmplID: person, Date: "2026-05-01"},
		{Type: "terminate", EmplID: person, Date: "2026-06-01"},
		{Type: "move-date", EmplID: person, Date: "2026-06-01", To: "2026-06-02"},
		{Type: "rename-department", Dept: "0010500", Name: "Renamed"},
		{Type: "delete-row", EmplID: person, Date: "2026-02-01"},
	}
	for _, e := range events {
		w.Advance(time.Hour)
		effect := w.must(w.Apply(e))
		if effect.Text == "" || len(effect.Keys) == 0 || effect.Type != e.Type {
			t.Errorf("%s: effect %+v says too little", e.Type, effect)
		}
		got := w.call(people, 0, "FROM_DTTM="+effect.Stamp)
		if (len(got) == 0) != effect.Silent {
			t.Errorf("%s: %d rows stamped at %s, silent %v", e.Type, len(got), effect.Stamp, effect.Silent)
		}
	}
}

func TestMassEvents(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 400})
	w.Advance(24 * time.Hour)
	w.must(w.Touch(0))
	rows := w.call(people, 0)
	for _, r := range rows {
		if r.text("LASTUPDDTTM") != "2026-03-03T12:00:00.000000" {
			t.Fatalf("%s is stamped %s, want all at one instant", r.text("EMPLID"), r.text("LASTUPDDTTM"))
		}
	}
	if gone := w.must(w.TerminateMany(300, "")); len(gone.Keys) != 300 {
		t.Errorf("%d terminated, want 300", len(gone.Keys))
	}
}

func TestEventsThatCannotHappenChangeNothing(t *testing.T) {
	w := start(t, peoplesoft.Options{Seed: 2, Employees: 10, Vendors: 3})
	w.must(w.Terminate("0001002", ""))
	before, err := json.Marshal(w.Truth(""))
	if err != nil {
		t.Fatal(err)
	}
	nine := 9
	tests := map[string]peoplesoft.Event{
		"an unknown type":                     {Type: "promote-to-king"},
		"an unknown employee":                 {Type: "rename", EmplID: "9", First: "A"},
		"a date that is none":                 {Type: "terminate", EmplID: person, Date: "2026-02-30"},
		"terminating a leaver":                {Type: "terminate", EmplID: "0001002"},
		"terminating into an employed status": {Type: "terminate", EmplID: person, Status: "L"},
		"rehiring someone active":             {Type: "rehire", EmplID: person},
		"rehiring into a job that never was":  {Type: "rehire", EmplID: "0001002", Rcd: &nine},
		"an unknown department":               {Type: "change-department", EmplID: person, Dept: "1"},
		"no department":                       {Type: "change-department", EmplID: person},
		"no title":                            {Type: "change-title", EmplID: person},
		"an unknown status":                   {Type: "status", EmplID: person, Status: "?"},
		"hiring someone who exists":           {Type: "hire", EmplID: person},
		"hiring into an unknown department":   {Type: "hire", Dept: "1"},
		"withdrawing the present":             {Type: "withdraw", EmplID: person},
		"withdrawing what is not there":       {Type: "withdraw", EmplID: person, Date: "2030-01-01"},
		"moving what is not there":            {Type: "move-date", EmplID: person, Date: "2030-01-01", To: "2030-01-02"},
		"moving to nowhere":                   {Type: "move-date", EmplID: person},
		"deleting what is not there":          {Type: "delete-row", EmplID: person, Date: "1999-01-01"},
		"ending no particular job":            {Type: "end-job", EmplID: person},
		"correcting the future":               {Type: "correct-history", EmplID: person, Date: "2027-01-01"},
		"a change before the first row":       {Type: "change-title", EmplID: person, Title: "X", Date: "1950-01-01"},
		"swapping with nobody":                {Type: "swap-emails", EmplID: person, Other: "9"},
		"renaming to nothing":                 {Type: "rename", EmplID: person},
		"an empty new email":                  {Type: "change-email", EmplID: person},
		"an unknown vendor":                   {Type: "vendor-rename", VendorID: "9", Name: "A"},
		"a vendor under the wrong SETID":      {Type: "vendor-rename", SetID: "EMEA1", VendorID: "0000000011", Name: "A"},
		"an unknown vendor status":            {Type: "vendor-status", VendorID: "0000000011", Status: "?"},
		"adding a vendor that exists":         {Type: "vendor-add", VendorID: "0000000011"},
		"changing nothing of a vendor":        {Type: "vendor-change", VendorID: "0000000011"},
		"renaming a department nobody knows":  {Type: "rename-department", Dept: "1", Name: "A"},
		"terminating before anybody began":    {Type: "terminate-many", Date: "1950-01-01", Count: 3},
	}
	for name, e := range tests {
		t.Run(name, func(t *testing.T) {
			if effect, err := w.Apply(e); err == nil {
				t.Errorf("%+v: want an error", effect)
			}
			if after, _ := json.Marshal(w.Truth("")); string(after) != string(before) {
				t.Error("the company has changed")
			}
		})
	}
	if _, err := w.FutureTerminate(person, "2026-03-02"); err == nil {
		t.Error("today was taken for the future")
	}
}

func TestMovedDatesTakeTheDatesTheyRepeatAlong(t *testing.T) {
	w := start(t, peoplesoft.Options{Seed: 2, Employees: 6, Rows: peoplesoft.All})
	w.must(w.FutureHire(peoplesoft.NewHire{EmplID: "7000001"}, "2026-03-09"))
	w.must(w.MoveDate("7000001", 0, "2026-03-09", "2026-03-12"))
	w.must(w.FutureTerminate("7000001", "2026-04-01"))
	w.must(w.MoveDate("7000001", -1, "2026-04-01", "2026-05-01"))
	rows := w.call(people, 0, "EMPLID=7000001")
	if len(rows) != 2 || rows[0].text("LAST_HIRE_DT") != "2026-03-12" || rows[1].text("TERMINATION_DT") != "2026-04-30" || rows[1].text("EFFDT") != "2026-05-01" {
		t.Errorf("rows %v", rows)
	}
}

func TestNewPeopleAndVendorsGetTheNextNumber(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 3, Vendors: 3})
	w.must(w.Hire(peoplesoft.NewHire{EmplID: "X9"}, ""))
	if got := w.must(w.Hire(peoplesoft.NewHire{}, "")).Key(); got != "0001004" {
		t.Errorf("next EMPLID %s, want 0001004", got)
	}
	if got := w.must(w.VendorAdd("", "")).Key(); got != "SHARE/0000000014" {
		t.Errorf("next vendor %s", got)
	}
	empty := start(t, peoplesoft.Options{Employees: -1, Vendors: -1})
	if a, b := empty.must(empty.Hire(peoplesoft.NewHire{}, "")).Key(), empty.must(empty.VendorAdd("", "")).Key(); a != "0001001" || b != "SHARE/0000000011" {
		t.Errorf("first keys %s and %s", a, b)
	}
}

func TestManyChangesOfOneRecordKeepTheLast(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 3, Vendors: 1})
	for i := range 100 {
		w.must(w.ChangeEmail(person, strings.Repeat("x", i+1)+"@example.com"))
		w.must(w.VendorRename("SHARE", "0000000011", strings.Repeat("y", i+1)))
	}
	v, _ := w.Truth("").Vendor("SHARE", "0000000011")
	if got := w.employee(person, "").Email; got != strings.Repeat("x", 100)+"@example.com" || len(v.Name) != 100 {
		t.Errorf("email %s, vendor %s", got, v.Name)
	}
	if err := w.Fault(peoplesoft.Fault{Kind: peoplesoft.FaultStale}); err != nil {
		t.Fatal(err)
	}
	if n := len(w.call(people, 0)); n != 3 {
		t.Errorf("a stale answer shows %d people, want 3", n)
	}
}
