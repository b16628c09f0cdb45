package model

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	zd "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// totals are told at the end.
type totals struct {
	runs, steps, effects atomic.Int64

	mu      sync.Mutex
	checked map[fate]int
	people  map[string]int // what persons said, and what the guard and the order of addresses did
}

func (s *totals) add(checked map[fate]int, st *state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checked == nil {
		s.checked, s.people = map[fate]int{}, map[string]int{}
	}
	for _, h := range st.holds {
		s.people[string(h.Group.Change)+" "+string(h.State)]++
	}
	s.people["taken over"] += len(st.took)
	s.people["parked"] += st.parked
	for f, n := range checked {
		s.checked[f] += n
	}
}

// found is one customer of a history with its desk.
func found(t tenant.ID, setup step) *account {
	a := newAccount(setup.C%2 == 0)
	a.inPlace = setup.Do == "setup" && setup.B%3 > 0
	domain := domains[t]
	a.SeedUser(zd.NewUser{Name: "Seeded", Email: "seed0@" + domain})
	a.SeedAgent("Agent", "seed1@"+domain)
	a.SeedOrganization(zd.NewOrganization{Name: "Seeded Org"})
	return a
}

// The customers: who they are, where their days begin, and what their texts end with.
const (
	acme = tenant.ID("acme")
	beta = tenant.ID("beta")
)

var (
	domains = map[tenant.ID]string{acme: "example.com", beta: "beta.example"}
	zones   = map[tenant.ID]string{acme: "America/Chicago", beta: "Asia/Kolkata"}
	marks   = map[tenant.ID]string{acme: "", beta: " at beta"}
)

// play runs one history in a bubble and judges it; the error tells the first step after which something was wrong.
func play(t *testing.T, history []step, sums *totals) (err error) {
	setups := map[tenant.ID]step{}
	if len(history) > 0 {
		first := history[0]
		setups[acme] = first
		if first.Do == "setup" && first.At > 0 {
			setups[beta] = step{Do: "setup", A: first.A/2 + 1, B: first.B + 1, C: first.C/2 + 7}
		}
	}
	accounts := map[tenant.ID]*account{}
	for _, id := range []tenant.ID{acme, beta}[:max(1, len(setups))] {
		a := found(id, setups[id])
		defer a.srv.Close()
		accounts[id] = a
	}
	synctest.Test(t, func(*testing.T) { err = run(accounts, setups, history, sums) })
	sums.runs.Add(1)
	for _, a := range accounts {
		sums.effects.Add(int64(len(a.Effects())))
	}
	return err
}

// run plays in the bubble.
func run(accounts map[tenant.ID]*account, setups map[tenant.ID]step, history []step, sums *totals) (err error) {
	h := &house{}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		zone, err := time.LoadLocation(zones[id])
		if err != nil {
			return err
		}
		w := newWorld(id, accounts[id], zone)
		w.domain, w.mark = domains[id], marks[id]
		if h.add(w); setups[id].Do == "setup" {
			w.setup(setups[id])
		}
	}
	h.startTransformer()
	for _, w := range h.worlds {
		w.startWriter()
	}
	for i, s := range history {
		if err = h.take(s); err != nil {
			err = fmt.Errorf("after step %d (%+v): %w", i, s, err)
			break
		}
		sums.steps.Add(1)
	}
	for _, w := range h.worlds {
		if err == nil {
			err = w.judge.finish()
		}
		sums.add(w.judge.checked, w.store)
	}
	return errors.Join(err, h.stop())
}

// Whatever happens in PeopleSoft, in whatever order it is told, whatever fails meanwhile: Zendesk holds what the model
// says, nothing had an effect twice, nothing went back, nobody has what is another's.
func TestZendeskHoldsWhatTheModelSays(t *testing.T) {
	var sums totals
	began := time.Now()
	t.Cleanup(func() {
		fmt.Printf("model: %d histories, %d steps, %d effects, compared %v, holds %v in %v; seed %s\n", sums.runs.Load(), sums.steps.Load(), sums.effects.Load(), sums.checked, sums.people,
			time.Since(began).Round(time.Second), flag.Lookup("rapid.seed").Value)
	})
	for i := range shards {
		t.Run(fmt.Sprintf("shard %d", i), func(t *testing.T) {
			t.Parallel()
			var failed []step
			ok := t.Run("histories", func(t *testing.T) {
				rapid.Check(t, func(rt *rapid.T) {
					history := histories(i).Draw(rt, "history")
					if err := play(t, history, &sums); err != nil {
						failed = history
						rt.Fatalf("%v", err)
					}
				})
			})
			if !ok && failed != nil {
				small, err := smaller(t, failed)
				t.Logf("to be kept in testdata/histories:\n%s\n%v", compact(small), err)
			}
		})
	}
}

// smaller leaves out what a failing history does not need to fail, for a minute at most.
func smaller(t *testing.T, history []step) (small []step, why error) {
	var sums totals
	small, why = history, play(t, history, &sums)
	end := time.Now().Add(time.Minute)
	for size := len(small) / 2; size > 0; size /= 2 {
		for from := 0; from < len(small) && time.Now().Before(end); {
			less := slices.Concat(small[:from], small[min(from+size, len(small)):])
			if err := play(t, less, &sums); err != nil {
				small, why = less, err
				continue
			}
			from += size
		}
	}
	return small, why
}

func compact(history []step) string {
	b, err := json.Marshal(history)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Histories that ever failed, in a form that survives changes of the generator.
func TestHistoriesThatOnceFailed(t *testing.T) {
	files, err := filepath.Glob("testdata/histories/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".json"), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var history []step
			if err := json.Unmarshal(b, &history); err != nil {
				t.Fatal(err)
			}
			var sums totals
			if err := play(t, history, &sums); err != nil {
				t.Fatal(err)
			}
		})
	}
}
