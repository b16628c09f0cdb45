package poll

import (
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func TestAFullReadInWhichEverybodyIsTheSameConcludesNothing(t *testing.T) {
	cases := map[string]struct {
		people, alike int    // alike: how many of them have the first one's name in the second read
		name          string // that name
		accept        bool
		refused       bool
		records       int // that were stored before it was noticed
	}{
		"everybody has one name":                   {people: 60, alike: 60, name: "DOE", refused: true, records: 24},
		"everybody has a blank name":               {people: 60, alike: 60, refused: true, records: 24},
		"one is different, early enough":           {people: 60, alike: 20, name: "DOE"},
		"a small company may be of one mind":       {people: 20, alike: 20, name: "DOE"},
		"the tenant said that it is true":          {people: 60, alike: 60, name: "DOE", accept: true},
		"everybody is as different as they always": {people: 60},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tc.people)
			for i := range w.people {
				w.people[i].name = map[string]string{"display_name": fmt.Sprint("Person ", i)}
			}
			p := w.poller()
			if err := run(t, w, p, event.ModeFull); err != nil {
				t.Fatal(err)
			}
			before := w.stored(t)
			if before.Varied["name"] != 2 {
				t.Fatalf("cursor %+v", before)
			}
			for i := range tc.alike {
				w.people[i].name = map[string]string{"display_name": tc.name}
			}
			feed := p.opt.Feeds["employee"]
			feed.Uniform = tc.accept
			p.opt.Feeds["employee"] = feed
			w.facts = nil
			err := run(t, w, p, event.ModeFull)
			c := w.lastCycle()
			if !tc.refused {
				if c.State != store.Complete {
					t.Errorf("cycle %+v", c)
				}
				return
			}
			if err != nil || c.State != store.Incomplete || c.Code != fault.SourceUniform || len(w.facts) > tc.records || w.findings[conn()][0].Code != fault.SourceUniform {
				t.Errorf("%v, cycle %+v, %d stored", err, c, len(w.facts))
			}
		})
	}
}

// With pages as large as in production the first page is refused already: nothing of it is stored.
func TestNothingOfAPageThatCannotBeTrueIsStored(t *testing.T) {
	w := newWorld(t, 60)
	w.perPage = 1000
	for i := range w.people {
		w.people[i].name = map[string]string{"display_name": fmt.Sprint("Person ", i)}
	}
	if err := run(t, w, w.poller(), event.ModeFull); err != nil {
		t.Fatal(err)
	}
	w.facts = nil
	for i := range w.people {
		w.people[i].name = map[string]string{"display_name": "MASKED"}
	}
	for range 2 {
		_ = run(t, w, w.poller(), event.ModeFull)
	}
	if c := w.lastCycle(); c.Code != fault.SourceUniform || c.State != store.Incomplete || len(w.facts) != 0 {
		t.Errorf("cycle %+v, %d stored", c, len(w.facts))
	}
	for i := range w.people {
		w.people[i].name = map[string]string{"display_name": fmt.Sprint("Person ", i)}
	}
	if err := run(t, w, w.poller(), event.ModeFull); err != nil || w.lastCycle().State != store.Complete || len(w.findings[conn()]) != 0 {
		t.Errorf("it does not heal: %v, %+v", err, w.lastCycle())
	}
}

func TestAFullReadOfAnOlderCopyConcludesNothing(t *testing.T) {
	cases := map[string]struct {
		newest erp.Stamp
		code   fault.Code
	}{
		"the newest change is of the day before": {"2026-02-28T00:00:00.000000", fault.SourceStale},
		"the newest row vanished":                {"2026-02-28T23:30:00.000000", ""},
		"something changed":                      {"2026-03-01T09:00:00.000000", ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 10)
			if err := run(t, w, w.poller(), event.ModeFull); err != nil {
				t.Fatal(err)
			}
			before := w.stored(t)
			for i := range w.people {
				w.people[i].stamp = tc.newest
			}
			_ = run(t, w, w.poller(), event.ModeFull)
			c := w.lastCycle()
			if c.Code != tc.code || (tc.code != "") != (c.State == store.Incomplete) || w.stored(t).Since < before.Since {
				t.Errorf("cycle %+v, cursor %+v", c, w.stored(t))
			}
		})
	}
}
