package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func trailTests() map[string]test {
	return map[string]test{
		"an audit entry comes back as it was appended":   trailRoundTrip,
		"an audit id is stored once":                     trailOnce,
		"positions have no gaps under a hundred writers": trailPositions,
		"a reader who follows positions misses no entry": trailFollow,
	}
}

func trail(t *testing.T, s store.Store, id tenant.ID, q audit.Query) []audit.Stored {
	t.Helper()
	return must[[]audit.Stored](t)(s.Trail(t.Context(), id, q))
}

func trailRoundTrip(t *testing.T, s store.Store) {
	full := entry("full", employee(1))
	ok(t, s.Append(t.Context(), acme, []audit.Entry{full, {ID: "bare"}}))
	ok(t, s.Append(t.Context(), acme, nil))
	ok(t, s.Append(t.Context(), globex, []audit.Entry{{ID: "bare", Detail: "theirs"}}))
	full.At = utc(full.At)
	want := []audit.Stored{{Position: 1, Entry: full}, {Position: 2, Entry: audit.Entry{ID: "bare"}}}
	equal(t, "trail", trail(t, s, acme, audit.Query{}), want)
	equal(t, "other tenant's", trail(t, s, globex, audit.Query{}), []audit.Stored{{Position: 1, Entry: audit.Entry{ID: "bare", Detail: "theirs"}}})
}

func trailOnce(t *testing.T, s store.Store) {
	first := entry("same", employee(1))
	second := first
	second.Detail = "second"
	ok(t, s.Append(t.Context(), acme, []audit.Entry{first, second}))
	ok(t, s.Append(t.Context(), acme, []audit.Entry{second, entry("new", employee(1))}))
	ok(t, s.Append(t.Context(), globex, []audit.Entry{second}))
	got := trail(t, s, acme, audit.Query{})
	equal(t, "entries", ids(t, s, acme), []string{"same", "new"})
	equal(t, "the first stays", got[0].Detail, first.Detail)
	equal(t, "repeats take no position", got[1].Position, int64(2))
	equal(t, "ids are the tenant's own", ids(t, s, globex), []string{"same"})

	race(t, 100, func(int) (bool, error) {
		return true, s.Append(t.Context(), acme, []audit.Entry{entry("raced", employee(2)), entry("same", employee(1))})
	})
	equal(t, "after a race", ids(t, s, acme), []string{"same", "new", "raced"})
}

func trailPositions(t *testing.T, s store.Store) {
	race(t, 100, func(i int) (bool, error) {
		id := []tenant.ID{acme, globex}[i%2]
		return true, s.Append(t.Context(), id, entries(fmt.Sprint(i), 7))
	})
	for _, id := range []tenant.ID{acme, globex} {
		got := trail(t, s, id, audit.Query{})
		equal(t, "entries", len(got), 350)
		for i, e := range got {
			equal(t, "position", e.Position, int64(i)+1)
		}
	}
}

func trailFollow(t *testing.T, s store.Store) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		race(t, 10, func(i int) (bool, error) {
			for n := range 20 {
				if err := s.Append(t.Context(), acme, entries(fmt.Sprint(i, "-", n), 1+n%3)); err != nil {
					return false, err
				}
			}
			return true, nil
		})
	}()
	seen, after, last := 0, int64(0), false
	for {
		page := trail(t, s, acme, audit.Query{After: after, Limit: 50})
		for _, e := range page {
			seen, after = seen+1, e.Position
		}
		if last && len(page) == 0 {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	equal(t, "seen", seen, len(ids(t, s, acme)))
	equal(t, "other tenant's", len(ids(t, s, globex)), 0)
}

func trailQueryTests() map[string]test {
	return map[string]test{
		"the trail is selected by every field of a query": trailQueries,
		"the trail is paged in both directions":           trailPages,
	}
}

func trailQueries(t *testing.T, s store.Store) {
	at := func(id string, ref record.Ref, hours int, stage audit.Stage, outcome audit.Outcome, cause string) audit.Entry {
		return audit.Entry{ID: id, Ref: ref, At: noon().Add(time.Duration(hours) * time.Hour), Stage: stage, Outcome: outcome, Cause: cause}
	}
	all := []audit.Entry{
		at("1", employee(1), 0, audit.Poller, audit.Received, "cycle/1"),
		at("2", employee(2), 1, audit.Transformer, audit.Resolved, "cycle/1"),
		at("3", record.Ref{Kind: record.Vendor, Key: "000001"}, 2, audit.Writer, audit.Applied, "cycle/2"),
		at("4", record.Ref{}, 3, audit.Poller, audit.Finished, "person/ada"),
	}
	ok(t, s.Append(t.Context(), acme, all))
	ok(t, s.Append(t.Context(), globex, all[:1]))
	for name, c := range map[string]struct {
		q    audit.Query
		want []string
	}{
		"all":         {audit.Query{}, []string{"1", "2", "3", "4"}},
		"newest":      {audit.Query{Newest: true}, []string{"4", "3", "2", "1"}},
		"kind":        {audit.Query{Ref: record.Ref{Kind: record.Employee}}, []string{"1", "2"}},
		"record":      {audit.Query{Ref: employee(1)}, []string{"1"}},
		"key":         {audit.Query{Ref: record.Ref{Key: "000001"}}, []string{"1", "3"}},
		"stage":       {audit.Query{Stage: audit.Poller}, []string{"1", "4"}},
		"outcome":     {audit.Query{Outcome: audit.Applied}, []string{"3"}},
		"cause":       {audit.Query{Cause: "cycle/1"}, []string{"1", "2"}},
		"since":       {audit.Query{Since: noon().Add(2 * time.Hour)}, []string{"3", "4"}},
		"until":       {audit.Query{Until: noon().Add(2 * time.Hour)}, []string{"1", "2"}},
		"range":       {audit.Query{Since: noon().Add(time.Hour), Until: noon().Add(3 * time.Hour), Cause: "cycle/2"}, []string{"3"}},
		"nothing":     {audit.Query{Cause: "cycle/3"}, nil},
		"key, newest": {audit.Query{Ref: record.Ref{Key: "000001"}, Newest: true, Limit: 1}, []string{"3"}},
	} {
		equal(t, name, idsOf(trail(t, s, acme, c.q)), c.want)
	}
	equal(t, "other tenant's", idsOf(trail(t, s, globex, audit.Query{Newest: true})), []string{"1"})
}

func idsOf(of []audit.Stored) (out []string) {
	for _, e := range of {
		out = append(out, e.ID)
	}
	return out
}

func trailPages(t *testing.T, s store.Store) {
	ok(t, s.Append(t.Context(), globex, entries("g", 5)))
	ok(t, s.Append(t.Context(), acme, entries("a", 25)))
	for _, newest := range []bool{false, true} {
		var got []string
		for after := int64(0); ; {
			page := trail(t, s, acme, audit.Query{After: after, Limit: 10, Newest: newest})
			if len(page) == 0 {
				break
			}
			got, after = append(got, idsOf(page)...), page[len(page)-1].Position
		}
		if want := ids(t, s, acme); newest {
			slices.Reverse(got)
			equal(t, "newest first", got, want)
		} else {
			equal(t, "in order", got, want)
		}
	}
}
