package campaign

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
)

// The one process is killed at random moments of the first load and of everything behind it: every 25th time again while
// it recovers, every 50th after it stood still for a second. Meanwhile a person begins replays and retries dead letters.
// Then all oracles are asked (T5).
func TestRandomKillsOfOneProcess(t *testing.T) {
	began, kills, records := time.Now(), size(t, "MLC_CAMPAIGN_KILLS", 25, 300), size(t, "MLC_CAMPAIGN_RECORDS", 2000, 20000)
	r := newRig(t, build(t, "ml-connector"), records*9/10, records/10, seed(t))
	fmt.Printf("campaign: %d kills, %d records, seed %d\n", kills, records, seed(t))
	defer func() {
		report(t, step{Step: "random kills, one process", N: kills, Unit: "kills", Records: records, Seed: seed(t)}, began)
	}()
	r.start()
	r.mustApply(r.file())
	r.sender(pssim.NodeOptions{Duplicate: 0.1})
	r.ask(true)
	var person recovery
	for i := range kills {
		r.work.step(r)
		person.step(r, i)
		if i%3 == 0 {
			r.ask(i%100 == 0)
		}
		r.strike(i)
		person.wait()
		r.start()
	}
	fmt.Printf("campaign: %d kills in %.1f s\n", kills, time.Since(began).Seconds())
	r.blame(fmt.Sprintf("after kill %d", kills), append(person.settled(r), r.settled()...))
	fmt.Printf("campaign: at rest and judged after %.1f s\n", time.Since(began).Seconds())
	r.idle()
}

// strike ends the process the i-th time.
func (r *rig) strike(i int) {
	<-time.After(time.Duration(r.dice.IntN(400)) * time.Millisecond)
	if i%50 == 49 {
		r.p.signal(syscall.SIGSTOP)
		<-time.After(time.Second)
		r.p.signal(syscall.SIGCONT)
		<-time.After(time.Duration(r.dice.IntN(50)) * time.Millisecond)
	}
	r.p.kill()
	if i%25 == 24 {
		r.launch()
		<-time.After(time.Duration(r.dice.IntN(300)) * time.Millisecond)
		r.p.kill()
	}
}

// idle proves that a second reading of everything writes nothing, and that the process ends well.
func (r *rig) idle() {
	r.t.Helper()
	if err := r.sync(true); err != nil {
		r.t.Fatal(err)
	}
	writes := r.ZD.Counters().Writes
	if err := r.sync(true); err != nil {
		r.t.Fatal(err)
	}
	if n := r.ZD.Counters().Writes - writes; n != 0 {
		r.t.Errorf("O3: %d writes without a change", n)
	}
	if code := r.p.term(); code != 0 {
		r.t.Errorf("exit code %d after SIGTERM", code)
	}
}
