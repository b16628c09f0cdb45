package transform

import (
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
)

// Next dates are kept as a day, 2006-01-02, which means its start in the tenant's zone, or as an instant in RFC 3339
// with the zone's offset. As texts they order by the wall clock, so that "due by now" is one comparison.

// when is the instant of a next date.
func when(next string, zone *time.Location) (time.Time, error) {
	if len(next) <= len(time.DateOnly) {
		return start(erp.Date(next), zone)
	}
	return time.Parse(time.RFC3339, next)
}

// dueBy is the next date behind which everything that is due at now lies.
func dueBy(now time.Time, zone *time.Location) string { return now.In(zone).Format(time.RFC3339) }

// nextDate is how the ledger keeps when the decision may change by itself; "" when it does not.
func (d Decision) nextDate(zone *time.Location) string {
	if d.Until.IsZero() {
		return string(d.Next)
	}
	return d.Until.In(zone).Format(time.RFC3339)
}

// soonest adds an instant, none when zero, to the next day: whichever comes first holds.
func (d Decision) soonest(until time.Time, zone *time.Location) Decision {
	if until.IsZero() {
		return d
	}
	if day := erp.Today(until, zone); d.Next == "" || day < d.Next {
		d.Next, d.Until = day, until
	}
	return d
}

// clockTime is the first instant on a day at which the clocks of a zone show a time of day or a later one: the first of
// two where clocks are put back, the end of the gap where they skip it. ok is false for what is no day.
func clockTime(day erp.Date, at time.Duration, zone *time.Location) (t time.Time, ok bool) {
	midnight, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return t, false
	}
	wall := midnight.Add(at)
	const around = 26 * time.Hour // more than any offset, and than any gap with it
	early, late := seenAs(wall, wall.Add(-around), zone), seenAs(wall, wall.Add(around), zone)
	if late.Before(early) {
		early, late = late, early
	}
	switch {
	case shows(early, zone).Equal(wall):
		return early, true
	case shows(late, zone).Equal(wall):
		return late, true
	}
	for late.Sub(early) > time.Second { // between the two lies the change that skips it
		middle := early.Add(late.Sub(early) / 2).Truncate(time.Second)
		if shows(middle, zone).Before(wall) {
			early = middle
		} else {
			late = middle
		}
	}
	return late, true
}

// seenAs is the instant of a wall clock under the offset that holds at another instant.
func seenAs(wall, at time.Time, zone *time.Location) time.Time {
	_, offset := at.In(zone).Zone()
	return wall.Add(-time.Duration(offset) * time.Second)
}

// shows is the wall clock of an instant, as if it were UTC.
func shows(at time.Time, zone *time.Location) time.Time {
	_, offset := at.In(zone).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// leaves is the instant at which a leaver of a day loses access.
func (p Policy) leaves(day erp.Date) (time.Time, bool) {
	at, ok := clockTime(shift(day, p.LeaveDays), p.LeaveAt, p.zone())
	return at.Add(time.Duration(p.LeaveHours) * time.Hour), ok
}

// lags tells whether leavers keep their access beyond the start of the day.
func (p Policy) lags() bool { return p.LeaveAt > 0 || p.LeaveDays > 0 || p.LeaveHours > 0 }

// shift is the day n days later; what is no day stays.
func shift(day erp.Date, n int) erp.Date {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil || n == 0 {
		return day
	}
	return erp.Date(t.AddDate(0, 0, n).Format(time.DateOnly))
}
