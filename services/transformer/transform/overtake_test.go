package transform

import (
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
)

// announced is the announcement of a record's facts from a place on ERP.
func announced(t *testing.T, place uint64) []bus.Message {
	t.Helper()
	e, err := event.With(event.Event{ID: "due", Source: "bus", Type: event.WakeV1, Tenant: acme, Cause: "cycle/key"},
		event.Wake{Kind: dana().Kind, Key: dana().Key, Date: "2026-03-02", From: place})
	if err != nil {
		t.Fatal(err)
	}
	return []bus.Message{{Event: e, Ref: dana(), Stream: bus.Directory, Attempt: 1}}
}

// Three statements wait, and the last one is announced. It is taken at once; the others come in their turn, each to a
// process that was started anew, and none of them undoes it for a moment, whatever their change times.
func TestWhatOvertookIsNotUndoneByWhatStandsBeforeIt(t *testing.T) {
	for name, stamps := range map[string][3]erp.Stamp{
		"without change times":                    {},
		"all of one change time":                  {"2026-03-02T08:00:00.000000", "2026-03-02T08:00:00.000000", "2026-03-02T08:00:00.000000"},
		"each newer":                              {"2026-03-02T08:01:00.000000", "2026-03-02T08:02:00.000000", "2026-03-02T08:03:00.000000"},
		"one change time after none":              {"", "2026-03-02T08:02:00.000000", "2026-03-02T08:02:00.000000"},
		"the first as new as the one that passed": {"2026-03-02T08:03:00.000000", "2026-03-02T08:02:00.000000", "2026-03-02T08:03:00.000000"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStage(t)
			var ms []bus.Message
			for i, title := range []string{"Analyst", "Manager", "Director"} {
				facts := person(hire("2026-01-01T00:00:00.000000"))
				facts[2].Fields["title"], facts[2].Stamp = title, stamps[i]
				ms = append(ms, message(t, fmt.Sprint(i), dana(), facts...))
			}
			s.send(t, ms...)
			mustPass(t, s.replayer().due(acme)(t.Context(), announced(t, 3)))
			if got := title(t, s.row(t, dana())); got != "Director" {
				t.Fatalf("title %q after the announcement, want Director", got)
			}
			part, err := s.bus.Read(t.Context(), acme, bus.ERP, bus.Range{}, 10)
			if err != nil || len(part.Messages) != 3 {
				t.Fatalf("%d messages, %v", len(part.Messages), err)
			}
			published := s.row(t, dana()).WantedAt
			for i, m := range part.Messages {
				mustPass(t, s.replayer().facts(acme)(t.Context(), []bus.Message{m}))
				row := s.row(t, dana())
				if got := title(t, row); got != "Director" || row.WantedAt != published {
					t.Fatalf("title %q, wanted at %d after message %d, want Director at %d", got, row.WantedAt, i+1, published)
				}
			}
		})
	}
}
