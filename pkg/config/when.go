package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Hire says when a person who joins appears in Zendesk.
type Hire struct {
	Lead Days `json:"lead"` // before the first day
}

// Days is a number of calendar days, written 3d.
type Days int

// maxDays is the longest lead and lag.
const maxDays = 60

// UnmarshalText accepts 0d to 60d.
func (d *Days) UnmarshalText(b []byte) error {
	n, ok := count(string(b), "d", maxDays)
	if !ok {
		return bad{want: "a number of days from 0d to 60d, for example 3d", got: show(b)}
	}
	*d = Days(n)
	return nil
}

// MarshalText is the form of the file.
func (d Days) MarshalText() ([]byte, error) { return []byte(strconv.Itoa(int(d)) + "d"), nil }

// Hour is a time of day on the tenant's clocks, in minutes since midnight, written 18:00.
type Hour int

// UnmarshalText accepts 00:00 to 23:59.
func (h *Hour) UnmarshalText(b []byte) error {
	at, err := time.Parse("15:04", string(b))
	if err != nil || len(b) != len("15:04") {
		return bad{want: `a time of day from "00:00" to "23:59" in quotes, for example "18:00"`, got: show(b)}
	}
	*h = Hour(at.Hour()*60 + at.Minute())
	return nil
}

// MarshalText is the form of the file.
func (h Hour) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%02d:%02d", h/60, h%60), nil }

// Lag is how long after the day something acts: calendar days (2d), or hours that pass (36h).
type Lag struct{ Days, Hours int }

// UnmarshalText accepts 0d to 60d and 0h to 1440h.
func (l *Lag) UnmarshalText(b []byte) error {
	if n, ok := count(string(b), "d", maxDays); ok {
		*l = Lag{Days: n}
		return nil
	}
	if n, ok := count(string(b), "h", maxDays*24); ok {
		*l = Lag{Hours: n}
		return nil
	}
	return bad{want: "days or hours up to 60d or 1440h, for example 2d or 36h", got: show(b)}
}

// MarshalText is the form of the file.
func (l Lag) MarshalText() ([]byte, error) {
	if l.Hours > 0 {
		return []byte(strconv.Itoa(l.Hours) + "h"), nil
	}
	return []byte(strconv.Itoa(l.Days) + "d"), nil
}

// count reads a plain number with its unit.
func count(s, unit string, most int) (int, bool) {
	digits, ok := strings.CutSuffix(s, unit)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0 && n <= most && strconv.Itoa(n) == digits
}

// Uniform says what a full read is worth in which everybody has the same name, department, status or email.
type Uniform string

// The two answers.
const (
	RefuseUniform Uniform = "refuse" // SRC_UNIFORM: nothing is concluded from it
	AcceptUniform Uniform = "accept"
)

// UnmarshalText accepts refuse and accept.
func (u *Uniform) UnmarshalText(b []byte) error { return word(u, b, RefuseUniform, AcceptUniform) }
