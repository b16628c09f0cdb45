package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// tuningFile is fast() as a config file for a real program.
const tuningFile = `
tuning: { ack_wait: 2s, retry_first: 50ms, reload: 100ms, job_poll: 20ms, writer_idle: 100ms, linger: 50ms, call_life: 1s, pinned_ttl: 4s, writer_work: 5s, writer_batch: 100, breaker: 5s }
`

const (
	killsOneProcess = 25
	killSeed        = 20261123
)

// The whole system in one process is killed at random moments of the first load and of changes, and started again.
// In the end Zendesk holds what PeopleSoft says, nobody was created twice, nothing had an effect twice.
func TestKillNineOfTheOneProcessLosesAndDoublesNothing(t *testing.T) {
	w := &world{Company: newCompany(t, 600, 120)}
	w.judge = demo.NewJudge(w.Company)
	bin := programs(t, "ml-connector")
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(tuningFile), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	start := func() *child { return w.serve(t, bin, data, config) }
	c := start()
	w.apply(t)
	dice := rand.New(rand.NewPCG(killSeed, 1))
	t.Logf("seed %d, %d kills", killSeed, killsOneProcess)
	for i := range killsOneProcess {
		w.judge.Remember()
		change(t, w.PS, dice, i)
		_, _ = w.client.Sync(t.Context(), acme, adminapi.Sync{Full: i%3 == 0})
		<-time.After(time.Duration(dice.IntN(400)) * time.Millisecond)
		c.kill()
		c = start()
	}
	c.last = true
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	noEffectTwice(t, w.ZD)
	writes := w.ZD.Counters().Writes
	w.sync(t, adminapi.Sync{Full: true})
	if again := w.ZD.Counters().Writes; again != writes {
		t.Errorf("%d writes of a second run", again-writes)
	}
	if code := c.term(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	t.Logf("0 of %d kills lost or doubled anything: the failure rate per kill is below %.1f %% with 95 %% confidence", killsOneProcess, 300.0/killsOneProcess)
}

// change makes one random change in PeopleSoft.
func change(t testing.TB, ps *pssim.Sim, dice *rand.Rand, i int) {
	t.Helper()
	var active []pssim.EmployeeTruth
	for _, e := range ps.Truth("").Employees {
		if e.Active && e.InScope && e.NextChange == "" && len(e.PerOrg) == 1 {
			active = append(active, e)
		}
	}
	who := active[dice.IntN(len(active))].EmplID
	var err error
	switch i % 4 {
	case 0:
		_, err = ps.ChangeTitle(who, fmt.Sprintf("Title %d", i), ps.Today())
	case 1:
		_, err = ps.Terminate(who, ps.Today())
	case 2:
		_, err = ps.Hire(pssim.NewHire{First: "Kit", Last: fmt.Sprintf("Example%d", i)}, ps.Today())
	case 3:
		_, err = ps.ChangeEmail(who, fmt.Sprintf("new.address.%d@example.com", i))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// noEffectTwice reads the simulator's log of effects: one create for each external id, no suspension of somebody
// suspended, no delete (failures.md O3, O4).
func noEffectTwice(t testing.TB, zd *zdsim.Sim) {
	t.Helper()
	created, suspended := map[string]int{}, map[string]bool{}
	for _, e := range zd.Effects() {
		if e.RequestID == "" || e.ExternalID == "" || e.Lost { // a lost write had no effect
			continue
		}
		switch e.Verb {
		case "create":
			created[e.Kind+" "+e.ExternalID]++
		case "suspend":
			if suspended[e.ExternalID] {
				t.Errorf("%s was suspended twice", e.ExternalID)
			}
			suspended[e.ExternalID] = true
		case "restore":
			suspended[e.ExternalID] = false
		}
	}
	for id, n := range created {
		if n > 1 {
			t.Errorf("%s was created %d times", id, n)
		}
	}
	if n := zd.Counters().Deletes; n > 0 {
		t.Errorf("%d deletes", n)
	}
}
