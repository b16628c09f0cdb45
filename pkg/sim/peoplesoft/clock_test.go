package peoplesoft_test

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// TestStampsAreWallClockReadings proves failures.md K01 to K03 and K06: a gap, a repeat, a shift of half an hour.
func TestStampsAreWallClockReadings(t *testing.T) {
	tests := map[string]struct {
		zone string
		at   string
		want string
	}{
		"before the spring gap":                     {"America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T01:59:59.000000"},
		"after the spring gap":                      {"America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00.000000"},
		"first reading of the repeated hour":        {"America/New_York", "2026-11-01T05:30:00Z", "2026-11-01T01:30:00.000000"},
		"second reading of the repeated hour":       {"America/New_York", "2026-11-01T06:30:00Z", "2026-11-01T01:30:00.000000"},
		"half an hour: before":                      {"Australia/Lord_Howe", "2026-04-04T14:45:00Z", "2026-04-05T01:45:00.000000"},
		"half an hour: the same reading again":      {"Australia/Lord_Howe", "2026-04-04T15:15:00Z", "2026-04-05T01:45:00.000000"},
		"microseconds are kept, nanoseconds not":    {"UTC", "2026-03-02T08:15:30.123456789Z", "2026-03-02T08:15:30.123456"},
		"before 1970, should anybody have the year": {"UTC", "1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(tc.zone)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, tc.at)
			if err != nil {
				t.Fatal(err)
			}
			w := start(t, peoplesoft.Options{Employees: 3, Zone: zone, Now: func() time.Time { return at }})
			effect := w.must(w.ChangePhone("0001002", ""))
			got := w.call(people, 0, "EMPLID=0001002", "FROM_DTTM="+tc.want, "TO_DTTM="+tc.want)
			if effect.Stamp != tc.want || len(got) != 1 || got[0].text("LASTUPDDTTM") != tc.want {
				t.Errorf("stamp %s, rows %v, want %s", effect.Stamp, got, tc.want)
			}
		})
	}
}

func TestTodayIsTheZonesDate(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 3})
	w.must(w.Terminate("0001002", "2026-03-03"))
	status := func() string { return w.call(people, 0, "EMPLID=0001002")[0].text("HR_STATUS") }
	w.clock.move(11*time.Hour + 59*time.Minute) // 23:59 in Chicago, 05:59 of the next day in London
	if got := status(); got != "A" || w.Today() != "2026-03-02" {
		t.Errorf("one minute to midnight: %s on %s", got, w.Today())
	}
	w.clock.move(time.Minute)
	if got := status(); got != "I" || w.Today() != "2026-03-03" {
		t.Errorf("at midnight: %s on %s", got, w.Today())
	}
}

func TestDateHeaderIsTheSimulatorsClock(t *testing.T) {
	w := start(t, peoplesoft.Options{Employees: 1})
	if got := w.get(people).header.Get("Date"); got != "Mon, 02 Mar 2026 18:00:00 GMT" {
		t.Errorf("Date: %s", got)
	}
}
