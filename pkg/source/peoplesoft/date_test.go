package peoplesoft

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func TestDatesWithOneReadingAreTakenAndOthersRefused(t *testing.T) {
	for text, want := range map[string]struct {
		day   erp.Date
		stamp erp.Stamp
	}{
		"2026-03-04":                {"2026-03-04", "2026-03-04T00:00:00.000000"},
		"2026-03-04T08:15:30":       {"2026-03-04", "2026-03-04T08:15:30.000000"},
		"2026-03-04 08:15:30":       {"2026-03-04", "2026-03-04T08:15:30.000000"},
		"2026-03-04 08:15:30.5":     {"2026-03-04", "2026-03-04T08:15:30.500000"},
		"2026-03-04 08:15:30 -0600": {"2026-03-04", ""},
		"2026-03-04 08:15:30-0600":  {"2026-03-04", "2026-03-04T08:15:30.000000"},
		"2026-03-04 08:15":          {"2026-03-04", "2026-03-04T08:15:00.000000"},
		"04-MAR-2026":               {"2026-03-04", "2026-03-04T00:00:00.000000"},
		"4-Mar-2026 20:15:30":       {"2026-03-04", "2026-03-04T20:15:30.000000"},
		"04-MAR-2026 8:15:30 PM":    {"2026-03-04", "2026-03-04T20:15:30.000000"},
		"03/04/2026":                {"", ""},
		"03/04/2026 08:15:30":       {"", ""},
		"04-MAR-26":                 {"", ""},
		"20260304":                  {"", ""},
		"2026-13-04":                {"", ""},
		"04-MAR-1026":               {"", ""},
		"today":                     {"", ""},
		"":                          {"", ""},
	} {
		if day, err := parseDay(text); day != want.day || (err == nil) != (want.day != "") {
			t.Errorf("%q is day %q, %v; want %q", text, day, err, want.day)
		}
		if stamp, err := parseStamp(text); stamp != want.stamp || (err == nil) != (want.stamp != "") {
			t.Errorf("%q is time %q, %v; want %q", text, stamp, err, want.stamp)
		}
	}
}

func TestCheckFailsWhereNoRowCanBeRead(t *testing.T) {
	s := (&desk{rows: [][2]string{{"0001", "03/04/2026"}}}).source(t, Query{MaxRows: 5})
	steps := s.Check(t.Context(), acme, record.Employee)
	if last := steps[len(steps)-1]; last.Name != "columns" || last.State != check.Failed || last.Code != string(fault.SourceSchema) || last.Next == "" {
		t.Errorf("%+v", last)
	}
}
