package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func linkTests() map[string]test {
	return map[string]test{
		"a link comes back as it was committed":    linkRoundTrip,
		"links are paged by key":                   linkWalk,
		"links with a target are counted by state": linkCount,
		"a link is found by the email it holds":    linkHolding,
	}
}

func link(ref record.Ref, version uint64) store.Link {
	return store.Link{
		Ref: ref, TargetID: "t" + ref.Key, Version: version, Digest: fmt.Sprint("d", version), Known: []byte("{ \"user\":\"🦉\"}"),
		Email: "e" + ref.Key + "@example.com", Memory: []byte(`{"role" :"agent"}`), State: "active", At: utc(noon()),
	}
}

func commit(t *testing.T, s store.Store, id tenant.ID, batch string, c store.Commit) bool {
	t.Helper()
	return must[bool](t)(s.CommitBatch(t.Context(), id, batch, c))
}

func links(t *testing.T, s store.Store, id tenant.ID, refs ...record.Ref) map[record.Ref]store.Link {
	t.Helper()
	return must[map[record.Ref]store.Link](t)(s.Links(t.Context(), id, refs))
}

func linkRoundTrip(t *testing.T, s store.Store) {
	full, bare := link(employee(1), 7), store.Link{Ref: vendor(1), At: utc(noon())}
	equal(t, "mine", commit(t, s, acme, "", store.Commit{Links: []store.Link{full, bare}}), true)
	theirs := link(employee(1), 1)
	equal(t, "other tenant's", commit(t, s, globex, "", store.Commit{Links: []store.Link{theirs}}), true)
	want := map[record.Ref]store.Link{full.Ref: full, bare.Ref: bare}
	equal(t, "links", links(t, s, acme, employee(1), vendor(1), vendor(2)), want)
	full.Version, full.Digest, full.State, full.Memory = 3, "", "suspended", nil
	commit(t, s, acme, "", store.Commit{Links: []store.Link{full}})
	equal(t, "replaced", links(t, s, acme, employee(1)), map[record.Ref]store.Link{full.Ref: full})
	commit(t, s, acme, "", store.Commit{Links: []store.Link{link(employee(1), 8), full}})
	equal(t, "of two in one commit the last", links(t, s, acme, employee(1)), map[record.Ref]store.Link{full.Ref: full})
	equal(t, "other tenant's link", links(t, s, globex, employee(1), vendor(1)), map[record.Ref]store.Link{theirs.Ref: theirs})
	for name, doc := range documents() {
		full.Known, full.Memory = doc, doc
		commit(t, s, acme, "", store.Commit{Links: []store.Link{full}})
		if got := links(t, s, acme, employee(1))[employee(1)]; string(got.Known) != string(doc) || string(got.Memory) != string(doc) {
			t.Errorf("%s: came back changed", name)
		}
	}
}

func linkHolding(t *testing.T, s store.Store) {
	one, two, none, made := link(employee(1), 1), link(employee(2), 1), link(employee(3), 1), link(employee(4), 1)
	none.Email, made.TargetID = "", ""
	commit(t, s, acme, "", store.Commit{Links: []store.Link{two, one, none, made}})
	commit(t, s, globex, "", store.Commit{Links: []store.Link{link(employee(1), 9)}})
	holding := func(emails ...string) []store.Link {
		return must[[]store.Link](t)(s.Holding(t.Context(), acme, emails))
	}
	equal(t, "both", holding(two.Email, one.Email, made.Email, "", "nobody@example.com"), []store.Link{one, two})
	equal(t, "nobody's", len(holding("nobody@example.com")), 0)
	equal(t, "no question", len(holding()), 0)
	one.Email = "moved@example.com"
	commit(t, s, acme, "", store.Commit{Links: []store.Link{one}})
	equal(t, "the old address", len(holding(link(employee(1), 1).Email)), 0)
	equal(t, "the new address", holding("moved@example.com"), []store.Link{one})
	commit(t, s, acme, "", store.Commit{Quarantine: map[record.Ref]time.Time{two.Ref: noon()}})
	equal(t, "after an unknown outcome", holding(two.Email)[0].Digest, "")
}

func linkWalk(t *testing.T, s store.Store) {
	var all []store.Link
	for i := range 5 {
		all = append(all, link(employee(4-i), 1), link(vendor(i), 1))
	}
	commit(t, s, acme, "", store.Commit{Links: all})
	commit(t, s, globex, "", store.Commit{Links: []store.Link{link(employee(9), 1)}})
	walk := func(after string, limit int) (out []string) {
		for _, l := range must[[]store.Link](t)(s.WalkLinks(t.Context(), acme, record.Employee, after, limit)) {
			out = append(out, l.Ref.Key)
		}
		return out
	}
	equal(t, "first page", walk("", 2), []string{"000000", "000001"})
	equal(t, "second page", walk("000001", 2), []string{"000002", "000003"})
	equal(t, "the rest", walk("000003", 0), []string{"000004"})
}

func linkCount(t *testing.T, s store.Store) {
	gone := link(employee(3), 1)
	gone.TargetID = ""
	suspended := link(employee(4), 1)
	suspended.State = "suspended"
	commit(t, s, acme, "", store.Commit{Links: []store.Link{link(employee(1), 1), link(employee(2), 1), gone, suspended, link(vendor(1), 1)}})
	commit(t, s, globex, "", store.Commit{Links: []store.Link{link(employee(1), 1)}})
	got := must[map[record.Kind]map[string]int](t)(s.CountLinks(t.Context(), acme))
	want := map[record.Kind]map[string]int{record.Employee: {"active": 2, "suspended": 1}, record.Vendor: {"active": 1}}
	equal(t, "counts", got, want)
}
