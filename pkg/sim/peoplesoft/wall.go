package peoplesoft

import (
	"fmt"
	"strings"
	"time"
)

// wall is a reading of the wall clock without a zone, in microseconds, counted as if it were UTC. PeopleSoft's
// database stores and compares such readings: in the autumn the same reading occurs twice (failures.md K02).
type wall int64

func wallOf(t time.Time, zone *time.Location) wall {
	_, offset := t.In(zone).Zone()
	return wall(t.UnixMicro() + int64(offset)*1e6)
}

func (w wall) add(d time.Duration) wall { return w + wall(d.Microseconds()) }

// format writes w in a layout; the offset, if the layout has one, is the zone's offset at that reading.
func (w wall) format(layout string, zone *time.Location) string {
	t := time.UnixMicro(int64(w)).UTC()
	if strings.Contains(layout, "-0700") || strings.Contains(layout, "Z07:00") {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
	}
	return t.Format(layout)
}

// parseWall reads a date-time prompt. Go accepts a fraction after the seconds in all of these layouts.
// A text with an offset is converted to the zone; a bare date is midnight.
func parseWall(text string, zone *time.Location) (wall, error) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05", time.DateTime, "2006-01-02-15.04.05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return wall(t.UnixMicro()), nil
		}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return wallOf(t, zone), nil
		}
	}
	return 0, fmt.Errorf("date and time %q: unknown form", text)
}

// parseDay reads a CCYY-MM-DD date and gives it back, so that days compare as text.
func parseDay(text string) (string, error) {
	t, err := time.Parse(time.DateOnly, strings.TrimSpace(text))
	if err != nil {
		return "", fmt.Errorf("date %q: want CCYY-MM-DD", text)
	}
	return t.Format(time.DateOnly), nil
}

// shiftDay adds days to a CCYY-MM-DD date that parseDay accepted.
func shiftDay(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}
