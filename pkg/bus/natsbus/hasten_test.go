package natsbus

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/bustest"
	"github.com/ml-connector/ml-connector/pkg/event"
)

func TestFewFactsAreAnnouncedWhenManyWait(t *testing.T) {
	for name, c := range map[string]struct {
		waiting, facts int
		want           uint64
	}{
		"one behind nobody":       {0, 1, 0},
		"one behind few":          {100, 1, 0},
		"one behind many":         {700, 1, 1},
		"a handful behind many":   {700, 5, 5},
		"a set behind many":       {700, 51, 0},
		"fifty are still few":     {700, 50, 50},
		"a set does not hurry up": {0, 600, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := ready(t)
			if c.waiting > 0 {
				must(t, b.PublishFacts(t.Context(), bustest.Acme, benchFacts(c.waiting, 0)...))
			}
			events := benchFacts(c.facts, 5000)
			for range 2 { // a repeat says the same place
				must(t, b.PublishFacts(t.Context(), bustest.Acme, events...))
			}
			st, err := b.State(t.Context(), bustest.Acme)
			must(t, err)
			if got := st.Consumers[bus.Due].Pending; got != c.want {
				t.Fatalf("%d announced, want %d", got, c.want)
			}
			if c.want == 0 {
				return
			}
			m := rawLast(t, b, bus.Directory, refSubject(wordDue, bustest.Acme, about(events[c.facts-1])))
			e, err := event.Decode(m.Data)
			must(t, err)
			w, err := event.Payload[event.Wake](e, event.WakeV1)
			must(t, err)
			if w.From != uint64(c.waiting)+1 || e.Cause != events[0].Cause {
				t.Fatalf("announced from %d with cause %q, want %d and %q", w.From, e.Cause, c.waiting+1, events[0].Cause)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
