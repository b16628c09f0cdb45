package transform

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// FuzzResolve feeds any facts of any shape, also ones that no message could bring, to both kinds: no panic, exactly
// one object, a known state, and the same answer twice.
func FuzzResolve(f *testing.F) {
	f.Add("0004711", "2026-03-02", "0", "2026-01-01", 0, "A", "T", "Dana", "d@example.com", true)
	f.Add("SHARE/0000000011", "", "x", "9999-12-31", -1, "I", "Approved", "\u202e", "@", false)
	f.Fuzz(func(t *testing.T, key, day, rcd, date string, seq int, a, b, c, d string, gone bool) {
		var facts []erp.Fact
		for i, facet := range append(erp.Facets(), "nonsense") {
			values := []string{a, b, c, d}
			x := erp.Fact{Facet: facet, Row: rcd, EffDate: erp.Date(date), EffSeq: seq, Action: erp.Set, Stamp: erp.Stamp(values[i%4]), Fields: map[erp.Field]string{}}
			for j, field := range erp.Allowed(facet) {
				x.Fields[field] = values[(i+j)%4]
			}
			if gone && i%3 == 0 {
				x.Action = erp.Drop
			}
			facts = append(facts, x, set(facet, "", "", 0, "display_name="+a, "status="+b))
		}
		for _, kind := range record.Kinds() {
			ref := record.Ref{Kind: kind, Key: key}
			merged := Merge(nil, facts, erp.Stamp(c)).Facts
			texts := Texts{}
			for i, point := range Points(ref, merged, erp.Date(day), Default()) {
				texts[point] = []string{a, b, c, d}[i%4]
			}
			one, two := Resolve(ref, merged, erp.Date(day), Default(), texts), Resolve(ref, merged, erp.Date(day), Default(), texts)
			if one.Entry.Digest() != two.Entry.Digest() || (one.Entry.User == nil) == (one.Entry.Organization == nil) {
				t.Fatalf("%+v", one)
			}
			switch one.Entry.State() {
			case directory.Active, directory.Suspended, directory.Inactive, directory.Untouched:
			default:
				t.Fatalf("state %q", one.Entry.State())
			}
			if _, err := event.EncodeEntry(one.Entry); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzPayload feeds any payload to the handler: it is refused or it is merged, and never panics.
func FuzzPayload(f *testing.F) {
	f.Add([]byte(`{"kind":"employee","key":"1","facts":[{"facet":"job","row":"0","effdt":"2026-01-01","action":"set","fields":{"hr_status":"A"}}]}`))
	f.Add([]byte(`{"kind":"vendor","key":"A/1","facts":[{"facet":"vendor","action":"drop","stamp":"x"}],"whole":["job"]}`))
	f.Add([]byte(`{"kind":"reference","key":"dept/SHARE/1","facts":[{"facet":"reference","effdt":"2026-01-01","action":"set","fields":{"text":"Finance","eff_status":"A"}}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := bus.Message{Event: event.Event{ID: "1", Type: event.FactsV1, Tenant: acme, Time: time.Unix(0, 0), Data: data}, Attempt: 1}
		p, facts, err := readFacts(acme, m)
		if err != nil {
			return
		}
		k := &task{ref: record.Ref{Kind: p.Kind, Key: p.Key}, arrivals: []arrival{{m.Event, facts, p.Whole}}}
		if _, err := step(moment{tenant: acme, day: today, policy: Default()}, k, ledgerRow(nil, k.ref), false); err != nil {
			t.Fatal(err)
		}
	})
}
