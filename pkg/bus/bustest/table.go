package bustest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func tableOrder(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	puts, err := b.PutWanted(ctx, Acme, eventsOf(Wanted(Acme, "1", 2), Wanted(Acme, "2", 7), Wanted(Acme, "1", 5), Wanted(Acme, "1", 3)))
	must(t, err)
	for i, stored := range []bool{false, true, true, false} {
		if puts[i].Stored != stored || puts[i].Err != nil {
			t.Errorf("put %d: %+v, want stored %v", i, puts[i], stored)
		}
	}
	foreign := Wanted(Globex, "3", 1)
	puts, err = b.PutWanted(ctx, Acme, eventsOf(Wanted(Acme, "1", 5), Wanted(Acme, "2", 8), foreign))
	must(t, err)
	if puts[0].Stored || !puts[1].Stored || puts[2].Err == nil {
		t.Errorf("an equal version, a newer one, another tenant's: %+v", puts)
	}
	for key, version := range map[string]uint64{"1": 5, "2": 8} {
		e, err := b.Wanted(ctx, Acme, employee(key))
		must(t, err)
		if e.Version != version {
			t.Errorf("%s holds version %d, want %d", key, e.Version, version)
		}
	}
	if _, err := b.Wanted(ctx, Globex, employee("1")); !errors.Is(err, bus.ErrNone) {
		t.Errorf("another tenant reads %v, want ErrNone", err)
	}
	same := Wanted(Acme, "1", 5) // content equal to what is there under a new version is stored all the same
	same.Version = 6
	puts, err = b.PutWanted(ctx, Acme, eventsOf(same))
	must(t, err)
	if !puts[0].Stored {
		t.Error("a newer version with equal content was not stored")
	}
	if n := state(t, b, Acme).Streams[bus.Directory].Messages; n != 2 {
		t.Errorf("the table holds %d messages, want one for each of 2 records", n)
	}
}

func tableWriters(t *testing.T, b bus.Bus) {
	const writers, records, versions = 8, 20, 10
	ctx := t.Context()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			var all []event.Event
			for k := range records {
				for v := range versions {
					e := Wanted(Acme, fmt.Sprint(k), uint64(v+1))
					all = append(all, e, e)
				}
			}
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for len(all) > 0 {
				n := min(1+r.IntN(30), len(all))
				if _, err := b.PutWanted(ctx, Acme, all[:n]); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
				all = all[n:]
			}
		})
	}
	wg.Wait()
	for k := range records {
		e, err := b.Wanted(ctx, Acme, employee(fmt.Sprint(k)))
		if err != nil || e.Version != versions {
			t.Errorf("record %d ended at version %d (%v), want %d", k, e.Version, err, versions)
		}
	}
	if n := state(t, b, Globex).Streams[bus.Directory].Messages; n != 0 {
		t.Errorf("another tenant's table holds %d messages", n)
	}
}

// tableRivals has writers put different versions of the same records at the same moment, again and again: without a
// guard the slowest would win, not the highest.
func tableRivals(t *testing.T, b bus.Bus) {
	const writers, records, rounds = 4, 10, 15
	for round := range rounds {
		start := make(chan struct{})
		var wg sync.WaitGroup
		for w := range writers {
			var list []event.Event
			for k := range records {
				list = append(list, Wanted(Acme, fmt.Sprint(k), uint64(round*writers+(w+k)%writers+1)))
			}
			wg.Go(func() {
				<-start
				if _, err := b.PutWanted(t.Context(), Acme, list); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			})
		}
		close(start)
		wg.Wait()
		for k := range records {
			e, err := b.Wanted(t.Context(), Acme, employee(fmt.Sprint(k)))
			if want := uint64((round + 1) * writers); err != nil || e.Version != want {
				t.Fatalf("round %d: record %d ended at version %d (%v), want %d", round, k, e.Version, err, want)
			}
		}
	}
	silent(t, b, Globex, bus.Writer)
}

func tableTouch(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	_, err := b.PutWanted(ctx, Acme, eventsOf(Wanted(Acme, "1", 4), Wanted(Acme, "2", 1), Wanted(Acme, "3", 1)))
	must(t, err)
	collect(t, b, Acme, bus.Writer, 3)
	must(t, b.Touch(ctx, Acme, "person/ada", []record.Ref{employee("1"), employee("nobody"), employee("2"), employee("1")}))
	for _, m := range collect(t, b, Acme, bus.Writer, 2) {
		if !m.Event.Force || m.Event.Cause != "person/ada" {
			t.Errorf("touched %s: force %v cause %s", m.Ref, m.Event.Force, m.Event.Cause)
		}
	}
	e, err := b.Wanted(ctx, Acme, employee("1"))
	must(t, err)
	if e.Version != 4 {
		t.Errorf("a touch changed the version to %d, want 4", e.Version)
	}
	must(t, b.Touch(ctx, Acme, "person/ada", []record.Ref{employee("1")}))
	puts, err := b.PutWanted(ctx, Acme, eventsOf(Wanted(Acme, "1", 4), Wanted(Acme, "2", 2)))
	must(t, err)
	if puts[0].Stored || !puts[1].Stored {
		t.Errorf("after a touch: %+v, want the same version refused and the newer stored", puts)
	}
	must(t, b.Touch(ctx, Globex, "person/ada", []record.Ref{employee("1")}))
	silent(t, b, Globex, bus.Writer)
}
