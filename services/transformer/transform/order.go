package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// claim is what a record has to do with addresses: which one it wants and which one its object holds, as keys of
// package address. It is all that the order of address changes depends on, beside the tenant's policy.
type claim struct {
	ref     record.Ref
	wants   string   // "" for nobody who needs one: a leaver, a record that is left alone, one without an address
	holds   string   // by its object, as far as known; "" for none
	names   []string // of the person, to tell somebody who came back from somebody else
	left    bool     // suspended, or about to be: needs no address any more
	stuck   string   // why the record does not move although it should; "" when it moves by itself
	pending bool     // waits for the guard before it leaves: it will give the address up
	takes   record.Ref
	hold    string // the hold of a ring that a person approved; "" for none
}

// stride is what the order of addresses makes of a record.
type stride string

// The steps.
const (
	goes    stride = "goes"    // nobody of ours is in the way; what only Zendesk knows the writer finds out
	follows stride = "follows" // another record gives the address up first
	rings   stride = "rings"   // everybody waits for the next one in a ring: a person must approve the plan
	parks   stride = "parks"   // of an approved ring the one that begins: its address moves to the parking domain for a moment
	reviews stride = "reviews" // a leaver with the same name holds it: a person decides whether it is the same one
)

// turn is the step of one record with what it depends on.
type turn struct {
	step   stride
	behind record.Ref   // the record that holds the address
	ring   []record.Ref // who waits for whom, from the record itself
	free   record.Ref   // a leaver whose address is to be parked now
	stuck  bool         // it does not go on by itself
	why    string       // for people; never a personal value
}

// claims knows who holds which address.
type claims struct {
	of      map[record.Ref]claim
	holders map[string][]record.Ref
	mail    Mail
}

// holder is the record whose object holds an address; none when the asking record does.
func (g claims) holder(of claim) (claim, bool) {
	refs := g.holders[of.wants]
	if of.wants == "" || slices.Contains(refs, of.ref) || len(refs) == 0 {
		return claim{}, false
	}
	c, ok := g.of[refs[0]]
	return c, ok
}

// decide follows the addresses from record to record: each one wants one address, and one other record holds it. The
// walk ends at somebody who can go, at somebody who stays, or in a ring.
func (g claims) decide(ref record.Ref) turn {
	path := []claim{g.of[ref]}
	for {
		cur := path[len(path)-1]
		next, ok := g.holder(cur)
		if !ok || cur.takes == next.ref {
			return behind(path, "", "")
		}
		if at := slices.IndexFunc(path, func(c claim) bool { return c.ref == next.ref }); at >= 0 {
			return g.ring(path, at)
		}
		path = append(path, next)
		switch {
		case next.left:
			return g.leaver(path)
		case next.stuck != "":
			return behind(path, next.stuck, "")
		case next.pending:
			return behind(path, "", "")
		case next.wants == "" || next.wants == next.holds: // it keeps what it has
			if len(path) == 2 {
				return turn{step: goes}
			}
			return behind(path, "another record keeps the address that "+next.ref.String()+" holds", "")
		}
	}
}

// behind is the turn of a record that waits for the next one on its path; of the last one on the path, it goes.
func behind(path []claim, stuck, how string) turn {
	if len(path) == 1 {
		return turn{step: goes}
	}
	v := turn{step: follows, behind: path[1].ref, stuck: stuck != ""}
	v.why = "waits until " + v.behind.String() + " has given the address up" + how
	if stuck != "" {
		v.why += ": " + stuck
	}
	return v
}

// leaver ends a path at somebody who left and whose object holds the address still.
func (g claims) leaver(path []claim) turn {
	who, left := path[len(path)-2], path[len(path)-1]
	if samePerson(who.names, left.names) {
		if len(path) > 2 {
			return behind(path, "a person must decide about "+who.ref.String(), "")
		}
		return turn{step: reviews, behind: left.ref, stuck: true,
			why: "the address is held by " + left.ref.String() + ", who left and has the same name: if it is the same person, approve the hold and this record takes the Zendesk user over"}
	}
	if !g.mail.able() {
		return behind(path, left.ref.String()+" left and holds it: set employees.email.change to in_place and employees.email.parking_domain, or change that user's address by hand in Zendesk", "")
	}
	if left.stuck != "" { // it is not handed on, and neither is its parking
		return behind(path, left.stuck, "")
	}
	v := behind(path, "", ", which is moved to the parking domain")
	if len(path) == 2 {
		v.free = left.ref
	}
	return v
}

// ring ends a path that came back to one of its own. Whoever leads into a ring and is not part of it waits.
func (g claims) ring(path []claim, at int) turn {
	members := path[at:]
	approved := members[0].hold
	for _, m := range members {
		if m.hold != approved {
			approved = ""
		}
	}
	switch {
	case at > 0 && approved != "":
		return behind(path, "", "")
	case at > 0:
		return behind(path, "it is part of a ring that a person must approve", "")
	case approved != "" && g.mail.able():
		if first := slices.MinFunc(members, func(a, b claim) int { return compareRef(a.ref, b.ref) }); first.ref == path[0].ref {
			return turn{step: parks, behind: path[min(1, len(path)-1)].ref}
		}
		return behind(path, "", "")
	}
	v := turn{step: rings, behind: path[min(1, len(path)-1)].ref, stuck: true}
	for _, m := range members {
		v.ring = append(v.ring, m.ref)
	}
	v.why = g.plan(v.ring)
	return v
}

// plan says in which steps a ring is undone, or which setting that needs.
func (g claims) plan(ring []record.Ref) string {
	first := slices.IndexFunc(ring, func(r record.Ref) bool { return r == slices.MinFunc(ring, compareRef) })
	turned := append(slices.Clone(ring[first:]), ring[:first]...)
	names := make([]string, len(turned))
	for i, r := range turned {
		names[i] = r.String()
	}
	what := fmt.Sprintf("%s want each other's addresses", strings.Join(names, ", "))
	if !g.mail.able() {
		return what + ": set employees.email.change to in_place and employees.email.parking_domain, then approve the plan, or change one of the addresses by hand in Zendesk"
	}
	steps := []string{"1. " + names[0] + " holds " + g.mail.parked("<id>") + " for a moment"}
	for i := len(names) - 1; i >= 1; i-- {
		steps = append(steps, fmt.Sprintf("%d. %s gets the address that is free then", len(steps)+1, names[i]))
	}
	steps = append(steps, fmt.Sprintf("%d. %s gets its own", len(steps)+1, names[0]))
	return what + "; the plan: " + strings.Join(steps, "; ")
}

// content is what a waiting record's item says, so that a change of the reason is noticed.
func (v turn) content(wants string) string {
	switch v.step {
	case rings:
		return wants
	case reviews:
		return "takes " + v.behind.String() + " " + wants
	}
	return fmt.Sprintf("%s %s %s %t %s", v.step, v.behind, wants, v.stuck, v.why)
}

// code is the finding of a record that waits.
func (v turn) code() fault.Code {
	switch v.step {
	case rings:
		return fault.EmailCycle
	case reviews:
		return fault.EmailOwned
	}
	return fault.EmailWait
}

// samePerson tells whether two records may be one person, by their names alone: all words of the shorter one are in
// the longer one. Without a name nobody can tell, so that a person must.
func samePerson(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if sameName(x, y) {
				return true
			}
		}
	}
	return len(a) == 0 || len(b) == 0
}

func sameName(a, b string) bool {
	x, y := strings.Fields(fold(a)), strings.Fields(fold(b))
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) == 0 || len(x) == 1 && len(y) > 1 {
		return false
	}
	for _, w := range x {
		if !slices.Contains(y, w) {
			return false
		}
	}
	return true
}
