package event_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func full(t testing.TB) event.Event {
	t.Helper()
	e := event.Event{ID: "acme/x/1", Source: "transformer", Type: event.UrgentV1, Subject: "employee/1", Time: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC),
		Tenant: "acme", Version: 3, Cause: "cycle/1", Trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Force: true}
	e, err := event.With(e, event.Urgent{Kind: record.Employee, Key: "1"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestEveryGoValuePassesItsSchema generates payloads of every type and lets the schema judge them.
func TestEveryGoValuePassesItsSchema(t *testing.T) {
	schema, base := compile(t), full(t)
	for typ, gen := range generators() {
		t.Run(string(typ), rapid.MakeCheck(func(rt *rapid.T) {
			e := base
			e.Type = typ
			e.Version = rapid.Uint64Range(0, 1<<53-1).Draw(rt, "version")
			e.Force = rapid.Bool().Draw(rt, "force")
			v := gen(rt)
			e, err := event.With(e, v)
			if err != nil {
				rt.Fatal(err)
			}
			b, err := event.Encode(e)
			if err != nil {
				rt.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				rt.Fatal(err)
			}
			if err := schema.Validate(doc); err != nil {
				rt.Fatalf("%#v\n%s", err, b)
			}
			comesBack(rt, b, v)
		}))
	}
}

func comesBack(rt *rapid.T, b []byte, v any) {
	e, err := event.Decode(b)
	if err != nil {
		rt.Fatal(err)
	}
	back := reflect.New(reflect.TypeOf(v))
	if err := strict(e.Data, back.Interface()); err != nil {
		rt.Fatal(err)
	}
	again, err := json.Marshal(back.Interface())
	if err != nil || !bytes.Equal(again, e.Data) {
		rt.Fatalf("%v\n%s\n%s", err, e.Data, again)
	}
}

func generators() map[event.Type]func(*rapid.T) any {
	return map[event.Type]func(*rapid.T) any{
		event.FactsV1:  func(t *rapid.T) any { return facts(t) },
		event.CursorV1: func(t *rapid.T) any { return cursor(t) },
		event.WantedV1: func(t *rapid.T) any { return wanted(t) },
		event.UrgentV1: func(t *rapid.T) any { return event.Urgent{Kind: kinds(t), Key: keys(t)} },
		event.WakeV1:   func(t *rapid.T) any { return wake(t) },
		event.TickV1:   func(t *rapid.T) any { return tick(t) },
		event.AuditV1:  func(t *rapid.T) any { return entry(t) },
		event.DeadV1:   func(t *rapid.T) any { return dead(t) },
	}
}

func kinds(t *rapid.T) record.Kind { return rapid.SampledFrom(record.Kinds()).Draw(t, "kind") }

func keys(t *rapid.T) string {
	return rapid.StringMatching(`[A-Z0-9]{1,5}/?[A-Z0-9]{1,10}`).Draw(t, "key")
}

func words(t *rapid.T) string { return rapid.StringN(0, 40, 160).Draw(t, "words") }

func some(t *rapid.T) string { return rapid.StringN(1, 40, 160).Draw(t, "some") }

func days(t *rapid.T) erp.Date {
	return erp.Date(time.Date(rapid.IntRange(1900, 2200).Draw(t, "year"), 1, rapid.IntRange(1, 366).Draw(t, "day"), 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
}

func stamps(t *rapid.T) erp.Stamp {
	if rapid.Bool().Draw(t, "no stamp") {
		return ""
	}
	return erp.StampOf(time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "stamp")), time.UTC)
}

func facts(t *rapid.T) event.Facts {
	f := event.Facts{Kind: kinds(t), Key: keys(t), Facts: []event.Fact{}}
	facets := map[record.Kind][]erp.Facet{record.Employee: {erp.Person, erp.Name, erp.Email, erp.Phone, erp.Assignment, erp.Job}, record.Vendor: {erp.Vendor, erp.Address}}[f.Kind]
	for range rapid.IntRange(0, 6).Draw(t, "facts") {
		fact := event.Fact{Facet: rapid.SampledFrom(facets).Draw(t, "facet"), Row: rapid.StringMatching(`[A-Z0-9]{0,4}`).Draw(t, "row"),
			EffSeq: rapid.IntRange(0, 9999).Draw(t, "effseq"), Action: rapid.SampledFrom([]erp.Action{erp.Set, erp.Drop}).Draw(t, "action"), Stamp: stamps(t)}
		if rapid.Bool().Draw(t, "dated") {
			fact.EffDate = days(t)
		}
		fact.Fields = rapid.MapOf(rapid.SampledFrom(erp.Allowed(fact.Facet)), rapid.StringN(0, 40, 160)).Draw(t, "fields")
		f.Facts = append(f.Facts, fact)
	}
	f.Whole = rapid.SliceOfNDistinct(rapid.SampledFrom(facets), 0, len(facets), rapid.ID[erp.Facet]).Draw(t, "whole")
	return f
}

func cursor(t *rapid.T) event.Cursor {
	n := rapid.IntRange(0, 1<<40)
	c := event.Cursor{Kind: kinds(t), Since: stamps(t), Cycle: some(t), Full: n.Draw(t, "full"), Varied: varied(t)}
	if rapid.Bool().Draw(t, "open") {
		c.Open = &event.Window{From: stamps(t), To: stamps(t), After: words(t), Full: rapid.Bool().Draw(t, "whole"), Seen: stamps(t),
			Rows: n.Draw(t, "rows"), Records: n.Draw(t, "records"), Pages: n.Draw(t, "pages"), Varied: varied(t),
			Same: rapid.MapOfN(fields(), rapid.StringMatching(`[0-9a-f]{8}`), 0, 4).Draw(t, "same")}
	}
	if rapid.Bool().Draw(t, "due") {
		c.Effective, c.Due = days(t), &event.Window{EffFrom: days(t), EffTo: days(t), After: words(t)}
	}
	return c
}

func fields() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"department", "email", "name", "status"})
}

func varied(t *rapid.T) map[string]int {
	return rapid.MapOfN(fields(), rapid.IntRange(1, 1<<40), 0, 4).Draw(t, "varied")
}

func wake(t *rapid.T) event.Wake {
	w := event.Wake{Kind: kinds(t), Key: keys(t), Date: days(t)}
	if rapid.Bool().Draw(t, "at an hour") {
		w.At = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0).UTC()
	}
	return w
}

func wanted(t *rapid.T) event.Wanted {
	w := event.Wanted{Kind: kinds(t), Key: keys(t)}
	fields := func(prefix string) map[string]string {
		return rapid.MapOfN(rapid.StringMatching(prefix+`\.[a-z_]{1,20}`), rapid.StringN(0, 40, 160), 0, 4).Draw(t, "fields")
	}
	if w.Kind == record.Employee {
		w.User = &event.User{ExternalID: some(t), Name: words(t), Email: words(t), Phone: words(t), Fields: fields("user_fields"), FreeSeat: rapid.Bool().Draw(t, "seat"), Park: words(t), Takes: words(t),
			State: rapid.SampledFrom([]directory.State{directory.Active, directory.Suspended, directory.Untouched}).Draw(t, "state")}
	} else {
		w.Organization = &event.Organization{ExternalID: some(t), Name: words(t), AltName: words(t), Fields: fields("organization_fields"),
			State: rapid.SampledFrom([]directory.State{directory.Active, directory.Inactive, directory.Untouched}).Draw(t, "state")}
	}
	w.Flags = rapid.SliceOfN(rapid.SampledFrom(fault.Codes()), 0, 5).Draw(t, "flags")
	w.Explain = rapid.SliceOfN(rapid.StringN(1, 40, 160), 0, 5).Draw(t, "explain")
	return w
}

func tick(t *rapid.T) event.Tick {
	k := event.Tick{Kind: kinds(t), Mode: rapid.SampledFrom([]event.Mode{event.ModeWindow, event.ModeFull, event.ModeKey}).Draw(t, "mode"), Cycle: words(t)}
	if k.Mode == event.ModeKey {
		k.Key = keys(t)
	}
	return k
}

func entry(t *rapid.T) event.Audit {
	e := audit.Entry{ID: some(t), At: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at")), Stage: rapid.SampledFrom([]audit.Stage{audit.Poller, audit.Listener, audit.Transformer, audit.Writer, audit.Operator}).Draw(t, "stage"),
		Verb: words(t), Outcome: rapid.SampledFrom([]audit.Outcome{audit.Received, audit.Applied, audit.Held, audit.Dead, audit.Failed}).Draw(t, "outcome"), Detail: words(t), Next: words(t), Cause: words(t), Event: words(t),
		Version: rapid.Uint64Range(0, 1<<53-1).Draw(t, "version"), Explain: rapid.SliceOfN(rapid.StringN(1, 40, 160), 0, 5).Draw(t, "explain"), Request: words(t)}
	if rapid.Bool().Draw(t, "about a record") {
		e.Ref = record.Ref{Kind: kinds(t), Key: keys(t)}
	}
	if rapid.Bool().Draw(t, "coded") {
		e.Code = string(rapid.SampledFrom(fault.Codes()).Draw(t, "code"))
	}
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		e.Changes = append(e.Changes, audit.Change{Field: some(t), Before: words(t), After: words(t)})
	}
	return event.AuditOf(e)
}

func dead(t *rapid.T) event.Dead {
	d := event.Dead{Stage: audit.Transformer, Code: rapid.SampledFrom(fault.Codes()).Draw(t, "code"), Detail: words(t), Stream: "ERP", Sequence: rapid.Uint64Range(0, 1<<53-1).Draw(t, "seq"), Attempts: rapid.IntRange(0, 1000).Draw(t, "attempts")}
	if rapid.Bool().Draw(t, "about a record") {
		d.Kind, d.Key = kinds(t), keys(t)
	}
	if rapid.Bool().Draw(t, "json") {
		d.Original = json.RawMessage(`{"kind":"employee"}`)
	} else {
		d.Raw = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "raw")
	}
	return d
}
