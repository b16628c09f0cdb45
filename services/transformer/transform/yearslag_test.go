package transform

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
)

// Ten years in every zone again, with users that come days before a hire and leavers who keep their access until an
// hour, days or hours later. Nothing looks at the record but its own wake-ups; before, at and after each of them, and at
// every hour, the state is the one of a model that knows only the stretches of employment.
func TestTenYearsOfWakeUpsWithLeadAndLag(t *testing.T) {
	begin := time.Date(2011, 6, 1, 0, 0, 0, 0, time.UTC)
	for i, name := range zones() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			p := Default()
			p.Zone = zoneOf(t, name)
			p.HireLead, p.LeaveAt = rnd.IntN(5), time.Duration(rnd.IntN(24*12))*5*time.Minute
			if i%2 == 0 {
				p.LeaveAt = time.Duration(rnd.IntN(8)) * 30 * time.Minute // where clocks change
			}
			if p.LeaveDays = rnd.IntN(3); p.LeaveDays == 0 {
				p.LeaveHours = rnd.IntN(50)
			}
			facts, active := changes(uint64(i), begin.AddDate(0, 0, 5))
			if wakes, err := liveWith(facts, spells(active, p), p, begin); err != nil || wakes < len(active)-2 {
				t.Errorf("lead %d, at %s, lag %dd %dh: %d wake-ups for %d dates, %v", p.HireLead, p.LeaveAt, p.LeaveDays, p.LeaveHours, wakes, len(active), err)
			}
		})
	}
}

// spell is a stretch in which somebody has access: from the start of a day to an instant.
type spell struct {
	from  erp.Date
	until time.Time // zero: for ever
}

// spells is the simple model. Instants are found by looking at the clock every five minutes.
func spells(active map[erp.Date]bool, p Policy) (list []spell) {
	var days []erp.Date
	for day := range active {
		days = append(days, day)
	}
	slices.Sort(days)
	for _, day := range days {
		switch open := len(list) > 0 && list[len(list)-1].until.IsZero(); {
		case active[day] && !open:
			list = append(list, spell{from: shift(day, -p.HireLead)})
		case !active[day] && open:
			list[len(list)-1].until = watched(shift(day, p.LeaveDays), p).Add(time.Duration(p.LeaveHours) * time.Hour)
		}
	}
	return list
}

func watched(day erp.Date, p Policy) time.Time {
	midnight, _ := time.Parse(time.DateOnly, string(day))
	wanted := midnight.Add(p.LeaveAt).Format("2006-01-02 15:04")
	now := midnight.Add(-16 * time.Hour)
	for now.In(p.zone()).Format("2006-01-02 15:04") < wanted {
		now = now.Add(5 * time.Minute)
	}
	return now
}

func (p Policy) model(list []spell, now time.Time) directory.State {
	state := directory.Untouched
	for _, s := range list {
		if erp.Today(now, p.zone()) < s.from {
			break
		}
		if state = directory.Suspended; s.until.IsZero() || now.Before(s.until) {
			return directory.Active
		}
	}
	return state
}

func liveWith(facts []erp.Fact, list []spell, p Policy, begin time.Time) (wakes int, err error) {
	d := ResolveAt(dana(), facts, begin, p, nil)
	ring := time.Time{}
	check := func(now time.Time) {
		if got, want := d.Entry.State(), p.model(list, now); got != want && err == nil {
			err = fmt.Errorf("%s: %s, want %s; next %s", now.In(p.zone()), got, want, d.nextDate(p.zone()))
		}
	}
	for now := begin; now.Before(begin.AddDate(10, 0, 0)) && err == nil; now = now.Add(time.Hour) {
		for {
			if next := d.nextDate(p.zone()); ring.IsZero() && next != "" {
				if ring, err = when(next, p.zone()); err != nil {
					return wakes, err
				}
				if before := dueBy(ring.Add(-time.Second), p.zone()); before >= next && before[:16] != next[:min(16, len(next))] {
					return wakes, fmt.Errorf("%s is due at %s already", next, before)
				}
				if dueBy(ring, p.zone()) < next {
					return wakes, fmt.Errorf("%s is not due at %s", next, ring)
				}
			}
			if ring.IsZero() || ring.After(now) {
				break
			}
			check(ring.Add(-time.Second))
			d = ResolveAt(dana(), facts, ring, p, nil)
			check(ring)
			ring = time.Time{}
			wakes++
		}
		check(now)
	}
	return wakes, err
}
