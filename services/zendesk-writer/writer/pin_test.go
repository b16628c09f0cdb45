package writer_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/services/zendesk-writer/writer"
)

// A former leader's request that waits at the broker takes the pin back after the new leader had it, and then its
// process dies: without asking again the new leader would wait for the whole life of the pin, two minutes.
func TestAPinThatADeadWriterTookBackIsClaimedAgain(t *testing.T) {
	for _, c := range []bus.Consumer{bus.Writer, bus.UrgentLane} {
		t.Run(string(c), func(t *testing.T) {
			db, err := sqlitestore.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			b := connect(t, natsbus.Options{InProcess: broker(t, natsembed.Options{}), Name: "writer", AckWait: 2 * time.Second, PinnedTTL: 2 * time.Minute})
			desk, address := account(t, sim.Options{})
			o := options()
			o.Alone, o.Life = false, 2*time.Second
			defer run(t, writer.New(b, db, &counted{Target: adapter(t, address), life: time.Second}, logged(t), nil, o))()
			put(t, b, 1, 1, "first")
			done := still(t, b, db)
			within(t, 20*time.Second, "the writer leads", func() bool { return done() && len(desk.Effects()) > 0 })

			dead, err := b.Puller(t.Context(), acme, c)
			if err != nil {
				t.Fatal(err)
			}
			steal(t, b, dead, c)
			began := time.Now()
			put(t, b, 20, 1000, "third")
			within(t, 40*time.Second, "the records of the dead one", done)
			judge(t, desk, 20, "third")
			t.Logf("done %s after the death", time.Since(began).Round(time.Millisecond))
		})
	}
}

// steal has another puller get a delivery, and with it the pin, and then never ask again.
func steal(t *testing.T, b bus.Bus, thief bus.Puller, c bus.Consumer) {
	t.Helper()
	version := uint64(2)
	within(t, 20*time.Second, "the pin is taken back", func() bool {
		if err := thief.(bus.Claimer).Claim(t.Context(), acme); err != nil {
			t.Fatal(err)
		}
		got := make(chan int, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		go func() {
			list, _ := thief.Fetch(ctx, 1, 500*time.Millisecond)
			got <- len(list)
		}()
		e := wanted(t, 1, version, "second")
		version++
		if _, err := b.PutWanted(t.Context(), acme, []event.Event{e}); err != nil {
			t.Fatal(err)
		}
		if c == bus.UrgentLane {
			if err := b.Urge(t.Context(), acme, []record.Ref{employee(1)}); err != nil {
				t.Fatal(err)
			}
		}
		return <-got > 0
	})
}
