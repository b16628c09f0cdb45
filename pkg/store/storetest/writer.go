package storetest

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func writerTests() map[string]test {
	return map[string]test{
		"a writer lives as long as it beats":      writerLives,
		"a life that ended never goes on":         writerDead,
		"a writer that leaves is dead at once":    writerLeaves,
		"a life that no writer has is cut":        writerBound,
		"a beat counts from now on":               writerFromNow,
		"of a hundred beginnings of an epoch one": writerRace,
	}
}

func left(t *testing.T, s store.Store, id tenant.ID) map[string]time.Duration {
	t.Helper()
	out := map[string]time.Duration{}
	for _, w := range must[[]store.Writer](t)(s.Writers(t.Context(), id)) {
		out[w.Epoch] = w.Left
	}
	return out
}

func beats(t *testing.T, s store.Store, id tenant.ID, epoch string, first bool, life time.Duration) bool {
	t.Helper()
	return must[bool](t)(s.Beat(t.Context(), id, epoch, first, life))
}

func writerLives(t *testing.T, s store.Store) {
	equal(t, "unknown", beats(t, s, acme, "a", false, time.Hour), false)
	equal(t, "begins", beats(t, s, acme, "a", true, time.Minute), true)
	equal(t, "goes on", beats(t, s, acme, "a", false, time.Hour), true)
	equal(t, "a shorter beat", beats(t, s, acme, "a", false, time.Minute), true)
	equal(t, "a longer one", beats(t, s, acme, "a", false, time.Hour), true)
	equal(t, "begins again", beats(t, s, acme, "a", true, time.Hour), false)
	equal(t, "of another tenant", beats(t, s, globex, "a", false, time.Hour), false)
	if got := left(t, s, acme); len(got) != 1 || got["a"] < 55*time.Minute || got["a"] > time.Hour {
		t.Errorf("left %v, want nearly an hour", got)
	}
	equal(t, "other tenant's", len(left(t, s, globex)), 0)
}

func writerDead(t *testing.T, s store.Store) {
	equal(t, "begins", beats(t, s, acme, "a", true, -time.Second), true)
	equal(t, "goes on", beats(t, s, acme, "a", false, time.Hour), false)
	equal(t, "begins anew", beats(t, s, acme, "a", true, time.Hour), false)
	if got := left(t, s, acme)["a"]; got > -time.Second || got < -time.Minute {
		t.Errorf("left %v, want over since a second", got)
	}
	equal(t, "another epoch", beats(t, s, acme, "b", true, time.Hour), true)
	equal(t, "writers", len(left(t, s, acme)), 2)
}

func writerLeaves(t *testing.T, s store.Store) {
	equal(t, "begins", beats(t, s, acme, "a", true, time.Hour), true)
	equal(t, "begins", beats(t, s, globex, "a", true, time.Hour), true)
	ok(t, s.Leave(t.Context(), acme, "a"))
	ok(t, s.Leave(t.Context(), acme, "nobody"))
	if got := left(t, s, acme); got["a"] > 0 || len(got) != 1 {
		t.Errorf("left %v", got)
	}
	equal(t, "goes on", beats(t, s, acme, "a", false, time.Hour), false)
	equal(t, "other tenant's goes on", beats(t, s, globex, "a", false, time.Hour), true)
}

func writerRace(t *testing.T, s store.Store) {
	equal(t, "begun", race(t, 100, func(int) (bool, error) { return s.Beat(t.Context(), acme, "a", true, time.Hour) }), 1)
}

// A clock that was put back by two hours leaves lives behind that last two hours longer.
func writerBound(t *testing.T, s store.Store) {
	equal(t, "begins before the clock is put back", beats(t, s, acme, "dead", true, 2*time.Hour), true)
	equal(t, "a neighbour of about the same life", beats(t, s, acme, "slow", true, time.Minute), true)
	equal(t, "another tenant's", beats(t, s, globex, "dead", true, 2*time.Hour), true)
	equal(t, "begins", beats(t, s, acme, "a", true, 10*time.Second), true)
	equal(t, "goes on", beats(t, s, acme, "a", false, 10*time.Second), true)
	got := left(t, s, acme)
	if got["dead"] > time.Minute || got["dead"] < 50*time.Second || got["slow"] < 50*time.Second {
		t.Errorf("left %v, want a minute of the dead one, and nothing cut of the slow one", got)
	}
	if got := left(t, s, globex)["dead"]; got < time.Hour {
		t.Errorf("left %v of another tenant's", got)
	}
}

func writerFromNow(t *testing.T, s store.Store) {
	equal(t, "begins", beats(t, s, acme, "a", true, time.Hour), true)
	equal(t, "goes on", beats(t, s, acme, "a", false, time.Minute), true)
	if got := left(t, s, acme)["a"]; got > time.Minute || got < 50*time.Second {
		t.Errorf("left %v, want a minute", got)
	}
}
