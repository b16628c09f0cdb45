package bustest

import (
	"fmt"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
)

func publishTwice(t *testing.T, b bus.Bus) {
	ctx := t.Context()
	a, c, d := AuditEntry(Acme, "1", "a"), AuditEntry(Acme, "1", "c"), AuditEntry(Acme, "", "d")
	d.Subject = "" // an entry about no record
	must(t, b.Publish(ctx, Acme, bus.Audit, a, c, a))
	must(t, b.Publish(ctx, Acme, bus.Audit, c, d))
	must(t, b.Publish(ctx, Acme, bus.Audit, a))
	must(t, b.Publish(ctx, Globex, bus.Audit, AuditEntry(Globex, "1", "a")))
	got := collect(t, b, Acme, bus.Recorder, 3)
	if ids := fmt.Sprint(got[0].Event.ID, got[1].Event.ID, got[2].Event.ID); ids != "acd" {
		t.Errorf("recorded %s, want acd", ids)
	}
	if got[2].Ref.Key != "" || got[0].Ref != employee("1") {
		t.Errorf("records %v and %v", got[0].Ref, got[2].Ref)
	}
	must(t, b.PublishFacts(ctx, Acme, twoFacts()...))
	must(t, b.PublishFacts(ctx, Acme, twoFacts()...))
	collect(t, b, Acme, bus.Transformer, 2)
	silent(t, b, Globex, bus.Transformer)
	collect(t, b, Globex, bus.Recorder, 1)
}

func publishForeign(t *testing.T, b bus.Bus) {
	unnamed := Facts(Acme, "1", 1)
	unnamed.Subject = "employee"
	unknown := AuditEntry(Acme, "1", "x")
	unknown.Type = "audit.v9"
	broken := AuditEntry(Acme, "1", "y")
	broken.Data = []byte("{")
	cases := map[string]error{
		"another tenant's event":          b.Publish(t.Context(), Acme, bus.Audit, AuditEntry(Globex, "1", "a")),
		"an unknown type":                 b.Publish(t.Context(), Acme, bus.Audit, unknown),
		"a payload that is not JSON":      b.Publish(t.Context(), Acme, bus.Audit, broken),
		"facts past the page":             b.Publish(t.Context(), Acme, bus.ERP, Facts(Acme, "1", 1)),
		"facts about nobody":              b.PublishFacts(t.Context(), Acme, unnamed),
		"another type among the facts":    b.PublishFacts(t.Context(), Acme, AuditEntry(Acme, "1", "a")),
		"a dead letter that is no letter": b.Publish(t.Context(), Acme, bus.Dead, AuditEntry(Acme, "1", "a")),
	}
	for name, err := range cases {
		if fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != fault.BadEnvelope {
			t.Errorf("%s: %v, want invalid BAD_ENVELOPE", name, err)
		}
	}
	letter := make1(Acme, event.DeadV1, "1", 0, event.Dead{Stage: "poller", Kind: "employee", Key: "1", Code: fault.Poison})
	must(t, b.Publish(t.Context(), Acme, bus.Dead, letter))
	for s, st := range state(t, b, Acme).Streams {
		if want := map[bus.Stream]uint64{bus.Dead: 1}[s]; st.Messages != want {
			t.Errorf("%s holds %d messages, want %d", s, st.Messages, want)
		}
	}
}
