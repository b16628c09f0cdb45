package transform

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
)

func TestMerge(t *testing.T) {
	mail := func(address, stamp string, more ...string) erp.Fact {
		return set(erp.Email, "BUSN", "", 0, append([]string{"email=" + address, "stamp=" + stamp}, more...)...)
	}
	one, two, three := string(stamped("01")), string(stamped("02")), string(stamped("03"))
	tests := map[string]struct {
		known, incoming []erp.Fact
		seen            erp.Stamp
		email           string // "-" when the row is gone
		unchanged       bool
		late            int
	}{
		"a first fact is taken":                     {incoming: []erp.Fact{mail("a", one)}, email: "a"},
		"a newer one replaces":                      {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{mail("b", two)}, email: "b"},
		"an older one is superseded":                {known: []erp.Fact{mail("b", two)}, incoming: []erp.Fact{mail("a", one)}, email: "b", unchanged: true, late: 1},
		"an older one that agrees is nothing":       {known: []erp.Fact{mail("b", two)}, incoming: []erp.Fact{mail("b", one)}, email: "b", unchanged: true},
		"the same again is nothing":                 {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{mail("a", one)}, email: "a", unchanged: true},
		"equal stamps: the later arrival wins":      {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{mail("b", one)}, email: "b"},
		"a present blank clears":                    {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{mail("", two)}, email: ""},
		"an absent field keeps what is known":       {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{set(erp.Email, "BUSN", "", 0, "preferred=Y", "stamp="+two)}, email: "a"},
		"an older one fills what was absent":        {known: []erp.Fact{set(erp.Email, "BUSN", "", 0, "preferred=Y", "stamp="+two)}, incoming: []erp.Fact{mail("a", one)}, email: "a"},
		"another row is another row":                {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{set(erp.Email, "HOME", "", 0, "email=h", "stamp="+two)}, email: "a"},
		"a drop removes":                            {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("02"))}, email: "-"},
		"a drop with the row's own stamp removes":   {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("01"))}, email: "-"},
		"an old drop does not remove a newer row":   {known: []erp.Fact{mail("a", two)}, incoming: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("01"))}, email: "a", late: 1},
		"a late set does not bring it back":         {known: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("02"))}, incoming: []erp.Fact{mail("a", one)}, email: "-", unchanged: true, late: 1},
		"a newer set brings it back":                {known: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("02"))}, incoming: []erp.Fact{mail("a", three)}, email: "a"},
		"a drop twice is nothing":                   {known: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("02"))}, incoming: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("01"))}, email: "-", unchanged: true},
		"without stamps the later arrival wins":     {known: []erp.Fact{mail("a", "")}, incoming: []erp.Fact{mail("b", "")}, email: "b"},
		"a stamp wins over none":                    {known: []erp.Fact{mail("a", "")}, incoming: []erp.Fact{mail("b", one)}, email: "b"},
		"none wins over a stamp when read later":    {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{mail("b", "")}, seen: stamped("02"), email: "b"},
		"none loses against a stamp after its read": {known: []erp.Fact{mail("a", three)}, incoming: []erp.Fact{mail("b", "")}, seen: stamped("02"), email: "a", unchanged: true, late: 1},
		"none wins when nobody knows when":          {known: []erp.Fact{mail("a", three)}, incoming: []erp.Fact{mail("b", "")}, email: "b"},
		"a drop without a stamp removes":            {known: []erp.Fact{mail("a", one)}, incoming: []erp.Fact{drop(erp.Email, "BUSN", "", 0, "")}, seen: stamped("02"), email: "-"},
		"a set without a stamp brings it back":      {known: []erp.Fact{drop(erp.Email, "BUSN", "", 0, "")}, incoming: []erp.Fact{mail("a", "")}, email: "a"},
		"a set without a stamp beats a stamped one": {known: []erp.Fact{drop(erp.Email, "BUSN", "", 0, stamped("01"))}, incoming: []erp.Fact{mail("a", "")}, seen: stamped("02"), email: "a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			known := Merge(nil, tt.known, "").Facts
			m := Merge(known, tt.incoming, tt.seen)
			if m.Changed == tt.unchanged {
				t.Errorf("changed %v", m.Changed)
			}
			if len(m.Late) != tt.late || len(m.Notes) != tt.late {
				t.Errorf("late %v, notes %q, want %d", m.Late, m.Notes, tt.late)
			}
			got := "-"
			for _, r := range foldRows(m.Facts) {
				if r.id.Row == "BUSN" {
					got = r.get(erp.MailAddress)
				}
			}
			if got != tt.email {
				t.Errorf("email %q, want %q; ledger %v", got, tt.email, m.Facts)
			}
		})
	}
}

// The Oracle case: a retirement is moved from 1 to 15 February, in correction mode: the old row goes, a new one comes.
func TestTheOracleCaseARetirementMovedFromTheFirstToTheFifteenth(t *testing.T) {
	hired := jobRow("0", "2020-01-01", 0, "hr_status=A", "empl_status=A", "dept_text=Finance", "stamp=2020-01-01T00:00:00.000000")
	first := jobRow("0", "2026-02-01", 0, "hr_status=I", "empl_status=R", "stamp=2026-01-10T09:00:00.000000")
	moved := []erp.Fact{drop(erp.Job, "0", "2026-02-01", 0, "2026-01-20T09:00:00.000000"), jobRow("0", "2026-02-15", 0, "hr_status=I", "empl_status=R", "stamp=2026-01-20T09:00:00.000000")}
	before := Merge(nil, person(hired, first), "").Facts
	if d := Resolve(dana(), before, "2026-01-15", Default(), nil); d.Next != "2026-02-01" {
		t.Errorf("before the move: next %q", d.Next)
	}
	orders := map[string][]erp.Fact{"in order": append(person(hired, first), moved...), "the move first": append(moved, person(first, hired)...)}
	for name, facts := range orders {
		t.Run(name, func(t *testing.T) {
			after := Merge(nil, facts, "").Facts
			for day, want := range map[erp.Date]directory.State{"2026-01-31": directory.Active, "2026-02-01": directory.Active, "2026-02-14": directory.Active, "2026-02-15": directory.Suspended} {
				mustState(t, Resolve(dana(), after, day, Default(), nil), want)
			}
			if d := Resolve(dana(), after, "2026-01-21", Default(), nil); d.Next != "2026-02-15" {
				t.Errorf("next %q, want the moved day", d.Next)
			}
		})
	}
}

func TestContradictionsAreNotedAndDeleteNothing(t *testing.T) {
	known := Merge(nil, []erp.Fact{jobRow("0", "2020-01-01", 0, "hr_status=A"), jobRow("0", "2026-01-01", 0, "hr_status=I"), jobRow("0", "2026-09-01", 0, "hr_status=A"), jobRow("1", "2020-01-01", 0, "hr_status=A")}, "").Facts
	seen := []erp.Fact{jobRow("0", "2020-01-01", 0, "hr_status=A")}
	if notes := Contradictions(known, seen, []erp.Facet{erp.Job}, today); len(notes) != 1 {
		t.Errorf("notes %q, want one: about the row of 2026-01-01, not the future one, not EMPL_RCD 1", notes)
	}
	if notes := Contradictions(known, seen, nil, today); len(notes) != 0 {
		t.Errorf("a partial reading contradicts nothing: %q", notes)
	}
	if m := Merge(known, seen, ""); m.Changed || len(m.Facts) != len(known) {
		t.Error("a reading that shows less removed something")
	}
}

// drawFacts gives facts as a source would: what a row says at one time is always the same, but a reading may show
// only some of its fields.
func drawFacts(t *rapid.T) []erp.Fact {
	statuses := []string{"A", "I", "T", "Z", "", "Active"}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) erp.Fact {
		facet := rapid.SampledFrom([]erp.Facet{erp.Job, erp.Name, erp.Email}).Draw(t, "facet")
		at := rapid.IntRange(10, 16).Draw(t, "stamp")
		f := erp.Fact{Facet: facet, Action: erp.Set, Stamp: stamped(strconv.Itoa(at)), Row: rapid.SampledFrom([]string{"0", "1"}).Draw(t, "row")}
		if facet == erp.Job {
			f.EffDate = rapid.SampledFrom([]erp.Date{"2020-01-01", "2026-02-01", "2026-04-01"}).Draw(t, "effdt")
			f.EffSeq = rapid.IntRange(0, 1).Draw(t, "effseq")
		}
		mode := rapid.IntRange(0, 9).Draw(t, "mode")
		if h := len(string(facet)) + at + f.EffSeq; mode == 0 && h%3 == 0 {
			f.Action = erp.Drop
			return f
		}
		f.Fields = map[erp.Field]string{}
		for i, k := range erp.Allowed(facet) {
			if rapid.IntRange(0, 3).Draw(t, "shown") > 0 {
				f.Fields[k] = statuses[(at*7+i*3+f.EffSeq+len(f.EffDate))%len(statuses)]
			}
		}
		return f
	}), 0, 24).Draw(t, "facts")
}

// Any order and any repetition of the same facts gives the same ledger and the same wanted state.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		want := Merge(nil, facts, "").Facts
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		mixed := slices.Clone(facts)
		for _, f := range facts {
			if rng.IntN(3) == 0 {
				mixed = append(mixed, f)
			}
		}
		rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		var got []erp.Fact
		for len(mixed) > 0 { // in pages of any size
			n := 1 + rng.IntN(len(mixed))
			got, mixed = Merge(got, mixed[:n], "").Facts, mixed[n:]
		}
		if !equalFacts(got, want) {
			t.Fatalf("ledger %v\nwant   %v", got, want)
		}
		a, b := Resolve(dana(), got, today, Default(), nil), Resolve(dana(), facts, today, Default(), nil)
		if a.Entry.Digest() != b.Entry.Digest() || a.Next != b.Next || codesOf(a) != codesOf(b) {
			t.Fatalf("wanted %+v %q\nthan   %+v %q", a.Entry.User, a.Explain, b.Entry.User, b.Explain)
		}
	})
}

// Merging and resolving change nothing that they were given, and the same input gives the same output.
func TestMergeAndResolveArePure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known, incoming := Merge(nil, drawFacts(t), "").Facts, drawFacts(t)
		before, _ := event.EncodeLedger(append(slices.Clone(known), incoming...))
		first, second := Merge(known, incoming, ""), Merge(known, incoming, "")
		a, b := Resolve(dana(), first.Facts, today, Default(), nil), Resolve(dana(), second.Facts, today, Default(), nil)
		after, _ := event.EncodeLedger(append(slices.Clone(known), incoming...))
		if string(before) != string(after) {
			t.Fatalf("input changed from %s\nto %s", before, after)
		}
		if !equalFacts(first.Facts, second.Facts) || a.Entry.Digest() != b.Entry.Digest() || !slices.Equal(a.Explain, b.Explain) {
			t.Fatal("twice the same is not the same")
		}
	})
}

// A ledger survives its encoding, and merging what is known again changes nothing.
func TestLedgerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := drawFacts(t)
		ledger := Merge(nil, facts, "").Facts
		doc, err := event.EncodeLedger(ledger)
		if err != nil {
			t.Fatal(err)
		}
		back, err := event.DecodeLedger(doc)
		if err != nil || !equalFacts(back, ledger) {
			t.Fatalf("came back as %v, %v", back, err)
		}
		if m := Merge(back, ledger, ""); m.Changed || len(m.Late) > 0 {
			t.Fatalf("its own facts changed it: %+v", m)
		}
		if m := Merge(back, facts, ""); m.Changed {
			t.Fatalf("the same facts changed it: %v\nfrom %v", m.Facts, back)
		}
	})
}
