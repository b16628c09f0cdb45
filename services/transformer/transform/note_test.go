package transform

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func mail(address string) erp.Fact { return set(erp.Email, "BUSN", "", 0, "email="+address) }

// named is somebody with a job, a name and the address.
func named(address string, more ...erp.Fact) []erp.Fact {
	return append([]erp.Fact{set(erp.Name, "PRI", "", 0, "display_name=Dana"), mail(address), rowAt("0", "2020-01-01", 0, "A")}, more...)
}

func TestSharedEmails(t *testing.T) {
	const x, y = "x@example.com", "y@example.com"
	type said struct {
		who   int
		facts []erp.Fact
	}
	tests := map[string]struct {
		said []said
		want string
	}{
		"two records that want one email are both flagged":        {[]said{{1, named(x)}, {2, named(x)}}, "0000001 0000002"},
		"different emails are nothing":                            {[]said{{1, named(x)}, {2, named(y)}}, ""},
		"no email is shared with nobody":                          {[]said{{1, named("")}, {2, named("")}}, ""},
		"the spelling does not matter":                            {[]said{{1, named(x)}, {2, named(" X@Example.com")}}, "0000001 0000002"},
		"a placeholder is shared by nobody":                       {[]said{{1, named("none@example.com")}, {2, named("none@example.com")}}, ""},
		"it closes on both when one moves away":                   {[]said{{1, named(x)}, {2, named(x)}, {2, []erp.Fact{mail(y)}}}, ""},
		"it closes on both when one loses the address":            {[]said{{1, named(x)}, {2, named(x)}, {1, []erp.Fact{mail(" ")}}}, ""},
		"the third that moves away leaves two":                    {[]said{{1, named(x)}, {2, named(x)}, {3, named(x)}, {1, []erp.Fact{mail(y)}}}, "0000002 0000003"},
		"it opens on a change as well":                            {[]said{{1, named(x)}, {2, named(y)}, {1, []erp.Fact{mail(y)}}}, "0000001 0000002"},
		"a swap ends without a finding":                           {[]said{{1, named(x)}, {2, named(y)}, {1, []erp.Fact{mail(y)}}, {2, []erp.Fact{mail(x)}}}, ""},
		"a rehire under a new EMPLID is flagged with the old one": {[]said{{1, named(x, rowAt("0", "2026-01-01", 0, "T"))}, {2, named(x)}}, "0000001 0000002"},
		"a person out of scope wants nothing":                     {[]said{{1, named(x)}, {2, append(named(x)[:2:2], rowAt("0", "2020-01-01", 0, "A", "per_org=POI"))}}, ""},
		"other changes leave it open":                             {[]said{{1, named(x)}, {2, named(x)}, {1, []erp.Fact{set(erp.Name, "PRI", "", 0, "display_name=D")}}}, "0000001 0000002"},
		"an address of a hundred people is flagged on every one":  {hundred(x, func(n int, facts []erp.Fact) said { return said{n, facts} }), keysTo(100)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.service()
			for _, m := range tt.said {
				tell(t, s, w, employee(m.who), m.facts...)
			}
			if got := w.flagged(fault.SharedEmail); got != tt.want {
				t.Errorf("flagged %q, want %q", got, tt.want)
			}
			n := w.observed
			if err := s.Recheck(t.Context(), acme); err != nil || w.observed != n || w.flagged(fault.SharedEmail) != tt.want {
				t.Errorf("looked at again: %q after %d writes, %v; want no write", w.flagged(fault.SharedEmail), w.observed-n, err)
			}
		})
	}
}

func hundred[T any](address string, make func(n int, facts []erp.Fact) T) (list []T) {
	for n := range 100 {
		list = append(list, make(n, named(address)))
	}
	return list
}

func keysTo(n int) string {
	var keys []string
	for i := range n {
		keys = append(keys, employee(i).Key)
	}
	return strings.Join(keys, " ")
}

func TestTheFindingNamesTheOthersAndNoAddress(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for n := range 6 {
		tell(t, s, w, employee(n), named("x@example.com")...)
	}
	f := w.beside[sharingStage][employee(5)][0]
	if f.Hold || f.Detail != "the same email is wanted for employee/0000000, employee/0000001, employee/0000002 and more" || strings.Contains(f.Detail, "@") {
		t.Errorf("%+v", f)
	}
}

// What two transformers at once may leave is set right: a finding too much closes, a missing one opens.
func TestRecheckSetsRight(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	for n, address := range []string{"a@example.com", "x@example.com", "x@example.com", "", "x@example.com"} {
		tell(t, s, w, employee(n), named(address)...)
	}
	w.beside[sharingStage][employee(1)] = nil
	for _, n := range []int{0, 3, 7} { // an address of its own, none, not in the ledger
		w.beside[sharingStage][employee(n)] = []store.Finding{{Ref: employee(n), Code: fault.SharedEmail}}
	}
	if err := s.Recheck(t.Context(), acme); err != nil || w.flagged(fault.SharedEmail) != "0000001 0000002 0000004" {
		t.Errorf("flagged %q, %v", w.flagged(fault.SharedEmail), err)
	}
}

// A finding that could not be written keeps the message from being acknowledged, and the row from being marked.
func TestAFindingThatCouldNotBeWrittenIsWrittenAgain(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	tell(t, s, w, employee(1), named("x@example.com")...)
	down := failing(w, "observe")
	*down = true
	m := message(t, "2", employee(2), named("x@example.com")...)
	if errs := s.facts(acme)(t.Context(), []bus.Message{m}); !errors.Is(errs[0], errCrash) || w.rows[employee(2)].Published != 0 {
		t.Fatalf("%v, row %+v", errs, w.rows[employee(2)])
	}
	*down = false
	if err := s.Sweep(t.Context(), acme); err != nil || w.flagged(fault.SharedEmail) != "0000001 0000002" {
		t.Errorf("flagged %q, %v", w.flagged(fault.SharedEmail), err)
	}
}

// whole is a full reading of somebody's jobs.
func whole(t *testing.T, id string, ref record.Ref, facts ...erp.Fact) bus.Message {
	t.Helper()
	m := message(t, id, ref, facts...)
	e, err := event.With(m.Event, event.Facts{Kind: ref.Kind, Key: ref.Key, Facts: event.FromERP(facts), Whole: []erp.Facet{erp.Job}})
	if err != nil {
		t.Fatal(err)
	}
	m.Event = e
	return m
}

func TestVanished(t *testing.T) {
	hired, left := rowAt("0", "2020-01-01", 0, "A"), rowAt("0", "2026-01-16", 0, "T", "action=TER")
	late := rowAt("0", "2026-01-16", 0, "T", "stamp=2026-03-02T09:30:00.000000")
	jobs := []erp.Facet{erp.Job}
	tests := map[string]struct {
		known, read []erp.Fact
		whole       []erp.Facet
		seen        erp.Stamp
		want        bool
	}{
		"an older row is shown as the current one":                     {[]erp.Fact{hired, left}, []erp.Fact{hired}, jobs, "", true},
		"an older sequence of the day is shown":                        {[]erp.Fact{left, rowAt("0", "2026-01-16", 1, "A")}, []erp.Fact{left}, jobs, "", true},
		"the current row is shown":                                     {[]erp.Fact{hired, left}, []erp.Fact{left}, jobs, "", false},
		"the whole history is shown":                                   {[]erp.Fact{hired, left}, []erp.Fact{hired, left}, jobs, "", false},
		"a newer row is shown":                                         {[]erp.Fact{hired, left}, []erp.Fact{rowAt("0", "2026-02-01", 0, "A")}, jobs, "", false},
		"a partial reading shows what changed":                         {[]erp.Fact{hired, left}, []erp.Fact{hired}, nil, "", false},
		"the job is not shown at all":                                  {[]erp.Fact{hired, left}, []erp.Fact{rowAt("1", "2020-01-01", 0, "A")}, jobs, "", false},
		"only a row to come is missing":                                {[]erp.Fact{hired, rowAt("0", "2026-09-01", 0, "T")}, []erp.Fact{hired}, jobs, "", false},
		"the row changed after the reading":                            {[]erp.Fact{hired, late}, []erp.Fact{hired}, jobs, "2026-03-02T09:00:00.000000", false},
		"the row changed before the reading":                           {[]erp.Fact{hired, late}, []erp.Fact{hired}, jobs, "2026-03-02T10:00:00.000000", true},
		"the reading shows a view of now without dates":                {[]erp.Fact{hired, left}, []erp.Fact{rowAt("0", "", 0, "A")}, jobs, "", false},
		"of two jobs the second is contradicted":                       {[]erp.Fact{hired, rowAt("1", "2020-01-01", 0, "A"), rowAt("1", "2026-01-01", 0, "T")}, []erp.Fact{hired, rowAt("1", "2020-01-01", 0, "A")}, jobs, "", true},
		"nothing is known yet":                                         {nil, []erp.Fact{hired}, jobs, "", false},
		"a reading of somebody without any row is evidence of nothing": {[]erp.Fact{hired, left}, nil, jobs, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Vanished(Merge(nil, tt.known, "").Facts, tt.read, tt.whole, today, tt.seen); (got != "") != tt.want {
				t.Errorf("%q, want one: %v", got, tt.want)
			}
		})
	}
	got := Vanished(Merge(nil, []erp.Fact{hired, left}, "").Facts, []erp.Fact{hired}, jobs, today, "")
	if got != "EMPL_RCD 0: the source shows the row of 2020-01-01, sequence 0, as the current one, and no longer the row of 2026-01-16, sequence 0 (TER), which is kept: absence is no evidence" {
		t.Error(got)
	}
}

func TestAVanishedTerminationIsFlaggedAndKept(t *testing.T) {
	hired, left := rowAt("0", "2020-01-01", 0, "A"), rowAt("0", "2026-01-16", 0, "T")
	ends := map[string]bus.Message{
		"closed by a reading that shows it again": whole(t, "9", dana(), left),
		"closed by its deletion":                  message(t, "9", dana(), drop(erp.Job, "0", "2026-01-16", 0, "2026-02-01T00:00:00.000000")),
		"closed by a reading with a newer row":    whole(t, "9", dana(), rowAt("0", "2026-02-01", 0, "A")),
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.service()
			mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(hired, left)...)}))
			for i := range 2 {
				mustPass(t, s.facts(acme)(t.Context(), []bus.Message{whole(t, fmt.Sprint("2", i), dana(), hired)}))
				f := w.beside[readingStage][dana()]
				if w.flagged(fault.RowVanished) != dana().Key || f[0].Hold || w.wanted(t, dana()).User.State != directory.Suspended {
					t.Fatalf("findings %+v, state %s: flagged wanted, and nothing concluded", f, w.wanted(t, dana()).User.State)
				}
			}
			mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, "3", dana(), set(erp.Name, "PRI", "", 0, "display_name=D"))}))
			if w.flagged(fault.RowVanished) != dana().Key {
				t.Error("closed by something that says nothing about it")
			}
			mustPass(t, s.facts(acme)(t.Context(), []bus.Message{end}))
			if w.flagged(fault.RowVanished) != "" {
				t.Error("still open")
			}
		})
	}
}
