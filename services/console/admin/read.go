package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type recordKind = record.Kind

func (a *API) check(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	return a.Check(r.Context(), t, r.URL.Query().Get("fix") == "true")
}

// sync publishes a tick for each cycle that is asked for; the cycle takes the id that is answered.
func (a *API) sync(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	var in adminapi.Sync
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	settings, err := a.settings(r.Context(), t)
	if err != nil {
		return nil, err
	}
	polled := polled(settings)
	kinds := record.Kinds()
	if in.Kind != "" {
		k, err := record.ParseKind(in.Kind)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "unknown kind " + strconv.Quote(in.Kind), Next: "use employees or vendors", Err: err}
		}
		if !polled[k] {
			return nil, fault.New(fault.Config, fault.BadConfig, "the tenant file has no connection for "+k.Plural())
		}
		kinds = []record.Kind{k}
	}
	if in.Key != "" && in.Kind == "" {
		return nil, &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "a key needs a kind", Next: "use employees or vendors"}
	}
	if err := a.Prepare(r.Context(), t); err != nil { // what it heals asks for reads of its own, which would replace this one
		return nil, err
	}
	out := adminapi.Synced{Cycles: []string{}}
	for _, k := range kinds {
		if !polled[k] {
			continue
		}
		id := uuid.NewString()
		if err := a.Bus.Poke(r.Context(), t, tick(k, in), id, "person/api"); err != nil {
			return nil, err
		}
		out.Cycles = append(out.Cycles, id)
	}
	return out, nil
}

// polled tells which kinds have a connection.
func polled(s config.Tenant) map[record.Kind]bool {
	return map[record.Kind]bool{record.Employee: s.PeopleSoft.HCM != nil, record.Vendor: s.PeopleSoft.FSCM != nil}
}

func tick(k record.Kind, in adminapi.Sync) bus.Tick {
	switch {
	case in.Key != "":
		return bus.Tick{Kind: k, Mode: event.ModeKey, Key: in.Key}
	case in.Full:
		return bus.Tick{Kind: k, Mode: event.ModeFull}
	}
	return bus.Tick{Kind: k, Mode: event.ModeWindow}
}

func (a *API) cycle(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	c, err := a.Store.Cycle(r.Context(), t, r.PathValue("cycle"))
	if err != nil {
		return nil, err
	}
	return cycle(c), nil
}

func cycle(c store.Cycle) adminapi.Cycle {
	out := adminapi.Cycle{ID: c.ID, Kind: string(c.Kind), Mode: c.Mode, State: string(c.State), Cause: c.Cause, Started: c.Started,
		From: c.From, To: c.To, Before: c.Before, After: c.After, Pages: c.Pages, Rows: c.Rows, Records: c.Records}
	if !c.Ended.IsZero() {
		out.Ended = &c.Ended
	}
	if c.Code != "" || c.Detail != "" {
		out.Problem = &adminapi.Problem{Code: string(c.Code), Detail: c.Detail, Next: c.Next}
	}
	return out
}

func (a *API) audit(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r.URL.Query())
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, adminapi.BadRequest, "query")
	}
	rows, err := a.Store.Trail(r.Context(), t, q)
	if err != nil {
		return nil, err
	}
	out := make([]adminapi.AuditEntry, len(rows))
	for i, s := range rows {
		out[i] = shownEntry(s)
	}
	return out, nil
}

func shownEntry(s audit.Stored) adminapi.AuditEntry {
	e := s.Entry
	return adminapi.AuditEntry{Position: s.Position, ID: e.ID, At: e.At, Kind: string(e.Ref.Kind), Key: e.Ref.Key, Stage: string(e.Stage), Verb: e.Verb,
		Outcome: string(e.Outcome), Code: e.Code, Detail: e.Detail, Next: e.Next, Cause: e.Cause, Version: e.Version, Changes: e.Changes,
		Explain: e.Explain, Request: e.Request, Seal: s.Seal}
}

// next is what to do about a code, with the tenant's name in its commands.
func next(t tenant.ID, c fault.Code) string {
	return strings.ReplaceAll(c.Next(), "<tenant>", string(t))
}

func query(v url.Values) (q audit.Query, err error) {
	q = audit.Query{Ref: record.Ref{Key: v.Get("key")}, Cause: v.Get("cause"), Stage: audit.Stage(v.Get("stage")),
		Outcome: audit.Outcome(v.Get("outcome")), Newest: v.Get("newest") == "true"}
	if k := v.Get("kind"); k != "" {
		if q.Ref.Kind, err = record.ParseKind(k); err != nil {
			return q, err
		}
	}
	if s := v.Get("since"); s != "" {
		if q.Since, err = time.Parse(time.RFC3339Nano, s); err != nil {
			return q, err
		}
	}
	if s := v.Get("after"); s != "" {
		if q.After, err = strconv.ParseInt(s, 10, 64); err != nil {
			return q, err
		}
	}
	if s := v.Get("limit"); s != "" {
		q.Limit, err = strconv.Atoi(s)
	}
	return q, err
}

func (a *API) findings(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	rows, err := a.Store.Findings(r.Context(), t, store.FindingQuery{Limit: 10_000})
	if err != nil {
		return nil, err
	}
	out := make([]adminapi.Finding, len(rows))
	for i, f := range rows {
		out[i] = adminapi.Finding{Kind: string(f.Ref.Kind), Key: f.Ref.Key, Stage: string(f.Stage), Code: string(f.Code), Hold: f.Hold,
			Detail: f.Detail, Next: next(t, f.Code), Since: f.Since, Severity: string(fault.SeverityOf(f.Code, f.Hold))}
	}
	return out, nil
}
