package e2e

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/bus"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

const (
	paceBound  = 3 * time.Second // from a live change to Zendesk while a replay runs
	paceReads  = 3               // full reads, each without and with a replay beside it
	paceChange = 5               // changes by message, and as many by key
)

// again replays all of ERP, again and again until stop is called; the answer is how many events went through.
func (w *world) again(t testing.TB, to uint64) (stop func() (events, whole int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	events, whole := 0, 0
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			rep, err := w.client.StartReplay(ctx, acme, adminapi.ReplayRange{Stream: "ERP", From: 1, To: to, By: "test"})
			for err == nil && rep.State == "running" {
				if rep, err = w.client.Replay(ctx, acme, rep.ID); err != nil || rep.State != "running" {
					break
				}
				select {
				case <-ctx.Done():
					now, _ := w.client.StopReplay(context.WithoutCancel(ctx), acme, rep.ID, adminapi.By{By: "test"})
					rep = now
				case <-time.After(20 * time.Millisecond):
				}
			}
			events += rep.Events
			if rep.State == "finished" {
				whole++
			}
		}
	}()
	return func() (int, int) { cancel(); <-ended; return events, whole }
}

// merged reads everything and answers how long it took until all of it went through the transformer.
func (w *world) merged(t testing.TB) time.Duration {
	t.Helper()
	began := time.Now()
	asked, err := w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true})
	must(t, err)
	for _, id := range asked.Cycles {
		until(t, 5*time.Minute, "cycle "+id+" ends", func() bool {
			c, ok, err := w.client.Cycle(t.Context(), acme, id)
			return err == nil && ok && c.State != "running"
		})
	}
	until(t, 5*time.Minute, "all of it is merged", func() bool {
		st, err := w.sys.Core.Bus.State(t.Context(), acme)
		c := st.Consumers[bus.Transformer]
		return err == nil && c.Pending == 0 && c.InFlight == 0
	})
	return time.Since(began)
}

// A replay is paced below live traffic: while one runs, a change reaches Zendesk in time, told by message and asked for
// by key, and full reads are not much slower. MLC_REPLAY_EVENTS is how many events ERP holds then (20000 is the proof).
func TestAReplayStaysBelowLiveTraffic(t *testing.T) {
	size := 5_000
	if n, err := strconv.Atoi(os.Getenv("MLC_REPLAY_EVENTS")); err == nil {
		size = n
	}
	w := &world{Company: newCompany(t, size/(paceReads+1), 20), ingress: freePort(t), tuning: &assembly.Tuning{}, patience: 10 * time.Minute}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, t.TempDir(), "")
	w.applyIB(t)
	w.sync(t, adminapi.Sync{Full: true})
	var alone, beside, changed []time.Duration
	for range paceReads {
		alone = append(alone, w.merged(t))
	}
	staff := w.staff(2 * paceChange)
	for _, who := range staff[:paceChange] { // nobody tells us yet: they are asked for below
		w.event(t, pssim.Event{Type: "rename", EmplID: who, Last: "Asked"})
	}
	w.sender(t, pssim.NodeOptions{})
	w.setupMessages(t)
	st, err := w.sys.Core.Bus.State(t.Context(), acme)
	must(t, err)
	stop := w.again(t, st.Streams[bus.ERP].Last)
	until(t, time.Minute, "the replay is under way", func() bool {
		all, err := w.client.Replays(t.Context(), acme)
		return err == nil && len(all) > 0 && all[0].Events > 0
	})
	for i := range paceChange {
		began := time.Now()
		_, err := w.client.Sync(t.Context(), acme, adminapi.Sync{Kind: "employees", Key: staff[i]})
		must(t, err)
		w.user(t, staff[i], surnamed("Asked"))
		changed = append(changed, time.Since(began))
		told := staff[paceChange+i]
		w.event(t, pssim.Event{Type: "rename", EmplID: told, Last: "Told"})
		changed = append(changed, w.shown(t, told, "Told"))
	}
	for range paceReads {
		beside = append(beside, w.merged(t))
	}
	events, whole := stop()
	t.Logf("%d events on ERP; %d went through again meanwhile, %d replays came to their end", st.Streams[bus.ERP].Last, events, whole)
	t.Logf("live changes: slowest %s of %d; a full read merged in %s alone, in %s beside a replay (medians of %d)", slices.Max(changed).Round(time.Millisecond), len(changed),
		median(alone).Round(time.Millisecond), median(beside).Round(time.Millisecond), paceReads)
	// The median keeps the bound; a machine that others use as well may hold a single change up.
	if median(changed) > paceBound || slices.Max(changed) > 5*paceBound {
		t.Errorf("live changes took %v, want at most %v", changed, paceBound)
	}
	// Half the throughput is the goal, twice as long; what the machine's other work adds is not ours.
	if fastest := slices.Min(beside); fastest > 4*slices.Max(alone)+time.Second {
		t.Errorf("full reads took %v beside a replay and %v alone", beside, alone)
	}
	if events == 0 {
		t.Error("no replay ran: nothing is proved")
	}
	w.quiet(t)
	w.agree(t)
	w.noDead(t)
	noEffectTwice(t, w.ZD)
}

func surnamed(name string) func(zdsim.User) bool {
	return func(u zdsim.User) bool { return strings.HasSuffix(u.Name, name) }
}

func median(ds []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(ds))
	return s[len(s)/2]
}
