package writer

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	quietTenant = tenant.ID("beta")
	ownCall     = time.Second      // of the quiet tenant's account
	floodCall   = 10 * time.Second // of the flooding one's: a bulk job
	floodBatch  = 200
	changes     = 6
)

// TestAFloodOfOneTenantKeepsAnotherWithinABound is failures.md M08 in one process, in virtual time: the 99th percentile
// (here: the slowest) of the changes of one tenant while the writer beside it has a backlog.
func TestAFloodOfOneTenantKeepsAnotherWithinABound(t *testing.T) {
	alone := slowest(t, 0, nil)
	cases := map[string]struct {
		share *Share
		most  time.Duration
	}{
		"while there is room for both, less than twice or 3 s": {NewShare(0), max(2*alone, 3*time.Second)},
		"when the flood holds everything, one of its batches":  {NewShare(2 * floodBatch), alone + floodCall},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			took := slowest(t, 4000, c.share)
			t.Logf("slowest change %s, alone %s", took, alone)
			if took > c.most {
				t.Errorf("the slowest change took %s, want at most %s; alone %s", took, c.most, alone)
			}
		})
	}
}

// slowest is the longest way of a few changes of the quiet tenant, while the other one has so many records to write.
func slowest(t *testing.T, flood int, share *Share) (most time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		loud, calm := &stand{t: t, w: newWorld(), d: newDesk()}, &stand{t: t, w: newWorld(), d: newDesk()}
		loud.d.apply, calm.d.apply = lasts(floodCall), lasts(ownCall)
		for i := range flood {
			loud.w.put(emp(i), 1, "x")
		}
		loud.start(Options{Share: share, Batch: floodBatch})
		stop := calm.startFor(quietTenant, Options{Share: share})
		for i := range changes {
			pass(3 * time.Second)
			began := time.Now()
			calm.w.putFor(quietTenant, emp(i), "y")
			calm.until(time.Minute, "the change is written", func() bool { _, _, e := calm.d.count(); return e > i })
			most = max(most, time.Since(began))
		}
		_, _, done := loud.d.count()
		if flood > 0 && done == flood {
			t.Errorf("the flood of %d was over before the changes", flood)
		}
		stop()
		_ = loud.stop()
		pass(life)
	})
	return most
}

func lasts(d time.Duration) func(context.Context, []target.Change, target.Journal) error {
	return func(context.Context, []target.Change, target.Journal) error {
		wait(context.Background(), d)
		return nil
	}
}

func (s *stand) startFor(of tenant.ID, o Options) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	w := New(s.w, s.w, s.d, quiet(), nil, o)
	go func() { done <- w.Run(ctx, of) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("run: %v", err)
		}
	}
}

// putFor stores a wanted state of another tenant than the stand's.
func (w *world) putFor(of tenant.ID, ref record.Ref, title string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := wantedEvent(ref, 1, person(ref, title))
	e.Tenant = of
	w.store(e, ref)
}

func TestTheShareServesUrgentBatchesFirstThenWhoHoldsLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShare(100)
		give, err := s.take(t.Context(), acme, 60, false)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := s.take(t.Context(), acme, 40, false)
		if err != nil {
			t.Fatal(err)
		}
		defer rest()
		order := make(chan string, 4)
		queue := func(name string, of tenant.ID, urgent bool) {
			go func() {
				g, _ := s.take(t.Context(), of, 60, urgent)
				order <- name
				g()
			}()
			synctest.Wait()
		}
		queue("flood", acme, false)
		queue("other", quietTenant, false)
		queue("urgent", acme, true)
		give()
		synctest.Wait()
		close(order)
		var got []string
		for name := range order {
			got = append(got, name)
		}
		if want := []string{"urgent", "other", "flood"}; !slices.Equal(got, want) {
			t.Errorf("served %v, want %v", got, want)
		}
	})
}
