package transform

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func TestComingUpTellsWhatChangesByItself(t *testing.T) {
	w := newWorld(t)
	w.policy.LeaveAt, w.policy.HireLead = 18*time.Hour, 3
	s := w.service()
	tell := func(key string, facts ...erp.Fact) {
		t.Helper()
		ref := record.Ref{Kind: record.Employee, Key: key}
		mustPass(t, s.facts(acme)(t.Context(), []bus.Message{message(t, key, ref, facts...)}))
	}
	job := func(day erp.Date, status string, more ...string) erp.Fact { return rowAt("0", day, 0, status, more...) }
	tell("1", person(job("2020-01-01", "A"), job("2026-03-10", "T"))...)
	tell("2", person(job("2026-03-20", "A"))...)
	tell("3", person(job("2020-01-01", "A"), job("2026-03-05", "A", "dept_text=Audit"), job("2026-04-05", "T"))...)
	tell("4", person(job("2020-01-01", "A"), job("2026-02-01", "T"), job("2026-03-25", "A"), job("2026-03-31", "T"))...)
	tell("5", append(person(job("2020-01-01", "A")), set(erp.Name, "PRI", "2026-03-03", 0, "display_name=Dana Smith"))...)
	tell("6", person(job("2020-01-01", "A"), job("2026-03-06", "A"))...) // a row that changes nothing that is shown
	tell("7", person(job("2020-01-01", "A"), job("2026-06-01", "T"))...) // too far away
	c, err := ComingUp(t.Context(), w, acme, w.policy, w.now, "2026-04-01", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, one := range c.List {
		got = append(got, fmt.Sprintf("%s %s %s %s", one.Day, one.At.In(w.policy.Zone).Format("15:04"), one.Ref.Key, strings.Join(one.What, "+")))
	}
	want := []string{"2026-03-03 00:00 5 name", "2026-03-05 00:00 3 department", "2026-03-10 18:00 1 leave", "2026-03-17 00:00 2 hire", "2026-03-22 00:00 4 rehire", "2026-03-31 18:00 4 leave"}
	if !slices.Equal(got, want) || c.More || len(c.Days) != 6 {
		t.Errorf("%+v\ngot  %q\nwant %q", c, got, want)
	}
	if few, err := ComingUp(t.Context(), w, acme, w.policy, w.now, "2026-04-01", 2); err != nil || len(few.List) != 2 || len(few.Days) != 6 {
		t.Errorf("capped: %+v, %v", few, err)
	}
}

// crowd is a store in which n people leave tomorrow.
type crowd struct {
	row store.LedgerRow
	n   int
}

func (c crowd) DueRows(_ context.Context, _ tenant.ID, _ string, after record.Ref, limit int) (list []store.LedgerRow, err error) {
	for i := range c.n {
		row := c.row
		if row.Ref.Key = fmt.Sprintf("%07d", i); row.Ref.Key > after.Key && len(list) < limit {
			list = append(list, row)
		}
	}
	return list, nil
}

func TestComingUpIsBounded(t *testing.T) {
	w := newWorld(t)
	mustPass(t, w.service().facts(acme)(t.Context(), []bus.Message{message(t, "1", dana(), person(rowAt("0", "2020-01-01", 0, "A"), rowAt("0", "2026-03-03", 0, "T"))...)}))
	for n, more := range map[int]bool{900: false, 20_000: true} {
		c, err := ComingUp(t.Context(), crowd{w.rows[dana()], n}, acme, w.policy, w.now, "2026-04-01", 50)
		if err != nil || len(c.List) != 50 || c.More != more || c.Days["2026-03-03"] != min(n, calendarRows) {
			t.Errorf("%d: %d listed, %v, more %t, %v", n, len(c.List), c.Days, c.More, err)
		}
	}
}
