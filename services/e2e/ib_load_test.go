package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/services/internal/assembly"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// busy is a random change.
func busy(t testing.TB, ps *pssim.Sim, dice *rand.Rand, i int) pssim.Event {
	t.Helper()
	truth := ps.Truth("")
	active := slices.DeleteFunc(truth.Employees, func(e pssim.EmployeeTruth) bool {
		return !e.Active || !e.InScope || e.NextChange != "" || len(e.PerOrg) != 1
	})
	who := active[dice.IntN(len(active))].EmplID
	vendors := slices.DeleteFunc(truth.Vendors, func(v pssim.VendorTruth) bool { return v.State != "active" || !v.InScope })
	v := vendors[dice.IntN(len(vendors))]
	switch i % 8 {
	case 0:
		return pssim.Event{Type: "change-title", EmplID: who, Title: fmt.Sprintf("Title %d", i%30)}
	case 1:
		return pssim.Event{Type: "rename", EmplID: who, Last: fmt.Sprintf("Example%d", i)}
	case 2:
		return pssim.Event{Type: "change-department", EmplID: who, Dept: []string{"0010100", "0010200", "0010300"}[i%3]}
	case 3:
		return pssim.Event{Type: "vendor-rename", SetID: v.SetID, VendorID: v.VendorID, Name: fmt.Sprintf("Vendor Name %d", i)}
	case 4:
		return pssim.Event{Type: "change-phone", EmplID: who, Phone: fmt.Sprintf("555/555-%04d", i%10000)}
	case 5:
		return pssim.Event{Type: "change-email", EmplID: who, Email: fmt.Sprintf("changed%d@example.com", i)}
	case 6:
		if i%32 == 6 {
			return pssim.Event{Type: "terminate", EmplID: who}
		}
		return pssim.Event{Type: "status", EmplID: who, Status: []string{"A", "L"}[i%2]}
	default:
		return pssim.Event{Type: "hire", First: "Kit", Last: fmt.Sprintf("Example%d", i)}
	}
}

// seconds is how long the load lasts: MLC_TEST_IB_SECONDS, or a little.
func seconds(t testing.TB, otherwise int) int {
	if text := os.Getenv("MLC_TEST_IB_SECONDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("MLC_TEST_IB_SECONDS: %v", err)
		}
		return n
	}
	return otherwise
}

func TestFiftyMessagesASecondWithDuplicatesAndOvertakingEndRight(t *testing.T) {
	w := newIBWorld(t, 300, 40, pssim.NodeOptions{Duplicate: 0.05, Reorder: 0.05, Wires: []string{"bare", "soap11", "ibrequest+gzip", "mime"}})
	w.sync(t, adminapi.Sync{Full: true})
	w.setupMessages(t)
	w.agree(t)
	w.patience = 8 * time.Duration(seconds(t, 20)) * time.Second // changes of address go singly, one a second (zendesk.md 4.2)
	before := done(w.PS)
	dice := rand.New(rand.NewPCG(5, 5))
	began, limit := time.Now(), time.Duration(seconds(t, 20))*time.Second
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	sent := 0
	for i := 0; time.Since(began) < limit; i++ {
		<-tick.C
		sent = done(w.PS) - before
		if sent+w.waiting() < int(50*time.Since(began).Seconds()) {
			w.judge.Remember()
			w.event(t, busy(t, w.PS, dice, i))
		}
	}
	rate, behind := float64(done(w.PS)-before)/time.Since(began).Seconds(), w.waiting()
	w.arrived(t)
	w.agree(t)
	w.noDead(t)
	noEffectTwice(t, w.ZD)
	duplicates := 0
	for _, q := range w.PS.Queues() {
		duplicates += q.Duplicates
	}
	t.Logf("%d messages, %.0f a second accepted while they came, %d sent twice, quiet %.1f s after the last", done(w.PS)-before, rate, duplicates, (time.Since(began) - limit).Seconds())
	if done(w.PS)-before < 100 || duplicates == 0 { // how fast is the machine's business: the end state is what counts
		t.Errorf("%.0f messages a second, %d waited at the end, %d duplicates: too few to prove anything", rate, behind, duplicates)
	}
}

func done(ps *pssim.Sim) (n int) {
	for _, q := range ps.Queues() {
		n += q.Done
	}
	return n
}

func (w *world) waiting() (n int) {
	for _, q := range w.PS.Queues() {
		n += q.Waiting
	}
	return n
}

// The system stops in order and starts again while PeopleSoft sends: no queue is blocked, nothing is lost or doubled.
func TestARestartWhilePeopleSoftSendsBlocksNoQueue(t *testing.T) {
	w := &world{Company: newCompany(t, 200, 40), ingress: freePort(t)}
	w.judge = demo.NewJudge(w.Company)
	dir := t.TempDir()
	w.start(t, dir, "")
	w.applyIB(t)
	w.sender(t, pssim.NodeOptions{})
	w.sync(t, adminapi.Sync{Full: true})
	w.setupMessages(t)
	dice := rand.New(rand.NewPCG(7, 7))
	n := 0
	for range 4 {
		w.burst(t, dice, &n, 40)
		w.stop()
		w.burst(t, dice, &n, 10)
		w.start(t, dir, "")
	}
	w.arrived(t)
	w.agree(t)
	w.noDead(t)
	noEffectTwice(t, w.ZD)
	retries := 0
	for _, q := range w.PS.Queues() {
		retries += q.Retries
	}
	if retries == 0 {
		t.Error("the sender met no restart")
	}
	t.Logf("%d messages over 4 restarts, %d retries, no Error", done(w.PS), retries)
}

// burst makes changes ten milliseconds apart.
func (w *world) burst(t testing.TB, dice *rand.Rand, n *int, count int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range count {
		<-tick.C
		w.judge.Remember()
		w.event(t, busy(t, w.PS, dice, *n))
		*n++
	}
}

const killsWhileSending = 8

// The same with kill -9 of the real program.
func TestKillNineWhilePeopleSoftSendsLosesAndDoublesNothing(t *testing.T) {
	w := &world{Company: newCompany(t, 200, 40), ingress: freePort(t)}
	w.judge = demo.NewJudge(w.Company)
	bin, dir := programs(t, "ml-connector"), t.TempDir()
	write(t, dir, "config.yaml", tuningFile)
	data := filepath.Join(dir, "data")
	start := func() *child { return w.serve(t, bin, data, filepath.Join(dir, "config.yaml")) }
	c := start()
	w.applyIB(t)
	w.sender(t, pssim.NodeOptions{})
	w.sync(t, adminapi.Sync{Full: true})
	w.setupMessages(t)
	dice := rand.New(rand.NewPCG(killSeed, 9))
	n := 0
	for range killsWhileSending {
		w.burst(t, dice, &n, 20+dice.IntN(40))
		c.kill()
		w.burst(t, dice, &n, 5)
		c = start()
	}
	c.last = true
	w.arrived(t)
	w.agree(t)
	w.noDead(t)
	noEffectTwice(t, w.ZD)
	t.Logf("%d messages over %d kills", done(w.PS), killsWhileSending)
}

// From the request to the write in Zendesk with production's waiting times, on an idle system (issue 3: p95 <= 2 s).
func TestAMessageReachesZendeskInTwoSeconds(t *testing.T) {
	w := &world{Company: newCompany(t, 100, 20), ingress: freePort(t), tuning: &assembly.Tuning{}}
	w.judge = demo.NewJudge(w.Company)
	w.start(t, t.TempDir(), "")
	w.applyIB(t)
	w.sender(t, pssim.NodeOptions{})
	w.sync(t, adminapi.Sync{Full: true})
	w.setupMessages(t)
	active := slices.DeleteFunc(w.PS.Truth("").Employees, func(e pssim.EmployeeTruth) bool {
		return !e.Active || !e.InScope || len(e.PerOrg) != 1 || e.NextChange != ""
	})
	var took []time.Duration
	for i := range 30 {
		e := active[i%len(active)]
		name := fmt.Sprintf("Timed%d", i)
		w.event(t, pssim.Event{Type: "rename", EmplID: e.EmplID, Last: name})
		took = append(took, w.shown(t, e.EmplID, name))
	}
	slices.Sort(took)
	p50, p95 := took[len(took)/2], took[len(took)*95/100]
	t.Logf("request to Zendesk write: p50 %v, p95 %v, slowest %v, of %d", p50.Round(time.Millisecond), p95.Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), len(took))
	if p95 > 2*time.Second {
		t.Errorf("p95 is %v, want at most 2 s", p95)
	}
}

// shown waits until Zendesk shows the name and answers how long after the request that was.
func (w *world) shown(t testing.TB, emplID, name string) time.Duration {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		if u, ok := w.ZD.UserByExternalID("psft:emp:" + emplID); ok && strings.HasSuffix(u.Name, name) {
			break
		}
		select {
		case <-deadline.C:
			t.Fatalf("%s is not %s within 30 s; queues %+v", emplID, name, w.PS.Queues())
		case <-tick.C:
		}
	}
	now := time.Now()
	for _, d := range slices.Backward(w.PS.Deliveries()) {
		if d.Key == emplID && d.Status == 200 {
			return now.Sub(d.Time.Add(-d.Took))
		}
	}
	t.Fatal("the delivery is not in the log")
	return 0
}
