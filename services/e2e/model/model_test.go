package model

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	zd "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"pgregory.net/rapid"
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

// play runs one history in a bubble and judges it; the error tells the first step after which something was wrong.
func play(t *testing.T, history []step, sums *totals) (err error) {
	a := newAccount(len(history) > 0 && history[0].C%2 == 0)
	defer a.srv.Close()
	a.inPlace = len(history) > 0 && history[0].Do == "setup" && history[0].B%3 > 0
	a.SeedUser(zd.NewUser{Name: "Seeded", Email: "seed0@example.com"})
	a.SeedAgent("Agent", "seed1@example.com")
	a.SeedOrganization(zd.NewOrganization{Name: "Seeded Org"})
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		return err
	}
	synctest.Test(t, func(*testing.T) {
		w := newWorld(a, zone)
		if len(history) > 0 && history[0].Do == "setup" {
			w.setup(history[0])
		}
		w.startTransformer()
		w.startWriter()
		for i, s := range history {
			if err = w.take(s); err != nil {
				err = fmt.Errorf("after step %d (%+v): %w", i, s, err)
				break
			}
			sums.steps.Add(1)
		}
		if err == nil {
			err = w.judge.finish()
		}
		sums.add(w.judge.checked, w.store)
		if stopped := w.stop(); err == nil {
			err = stopped
		}
	})
	sums.runs.Add(1)
	sums.effects.Add(int64(len(a.Effects())))
	return err
}

// take does one step and looks at what came of it.
func (w *world) take(s step) error {
	day := w.today()
	w.read("window", func() { deeds()[s.Do].do(w, s) })
	if s.Onwards {
		w.judge.blurAll()
		return w.judge.safe()
	}
	if err := w.settle(); err != nil {
		return err
	}
	if s.Do != "midnight" && w.today() != day {
		w.judge.blurAll()
	}
	return w.judge.agree()
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
