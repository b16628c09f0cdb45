package transform

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func entryOf(s directory.State, email string) directory.Entry {
	return directory.Entry{User: &directory.User{State: s, Email: email}}
}

func linkTo(t *testing.T, s directory.State, email string) store.Link {
	t.Helper()
	known, err := event.EncodeEntry(entryOf(s, email))
	if err != nil {
		t.Fatal(err)
	}
	return store.Link{TargetID: "1", State: string(s), Known: known}
}

func TestWhatTheGuardCounts(t *testing.T) {
	const a, b = "a@example.com", "b@example.com"
	active, gone, left := entryOf(directory.Active, a), entryOf(directory.Suspended, a), entryOf(directory.Untouched, a)
	linked, suspended, none := linkTo(t, directory.Active, a), linkTo(t, directory.Suspended, a), store.Link{}
	for name, c := range map[string]struct {
		was, now directory.Entry
		link     store.Link
		loading  bool
		want     store.Change
	}{
		"a leaver who is linked":                                 {active, gone, linked, false, store.Suspension},
		"a leaver whose user is on its way":                      {active, gone, none, false, store.Suspension},
		"a leaver of the first load whose user is linked":        {directory.Entry{}, gone, linked, true, store.Suspension},
		"a leaver seen as unclear in between":                    {left, gone, linked, false, store.Suspension},
		"a leaver whom the desk never saw":                       {directory.Entry{}, gone, none, false, ""},
		"a leaver who is suspended already":                      {left, gone, suspended, false, ""},
		"a leaver of yesterday with a new title":                 {gone, gone, suspended, false, ""},
		"a hire of the first load":                               {directory.Entry{}, active, none, true, ""},
		"a hire after it":                                        {directory.Entry{}, active, none, false, store.Creation},
		"a hire whose day came":                                  {left, active, none, false, store.Creation},
		"somebody who is back":                                   {gone, active, suspended, false, ""},
		"somebody who was never there and comes back":            {gone, active, none, false, store.Creation},
		"somebody who became unclear":                            {active, left, linked, false, ""},
		"a new address":                                          {active, entryOf(directory.Active, b), linked, false, store.EmailChange},
		"a new address by way of unclear":                        {entryOf(directory.Untouched, b), entryOf(directory.Active, b), linked, false, store.EmailChange},
		"a new address of somebody suspended":                    {gone, entryOf(directory.Suspended, b), suspended, false, store.EmailChange},
		"the same address in capitals":                           {active, entryOf(directory.Active, "A@example.com"), linked, false, ""},
		"a first address":                                        {entryOf(directory.Active, ""), active, linkTo(t, directory.Active, ""), false, ""},
		"another address behind a missing one":                   {entryOf(directory.Active, ""), entryOf(directory.Active, b), linked, false, store.EmailChange},
		"an address that went missing":                           {active, entryOf(directory.Active, ""), linked, false, ""},
		"a leaver with a new address counts once, as the graver": {active, entryOf(directory.Suspended, b), linked, false, store.Suspension},
		"a vendor that became inactive keeps its organization":   {directory.Entry{Organization: &directory.Organization{State: directory.Active}}, directory.Entry{Organization: &directory.Organization{State: directory.Inactive}}, store.Link{TargetID: "1", State: "active"}, false, ""},
		"a vendor of a later day":                                {directory.Entry{}, directory.Entry{Organization: &directory.Organization{State: directory.Active}}, none, false, store.Creation},
	} {
		t.Run(name, func(t *testing.T) {
			got, content, err := counted(c.was, c.now, c.link, c.loading)
			if err != nil || got != c.want || (content == "") != (got == "") {
				t.Errorf("got %q (%q), %v, want %q", got, content, err, c.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limit        Limit
		active, want int
	}{
		"the floor of a small company":      {Limit{3, 2}, 100, 3},
		"the percentage of a large company": {Limit{3, 2}, 1000, 20},
		"part of one is not one":            {Limit{3, 2}, 249, 4},
		"nobody is linked":                  {Limit{3, 2}, 0, 3},
		"nothing is allowed":                {Limit{}, 1000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.limit.Of(c.active); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
