package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func leaseTests() map[string]test {
	return map[string]test{
		"a lease has one holder until it is given back":            leaseHolder,
		"a lease whose time is over passes on with a larger fence": leaseOver,
		"of a hundred who want a lease one gets it":                leaseRace,
		"a lease that is far too long is cut":                      leaseBound,
		"a holder who lost the lease cannot give it back":          leaseLost,
	}
}

// take wants the lease to be given to the holder, or refused.
func take(t *testing.T, s store.Store, of tenant.ID, holder string, lasts time.Duration, want bool) store.Lease {
	t.Helper()
	l, taken, err := s.TakeLease(t.Context(), of, "refresh", holder, lasts)
	ok(t, err)
	if taken != want {
		t.Fatalf("lease of %s for %s: taken is %t (held by %s until %v)", of, holder, taken, l.Holder, l.Until)
	}
	return l
}

func leaseHolder(t *testing.T, s store.Store) {
	first := take(t, s, acme, "a", time.Hour, true)
	other := take(t, s, acme, "b", time.Hour, false)
	equal(t, "the other's lease", other, first)
	again := take(t, s, acme, "a", 2*time.Hour, true)
	if again.Fence != first.Fence || !again.Until.After(first.Until) {
		t.Fatalf("taken again by its holder: %+v after %+v", again, first)
	}
	theirs := take(t, s, globex, "b", time.Hour, true) // the other tenant's lease is free
	if _, taken, err := s.TakeLease(t.Context(), acme, "other", "b", time.Hour); err != nil || !taken {
		t.Fatalf("another name: %t, %v", taken, err)
	}
	ok(t, s.EndLease(t.Context(), acme, again))
	next := take(t, s, acme, "b", time.Hour, true)
	if next.Fence <= first.Fence {
		t.Fatalf("fence %d after %d", next.Fence, first.Fence)
	}
	equal(t, "other tenant's", take(t, s, globex, "a", time.Hour, false), theirs)
}

func leaseOver(t *testing.T, s store.Store) {
	first := take(t, s, acme, "a", 300*time.Millisecond, true)
	take(t, s, acme, "b", time.Hour, false)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		l, taken, err := s.TakeLease(ctx, acme, "refresh", "b", time.Hour)
		ok(t, err)
		if taken {
			equal(t, "fence", l.Fence, first.Fence+1)
			break
		}
		<-tick.C
	}
	take(t, s, acme, "a", time.Hour, false)
}

func leaseRace(t *testing.T, s store.Store) {
	won := race(t, 100, func(i int) (bool, error) {
		_, taken, err := s.TakeLease(t.Context(), acme, "refresh", fmt.Sprint(i), time.Hour)
		return taken, err
	})
	equal(t, "holders", won, 1)
}

func leaseLost(t *testing.T, s store.Store) {
	lost := take(t, s, acme, "a", 0, true)
	kept := take(t, s, acme, "b", time.Hour, true)
	ok(t, s.EndLease(t.Context(), acme, lost))
	equal(t, "the lease", take(t, s, acme, "a", time.Hour, false), kept)
}

// A clock that was put back by a day leaves a lease behind that lasts a day longer.
func leaseBound(t *testing.T, s store.Store) {
	first := take(t, s, acme, "dead", 24*time.Hour, true)
	theirs := take(t, s, globex, "dead", 24*time.Hour, true)
	cut := take(t, s, acme, "b", time.Minute, false)
	if left := first.Until.Sub(cut.Until); left < 23*time.Hour || cut.Fence != first.Fence || cut.Holder != "dead" {
		t.Fatalf("cut by %v: %+v", left, cut)
	}
	equal(t, "cut once", take(t, s, acme, "b", time.Minute, false), cut)
	equal(t, "another tenant's", take(t, s, globex, "b", 23*time.Hour, false), theirs)
}
