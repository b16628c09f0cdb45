package zendesk

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// verified asks once a minute for ten minutes.
func (a *account) verified() (out []target.Doubt) {
	a.Helper()
	for range 10 {
		if err := pause(a.Context(), time.Minute); err != nil {
			a.Fatal(err)
		}
		list, err := a.target.Verify(a.Context(), acme)
		if err != nil {
			a.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}

// Z22: every 50th write is dropped by the account although it answers well.
func TestSuspensionsThatDoNotStickAreFoundAMinuteLaterAndRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 2500, UpsertPerSecond: -1})
		items := a.sync(people(1, 120)...)
		for i := range items {
			items[i] = with(items[i], func(u *directory.User) { u.State = directory.Suspended })
		}
		for _, o := range a.apply(a.changes(items...)...) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
		}
		var undone []int // by an administrator or by a write that was lost later: nobody told us
		for i := 7; i < 120; i += 50 {
			undone = append(undone, i)
			a.sim.SetSuspended(parseID(items[i].TargetID), false)
		}
		doubts := a.verified()
		if len(doubts) != len(undone) {
			t.Fatalf("%d doubts, want %d", len(doubts), len(undone))
		}
		for _, d := range doubts {
			if fault.CodeOf(d.Err) != fault.TargetNotApplied {
				t.Errorf("%v", d.Err)
			}
			i := slices.IndexFunc(items, func(it target.Item) bool { return it.Ref == d.Ref })
			if c := a.planOne(items[i]); c.Verb != target.Suspend {
				t.Errorf("the next plan of %s: %s", d.Ref, c.Verb)
			}
		}
		a.sync(items...)
		if again := a.verified(); len(again) != 0 {
			t.Errorf("%d doubts after the repair", len(again))
		}
	})
}

// A sample of the writes is read again; when one of it does not show, so are the newest of the others.
func TestOneWriteInAHundredIsReadAgainAndTheOthersWhenItDoesNotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 2500, JobDuration: realJob})
		items := a.sync(people(1, 2000)...)
		for i := range items {
			items[i] = with(items[i], func(u *directory.User) { u.Name += " II" })
		}
		before := a.sim.Counters().Requests
		if doubts := a.verified(); len(doubts) != 0 || a.sim.Counters().Requests-before > 2 {
			t.Errorf("%d doubts, %d calls though every write is there", len(doubts), a.sim.Counters().Requests-before)
		}
		cs := a.changes(items...)
		a.sim.SetLoseEvery(2)
		ok := 0
		for _, o := range a.apply(cs...) {
			if o.Err == nil {
				ok++
			}
		}
		a.sim.SetLoseEvery(0)
		before = a.sim.Counters().Requests
		doubts := a.verified()
		c := a.sim.Counters()
		if ok != 2000 || c.Lost == 0 || c.Requests-before > 25 {
			t.Errorf("%d writes, %d lost, %d calls for the looks", ok, c.Lost, c.Requests-before)
		}
		if int64(len(doubts)) != c.Lost {
			t.Errorf("%d doubts, %d writes are lost", len(doubts), c.Lost)
		}
	})
}

func TestPlacesProveNothing(t *testing.T) {
	in := []sent{{email: "a@x"}, {ext: "b"}, {email: "c@x"}, {email: "d@x"}}
	el := func(id int64, email string) wireResult { return wireResult{ID: id, Status: "Created", Email: email} }
	for name, list := range map[string]results{
		"between its neighbours":          {el(1, "a@x"), el(2, ""), el(3, "c@x"), el(4, "d@x")},
		"the others stand elsewhere":      {el(3, "c@x"), el(2, ""), el(1, "a@x"), el(4, "d@x")},
		"one is missing":                  {el(1, "a@x"), el(2, ""), el(3, "c@x")},
		"nobody is named":                 {el(1, ""), el(2, ""), el(3, ""), el(4, "")},
		"the same object twice":           {el(1, "a@x"), el(4, ""), el(3, "c@x"), el(4, "d@x")},
		"a stranger's address among them": {el(1, "a@x"), el(2, "z@x"), el(3, "c@x"), el(4, "d@x")},
	} {
		t.Run(name, func(t *testing.T) {
			if got := match(in, list)[1]; got.known {
				t.Errorf("%+v was taken for the record without an address", got)
			}
		})
	}
}
