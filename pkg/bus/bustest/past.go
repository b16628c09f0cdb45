package bustest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// readAll reads a whole range in parts of limit and answers its sequences.
func readAll(t *testing.T, b bus.Bus, s bus.Stream, r bus.Range, limit int) (seqs []uint64, keys []string) {
	t.Helper()
	for {
		part, err := b.Read(t.Context(), Acme, s, r, limit)
		must(t, err)
		if len(part.Messages) > limit {
			t.Fatalf("%d messages, want at most %d", len(part.Messages), limit)
		}
		for _, m := range part.Messages {
			seqs, keys = append(seqs, m.Seq), append(keys, m.Ref.Key)
			if m.Event.Tenant != Acme || m.Stream != s || m.Stored.IsZero() {
				t.Fatalf("message %+v", m)
			}
		}
		if part.Next == 0 {
			return seqs, keys
		}
		r.From = part.Next
	}
}

func pastReads(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	var cursor uint64
	for i := range 4 { // sequences 1 2 [3], 4 5 [6], …: cursors are no facts
		var err error
		page := bus.Page{Events: eventsOf(Facts(Acme, "0001", uint64(i+1)), Facts(Acme, fmt.Sprintf("k/%d", i), 1)), Cursor: Cursor(Acme, fmt.Sprint("c", i)), Prev: cursor}
		cursor, err = b.AppendPage(ctx, Acme, record.Employee, page)
		must(t, err)
	}
	must(t, b.PublishFacts(ctx, Globex, Facts(Globex, "0001", 1)))
	for name, c := range map[string]struct {
		r    bus.Range
		want []uint64
	}{
		"everything":                {bus.Range{}, []uint64{1, 2, 4, 5, 7, 8, 10, 11}},
		"a range":                   {bus.Range{From: 2, To: 7}, []uint64{2, 4, 5, 7}},
		"one record":                {bus.Range{Ref: employee("0001")}, []uint64{1, 4, 7, 10}},
		"one key of any kind":       {bus.Range{Ref: record.Ref{Key: "0001"}, From: 4}, []uint64{4, 7, 10}},
		"a key with odd letters":    {bus.Range{Ref: employee("k/2")}, []uint64{8}},
		"a record that is not":      {bus.Range{Ref: employee("none")}, nil},
		"behind the end":            {bus.Range{From: 100}, nil},
		"a range that is backwards": {bus.Range{From: 8, To: 2}, nil},
	} {
		for _, limit := range []int{1, 3, 1000} {
			if got, _ := readAll(t, b, bus.ERP, c.r, limit); !slices.Equal(got, c.want) {
				t.Errorf("%s in parts of %d: %v, want %v", name, limit, got, c.want)
			}
		}
	}
	newest, err := b.Newest(ctx, Acme, bus.ERP, []record.Ref{employee("0001"), employee("k/2"), employee("none")})
	must(t, err)
	if len(newest) != 2 || newest[employee("0001")] != 10 || newest[employee("k/2")] != 8 {
		t.Errorf("newest: %v", newest)
	}
	part, err := b.Read(ctx, Acme, bus.ERP, bus.Range{From: 7, To: 7}, 1)
	must(t, err)
	at := part.Messages[0].Stored
	if seq, err := b.FirstAt(ctx, Acme, bus.ERP, at); err != nil || seq != 7 {
		t.Errorf("first at the time of 7: %d, %v", seq, err)
	}
	if _, err := b.FirstAt(ctx, Acme, bus.ERP, time.Now().Add(time.Hour)); !errors.Is(err, bus.ErrNone) {
		t.Errorf("first of the future: %v, want ErrNone", err)
	}
	if _, err := b.Read(ctx, Acme, bus.Desk, bus.Range{}, 1); fault.KindOf(err) != fault.Invalid {
		t.Errorf("DESK: %v, want a refusal", err)
	}
	if n := state(t, b, Acme).Consumers[bus.Transformer].Pending; n != 8 {
		t.Errorf("%d pending after reading, want 8: reading moves no consumer", n)
	}
}

func pastReplays(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	again := event.Again(Facts(Acme, "0001", 1), "r-1", 17)
	must(t, b.Replay(ctx, Acme, again, again))
	must(t, b.Replay(ctx, Acme, again))
	must(t, b.Replay(ctx, Acme, event.Again(Facts(Acme, "0001", 1), "r-2", 17)))
	got := collect(t, b, Acme, bus.Replayer, 2)
	for i, id := range []string{"replay/r-1/17", "replay/r-2/17"} {
		if m := got[i]; m.Event.ID != id || m.Ref != employee("0001") || m.Stream != bus.Replay || string(m.Event.Data) != string(again.Data) {
			t.Errorf("message %d: %+v", i, m)
		}
	}
	silent(t, b, Acme, bus.Transformer)
	silent(t, b, Globex, bus.Replayer)
	for name, e := range map[string]event.Event{"a first time": Facts(Acme, "1", 1), "another type": event.Again(Wanted(Acme, "1", 1), "r", 1),
		"another tenant": event.Again(Facts(Globex, "1", 1), "r", 1)} {
		if err := b.Replay(ctx, Acme, e); fault.CodeOf(err) != fault.BadEnvelope {
			t.Errorf("%s: %v, want BAD_ENVELOPE", name, err)
		}
	}
}
