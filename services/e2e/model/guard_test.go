package model

import (
	"fmt"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	sim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// handing is one state of a record that was handed on to the writer, and what changed with it. It is noted when the
// save of the ledger row is stored: by the simplest means, and without asking the guard.
type handing struct {
	at       time.Time
	state    directory.State
	email    string
	changes  map[store.Change]bool // what it may have changed; more than the guard counts, never less
	approved bool                  // a person said yes to it
	takes    string                // external id of the record whose object it takes over
}

// handed notes what a stored save hands on.
func (s *state) handed(before, after store.LedgerRow) {
	if after.WantedAt != after.Revision || after.Ref.Kind == record.Reference {
		return
	}
	was, err := event.DecodeEntry(before.Wanted)
	now, bad := event.DecodeEntry(after.Wanted)
	if err != nil || bad != nil {
		s.wrong = append(s.wrong, fmt.Sprintf("O2: %s: a state that cannot be read", after.Ref))
		return
	}
	h := handing{at: after.At, state: now.State(), changes: map[store.Change]bool{}}
	if now.User != nil {
		h.email, h.takes = now.User.Email, now.User.Takes
		if h.takes != "" && s.agreed[after.Ref] != store.Relink && !s.took[after.Ref] {
			s.wrong = append(s.wrong, fmt.Sprintf("O6: %s takes over %s without a person", after.Ref, h.takes))
		}
		if h.takes != "" {
			s.took[after.Ref] = true
		}
		if now.User.Park != "" {
			s.parked++
		}
	}
	mail := ""
	for _, old := range s.given[after.Ref] {
		if old.email != "" {
			mail = old.email
		}
	}
	h.changes[store.Suspension] = h.state == directory.Suspended && was.State() != directory.Suspended
	h.changes[store.Creation] = h.state == directory.Active && was.State() != directory.Active && s.links[after.Ref].TargetID == ""
	h.changes[store.EmailChange] = h.email != "" && (mail != "" && h.email != mail || s.links[after.Ref].Email != "" && h.email != s.links[after.Ref].Email)
	if a, ok := s.agreed[after.Ref]; ok {
		h.approved = h.changes[a] || a == store.Ring || a == store.Relink
	}
	s.given[after.Ref] = append(s.given[after.Ref], h)
}

const day = 24 * time.Hour

// justified asks whether a hold of the guard was needed: as many changes as it says must really have come together.
func (s *state) justified(h store.Hold) {
	limit, counted := s.limits[h.Group.Change]
	if !counted {
		return
	}
	n := 0
	for _, it := range s.items {
		if it.Group() == h.Group && it.State != store.ItemRejected && it.State != store.ItemStuck {
			n++
		}
	}
	for ref, list := range s.given {
		for _, g := range list {
			if ref.Kind == h.Group.Kind && g.changes[h.Group.Change] && !g.at.Before(time.Now().Add(-day)) {
				n++
			}
		}
	}
	if n <= limit {
		s.wrong = append(s.wrong, fmt.Sprintf("guard: hold %s without need: %d in a day, the limit is %d", h.ID, n, limit))
	}
}

// count is one effect that the guard must have let pass.
type count struct {
	at  time.Time
	rec string
}

// guarded holds an effect against the guard's promise (design.md 6, failures.md O12): what changed was handed on, and
// no more than the limit without a person in any 24 hours.
func (j *judge) guarded(rec string, e sim.Effect, before, after object, bad func(string, ...any)) {
	j.w.store.mu.Lock()
	defer j.w.store.mu.Unlock()
	ref := refOf(rec)
	check := func(c store.Change, fits func(handing) bool) {
		var by *handing
		for i, h := range j.w.store.given[ref] {
			if fits(h) && (h.changes[c] || by == nil) {
				by = &j.w.store.given[ref][i]
			}
		}
		if by == nil {
			bad("O12: %s of %s, which was not handed on: %s", c, rec, after)
			return
		}
		if by.approved || c == store.Creation && j.free(ref.Kind, by.at) {
			return
		}
		g := store.Group{Change: c, Kind: ref.Kind}
		n := 1
		for _, o := range j.counts[g] {
			if o.rec == rec && o.at.Equal(by.at) {
				return
			}
			if age := by.at.Sub(o.at); age >= 0 && age < day {
				n++
			}
		}
		j.counts[g] = append(j.counts[g], count{by.at, rec})
		if limit, ok := j.w.store.limits[c]; ok && n > limit {
			bad("O12: %s of %s is number %d in a day, the limit is %d: %+v; the guard counted %v", c, rec, n, limit, j.counts[g], j.w.store.passed)
		}
	}
	switch {
	case e.Verb == "create":
		check(store.Creation, func(h handing) bool { return h.state == directory.Active })
	case e.Kind != "user" || before.external == "" && after.external != "": // adopted
	case after.suspended && !before.suspended:
		check(store.Suspension, func(h handing) bool { return h.state == directory.Suspended })
	case before.email != "" && after.email != "" && before.email != after.email && before.email != parked(before) && after.email != parked(after) && before.external == after.external:
		check(store.EmailChange, func(h handing) bool { return h.email == after.email })
	}
}

// free tells whether the first load lasted: its creations are not counted.
func (j *judge) free(kind record.Kind, at time.Time) bool {
	l, ok := j.w.store.loads[kind]
	return ok && (l.Ended.IsZero() || !at.After(l.Ended))
}

// parked is the address of an object that is out of the way.
func parked(o object) string { return "psft-emp-" + recOf(o.external) + "@parking.example" }

// decide is a person who says yes or no to a hold; a yes is remembered.
func (w *world) decide(n int, approve bool) bool {
	h, items := w.store.decide(n, approve)
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	for _, it := range items {
		if approve {
			w.store.agreed[it.Ref] = it.Change
		}
	}
	return h.ID != ""
}

// takeover is an object that comes to stand for another record: only when a person said so, and only a leaver's.
func (j *judge) takeover(from, to string, before object, bad func(string, ...any)) {
	j.w.store.mu.Lock()
	defer j.w.store.mu.Unlock()
	given := j.w.store.given[refOf(to)]
	if len(given) == 0 || given[len(given)-1].takes != external(from) || !before.suspended {
		bad("O6: the object of %s became that of %s; it was %s, and handed on was %+v", from, to, before, given)
	}
	for _, a := range before.addresses {
		j.emails[to][a] = true
	}
	j.names[to+"\x00"+strings.ToLower(before.name)] = true
	j.retired[from], j.created[external(from)] = true, 0
	delete(j.was, from)
}

// guards tells whether the guard itself keeps a record's change, and not only the order of addresses.
func (s *state) guards(ref record.Ref) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, has := s.items[ref]
	return has && s.limits[it.Change] > 0
}

func (o object) has(k string, v any) bool { return o.cells[k] == v }

// ideal is what the desk must hold of a record now.
func (w *world) ideal(rec string) ideal { return w.truth.ideal(rec, time.Now(), w.rules) }
