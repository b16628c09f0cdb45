package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// past is what recovery by hand needs of the broker.
type past interface {
	bus.Past
	Touch(ctx context.Context, t tenant.ID, cause string, refs []record.Ref) error
	Wake(ctx context.Context, t tenant.ID, w event.Wake, at time.Time) error
	Publish(ctx context.Context, t tenant.ID, s bus.Stream, events ...event.Event) error
}

// maxRecords is how many distinct records a preview keeps in mind.
const maxRecords = 100_000

// recovery adds the routes of recovery by hand.
func (a *API) recovery(handle func(string, func(*http.Request) (any, error))) {
	handle("POST /tenants/{tenant}/replays/preview", a.previewReplay)
	handle("POST /tenants/{tenant}/replays", a.startReplay)
	handle("GET /tenants/{tenant}/replays", a.replays)
	handle("GET /tenants/{tenant}/replays/{replay}", a.replay)
	handle("POST /tenants/{tenant}/replays/{replay}/stop", a.stopReplay)
	handle("GET /tenants/{tenant}/dead", a.dead)
	handle("GET /tenants/{tenant}/dead/{letter}", a.letter)
	handle("POST /tenants/{tenant}/dead/{letter}/reveal", a.reveal)
	handle("POST /tenants/{tenant}/dead/retry", a.retryDead)
	handle("POST /tenants/{tenant}/dead/drop", a.dropDead)
	handle("GET /tenants/{tenant}/audit/verify", a.verify)
	handle("POST /vault/rotate", a.rotate)
	handle("POST /tenants/{tenant}/resume", a.resume)
}

// What a person does about a range that cannot be taken.
const (
	selectStream = "name a stream: --stream ERP sends facts to the transformer, DIRECTORY has Zendesk compared, AUDIT stores entries again"
	selectRange  = "give one of: --key KEY; --from-seq N --to-seq M; --since 2h --until 1h"
)

// wrongly is wrong with what to do next in place of the general advice.
func wrongly(next, format string, args ...any) error {
	return &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: fmt.Sprintf(format, args...), Next: next}
}

func wrong(format string, args ...any) error {
	return fault.New(fault.Invalid, adminapi.BadRequest, fmt.Sprintf(format, args...))
}

// asked is a range that was checked: sequences with both ends.
type asked struct {
	tenant tenant.ID
	in     adminapi.ReplayRange
	stream bus.Stream
	r      bus.Range
	state  bus.StreamState
}

// ask reads the request and turns times into sequences.
func (a *API) ask(r *http.Request) (asked, error) {
	t, err := a.tenant(r)
	if err != nil {
		return asked{}, err
	}
	q := asked{tenant: t}
	if err := decode(r, &q.in); err != nil {
		return q, err
	}
	if q.stream, err = replayable(q.in.Stream); err != nil {
		return q, err
	}
	if err := q.check(); err != nil {
		return q, err
	}
	st, err := a.Bus.State(r.Context(), t)
	if err != nil {
		return q, err
	}
	q.state = st.Streams[q.stream]
	return q, a.place(r.Context(), &q)
}

// replayable is the stream, or why it cannot be replayed.
func replayable(name string) (bus.Stream, error) {
	switch s := bus.Stream(strings.ToUpper(name)); s {
	case bus.ERP, bus.Directory, bus.Audit:
		return s, nil
	case bus.Dead:
		return "", wrongly("retry its letters with `ml-connector dead retry`", "stream DEAD is not replayed")
	case bus.Replay:
		return "", wrongly("replay the same range of ERP again", "stream REPLAY is what a replay goes through: it is not replayed itself")
	case bus.Desk:
		return "", wrongly("what Zendesk told is healed by a full read, `ml-connector sync --full`", "stream DESK is not replayed")
	case "":
		return "", wrongly(selectStream, "stream: required: ERP, DIRECTORY or AUDIT")
	}
	return "", wrongly(selectStream, "stream %q: want ERP, DIRECTORY or AUDIT", name)
}

// check demands exactly one way to select, and ends in order.
func (q *asked) check() error {
	in := q.in
	if in.Kind != "" {
		k, err := record.ParseKind(in.Kind)
		if err != nil {
			return wrong("kind: %v", err)
		}
		q.r.Ref.Kind = k
	}
	q.r.Ref.Key = in.Key
	sequences, window := in.From > 0 || in.To > 0, in.Since != nil || in.Until != nil
	switch {
	case sequences && window:
		return wrongly(selectRange, "give sequences or times, not both")
	case !sequences && !window && in.Key == "":
		return wrongly(selectRange, "give from_seq and to_seq, since and until, or a key: a replay of everything must be asked for")
	case in.Kind != "" && in.Key == "":
		return wrongly(selectRange, "kind: needs a key")
	case sequences && (in.From == 0 || in.To == 0):
		return wrongly(selectRange, "give both ends, from_seq and to_seq, from 1 on")
	case in.From > in.To:
		return wrongly(selectRange, "from_seq %d lies behind to_seq %d", in.From, in.To)
	case window && (in.Since == nil || in.Until == nil):
		return wrongly(selectRange, "give both ends, since and until")
	case window && !in.Since.Before(*in.Until):
		return wrongly(selectRange, "since %s does not lie before until %s", in.Since.Format(time.RFC3339), in.Until.Format(time.RFC3339))
	}
	return nil
}

// place fixes both ends of the range as sequences that the stream holds or held.
func (a *API) place(ctx context.Context, q *asked) error {
	q.r.From, q.r.To = max(q.in.From, 1), q.state.Last
	if q.in.To > 0 {
		if q.in.From > q.state.Last {
			return wrongly(selectRange, "from_seq %d lies behind the end of the stream, %d", q.in.From, q.state.Last)
		}
		q.r.To = min(q.in.To, q.state.Last)
	}
	if q.in.Since == nil {
		return nil
	}
	from, err := a.Bus.FirstAt(ctx, q.tenant, q.stream, *q.in.Since)
	if errors.Is(err, bus.ErrNone) {
		return wrongly(selectRange, "nothing was stored at or after %s", q.in.Since.Format(time.RFC3339))
	}
	if err != nil {
		return err
	}
	to, err := a.Bus.FirstAt(ctx, q.tenant, q.stream, *q.in.Until)
	if errors.Is(err, bus.ErrNone) {
		to, err = q.state.Last+1, nil
	}
	if err == nil && to <= from {
		return wrongly(selectRange, "nothing was stored between %s and %s", q.in.Since.Format(time.RFC3339), q.in.Until.Format(time.RFC3339))
	}
	q.r.From, q.r.To = from, to-1
	return err
}

func (a *API) previewReplay(r *http.Request) (any, error) {
	q, err := a.ask(r)
	if err != nil {
		return nil, err
	}
	return a.preview(r.Context(), q)
}

// preview reads the range once and counts.
func (a *API) preview(ctx context.Context, q asked) (adminapi.ReplayPreview, error) {
	out := adminapi.ReplayPreview{Stream: string(q.stream), From: q.r.From, To: q.r.To, First: q.state.First, Last: q.state.Last, Kinds: map[string]int{}}
	if q.r.From < q.state.First {
		out.Gone = min(q.state.First-1, q.r.To) - q.r.From + 1
	}
	last := map[record.Ref]uint64{}
	for r := q.r; r.From > 0; {
		part, err := a.Bus.Read(ctx, q.tenant, q.stream, r, 1000)
		if err != nil {
			return out, err
		}
		out.Events += len(part.Messages)
		out.Unreadable += len(part.Unreadable)
		for _, m := range part.Messages {
			out.Kinds[string(m.Ref.Kind)]++
			if out.Oldest == nil {
				out.Oldest = &m.Stored
			}
			out.Newest = &m.Stored
			if _, known := last[m.Ref]; known || len(last) < maxRecords {
				last[m.Ref] = m.Seq
			} else {
				out.Capped = true
			}
		}
		r.From = part.Next
	}
	out.Records = len(last)
	return out, a.newer(ctx, q, last, &out.Newer)
}

// newer counts records of which the stream holds a newer statement behind the range.
func (a *API) newer(ctx context.Context, q asked, last map[record.Ref]uint64, n *int) error {
	if q.stream != bus.ERP || len(last) == 0 {
		return nil
	}
	refs := make([]record.Ref, 0, len(last))
	for ref := range last {
		refs = append(refs, ref)
	}
	for part := range slices.Chunk(refs, 500) {
		newest, err := a.Bus.Newest(ctx, q.tenant, q.stream, part)
		if err != nil {
			return err
		}
		for _, ref := range part {
			if newest[ref] > q.r.To {
				*n++
			}
		}
	}
	return nil
}

// startReplay stores the replay; the runner beside the transformer advances it.
func (a *API) startReplay(r *http.Request) (any, error) {
	q, err := a.ask(r)
	if err != nil {
		return nil, err
	}
	by := strings.TrimSpace(q.in.By)
	if by == "" {
		return nil, wrong("a replay needs `by`, who asks")
	}
	rep := store.Replay{ID: uuid.NewString(), Stream: string(q.stream), From: q.r.From, To: q.r.To, Ref: q.r.Ref, By: by,
		State: store.ReplayRunning, Next: max(q.r.From, q.state.First), Started: a.Now(), Moved: a.Now()}
	err = a.Store.BeginReplay(r.Context(), q.tenant, rep, []audit.Entry{begun(rep)})
	if errors.Is(err, store.ErrBusy) {
		return nil, fault.New(fault.Conflict, fault.ReplayRunning, "another replay of "+string(q.tenant)+" runs")
	}
	if err != nil {
		return nil, err
	}
	return shownReplay(rep), nil
}

func begun(r store.Replay) audit.Entry {
	ref := record.Ref{Kind: connection, Key: "replay." + r.ID}
	detail := fmt.Sprintf("replay %s of %s %d to %d by %s", r.ID, r.Stream, r.From, r.To, r.By)
	if r.Ref.Key != "" {
		detail += ", key " + r.Ref.Key
	}
	return audit.Entry{ID: audit.ID(audit.Operator, ref, 0, "replay", r.ID, "begun"), Ref: ref, At: r.Started, Stage: audit.Operator, Verb: "replay",
		Outcome: audit.Started, Detail: detail, Cause: "person/" + r.By}
}

func (a *API) replays(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	rows, err := a.Store.Replays(r.Context(), t, 100)
	out := make([]adminapi.Replay, len(rows))
	for i, rep := range rows {
		out[i] = shownReplay(rep)
	}
	return out, err
}

func (a *API) replay(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	rep, err := a.Store.Replay(r.Context(), t, r.PathValue("replay"))
	return shownReplay(rep), noReplay(err, r.PathValue("replay"))
}

func noReplay(err error, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "there is no replay " + id, Next: "list them with `ml-connector replay <tenant> --status`", Err: err}
	}
	return err
}

// stopReplay stops a running replay; what it sent is handled all the same.
func (a *API) stopReplay(r *http.Request) (any, error) {
	t, err := a.tenant(r)
	if err != nil {
		return nil, err
	}
	var in adminapi.By
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if in.By = strings.TrimSpace(in.By); in.By == "" {
		return nil, wrong("stopping a replay needs `by`, who asks")
	}
	for {
		rep, err := a.Store.Replay(r.Context(), t, r.PathValue("replay"))
		if err != nil {
			return nil, noReplay(err, r.PathValue("replay"))
		}
		if rep.State != store.ReplayRunning {
			return shownReplay(rep), nil
		}
		rep.State, rep.Ended, rep.Detail = store.ReplayStopped, a.Now(), "stopped by "+in.By
		err = a.Store.MoveReplay(r.Context(), t, rep, rep.Next, []audit.Entry{stopped(rep, in.By)})
		if errors.Is(err, store.ErrConflict) && r.Context().Err() == nil {
			continue // the runner was faster
		}
		return shownReplay(rep), err
	}
}

func stopped(r store.Replay, by string) audit.Entry {
	e := begun(r)
	e.ID, e.At, e.Outcome = audit.ID(audit.Operator, e.Ref, 0, "replay", r.ID, "stopped"), r.Ended, audit.Failed
	e.Detail, e.Cause = fmt.Sprintf("%s: stopped by %s at %d, %d events sent", e.Detail, by, r.Next, r.Events), "person/"+by
	return e
}

func shownReplay(r store.Replay) adminapi.Replay {
	out := adminapi.Replay{ID: r.ID, Stream: r.Stream, From: r.From, To: r.To, Next: r.Next, Kind: string(r.Ref.Kind), Key: r.Ref.Key, State: string(r.State),
		By: r.By, Events: r.Events, Skipped: r.Skipped, Code: string(r.Code), Detail: r.Detail, Started: r.Started}
	if r.State != store.ReplayRunning {
		out.Ended = &r.Ended
	}
	return out
}

// replaying is 1 while a replay runs: a newer one cannot begin meanwhile.
func (a *API) replaying(ctx context.Context, t tenant.ID) (int, error) {
	rows, err := a.Store.Replays(ctx, t, 1)
	if err != nil || len(rows) == 0 || rows[0].State != store.ReplayRunning {
		return 0, err
	}
	return 1, nil
}
