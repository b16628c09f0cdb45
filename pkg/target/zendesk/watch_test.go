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

func TestOneWriteInAHundredIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 2500, JobDuration: realJob})
		items := a.sync(people(1, 2000)...)
		for i := range items {
			items[i] = with(items[i], func(u *directory.User) { u.Name += " II" })
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
		before := a.sim.Counters().Requests
		doubts := a.verified()
		if c := a.sim.Counters(); ok != 2000 || c.Lost == 0 || c.Requests-before > 2 {
			t.Errorf("%d writes, %d lost, %d calls for the looks", ok, c.Lost, c.Requests-before)
		}
		if len(doubts) < 8 || len(doubts) > 13 {
			t.Errorf("%d doubts: half of the writes are lost, and a hundredth of 2,000 is looked at", len(doubts))
		}
	})
}

func TestAMatchByPlaceIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: 700, JobDuration: realJob})
		items := people(1, 100)
		for _, n := range []int{3, 4, 50} {
			items[n] = with(items[n], func(u *directory.User) { u.Email = "" })
		}
		before := a.sim.Counters().Calls["GET /api/v2/users/show_many"]
		os := a.apply(a.changes(items...)...)
		for i, o := range os {
			if u, ok := a.sim.UserByExternalID(items[i].Wanted.User.ExternalID); !ok || o.Err != nil || idText(u.ID) != o.TargetID {
				t.Errorf("%s: %v, user %s", items[i].Ref, o.Err, o.TargetID)
			}
		}
		if n := a.sim.Counters().Calls["GET /api/v2/users/show_many"] - before; n != 0 {
			t.Errorf("%d looks inside the load", n)
		}
		if doubts := a.verified(); len(doubts) != 0 {
			t.Errorf("doubts %v", doubts)
		}
		if n := a.sim.Counters().Calls["GET /api/v2/users/show_many"] - before; n != 1 {
			t.Errorf("%d looks after it, want one", n)
		}
	})
}

func TestPlacesAreNotBelievedUnlessTheOthersStandAtTheirs(t *testing.T) {
	in := []sent{{email: "a@x"}, {ext: "b"}, {email: "c@x"}, {email: "d@x"}}
	el := func(id int64, email string) wireResult { return wireResult{ID: id, Status: "Created", Email: email} }
	for name, tc := range map[string]struct {
		list results
		want int64
	}{
		"between its neighbours":          {results{el(1, "a@x"), el(2, ""), el(3, "c@x"), el(4, "d@x")}, 2},
		"the others stand elsewhere":      {results{el(3, "c@x"), el(2, ""), el(1, "a@x"), el(4, "d@x")}, 0},
		"one is missing":                  {results{el(1, "a@x"), el(2, ""), el(3, "c@x")}, 0},
		"nobody is named":                 {results{el(1, ""), el(2, ""), el(3, ""), el(4, "")}, 0},
		"the same object twice":           {results{el(1, "a@x"), el(4, ""), el(3, "c@x"), el(4, "d@x")}, 0},
		"a stranger's address among them": {results{el(1, "a@x"), el(2, "z@x"), el(3, "c@x"), el(4, "d@x")}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := match(in, tc.list)[1]; got.id != tc.want || got.guessed != (tc.want != 0) {
				t.Errorf("%+v, want %d", got, tc.want)
			}
		})
	}
}
