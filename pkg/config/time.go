package config

import (
	"regexp"
	"strings"
	"time"
	_ "time/tzdata" // an image without a zone database must know every zone (failures.md K05)

	"github.com/adhocore/gronx"
)

// cronShape allows what both gronx and the broker's schedules understand: five fields of numbers and names, no L, W, #.
var cronShape = regexp.MustCompile(`^(([0-9*/,-]|[A-Za-z]{3})+ +){4}([0-9*/,-]|[A-Za-z]{3})+$`)

// Zone is a time zone that was loaded.
type Zone struct{ *time.Location }

// UnmarshalText loads the zone by its name in the IANA database.
func (z *Zone) UnmarshalText(b []byte) error {
	want := bad{want: "a zone name of the IANA database, for example America/Chicago", got: show(b)}
	if len(b) == 0 || string(b) == "Local" {
		return want
	}
	loc, err := time.LoadLocation(string(b))
	if err != nil {
		return want
	}
	z.Location = loc
	return nil
}

// MarshalText is the zone's name.
func (z Zone) MarshalText() ([]byte, error) {
	if z.Location == nil {
		return nil, nil
	}
	return []byte(z.Location.String()), nil
}

// Duration is a length of time written as Go writes it: 90s, 15m, 1h30m.
type Duration struct{ time.Duration }

// UnmarshalText reads the Go form.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return bad{want: "a duration such as 90s, 15m or 1h", got: show(b)}
	}
	d.Duration = v
	return nil
}

// MarshalText is the shortest form: 15m and not 15m0s.
func (d Duration) MarshalText() ([]byte, error) { return []byte(brief(d.Duration)), nil }

func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Spec is when something happens again and again: an interval of at least one second, or a cron line of five fields.
// It is what bus.Schedules.Every takes.
type Spec string

// UnmarshalText accepts both forms.
func (s *Spec) UnmarshalText(b []byte) error {
	text := string(b)
	if d, err := time.ParseDuration(text); err == nil {
		if d < time.Second {
			return bad{want: "an interval of at least 1s", got: show(b)}
		}
		*s = Spec(text)
		return nil
	}
	if len(text) > 100 || !cronShape.MatchString(text) || !gronx.IsValid(text) || never(text) {
		return bad{want: `an interval such as 5m or a cron line of five fields such as "0 2 * * *"`, got: show(b)}
	}
	*s = Spec(text)
	return nil
}

// never tells whether a cron line names only days that do not exist, such as 30 February.
func never(cron string) bool {
	_, err := gronx.NextTickAfter(cron, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), true)
	return err != nil
}

// Interval is the interval, or false for a cron line.
func (s Spec) Interval() (time.Duration, bool) {
	d, err := time.ParseDuration(string(s))
	return d, err == nil
}
