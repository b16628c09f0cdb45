package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme = tenant.ID("acme")

// stage is store, resolver and account of a plan. Employee number n is wanted with the address of number n modulo same.
type stage struct {
	employees, same int
	links           map[record.Ref]store.Link
	fresh           map[string]bool // keys whose change the guard has still to decide about
	limit           int
	objects         []target.Object
	held            map[string]directory.Entry // what the account holds, by external id

	budgets []target.Budget // one for each question; the last one stays
	refuse  []error         // one for each call of Plan
	asked   []int           // sizes of the calls
	pages   int
}

func (s *stage) ref(n int) record.Ref {
	return record.Ref{Kind: record.Employee, Key: fmt.Sprintf("%05d", n)}
}

func (s *stage) Rows(_ context.Context, _ tenant.ID, refs []record.Ref) (map[record.Ref]store.LedgerRow, error) {
	out := map[record.Ref]store.LedgerRow{}
	for _, r := range refs {
		if r.Key < s.ref(s.employees).Key {
			out[r] = store.LedgerRow{Ref: r}
		}
	}
	return out, nil
}

func (s *stage) WalkLedger(_ context.Context, _ tenant.ID, kind record.Kind, after string, limit int) (rows []store.LedgerRow, _ error) {
	for n := range s.employees {
		if r := s.ref(n); kind == record.Employee && r.Key > after && len(rows) < limit {
			rows = append(rows, store.LedgerRow{Ref: r})
		}
	}
	return rows, nil
}

func (s *stage) CountLedger(context.Context, tenant.ID) (map[record.Kind]int, error) {
	return map[record.Kind]int{record.Employee: s.employees}, nil
}

func (s *stage) Links(context.Context, tenant.ID, []record.Ref) (map[record.Ref]store.Link, error) {
	return s.links, nil
}

func (s *stage) CountLinks(context.Context, tenant.ID) (map[record.Kind]map[string]int, error) {
	return map[record.Kind]map[string]int{record.Employee: {"active": len(s.links)}}, nil
}

func (s *stage) Cycles(context.Context, tenant.ID, record.Kind, int) ([]store.Cycle, error) {
	return nil, nil
}

func (s *stage) Resolve(_ context.Context, _ tenant.ID, rows []store.LedgerRow) (list []Resolved, _ error) {
	for _, row := range rows {
		n := 0
		_, _ = fmt.Sscanf(row.Ref.Key, "%d", &n)
		d := Resolved{Ref: row.Ref, Day: "2026-11-23", Wanted: directory.Entry{User: &directory.User{ExternalID: "psft:emp:" + row.Ref.Key,
			Name: "Person " + row.Ref.Key, State: directory.Active}}}
		if s.same > 0 {
			d.Wanted.User.Email = fmt.Sprintf("p%d@example.com", n%s.same)
		}
		if s.fresh[row.Ref.Key] {
			d.Waits, d.Fresh, d.Counts, d.Code = true, true, store.Suspension, fault.GuardSuspend
		}
		list = append(list, d)
	}
	return list, nil
}

func (s *stage) Forecast(_ context.Context, _ tenant.ID, fresh map[store.Group]int) (list []Forecast, _ error) {
	for g, n := range fresh {
		list = append(list, Forecast{Group: g, Limit: s.limit, Asking: n, Waits: n > s.limit})
	}
	return list, nil
}

func (s *stage) Budget(context.Context, tenant.ID) target.Budget {
	if len(s.budgets) == 0 {
		return target.Budget{}
	}
	b := s.budgets[0]
	if len(s.budgets) > 1 {
		s.budgets = s.budgets[1:]
	}
	return b
}

func (s *stage) Plan(_ context.Context, _ tenant.ID, items []target.Item) (list []target.Planned, _ error) {
	s.asked = append(s.asked, len(items))
	if len(s.refuse) > 0 {
		err := s.refuse[0]
		if s.refuse = s.refuse[1:]; err != nil {
			return nil, err
		}
	}
	for _, it := range items {
		c := target.Change{Item: it, Verb: target.Create, Why: "nobody is there"}
		if it.TargetID != "" {
			c.Verb = target.Nothing
			if held, is := s.held[it.Wanted.ExternalID()]; is && held.Digest() != it.Wanted.Digest() {
				c.Verb = target.Update
			}
		}
		list = append(list, target.Planned{Item: it, Change: c})
	}
	return list, nil
}

func (s *stage) List(_ context.Context, _ tenant.ID, kind record.Kind, see func([]target.Object) error) error {
	if kind != record.Employee {
		return nil
	}
	for part := range slices.Chunk(s.objects, 2) {
		s.pages++
		if err := see(part); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) plan(t *testing.T, q adminapi.PlanQuery) (lines []adminapi.PlanLine, sum adminapi.PlanSummary, err error) {
	t.Helper()
	p := Planner{Store: s, Resolver: s, Target: s, Prefix: map[record.Kind]string{record.Employee: "psft:emp:"}, Now: time.Now}
	err = p.Run(t.Context(), acme, q, func(l adminapi.PlanLine) error {
		if lines = append(lines, l); l.Summary != nil {
			sum = *l.Summary
		}
		return nil
	})
	return lines, sum, err
}

func recordsOf(lines []adminapi.PlanLine) (list []adminapi.PlanRecord) {
	for _, l := range lines {
		if l.Record != nil {
			list = append(list, *l.Record)
		}
	}
	return list
}

func TestRecordsAreAskedByTheHundred(t *testing.T) {
	s := &stage{employees: 250}
	lines, sum, err := s.plan(t, adminapi.PlanQuery{})
	if err != nil || !slices.Equal(s.asked, []int{100, 100, 50}) || sum.Changes["employees/create"] != 250 || sum.AsOf != "2026-11-23" {
		t.Fatalf("asked %v, %+v, %v", s.asked, sum, err)
	}
	if lines[len(lines)-1].Summary == nil {
		t.Error("the summary is not the last line")
	}
}

func TestOfSeveralRecordsThatWantAnAddressTheFirstHasIt(t *testing.T) {
	s := &stage{employees: 250, same: 200} // 200 to 249 want what 0 to 49 have, two pages before
	lines, sum, err := s.plan(t, adminapi.PlanQuery{})
	if err != nil || sum.Changes["employees/create"] != 200 || sum.Waits["EMAIL_TAKEN"] != 50 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if r := recordsOf(lines)[200]; r.State != adminapi.PlanWait || r.Next == "" || r.Match != adminapi.MatchReview {
		t.Errorf("%+v", r)
	}
}

func TestWhatTheGuardWouldKeepBackIsNotAskedOfTheTarget(t *testing.T) {
	cases := map[string]struct {
		limit, waits, asked int
	}{
		"over the limit all of them wait":   {limit: 1, waits: 2, asked: 3},
		"within the limit all of them pass": {limit: 2, waits: 0, asked: 5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := &stage{employees: 5, limit: c.limit, fresh: map[string]bool{"00001": true, "00003": true}}
			_, sum, err := s.plan(t, adminapi.PlanQuery{})
			if err != nil || sum.Waits["GUARD_SUSPEND"] != c.waits || s.asked[0] != c.asked || len(sum.Guard) != 1 || sum.Guard[0].Asking != 2 {
				t.Errorf("asked %v, %+v, %v", s.asked, sum, err)
			}
		})
	}
}

func TestAnObjectThatSomebodyElseChangedIsDrift(t *testing.T) {
	s := &stage{employees: 3, links: map[record.Ref]store.Link{}, held: map[string]directory.Entry{}}
	wanted, _ := s.Resolve(t.Context(), acme, []store.LedgerRow{{Ref: s.ref(0)}, {Ref: s.ref(1)}, {Ref: s.ref(2)}})
	for i, d := range wanted {
		s.links[d.Ref] = store.Link{Ref: d.Ref, TargetID: fmt.Sprint(7 + i), Digest: d.Wanted.Digest()}
	}
	other := directory.Entry{User: &directory.User{Name: "Other"}}
	s.held["psft:emp:00000"], s.held["psft:emp:00001"] = other, other
	changed := s.links[s.ref(1)]
	changed.Digest = "of something older"
	s.links[s.ref(1)] = changed
	lines, sum, err := s.plan(t, adminapi.PlanQuery{})
	got := recordsOf(lines)
	if err != nil || sum.Drift != 1 || sum.Changes["employees/update"] != 1 || len(got) != 2 || got[0].State != adminapi.PlanDrift || got[1].State != adminapi.PlanChange {
		t.Errorf("%+v %+v, %v", got, sum, err)
	}
}

func TestThePlanLeavesHalfOfOurShareToLiveTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		low := target.Budget{PerMinute: 700, Share: 0.8, Remaining: 420, Reset: 40 * time.Second} // half of 560 was used
		s := &stage{employees: 150, budgets: []target.Budget{low, {PerMinute: 700, Share: 0.8, Remaining: 700}, {PerMinute: 700, Share: 0.8, Remaining: 421, Reset: time.Second}}}
		began := time.Now()
		lines, _, err := s.plan(t, adminapi.PlanQuery{})
		if took := time.Since(began); err != nil || took != 40*time.Second {
			t.Fatalf("took %v, %v", took, err)
		}
		if !slices.ContainsFunc(lines, func(l adminapi.PlanLine) bool {
			return l.Progress != nil && l.Progress.WaitingSeconds == 40 && l.Progress.Total == 150
		}) {
			t.Error("nobody was told of the wait")
		}
	})
}

func TestThePlanComesBackWhenZendeskSaysWhen(t *testing.T) {
	later := &fault.Error{Kind: fault.RateLimited, Code: fault.TargetRate, After: 7 * time.Second}
	cases := map[string]struct {
		refuse []error
		took   time.Duration
		err    fault.Code
	}{
		"twice":                     {[]error{later, later}, 14 * time.Second, ""},
		"but not for ever":          {slices.Repeat([]error{later}, 10), 35 * time.Second, fault.TargetRate},
		"and not when it is down":   {[]error{fault.New(fault.Transient, fault.TargetDown, "503")}, 0, fault.TargetDown},
		"and not after a bad login": {[]error{fault.New(fault.Auth, fault.TargetAuth, "401")}, 0, fault.TargetAuth},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stage{employees: 1, refuse: c.refuse}
				began := time.Now()
				_, _, err := s.plan(t, adminapi.PlanQuery{})
				if took := time.Since(began); took != c.took || err == nil != (c.err == "") || err != nil && fault.CodeOf(err) != c.err {
					t.Errorf("took %v, %v", took, err)
				}
			})
		})
	}
}

func TestTheAdoptionReportCountsWhomNobodyStandsFor(t *testing.T) {
	s := &stage{employees: 3, same: 3, objects: []target.Object{
		{ID: "1", ExternalID: "PSFT:EMP:00000", Email: "old@example.com"}, // case does not matter
		{ID: "2", Email: "p1@example.com"},
		{ID: "3", Name: "person 00002", Email: "other@example.com"},
		{ID: "4", ExternalID: "psft:emp:77777"},
		{ID: "5", Name: "A Customer", Email: "customer@example.com"},
		{ID: "6", Name: "An Agent", Email: "agent@example.com", Staff: true},
	}}
	lines, sum, err := s.plan(t, adminapi.PlanQuery{Kind: "employees"})
	if err != nil || len(sum.Adoption) != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	a := sum.Adoption[0]
	if a.Objects != 6 || a.Staff != 1 || a.Orphans != 2 || a.Ours != 1 || strings.Join(a.OrphanIDs, " ") != "4 5" || a.New != 2 || a.Review != 1 {
		t.Errorf("%+v", a)
	}
	if r := recordsOf(lines)[2]; r.Match != adminapi.MatchReview || r.State != adminapi.PlanChange || !strings.Contains(r.Why, "user 3") {
		t.Errorf("the namesake: %+v", r)
	}
	s.links = map[record.Ref]store.Link{s.ref(0): {TargetID: "1"}}
	s.pages = 0
	_, sum, err = s.plan(t, adminapi.PlanQuery{})
	if err != nil || len(sum.Adoption) != 0 || s.pages != 0 {
		t.Errorf("a tenant that has written: %+v, %d pages, %v", sum, s.pages, err)
	}
}

func TestStrangersReadsOnePage(t *testing.T) {
	cases := map[string]struct {
		objects []target.Object
		found   bool
	}{
		"nobody is there":        {nil, false},
		"staff and our own":      {[]target.Object{{Staff: true}, {ExternalID: "psft:emp:1"}}, false},
		"somebody else":          {[]target.Object{{Staff: true}, {ID: "9"}}, true},
		"only the first page is": {[]target.Object{{Staff: true}, {Staff: true}, {ID: "9"}}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := &stage{objects: c.objects}
			found, err := Strangers(t.Context(), s, acme, record.Employee, "psft:emp:")
			if err != nil || found != c.found || s.pages > 1 {
				t.Errorf("found %t, %d pages, %v", found, s.pages, err)
			}
		})
	}
}

func TestWrongQuestionsAreRefused(t *testing.T) {
	for name, q := range map[string]adminapi.PlanQuery{
		"an unknown kind":    {Kind: "cars"},
		"a key without kind": {Key: "00001"},
		"an unknown key":     {Kind: "employees", Key: "99999"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := (&stage{employees: 3}).plan(t, q); fault.CodeOf(err) != adminapi.BadRequest {
				t.Errorf("%v", err)
			}
		})
	}
	p := Planner{Store: &stage{employees: 3}, Resolver: &stage{}, Target: &stage{}, Now: time.Now}
	gone := errors.New("the reader went away")
	if err := p.Run(t.Context(), acme, adminapi.PlanQuery{}, func(adminapi.PlanLine) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
}

// Before the first read there is nothing to compare: everybody in the account would look like an orphan.
func TestAPlanOfNothingSaysTheDayAndAsksNobody(t *testing.T) {
	s := &stage{objects: []target.Object{{ID: "1", Email: "customer@elsewhere.example"}}}
	p := Planner{Store: s, Resolver: s, Target: s, Observe: true, Day: "2026-11-23", Now: time.Now}
	var sum *adminapi.PlanSummary
	err := p.Run(t.Context(), acme, adminapi.PlanQuery{}, func(l adminapi.PlanLine) error { sum = l.Summary; return nil })
	if err != nil || sum == nil || sum.AsOf != "2026-11-23" || len(sum.Records) != 0 || len(sum.Adoption) != 0 || s.pages != 0 {
		t.Errorf("%v, %+v, %d pages of the account", err, sum, s.pages)
	}
}
