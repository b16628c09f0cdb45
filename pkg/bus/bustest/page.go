package bustest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func eventsOf(es ...event.Event) []event.Event { return es }

func twoFacts() []event.Event { return eventsOf(Facts(Acme, "0001", 1), Facts(Acme, "A/B.C_ü*", 1)) }

func page(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	if _, _, err := b.Cursor(ctx, Acme, record.Employee); !errors.Is(err, bus.ErrNone) {
		t.Fatalf("cursor before the first page: %v, want ErrNone", err)
	}
	seq, err := b.AppendPage(ctx, Acme, record.Employee, bus.Page{Events: twoFacts(), Cursor: Cursor(Acme, "c1")})
	must(t, err)
	e, at, err := b.Cursor(ctx, Acme, record.Employee)
	must(t, err)
	if at != seq || e.ID != "cursor/c1" || e.Tenant != Acme {
		t.Errorf("cursor %s of %s at %d, want cursor/c1 of acme at %d", e.ID, e.Tenant, at, seq)
	}
	for i, m := range collect(t, b, Acme, bus.Transformer, 2) {
		want := twoFacts()[i]
		if m.Ref.String() != want.Subject || m.Event.ID != want.ID || string(m.Event.Data) != string(want.Data) || m.Attempt != 1 || m.Stream != bus.ERP {
			t.Errorf("message %d: %+v, want %+v", i, m, want)
		}
	}
	for _, other := range []struct {
		t    tenant.ID
		kind record.Kind
	}{{Globex, record.Employee}, {Acme, record.Vendor}} {
		if _, _, err := b.Cursor(ctx, other.t, other.kind); !errors.Is(err, bus.ErrNone) {
			t.Errorf("cursor of %s/%s: %v, want ErrNone", other.t, other.kind, err)
		}
	}
	silent(t, b, Globex, bus.Transformer)
}

func pageConflict(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	first, err := b.AppendPage(ctx, Acme, record.Employee, bus.Page{Events: twoFacts(), Cursor: Cursor(Acme, "c1")})
	must(t, err)
	for name, prev := range map[string]uint64{"no cursor": 0, "an older one": first - 1, "one that never was": first + 7} {
		_, err := b.AppendPage(ctx, Acme, record.Employee, bus.Page{Events: twoFacts(), Cursor: Cursor(Acme, "c2"), Prev: prev})
		if !errors.Is(err, bus.ErrConflict) {
			t.Errorf("behind %s: %v, want ErrConflict", name, err)
		}
	}
	_, err = b.AppendPage(ctx, Globex, record.Employee, bus.Page{Cursor: Cursor(Globex, "g1"), Prev: first})
	if !errors.Is(err, bus.ErrConflict) {
		t.Errorf("another tenant's cursor counted: %v", err)
	}
	if n := state(t, b, Acme).Streams[bus.ERP].Messages; n != 3 {
		t.Errorf("%d messages after refused pages, want 3", n)
	}
	next, err := b.AppendPage(ctx, Acme, record.Employee, bus.Page{Cursor: Cursor(Acme, "c3"), Prev: first})
	must(t, err)
	if _, at, err := b.Cursor(ctx, Acme, record.Employee); err != nil || at != next {
		t.Errorf("cursor at %d (%v), want %d", at, err, next)
	}
	if n := state(t, b, Acme).Streams[bus.ERP].Messages; n != 3 {
		t.Errorf("%d messages, want 3: one cursor is kept", n)
	}
}

func pageLimits(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	var many []event.Event
	for i := range bus.MaxPage + 1 {
		many = append(many, Facts(Acme, fmt.Sprintf("%04d", i), 1))
	}
	_, err := b.AppendPage(ctx, Acme, record.Employee, bus.Page{Events: many, Cursor: Cursor(Acme, "c1")})
	if fault.CodeOf(err) != fault.TooLarge {
		t.Errorf("page of %d: %v, want TOO_LARGE", len(many), err)
	}
	same := eventsOf(many[0], many[0]) // a record may have two rows on a page
	seq, err := b.AppendPage(ctx, Acme, record.Employee, bus.Page{Events: append(same, many[:bus.MaxPage-2]...), Cursor: Cursor(Acme, "c1")})
	must(t, err)
	_, err = b.AppendPage(ctx, Acme, record.Employee, bus.Page{Events: many[:2], Cursor: Cursor(Acme, "c2"), Prev: seq})
	must(t, err)
	if n := state(t, b, Acme).Streams[bus.ERP].Messages; n != bus.MaxPage+2+1 {
		t.Errorf("%d messages, want %d", n, bus.MaxPage+2+1)
	}
	big := Facts(Acme, "big", 1)
	big.Data = []byte(`"` + strings.Repeat("x", event.MaxSize) + `"`)
	_, err = b.AppendPage(ctx, Acme, record.Employee, bus.Page{Events: eventsOf(big), Cursor: Cursor(Acme, "c3"), Prev: seq + 3})
	if fault.CodeOf(err) != fault.TooLarge || fault.KindOf(err) != fault.Invalid {
		t.Errorf("event over the limit: %v, want TOO_LARGE, invalid", err)
	}
	_, err = b.AppendPage(ctx, Globex, record.Employee, bus.Page{Events: many[:1], Cursor: Cursor(Globex, "g")})
	if fault.CodeOf(err) != fault.BadEnvelope {
		t.Errorf("another tenant's event in a page: %v, want BAD_ENVELOPE", err)
	}
}
