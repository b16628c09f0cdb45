package erp

import (
	"fmt"
	"strings"
	"time"
)

// Date is a calendar day without a zone, as 2006-01-02, so that text order is time order. It is compared with
// "today" in the tenant's zone (peoplesoft.md 2.3).
type Date string

// ParseDate accepts a day between 1900 and 2200, or 9999-12-31 for "open end"; a time of day behind it is cut off.
func ParseDate(s string) (Date, error) {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "T")
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return "", fmt.Errorf("date %q: want YYYY-MM-DD", s)
	}
	if y := d.Year(); (y < 1900 || y > 2200) && s != "9999-12-31" {
		return "", fmt.Errorf("date %q: year out of range 1900 to 2200", s)
	}
	return Date(s), nil
}

// Today is the calendar day of now in zone.
func Today(now time.Time, zone *time.Location) Date { return Date(now.In(zone).Format(time.DateOnly)) }

// Start is the first instant of the day in zone.
func (d Date) Start(zone *time.Location) (time.Time, error) {
	return time.ParseInLocation(time.DateOnly, string(d), zone)
}

// StampLayout is how a Stamp is written.
const StampLayout = "2006-01-02T15:04:05.000000"

// Stamp is a wall-clock time of the source without a zone, in StampLayout, so that text order is wall-clock order.
// It is never converted to an instant: PeopleSoft's base zone repeats an hour in autumn (failures.md fact 11, K01).
type Stamp string

// ParseStamp reads the forms that PeopleSoft's messages and queries use; an offset is dropped, the wall clock kept.
func ParseStamp(s string) (Stamp, error) {
	s = strings.TrimSpace(s)
	for _, layout := range stampLayouts() {
		if t, err := time.Parse(layout, s); err == nil {
			return Stamp(t.Format(StampLayout)), nil
		}
	}
	return "", fmt.Errorf("time %q: want YYYY-MM-DDTHH:MM:SS with optional fraction and offset", s)
}

// StampOf is the wall clock of an instant in zone.
func StampOf(t time.Time, zone *time.Location) Stamp { return Stamp(t.In(zone).Format(StampLayout)) }

// Add moves the wall clock; the empty stamp stays empty.
func (s Stamp) Add(d time.Duration) Stamp {
	t, err := time.Parse(StampLayout, string(s))
	if err != nil {
		return s
	}
	return Stamp(t.Add(d).Format(StampLayout))
}

// Wall is the stamp as a time whose UTC fields are the wall clock, for formatting and arithmetic only.
func (s Stamp) Wall() (time.Time, error) { return time.Parse(StampLayout, string(s)) }

func stampLayouts() []string {
	return []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999Z07:00",
		"2006-01-02 15:04:05.999999999", "2006-01-02-15.04.05.999999999", "2006-01-02T15:04", time.DateOnly,
	}
}
