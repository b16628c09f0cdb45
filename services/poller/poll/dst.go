package poll

import (
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
)

const (
	day     = 24 * time.Hour
	longest = 400 // days for which clock changes are looked up
)

// dstShift is by how much clocks in zone were put back at most since a day before the cursor, and at least within the
// last day: that span of wall-clock time happened twice, and rows of the second time lie before the cursor although
// they came after it (failures.md K02, K03).
func dstShift(now time.Time, since erp.Stamp, zone *time.Location) time.Duration {
	start := now.Add(-day)
	if wall, err := since.Wall(); err == nil {
		if at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, zone).Add(-day); at.Before(start) {
			start = at
		}
	}
	if limit := now.Add(-longest * day); start.Before(limit) {
		start = limit
	}
	most := 0
	for at := start; at.Before(now); at = at.Add(day) {
		next := at.Add(day)
		if next.After(now) {
			next = now
		}
		_, before := at.In(zone).Zone()
		_, after := next.In(zone).Zone()
		most = max(most, before-after)
	}
	return time.Duration(most) * time.Second
}
