package writer

import (
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
)

func TestABatchFromAFloodIsFilledFirst(t *testing.T) {
	cases := map[string]struct {
		at   []time.Duration // when 25 new records come, each
		want []int           // records of each batch
	}{
		"a flood that comes in parts is one batch":  {[]time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}, []int{75}},
		"a flood that ebbs is written":              {[]time.Duration{0, 5 * time.Second}, []int{25, 25}},
		"a flood without an end is cut at the size": {[]time.Duration{0, 1, 2, 3, 4, 5, 6, 7}, []int{100, 100}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			play(t, Options{Batch: 100, Depth: 1}, func(s *stand) { s.w.lease = time.Minute }, func(s *stand) {
				n := 0
				var last time.Duration
				for _, at := range c.at {
					if at > last {
						pass(at - last)
					}
					last = at
					var refs []record.Ref
					for range 25 {
						refs = append(refs, emp(n))
						n++
					}
					s.w.puts(refs, 1, "x")
				}
				s.until(time.Minute, "everything is written", func() bool { _, _, e := s.d.count(); return e == n })
				if got := s.sizes(); !slices.Equal(got, c.want) {
					t.Errorf("batches of %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestAFewChangesAndUrgentOnesDoNotWaitForOthers(t *testing.T) {
	play(t, Options{Batch: 100}, func(s *stand) { s.w.lease = time.Minute }, func(s *stand) {
		began := time.Now()
		for i := range flood - 1 {
			s.w.put(emp(i), 1, "x")
		}
		s.until(time.Minute, "they are written", func() bool { _, _, e := s.d.count(); return e == flood-1 })
		if took := time.Since(began); took > 600*time.Millisecond { // the fake looks every half second
			t.Errorf("%s, with nobody to wait for", took)
		}
	})
}

func TestNewUsersBeyondFullJobsWaitForTheNextBatchOnce(t *testing.T) {
	untouched := func(p *target.Planned) { // every fifth needs no call, so that batches of 500 make 400 and some users
		if n := p.Change.Ref.Key; n[len(n)-1] == '0' || n == "7" || n == "8" {
			p.Change.Verb = target.Nothing
		}
	}
	play(t, Options{Batch: 500, Depth: 1}, func(s *stand) {
		s.w.lease, s.d.turn = time.Minute, untouched
		for i := range 1600 {
			s.w.put(emp(i), 1, "x")
		}
	}, func(s *stand) {
		s.until(time.Minute, "everything is answered", func() bool { s.w.mu.Lock(); defer s.w.mu.Unlock(); return len(s.w.links) == 1600 })
		got := s.sizes()
		for i, n := range got {
			if i == 0 && n%perJob != 0 {
				t.Errorf("batches of %v: the first is followed by another one, and has a job that is not full", got)
			}
		}
		seen := map[record.Ref]int{}
		for _, d := range s.w.trail {
			seen[d.Ref]++
		}
		for ref, n := range seen {
			if n != 1 {
				t.Errorf("%s has %d audit entries", ref, n)
			}
		}
	})
}

func (s *stand) sizes() (n []int) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	for _, a := range s.d.applies {
		n = append(n, len(a))
	}
	return n
}
