package zendesk

import (
	"fmt"
	"math"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// cost is one line of the table that `make bench` prints.
type cost struct {
	records, calls, writes int64
	took, least            time.Duration
	cpu                    time.Duration // the simulator's included
}

func (c cost) per1000() float64 { return 1000 * float64(c.calls) / float64(c.records) }
func (c cost) ratio() float64   { return c.took.Seconds() / c.least.Seconds() }

func (c cost) String() string {
	k := 100_000 / float64(c.records)
	return fmt.Sprintf("%6d records  %7.2f calls per 1,000  %9s = %.3f of the least %9s  %6.2f CPU s per 100,000 with the simulator",
		c.records, c.per1000(), c.took.Round(time.Second), c.ratio(), c.least.Round(time.Second), c.cpu.Seconds()*k)
}

// least is the least time that an account allows for n records: its jobs of 100, so many at once, or its calls, the
// first of which leave at once in the first of fixed minutes (performance.md 3b).
func least(n, calls int, budget float64, atOnce int) time.Duration {
	jobs := time.Duration(math.Ceil(float64(n)/100/float64(atOnce))) * realJob(min(n, 100))
	minutes := time.Duration(math.Ceil(float64(calls)/math.Floor(budget))-1) * time.Minute
	return max(jobs, minutes, time.Second)
}

const rpm, lot500 = 400, 500

// measure writes items in the writer's batches, as many at once as the writer has in flight, and answers the links.
func (a *account) measure(items []target.Item, leastTime time.Duration) ([]target.Item, cost) {
	a.Helper()
	before, began, cpu := a.sim.Counters(), time.Now(), processor()
	out := a.load(items, lot500, 3)
	took, used := time.Since(began), processor()-cpu
	now := a.sim.Counters()
	return out, cost{records: int64(len(items)), calls: now.Requests - before.Requests, writes: now.Writes - before.Writes,
		took: took, least: leastTime, cpu: used}
}

// load syncs items in batches, so many of them at once.
func (a *account) load(items []target.Item, batch, atOnce int) []target.Item {
	a.Helper()
	out := make([]target.Item, len(items))
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for from := 0; from < len(items); from += batch {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			copy(out[from:], a.sync(items[from:min(from+batch, len(items))]...))
		})
	}
	wg.Wait()
	return out
}

func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func some(n int, f func(n int, u *directory.User)) (list []target.Item) {
	for i := 1; i <= n; i++ {
		list = append(list, with(person(i), func(u *directory.User) { f(i, u) }))
	}
	return list
}

func edited(items []target.Item, f func(n int, u *directory.User)) []target.Item {
	out := make([]target.Item, len(items))
	for i, it := range items {
		out[i] = with(it, func(u *directory.User) { f(i, u) })
	}
	return out
}

// TestWhatEachStrategyCosts prints calls per 1,000 records and the time against the least possible on the Growth plan
// with jobs as slow as recorded, and holds the goals of design.md 10. The clock is the bubble's.
func TestWhatEachStrategyCosts(t *testing.T) {
	const n = 5000
	share := Default().Share
	budget := rpm * share
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: rpm, JobDuration: realJob})
		a.target.Check(t.Context(), acme)
		people := some(n, func(i int, u *directory.User) {
			if i%20 == 0 {
				u.Email = "" // one in twenty has none
			}
		})
		bulk := least(n, n/100, budget, 5)
		goal := func(name string, c cost, calls, ratio float64) {
			t.Logf("%-34s %s", name, c)
			if c.per1000() > calls || c.ratio() > ratio {
				t.Errorf("%s: %.2f calls per 1,000, %.3f of the least time; want at most %v and %v", name, c.per1000(), c.ratio(), calls, ratio)
			}
		}
		linked, c := a.measure(people, bulk)
		goal("create, create_many", c, 13.4, 1.05) // 10 jobs, 1.8 looks, 1.2 pages that show whose the ids are
		var again cost
		if linked, again = a.measure(linked, bulk); again.writes != 0 {
			t.Errorf("%d writes of a second run", again.writes)
		}
		goal("nothing changed, show_many", again, 10, 1)
		linked, c = a.measure(edited(linked, func(_ int, u *directory.User) { u.Name += " II" }), bulk)
		goal("update, update_many by id", c, 22.5, 1.05) // the plan reads what is there: 10 of them
		linked, c = a.measure(edited(linked, func(_ int, u *directory.User) { u.State = directory.Suspended }), bulk)
		goal("suspend, update_many by id", c, 33, 1.05) // and every suspension is read back
		linked, c = a.measure(edited(linked, func(_ int, u *directory.User) { u.State = directory.Active }), bulk)
		goal("restore, update_many by id", c, 33, 1.05)
		moved := edited(linked[:400], func(i int, u *directory.User) { u.Email, u.Name = fmt.Sprintf("new%d@corp.example", i), u.Name+" III" })
		_, c = a.measure(moved, least(400, 2*400+8, budget, 5))
		goal("address and name, identities", c, 2100, 1.5)
		a.unharmed()
	})
	synctest.Test(t, func(t *testing.T) {
		a := inBubble(t, sim.Options{RequestsPerMinute: rpm, JobDuration: realJob, ImportGate: true})
		a.target.Check(t.Context(), acme)
		_, c := a.measure(people(1, 2000), least(0, 2000, budget, 5))
		t.Logf("%-34s %s", "create singly, imports are off", c)
		if c.per1000() > 1010 || c.ratio() > 1.2 {
			t.Errorf("singly: %.2f calls per 1,000, %.3f of the least time", c.per1000(), c.ratio())
		}
		var vendors []target.Item
		for i := range 1000 {
			vendors = append(vendors, vendor(i+1, fmt.Sprintf("Vendor %d", i+1)))
		}
		_, c = a.measure(vendors, least(1000, 10, budget, 1)) // names are taken one job at a time
		t.Logf("%-34s %s", "organizations, create_many", c)
		if c.per1000() > 35 || c.ratio() > 1.15 {
			t.Errorf("organizations: %.2f calls per 1,000, %.3f of the least time", c.per1000(), c.ratio())
		}
		a.unharmed()
	})
}
