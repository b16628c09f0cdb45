package storetest

import (
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func quarantineTests() map[string]test {
	return map[string]test{
		"quarantine clears the digest and nothing else of the link": quarantineClears,
		"quarantine only grows until the record is released":        quarantineGrows,
	}
}

func quarantined(t *testing.T, s store.Store, id tenant.ID) map[record.Ref]time.Time {
	t.Helper()
	return must[map[record.Ref]time.Time](t)(s.Quarantined(t.Context(), id))
}

func quarantineClears(t *testing.T, s store.Store) {
	for _, id := range []tenant.ID{acme, globex} {
		commit(t, s, id, "", store.Commit{Links: []store.Link{link(employee(1), 4), link(employee(2), 4)}})
	}
	until := map[record.Ref]time.Time{employee(1): noon(), employee(3): noon()}
	commit(t, s, acme, "", store.Commit{Quarantine: until, Links: []store.Link{link(employee(1), 5)}})
	want := link(employee(1), 5)
	want.Digest = ""
	equal(t, "link", links(t, s, acme, employee(1))[employee(1)], want)
	equal(t, "neighbour's link", links(t, s, acme, employee(2))[employee(2)], link(employee(2), 4))
	equal(t, "quarantine makes no link", len(links(t, s, acme, employee(3))), 0)
	equal(t, "quarantined", quarantined(t, s, acme), map[record.Ref]time.Time{employee(1): utc(noon()), employee(3): utc(noon())})
	equal(t, "other tenant's link", links(t, s, globex, employee(1))[employee(1)], link(employee(1), 4))
	equal(t, "other tenant's", len(quarantined(t, s, globex)), 0)
}

func quarantineGrows(t *testing.T, s store.Store) {
	set := func(id tenant.ID, at time.Time, release ...record.Ref) {
		commit(t, s, id, "", store.Commit{Quarantine: map[record.Ref]time.Time{employee(1): at}, Release: release})
	}
	set(acme, noon().Add(time.Hour))
	set(globex, noon().Add(2*time.Hour))
	set(acme, noon())
	equal(t, "an earlier time", quarantined(t, s, acme)[employee(1)], utc(noon().Add(time.Hour)))
	set(acme, noon(), employee(1))
	equal(t, "released and quarantined again", quarantined(t, s, acme)[employee(1)], utc(noon()))
	commit(t, s, acme, "", store.Commit{Release: []record.Ref{employee(1), employee(7)}})
	equal(t, "released", len(quarantined(t, s, acme)), 0)
	equal(t, "other tenant's", quarantined(t, s, globex)[employee(1)], utc(noon().Add(2*time.Hour)))
}
