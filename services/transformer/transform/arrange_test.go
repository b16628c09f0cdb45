package transform

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

func mailbox(i int) string { return fmt.Sprintf("m%d@example.com", i) }

// office is a company of linked people with an address each, whose tenant lets addresses be freed.
func office(t *testing.T, people int) *gate {
	t.Helper()
	g := newGate(t, 0)
	g.policy.Mail = Mail{InPlace: true, Parking: "former.example.com"}
	for i := range people {
		g.join(t, i, "Kit Number"+string(rune('a'+i)), mailbox(i))
	}
	for range 2 {
		g.turn(t)
	}
	return g
}

// join hires somebody; desk then does what the table says.
func (g *gate) join(t *testing.T, i int, name, email string) {
	t.Helper()
	g.facts(t, from(fmt.Sprintf("ib/join%d", i), message(t, fmt.Sprintf("join %d", i), nth(i), hire("2026-01-01T00:00:00.000000"),
		set(erp.Name, "PRI", "", 0, "display_name="+name), set(erp.Email, "BUSN", "", 0, "email="+email)))...)
}

// mails says that people have other addresses now, in one batch.
func (g *gate) mails(t *testing.T, minute string, to map[int]string) {
	t.Helper()
	var ms []bus.Message
	for i := range 10 {
		if email, ok := to[i]; ok {
			ms = append(ms, message(t, "mail "+minute+nth(i).Key, nth(i), set(erp.Email, "BUSN", "", 0, "email="+email, "stamp="+string(stamped(minute)))))
		}
	}
	g.facts(t, from("ib/"+minute, ms...)...)
}

// turn lets the guard have its turn, then the desk: every object takes its address when nobody holds it.
func (g *gate) turn(t *testing.T) {
	t.Helper()
	g.now = g.now.Add(3 * time.Second)
	g.judge(t)
	if err := g.guarded().Relook(t.Context(), acme); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, there := g.table[nth(i)]; there {
			g.desk(t, i)
		}
	}
}

func (g *gate) desk(t *testing.T, i int) {
	t.Helper()
	links, err := g.store.Links(t.Context(), acme, []record.Ref{nth(i)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := g.wanted(t, nth(i)).Entry()
	if err != nil {
		t.Fatal(err)
	}
	l, want := links[nth(i)], e.User.Email
	switch {
	case e.User.Park != "":
		want = e.User.Park
	case e.User.State == directory.Suspended:
		want = l.Email
	}
	if other, _ := g.store.Holding(t.Context(), acme, []string{want}); len(other) > 0 && other[0].Ref != nth(i) {
		t.Fatalf("%s is handed on for %d while %s holds it", want, i, other[0].Ref)
	}
	known := *e.User
	known.Email = want
	l.Known, _ = event.EncodeEntry(directory.Entry{User: &known})
	l.Ref, l.TargetID, l.Email, l.State, l.At = nth(i), "7"+nth(i).Key, want, string(e.State()), g.now
	if _, err := g.store.CommitBatch(t.Context(), acme, "", store.Commit{Links: []store.Link{l}}); err != nil {
		t.Fatal(err)
	}
}

// mustHold fails unless the objects hold these addresses.
func (g *gate) mustHold(t *testing.T, want ...string) {
	t.Helper()
	for i, email := range want {
		links, err := g.store.Links(t.Context(), acme, []record.Ref{nth(i)})
		if got := links[nth(i)].Email; err != nil || got != email {
			t.Errorf("%d holds %q, want %q (%v)", i, got, email, err)
		}
	}
}

func (g *gate) waits(t *testing.T, code fault.Code) string {
	t.Helper()
	found, err := g.store.Findings(t.Context(), acme, store.FindingQuery{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, f := range found {
		keys = append(keys, strings.TrimLeft(f.Ref.Key, "0"))
	}
	return strings.Join(keys, " ")
}

func TestAMoveWaitsUntilTheAddressIsFree(t *testing.T) {
	g := office(t, 4)
	g.mails(t, "01", map[int]string{1: "new@example.com", 2: mailbox(1), 3: mailbox(2)})
	g.mustHold(t, mailbox(0), mailbox(1), mailbox(2), mailbox(3))
	if got := g.waits(t, fault.EmailWait); got != "2 3" {
		t.Errorf("%q wait", got)
	}
	for range 6 {
		g.turn(t)
	}
	g.mustHold(t, mailbox(0), "new@example.com", mailbox(1), mailbox(2))
	if got := g.waits(t, fault.EmailWait); got != "" {
		t.Errorf("%q still wait", got)
	}
}

func TestALeaverIsParkedForAJoiner(t *testing.T) {
	g := office(t, 2)
	g.facts(t, from("ib/left", left(t, "01", 1)...)...)
	g.turn(t)
	g.join(t, 2, "Robin Joiner", mailbox(1))
	g.turn(t)
	g.turn(t)
	g.turn(t)
	g.mustHold(t, mailbox(0), "psft-emp-0000001@former.example.com", mailbox(1))
}

func TestASwapIsRunWhenAPersonApproves(t *testing.T) {
	g := office(t, 3)
	g.mails(t, "01", map[int]string{1: mailbox(2), 2: mailbox(1)})
	g.turn(t)
	g.mustHold(t, mailbox(0), mailbox(1), mailbox(2))
	h := g.holding(t)
	if len(h) != 1 || h[0].Group.Change != store.Ring || h[0].Items != 2 || g.waits(t, fault.EmailCycle) != "1 2" {
		t.Fatalf("holds %+v, %q", h, g.waits(t, fault.EmailCycle))
	}
	g.decide(t, true)
	for range 5 {
		g.turn(t)
	}
	g.mustHold(t, mailbox(0), mailbox(2), mailbox(1))
	if len(g.holding(t)) > 0 || g.waits(t, fault.EmailCycle) != "" || g.waits(t, fault.EmailWait) != "" {
		t.Errorf("left open: %+v", g.holding(t))
	}
	if items, _ := g.store.GuardList(t.Context(), acme, "", 10); len(items) > 0 {
		t.Errorf("items are left: %+v", items)
	}
}

func TestARingThatIsTakenBackClosesItsHold(t *testing.T) {
	g := office(t, 3)
	g.mails(t, "01", map[int]string{0: mailbox(1), 1: mailbox(2), 2: mailbox(0)})
	g.turn(t)
	if h := g.holding(t); len(h) != 1 || h[0].Items != 3 {
		t.Fatalf("holds %+v", h)
	}
	g.mails(t, "02", map[int]string{1: "new@example.com"})
	for range 5 {
		g.turn(t)
	}
	g.mustHold(t, mailbox(1), "new@example.com", mailbox(0))
	if h := g.holding(t); len(h) > 0 {
		t.Errorf("holds %+v", h)
	}
}

func TestSomebodyWhoComesBackUnderANewNumberWaitsForAPerson(t *testing.T) {
	for name, approve := range map[string]bool{"approved": true, "rejected": false} {
		t.Run(name, func(t *testing.T) {
			g := office(t, 2)
			g.facts(t, from("ib/left", left(t, "01", 1)...)...)
			g.turn(t)
			g.facts(t, from("ib/left0", left(t, "02", 0)...)...)
			g.turn(t)
			g.join(t, 3, "Kit Numbera", mailbox(0))
			for range 3 {
				g.turn(t)
			}
			if h := g.holding(t); len(h) != 1 || h[0].Group.Change != store.Relink || g.waits(t, fault.EmailOwned) != "3" {
				t.Fatalf("holds %+v", h)
			}
			g.decide(t, approve)
			g.judge(t)
			if _, there := g.table[nth(3)]; there != approve {
				t.Fatalf("handed on: %t", there)
			}
			if approve && g.wanted(t, nth(3)).User.Takes != EmployeeID(nth(0).Key) {
				t.Errorf("wanted %+v", g.wanted(t, nth(3)).User)
			}
		})
	}
}

// Two spellings of one address are one address, and the spelling of the source is what is handed on (failures.md D07).
func TestSpellingsOfOneAddressAreOne(t *testing.T) {
	g := office(t, 1)
	g.join(t, 1, "Robin Example", "Robin@Bücher.example")
	g.turn(t)
	g.join(t, 2, "Sam Example", "ROBIN@xn--bcher-kva.example")
	if got := g.waits(t, fault.SharedEmail); got != "1 2" {
		t.Errorf("shared by %q", got)
	}
	if got := g.wanted(t, nth(1)).User.Email; got != "robin@bücher.example" {
		t.Errorf("handed on %q", got)
	}
}
