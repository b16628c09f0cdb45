package peoplesoft

import (
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
)

// Query results carry YYYY-MM-DD (peoplesoft.md 3.2), but an OPRID's locale or an expression in the query may print
// dates as 15-JAN-2026 (peoplesoft.md 4.2). Both have one reading. 03/04/2026 has two, and the wrong one suspends
// people: it is refused.

// parseDay reads a calendar day; a time of day behind it is cut off.
func parseDay(text string) (erp.Date, error) {
	text = strings.TrimSpace(text)
	d, err := erp.ParseDate(text)
	if err == nil {
		return d, nil
	}
	day, _, _ := strings.Cut(text, " ")
	if t, bad := time.Parse("2-Jan-2006", day); bad == nil {
		day = t.Format(time.DateOnly)
	}
	if d, bad := erp.ParseDate(day); bad == nil {
		return d, nil
	}
	return "", err
}

// parseStamp reads a wall-clock time.
func parseStamp(text string) (erp.Stamp, error) {
	s, err := erp.ParseStamp(text)
	if err == nil {
		return s, nil
	}
	for _, layout := range []string{"2-Jan-2006 15:04:05.999999999", "2-Jan-2006 3:04:05 PM", "2-Jan-2006 3:04:05PM", "2-Jan-2006 15:04",
		"2006-01-02 15:04", "2006-01-02 3:04:05 PM", "2006-01-02 15:04:05.999999999-0700", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, bad := time.Parse(layout, text); bad == nil {
			return erp.Stamp(t.Format(erp.StampLayout)), nil
		}
	}
	if day, bad := parseDay(text); bad == nil && len(text) <= len("15-JAN-2026") {
		return erp.ParseStamp(string(day))
	}
	return "", err
}
