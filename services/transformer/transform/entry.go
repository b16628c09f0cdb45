package transform

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// resolved is the audit entry of a saved change. Its id is that of the revision, so that it exists once.
func (r *result) resolved(at moment, moved bool, notes []string) audit.Entry {
	e := audit.Entry{ID: audit.ID(audit.Transformer, r.task.ref, r.after.Revision, "resolved"), Ref: r.task.ref, At: at.now,
		Stage: audit.Transformer, Verb: "resolve", Outcome: audit.Unchanged, Detail: "the facts changed, what is wanted did not",
		Cause: r.task.cause, Event: r.lastEvent(), Version: r.after.WantedAt, Explain: append(slices.Clone(r.decision.Explain), notes...)}
	if moved {
		e.Outcome, e.Changes = audit.Resolved, difference(r.was, r.decision.Entry)
		e.Detail = fmt.Sprintf("wanted: %s, as of %s", r.decision.Entry.State(), at.day)
	}
	if r.waits {
		e.Outcome, e.Changes = audit.Held, difference(r.was, r.decision.Entry)
		e.Detail = fmt.Sprintf("%s is kept back by the guard: the record stays as it is in Zendesk until then", r.decision.Entry.State())
	}
	if r.waits && r.turn.step != "" {
		e.Detail = fmt.Sprintf("%s waits for an address: the record stays as it is in Zendesk until then", r.decision.Entry.State())
	}
	if r.note != "" {
		e.Explain = append(e.Explain, r.note)
	}
	if r.task.ref.Kind == record.Reference {
		e.Detail = "the text is the same as before"
		if moved {
			e.Detail = fmt.Sprintf("the text as of %s; everybody who points to it is resolved again", at.day)
			e.Changes = []audit.Change{{Field: string(erp.Text), Before: decodeText(r.before.Wanted), After: r.decision.Text}}
			if e.Changes[0].Before == e.Changes[0].After {
				e.Detail, e.Changes = "a text to come; everybody who is seen ahead with it is resolved again", nil
			}
		}
	}
	for _, f := range r.decision.Flags {
		e.Explain = append(e.Explain, fmt.Sprintf("%s: %s", f.Code, f.Detail))
	}
	if r.decision.Next != "" {
		e.Explain = append(e.Explain, "looked at again on "+r.decision.nextDate(at.policy.zone()))
	}
	if len(r.decision.Flags) > 0 {
		e.Code, e.Next = string(r.decision.Flags[0].Code), r.decision.Flags[0].Code.Next()
	}
	if r.waits && r.turn.step != "" {
		e.Code, e.Next = string(r.turn.code()), r.turn.code().Next()
	}
	return e
}

// superseded is the audit entry of facts that were older than what is known. Its id comes from their content: a
// poller's overlap that brings them again and again leaves one entry, a replay by a person leaves its own.
func (r *result) superseded(at moment, late []erp.Fact) audit.Entry {
	parts := []string{"superseded"}
	if strings.HasPrefix(r.task.cause, "replay/") {
		parts = append(parts, r.task.cause)
	}
	var explain []string
	for _, f := range late {
		parts = append(parts, fingerprint(f))
		explain = append(explain, describe(f))
	}
	return audit.Entry{ID: audit.ID(audit.Transformer, r.task.ref, 0, parts...), Ref: r.task.ref, At: at.now, Stage: audit.Transformer,
		Verb: "resolve", Outcome: audit.Superseded, Detail: "older than what is known: nothing of it was taken over where something newer stands",
		Cause: r.task.cause, Event: r.lastEvent(), Version: r.after.WantedAt, Explain: explain}
}

func (r *result) lastEvent() string {
	if n := len(r.task.arrivals); n > 0 {
		return r.task.arrivals[n-1].event.ID
	}
	return ""
}

// fingerprint is a digest of a fact with its values.
func fingerprint(f erp.Fact) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", describe(f), f.Row)
	for _, k := range slices.Sorted(maps.Keys(f.Fields)) {
		fmt.Fprintf(h, "%q=%q", k, f.Fields[k])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// difference lists the managed values that changed, by field.
func difference(before, after directory.Entry) []audit.Change {
	was, is := values(before), values(after)
	var list []audit.Change
	for k, v := range is {
		if was[k] != v {
			list = append(list, audit.Change{Field: k, Before: was[k], After: v})
		}
	}
	for k, v := range was {
		if _, ok := is[k]; !ok && v != "" {
			list = append(list, audit.Change{Field: k, Before: v})
		}
	}
	slices.SortFunc(list, func(a, b audit.Change) int { return cmp.Compare(a.Field, b.Field) })
	return list
}

// values are an entry's values by the name that people read.
func values(e directory.Entry) map[string]string {
	m := map[string]string{}
	switch {
	case e.User != nil:
		maps.Copy(m, e.User.Fields)
		m["external_id"], m["name"], m["email"], m["phone"] = e.User.ExternalID, e.User.Name, e.User.Email, e.User.Phone
		m["state"] = string(e.User.State)
	case e.Organization != nil:
		maps.Copy(m, e.Organization.Fields)
		m["external_id"], m["name"], m["alt_name"] = e.Organization.ExternalID, e.Organization.Name, e.Organization.AltName
		m["state"] = string(e.Organization.State)
	}
	return m
}

// wanted is the event that carries the row's wanted state. Its id and content come from the row, so that publishing
// it again after a crash is the same event.
func (r *result) event(at moment) (event.Event, error) {
	e := event.Event{ID: audit.ID(audit.Transformer, r.task.ref, r.after.WantedAt, "wanted", string(at.tenant)), Source: "transformer",
		Type: event.WantedV1, Subject: r.task.ref.String(), Time: r.after.At, Tenant: at.tenant, Version: r.after.WantedAt, Cause: r.task.cause}
	if n := len(r.task.arrivals); n > 0 {
		e.Trace = r.task.arrivals[n-1].event.Trace
	}
	return event.With(e, event.WantedOf(r.task.ref, r.handed(), r.decision.Codes(), r.decision.Explain))
}
