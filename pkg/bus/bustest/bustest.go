// Package bustest is the contract suite of the bus: what every implementation must do, with two tenants in every test.
package bustest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// The two tenants of every test. Nothing of one may be seen by the other.
const (
	Acme   tenant.ID = "acme"
	Globex tenant.ID = "globex-2"
)

// patience is how long a test waits for what must happen; brief how long it watches that nothing happens.
const (
	patience = 20 * time.Second
	brief    = 300 * time.Millisecond
)

// Open returns a bus on an empty broker that only this test uses; cleaning up is registered with t. Retries must come
// within a second (a short backoff), and the lease of pullers must be at least two seconds.
type Open func(t testing.TB) bus.Bus

// Reopen stops the broker behind b, starts it again on the same data and returns a new bus on it. b is closed.
type Reopen func(t testing.TB, b bus.Bus) bus.Bus

// Run runs the suite.
func Run(t *testing.T, open Open, reopen Reopen) {
	t.Helper()
	tests := map[string]func(t *testing.T, b bus.Bus){
		"topology is made once and verified after":             topology,
		"a page and its cursor are stored together":            page,
		"a page behind a moved cursor is refused whole":        pageConflict,
		"a page may repeat and its limits are kept":            pageLimits,
		"the table keeps the highest version in any order":     tableOrder,
		"many writers of one table lose nothing":               tableWriters,
		"rival writers of a record end at the highest":         tableRivals,
		"a touch forces the present state and yields to newer": tableTouch,
		"a repeated publish is stored once":                    publishTwice,
		"a foreign or unfit event is refused":                  publishForeign,
		"the kind of an error settles a message":               handleKinds,
		"a batch gets one result for each message":             handleBatch,
		"a handler that panics hurts its message only":         handlePanic,
		"handlers finish when the context ends":                handleEnd,
		"a puller settles each delivery itself":                pullerSettles,
		"urgent records are announced to their own lane":       urgent,
		"a wake-up never fires early and moves":                wakes,
		"ticks repeat, come on demand and stop":                ticks,
		"what is stored can be read again, in parts":           pastReads,
		"facts go through the transformer a second time":       pastReplays,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			ensure(t, b)
			test(t, b)
		})
	}
	t.Run("everything survives a restart", func(t *testing.T) {
		b := open(t)
		ensure(t, b)
		restart(t, b, reopen)
	})
}

func ensure(t testing.TB, b bus.Bus) {
	t.Helper()
	for _, id := range []tenant.ID{Acme, Globex} {
		if _, err := b.Ensure(t.Context(), id, nil); err != nil {
			t.Fatalf("ensure %s: %v", id, err)
		}
	}
}

// Facts is an event about an employee, for tests.
func Facts(t tenant.ID, key string, version uint64) event.Event {
	return make1(t, event.FactsV1, key, version, event.Facts{Kind: record.Employee, Key: key})
}

// Wanted is a wanted state of an employee, for tests.
func Wanted(t tenant.ID, key string, version uint64) event.Event {
	return make1(t, event.WantedV1, key, version, event.Wanted{Kind: record.Employee, Key: key,
		User: &event.User{ExternalID: "psft:emp:" + key, Name: fmt.Sprintf("Version %d", version)}})
}

// Cursor is a cursor event of a cycle, for tests.
func Cursor(t tenant.ID, cycle string) event.Event {
	e := make1(t, event.CursorV1, "", 0, event.Cursor{Kind: record.Employee, Cycle: cycle})
	e.ID, e.Subject = "cursor/"+cycle, string(record.Employee)
	return e
}

// AuditEntry is an audit event, for tests.
func AuditEntry(t tenant.ID, key, id string) event.Event {
	e := make1(t, event.AuditV1, key, 0, event.Audit{ID: id, Kind: record.Employee, Key: key})
	e.ID = id
	return e
}

func make1(t tenant.ID, typ event.Type, key string, version uint64, payload any) event.Event {
	e, err := event.With(event.Event{ID: fmt.Sprintf("%s/%s/%d", typ, key, version), Source: "bustest", Type: typ,
		Subject: employee(key).String(), Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Tenant: t, Version: version, Cause: "cycle/1"}, payload)
	if err != nil {
		panic(err) // the payloads above are JSON
	}
	return e
}

func employee(key string) record.Ref { return record.Ref{Kind: record.Employee, Key: key} }

// collect handles messages until enough says so, acknowledging each, and returns them.
func collect(t testing.TB, b bus.Bus, id tenant.ID, c bus.Consumer, n int) []bus.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []bus.Message
	err := b.Handle(ctx, id, c, bus.Batch{Max: 64}, func(_ context.Context, ms []bus.Message) []error {
		if got = append(got, ms...); len(got) >= n {
			cancel()
		}
		return make([]error, len(ms))
	})
	if err != nil {
		t.Fatalf("handle %s/%s: %v", id, c, err)
	}
	if len(got) != n {
		t.Fatalf("%s/%s delivered %d messages, want %d", id, c, len(got), n)
	}
	return got
}

// silent fails when the consumer delivers anything.
func silent(t testing.TB, b bus.Bus, id tenant.ID, c bus.Consumer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), brief)
	defer cancel()
	err := b.Handle(ctx, id, c, bus.Batch{Max: 64}, func(_ context.Context, ms []bus.Message) []error {
		t.Errorf("%s/%s delivered %s, want nothing", id, c, ms[0].Event.ID)
		return make([]error, len(ms))
	})
	if err != nil {
		t.Fatalf("handle %s/%s: %v", id, c, err)
	}
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %s: %s", patience, what)
}

func state(t testing.TB, b bus.Bus, id tenant.ID) bus.State {
	t.Helper()
	st, err := b.State(t.Context(), id)
	if err != nil {
		t.Fatalf("state of %s: %v", id, err)
	}
	return st
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
