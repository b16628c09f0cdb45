package transform

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
)

// zones are places with every kind of clock change there is: at midnight (Santiago, Havana, Beirut, Asuncion, Sao
// Paulo until 2019, Gaza), by half an hour (Lord Howe), by two (Troll), offsets of 30 and 45 minutes, the date line,
// and a day that never was (Apia had no 30 December 2011).
func zones() []string {
	return []string{"UTC", "America/New_York", "America/Chicago", "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu", "America/St_Johns",
		"America/Halifax", "America/Sao_Paulo", "America/Santiago", "America/Asuncion", "America/Havana", "America/Caracas", "Atlantic/Azores",
		"Europe/London", "Europe/Dublin", "Europe/Berlin", "Europe/Moscow", "Europe/Istanbul", "Africa/Casablanca", "Africa/Cairo", "Asia/Beirut",
		"Asia/Gaza", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Yangon", "Asia/Tokyo", "Asia/Pyongyang", "Australia/Adelaide",
		"Australia/Eucla", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati",
		"Pacific/Pago_Pago", "Pacific/Marquesas", "Antarctica/Troll"}
}

// changes are job rows that hire and terminate in turn, one to forty days apart, over ten years.
func changes(seed uint64, from time.Time) (facts []erp.Fact, active map[erp.Date]bool) {
	rnd := rand.New(rand.NewPCG(seed, 10))
	active = map[erp.Date]bool{}
	facts = person()
	now := false
	for day := from; day.Before(from.AddDate(10, 0, 0)); day = day.AddDate(0, 0, 1+rnd.IntN(40)) {
		now = !now
		d := erp.Date(day.Format(time.DateOnly))
		active[d] = now
		facts = append(facts, jobRow("0", d, rnd.IntN(3), "hr_status="+letter(now), "dept_text=Finance"))
	}
	facts = append(facts, jobRow("0", "2011-12-30", 9, "hr_status=A", "dept_text=Finance"), jobRow("0", "2011-12-31", 9, "hr_status=I", "dept_text=Finance"))
	active["2011-12-30"], active["2011-12-31"] = true, false
	return facts, active
}

// Ten years at steps of one hour in every zone. Nothing looks at the record but its own wake-ups: at every step the
// state that they left is the one of the calendar day there, and no wake-up rings on the day before.
func TestTenYearsOfWakeUps(t *testing.T) {
	if len(zones()) < 30 {
		t.Fatal("too few zones")
	}
	begin := time.Date(2011, 6, 1, 0, 0, 0, 0, time.UTC)
	for i, name := range zones() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			facts, active := changes(uint64(i), begin.AddDate(0, 0, 3))
			if wakes, err := live(facts, active, zone, begin); err != nil || wakes < len(active)-2 {
				t.Errorf("%d wake-ups for %d dates, %v", wakes, len(active), err)
			}
		})
	}
}

// live lets ten years pass and tells how often the record was woken.
func live(facts []erp.Fact, active map[erp.Date]bool, zone *time.Location, begin time.Time) (wakes int, err error) {
	p := Default()
	d := Resolve(dana(), facts, erp.Today(begin, zone), p, nil)
	ring, want, day := time.Time{}, directory.Untouched, erp.Today(begin, zone)
	for now := begin; now.Before(begin.AddDate(10, 0, 0)); now = now.Add(time.Hour) {
		if today := erp.Today(now, zone); today != day {
			want, day = expected(active, want, day, today), today
		}
		if ring.IsZero() && d.Next != "" {
			if ring, err = start(d.Next, zone); err != nil {
				return wakes, err
			}
			if got := erp.Today(ring, zone); got < d.Next || erp.Today(ring.Add(-time.Second), zone) >= d.Next {
				return wakes, fmt.Errorf("the start of %s is %s", d.Next, ring.In(zone))
			}
		}
		if !ring.IsZero() && !ring.After(now) {
			d, ring = Resolve(dana(), facts, erp.Today(now, zone), p, nil), time.Time{}
			wakes++
		}
		if got := d.Entry.State(); got != want {
			return wakes, fmt.Errorf("%s: %s, want %s; next %s", now.In(zone), got, want, d.Next)
		}
	}
	return wakes, nil
}

// expected is the simple model: what the last of the days that passed says.
func expected(active map[erp.Date]bool, want directory.State, from, to erp.Date) directory.State {
	first, _ := time.Parse(time.DateOnly, string(from))
	for day := first.AddDate(0, 0, 1); erp.Date(day.Format(time.DateOnly)) <= to; day = day.AddDate(0, 0, 1) {
		if is, ok := active[erp.Date(day.Format(time.DateOnly))]; ok && is {
			want = directory.Active
		} else if ok {
			want = directory.Suspended
		}
	}
	return want
}
