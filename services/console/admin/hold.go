package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// maxHeld is how many records of a hold are shown.
const maxHeld = 1000

func (a *API) holds(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	rows, err := a.Store.Holds(r.Context(), t, 0)
	if err != nil {
		return nil, err
	}
	out := make([]adminapi.Hold, len(rows))
	for i, h := range rows {
		out[i] = hold(h)
	}
	return out, nil
}

func (a *API) hold(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	h, err := a.Store.Hold(r.Context(), t, r.PathValue("hold"))
	if err != nil {
		return nil, noHold(err, r.PathValue("hold"))
	}
	items, err := a.Store.HoldItems(r.Context(), t, h.ID, maxHeld)
	if err != nil {
		return nil, err
	}
	out := adminapi.HoldDetail{Hold: hold(h), Records: make([]adminapi.HoldRecord, len(items))}
	for i, it := range items {
		if out.Records[i], err = held(it); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func noHold(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "there is no hold " + id, Next: "list them with `ml-connector holds list <tenant>`", Err: err}
	}
	return err
}

func (a *API) approve(r *http.Request) (any, error) { return a.decide(r, true) }

func (a *API) reject(r *http.Request) (any, error) { return a.decide(r, false) }

// decide stores the decision with its audit entries in one transaction; the transformer acts on it. An approval reads
// the source again first.
func (a *API) decide(r *http.Request, approve bool) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	var in adminapi.Decision
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.By = strings.TrimSpace(in.By); in.By == "" || in.Hash == "" {
		return nil, fault.New(fault.Invalid, adminapi.BadRequest, "a decision needs `by`, who decides, and `hash`, of what was looked at")
	}
	id, note := r.PathValue("hold"), ""
	h, err := a.Store.Hold(r.Context(), t, id)
	if err != nil {
		return nil, noHold(err, id)
	}
	if h.State != store.HoldWaiting || h.Hash != in.Hash {
		return nil, changed(h)
	}
	p, err := a.part(r.Context(), t, h, in.Only)
	if err != nil {
		return nil, err
	}
	switch {
	case approve && in.WithoutReread:
		note = "without reading PeopleSoft again"
	case approve:
		if p.hash, note, err = a.reread(r.Context(), t, h, p); err != nil {
			return nil, err
		}
		if p.hash == store.HashItems(nil) {
			return a.emptied(r.Context(), t, h, p)
		}
	}
	d := store.Decision{Approve: approve, Hash: p.hash, Only: p.only, By: in.By, Reason: in.Reason, At: a.Now()}
	h, err = a.Store.DecideHold(r.Context(), t, id, d, func(h store.Hold, items []store.GuardItem) []audit.Entry { return entries(h, items, note) })
	if errors.Is(err, store.ErrConflict) {
		return nil, changed(h)
	}
	if err != nil {
		return nil, noHold(err, id)
	}
	return hold(h), nil
}

func changed(h store.Hold) error {
	detail := fmt.Sprintf("hold %s is %s with %d records now, its hash is %s", h.ID, h.State, h.Items, h.Hash)
	return &fault.Error{Kind: fault.Conflict, Code: fault.HoldChanged, Detail: detail}
}

// emptied waits until the guard has closed a hold of which nothing is true any more. Of a part that is not true any
// more it says so: the hold waits with the others.
func (a *API) emptied(ctx context.Context, t tenant.ID, h store.Hold, p part) (any, error) {
	if len(p.only) > 0 {
		detail := "PeopleSoft was read again: nothing that was chosen is true any more, and nothing was decided"
		return nil, &fault.Error{Kind: fault.Conflict, Code: fault.HoldChanged, Detail: detail}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := a.until(ctx, func() (_ bool, err error) {
		h, err = a.Store.Hold(ctx, t, h.ID)
		return h.State != store.HoldWaiting || h.Items > 0, err
	})
	switch {
	case err != nil:
		return nil, unread(err)
	case h.Items > 0:
		return nil, changed(h)
	}
	return hold(h), nil
}

// entries tell about a decision: one for the hold, one for each record.
func entries(h store.Hold, items []store.GuardItem, note string) []audit.Entry {
	verb, outcome, code := "approve", audit.Finished, fault.Code("")
	if h.State == store.HoldRejected {
		verb, outcome, code = "reject", audit.Rejected, fault.GuardRejected
	}
	detail := fmt.Sprintf("%s of hold %s with %d records and hash %s by %s", verb, h.ID, h.Items, h.Hash, h.By)
	if h.Reason != "" {
		detail += ": " + h.Reason
	}
	if h.Rest != "" {
		detail += "; the rest of what it held waits in hold " + h.Rest
	}
	if note != "" {
		detail += "; " + note
	}
	of := func(ref record.Ref, version uint64) audit.Entry {
		e := audit.Entry{ID: audit.ID(audit.Operator, ref, version, verb, h.ID, h.Hash), Ref: ref, At: h.Decided, Stage: audit.Operator, Verb: verb,
			Outcome: outcome, Code: string(code), Detail: detail, Cause: "person/" + h.By}
		if code != "" {
			e.Next = code.Next()
		}
		return e
	}
	out := []audit.Entry{of(record.Ref{Kind: connection, Key: "guard." + string(h.Group.Change)}, 0)}
	for _, it := range items {
		out = append(out, of(it.Ref, it.Revision))
	}
	return out
}

func hold(h store.Hold) adminapi.Hold {
	out := adminapi.Hold{ID: h.ID, Change: string(h.Group.Change), Kind: string(h.Group.Kind), State: string(h.State), Hash: h.Hash, Items: h.Items,
		Limit: h.Limit, Passed: h.Passed, Cause: h.Cause, Created: h.Created, By: h.By, Reason: h.Reason, Rest: h.Rest}
	if !h.Decided.IsZero() {
		out.Decided = &h.Decided
	}
	return out
}

func held(it store.GuardItem) (adminapi.HoldRecord, error) {
	out := adminapi.HoldRecord{Kind: string(it.Ref.Kind), Key: it.Ref.Key, State: string(it.State), Cause: it.Cause, Since: it.At, Changes: []audit.Change{}}
	before, err := event.DecodeEntry(it.Before)
	if err != nil {
		return out, err
	}
	after, err := event.DecodeEntry(it.After)
	if err != nil {
		return out, err
	}
	was, is := shown(before), shown(after)
	for _, k := range slices.Sorted(maps.Keys(is)) {
		if was[k] != is[k] {
			out.Changes = append(out.Changes, audit.Change{Field: k, Before: was[k], After: is[k]})
		}
	}
	if it.Change == store.Adoption {
		out.Changes = append(out.Changes, audit.Change{Field: "in Zendesk", After: it.Content})
	}
	if former := strings.Fields(it.Content); it.Change == store.Relink && len(former) > 1 {
		out.Changes = append(out.Changes, audit.Change{Field: "takes over the Zendesk user of", After: former[1]})
	}
	return out, nil
}

// shown are an entry's values by the name that people read.
func shown(e directory.Entry) map[string]string {
	m := map[string]string{"state": string(e.State()), "external_id": e.ExternalID()}
	switch {
	case e.User != nil:
		maps.Copy(m, e.User.Fields)
		m["name"], m["email"], m["phone"] = e.User.Name, e.User.Email, e.User.Phone
	case e.Organization != nil:
		maps.Copy(m, e.Organization.Fields)
		m["name"] = e.Organization.Name
	default:
		delete(m, "state")
	}
	return m
}

// waiting lists the holds that wait for a person, and says loudly that nothing is written in observe mode.
func (a *API) waiting(ctx context.Context, t tenant.ID, s *adminapi.TenantStatus) error {
	rows, err := a.Store.Holds(ctx, t, 100)
	if err != nil {
		return err
	}
	for _, h := range rows {
		if h.State == store.HoldWaiting {
			s.Waiting = append(s.Waiting, hold(h))
		}
	}
	settings, err := a.settings(ctx, t)
	s.Mode = cmp.Or(string(settings.Mode), "live")
	return err
}

// guarded counts what is staged or granted or saved and not published yet: all of it goes on by itself. It is asked
// before the broker, so that what moves on meanwhile is seen there.
func (a *API) guarded(ctx context.Context, t tenant.ID) (int, error) {
	n := 0
	for _, state := range []store.ItemState{store.ItemStaged, store.ItemGranted} {
		items, err := a.Store.GuardList(ctx, t, state, maxHeld)
		if err != nil {
			return 0, err
		}
		n += len(items)
	}
	rows, err := a.Store.Unpublished(ctx, t, 10)
	return n + len(rows), err
}
