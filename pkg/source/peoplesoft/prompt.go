package peoplesoft

import (
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

// Open ends of a window, for queries whose prompts must not be empty. No PeopleSoft row is older; farDay is
// PeopleSoft's own "open end" (failures.md K09).
const (
	firstDay = erp.Stamp("1900-01-01T00:00:00.000000")
	farDay   = erp.Stamp("9999-12-31T00:00:00.000000")
	lastDay  = erp.Stamp("2200-01-01T00:00:00.000000") // upper end when an open window is halved
)

// clock writes window ends as prompts. Walls are never converted to instants: the base zone has gaps and repeats
// (failures.md K01, K02); zone only fills the offset when the layout shows one.
type clock struct {
	layout string
	zone   *time.Location
	empty  bool // open ends are empty
	unit   time.Duration
}

func newClock(layout string, zone *time.Location, empty bool) clock {
	if zone == nil {
		zone = time.UTC
	}
	return clock{layout, zone, empty, resolution(layout)}
}

// resolution is the smallest unit that the layout shows.
func resolution(layout string) time.Duration {
	t := time.Date(2006, 1, 2, 15, 4, 5, 123456000, time.UTC)
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond, time.Second, time.Minute, time.Hour} {
		if t.Format(layout) != t.Add(unit).Format(layout) {
			return unit
		}
	}
	return 24 * time.Hour
}

func (c clock) from(s erp.Stamp) (string, error) {
	if s == "" {
		return c.open(firstDay)
	}
	t, err := s.Wall()
	if err != nil {
		return "", badWindow("from")
	}
	return c.write(t.Truncate(c.unit)), nil
}

func (c clock) to(s erp.Stamp) (string, error) {
	if s == "" {
		return c.open(farDay)
	}
	t, err := s.Wall()
	if err != nil {
		return "", badWindow("to")
	}
	return c.write(up(t, c.unit)), nil
}

func (c clock) open(s erp.Stamp) (string, error) {
	if c.empty {
		return "", nil
	}
	t, err := s.Wall()
	return c.write(t), err
}

// days writes days of effect. They are dates at every site, whatever the layout of change times is.
func (c clock) days(of [2]erp.Date) (low, high string) {
	dates := clock{layout: defaultLayout, zone: c.zone, empty: c.empty}
	low, _ = dates.open(firstDay)
	high, _ = dates.open(farDay)
	return orText(string(of[0]), low), orText(string(of[1]), high)
}

// write never lets the zone move a wall; only a layout that shows an offset needs the zone at all. A wall in the
// spring gap then becomes the one an hour later: for From the overlap of windows covers it, for To it reads more.
func (c clock) write(t time.Time) string {
	if !strings.Contains(c.layout, "-07") && !strings.Contains(c.layout, "Z07") && !strings.Contains(c.layout, "MST") {
		return t.Format(c.layout)
	}
	z := in(t, c.zone)
	if z.Format(time.DateTime) != t.Format(time.DateTime) {
		z = in(t.Add(time.Hour), c.zone)
	}
	return z.Format(c.layout)
}

func in(t time.Time, zone *time.Location) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
}

func up(t time.Time, unit time.Duration) time.Time {
	if cut := t.Truncate(unit); !cut.Equal(t) {
		return cut.Add(unit)
	}
	return t
}

// half is the middle between two walls on a unit; ok is false when there is none strictly between.
func (c clock) half(from, to erp.Stamp) (erp.Stamp, bool) {
	if from == "" {
		from = firstDay
	}
	if to == "" || to > lastDay {
		to = lastDay
	}
	a, err := from.Wall()
	b, err2 := to.Wall()
	if err != nil || err2 != nil {
		return "", false
	}
	a, b = a.Truncate(c.unit), up(b, c.unit)
	units := (b.Unix()-a.Unix())*int64(time.Second/time.Microsecond)/int64(c.unit/time.Microsecond) + int64(b.Nanosecond()-a.Nanosecond())/int64(c.unit)
	if units < 2 {
		return "", false
	}
	return erp.Stamp(addUnits(a, units/2, c.unit).Format(erp.StampLayout)), true
}

// addUnits is a + n × unit for spans that a time.Duration cannot hold (292 years).
func addUnits(a time.Time, n int64, unit time.Duration) time.Time {
	micros := n * int64(unit/time.Microsecond)
	return time.Unix(a.Unix()+micros/1e6, int64(a.Nanosecond())+micros%1e6*1000).UTC()
}

func badWindow(end string) error {
	return fault.New(fault.Internal, fault.Unclassified, "window "+end+" is not a time")
}

// oneSlot refuses values that the positional lists cannot carry (peoplesoft.md 3.1).
func oneSlot(value string) error {
	if strings.Contains(value, ",") {
		return fault.New(fault.Config, fault.SourceNotSupported, "a prompt value holds a comma, which PeopleSoft's prompt list cannot carry")
	}
	return nil
}
