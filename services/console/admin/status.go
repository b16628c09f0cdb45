package admin

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// connection is the kind of findings about connections.
const connection record.Kind = "connection"

func (a *API) status(r *http.Request) (any, error) {
	ids, err := a.wanted(r)
	if err != nil {
		return nil, err
	}
	if r.URL.Query().Get("brief") == "true" {
		return a.Brief(r.Context(), ids)
	}
	return a.Status(r.Context(), ids)
}

func (a *API) wanted(r *http.Request) ([]tenant.ID, error) {
	name := r.URL.Query().Get("tenant")
	if name == "" {
		return a.Store.TenantIDs(r.Context())
	}
	t, err := tenant.Parse(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, adminapi.BadRequest, "tenant")
	}
	return []tenant.ID{t}, a.exists(r.Context(), t)
}

// Status is the state of the tenants: what runs, what waits, what is wrong and what to do about it.
func (a *API) Status(ctx context.Context, ids []tenant.ID) (adminapi.Status, error) {
	out := adminapi.Status{Version: a.Version, Quiet: true, Tenants: make([]adminapi.TenantStatus, 0, len(ids))}
	for _, t := range ids {
		s, err := a.tenantStatus(ctx, t)
		if err != nil {
			return out, err
		}
		out.Quiet = out.Quiet && s.Quiet
		out.Tenants = append(out.Tenants, s)
	}
	return out, nil
}

// Brief is the same with the stages only: what somebody who waits for quiet asks for again and again.
func (a *API) Brief(ctx context.Context, ids []tenant.ID) (adminapi.Status, error) {
	out := adminapi.Status{Version: a.Version, Quiet: true, Tenants: make([]adminapi.TenantStatus, 0, len(ids))}
	for _, t := range ids {
		s := adminapi.TenantStatus{Tenant: string(t), Streams: map[string]int64{}}
		if err := a.stages(ctx, t, &s); err != nil {
			return out, err
		}
		out.Quiet = out.Quiet && s.Quiet
		out.Tenants = append(out.Tenants, s)
	}
	return out, nil
}

func (a *API) tenantStatus(ctx context.Context, t tenant.ID) (adminapi.TenantStatus, error) {
	s := adminapi.TenantStatus{Tenant: string(t), Cycles: []adminapi.Cycle{}, Waiting: []adminapi.Hold{}, Held: []adminapi.Held{}, Problems: []adminapi.Problem{}, Warnings: []adminapi.Problem{}, Records: map[string]int{},
		Linked: map[string]int{}, Findings: map[string]int{}, Streams: map[string]int64{}}
	row, err := a.Store.Tenant(ctx, t)
	if err != nil {
		return s, err
	}
	s.Settings = row.Version
	for _, part := range []func(context.Context, tenant.ID, *adminapi.TenantStatus) error{a.stages, a.cycles, a.problems, a.counts, a.signIn, a.waiting, a.coming} {
		if err := part(ctx, t, &s); err != nil {
			return s, err
		}
	}
	if a.Own != nil {
		problems, notes := a.Own()
		s.Problems, s.Warnings = append(s.Problems, problems...), append(s.Warnings, notes...)
	}
	if a.Account != nil {
		if b, breaker, ok := a.Account(t); ok {
			s.Budget, s.Breaker = &b, breaker
		}
	}
	return s, nil
}

// observing tells whether the tenant's settings keep Zendesk unwritten: then its backlog there is no work in flight.
func (a *API) observing(ctx context.Context, t tenant.ID) (bool, error) {
	s, err := a.settings(ctx, t)
	return s.Mode == config.Observe, err
}

// stages asks for each stage's backlog, in the order of the flow: a record that leaves a stage between two questions
// is then seen in the next one. Two rounds must agree before a tenant is called quiet.
func (a *API) stages(ctx context.Context, t tenant.ID, s *adminapi.TenantStatus) error {
	first, _, err := a.round(ctx, t)
	if err != nil {
		return err
	}
	second, state, err := a.round(ctx, t)
	if err != nil {
		return err
	}
	s.Stages, s.Quiet = second, allQuiet(first) && allQuiet(second)
	for name, st := range state.Streams {
		s.Streams[string(name)] = int64(st.Messages)
	}
	s.DeadLetters, err = a.openLetters(ctx, t, state.Streams[bus.Dead])
	return err
}

func (a *API) round(ctx context.Context, t tenant.ID) ([]adminapi.Stage, bus.State, error) {
	running := 0
	cycles, err := a.Store.Cycles(ctx, t, "", 20)
	if err != nil {
		return nil, bus.State{}, err
	}
	for _, c := range cycles {
		if c.State == store.Running {
			running++
		}
	}
	guarded, err := a.guarded(ctx, t)
	if err != nil {
		return nil, bus.State{}, err
	}
	replaying, err := a.replaying(ctx, t)
	if err != nil {
		return nil, bus.State{}, err
	}
	state, err := a.Bus.State(ctx, t)
	if err != nil {
		return nil, state, err
	}
	open, err := a.Store.OpenBatches(ctx, t)
	if err != nil {
		return nil, state, err
	}
	batches := 0
	for _, b := range open {
		batches += len(b.Items)
	}
	observing, err := a.observing(ctx, t)
	if err != nil {
		return nil, state, err
	}
	write := stage(audit.Writer, 0, state, bus.Writer, bus.UrgentLane)
	write.InFlight = max(write.InFlight, batches) // the records of a batch are deliveries too
	write.Quiet = write.InFlight == 0 && write.Backlog == 0 || observing
	return []adminapi.Stage{
		stage(audit.Poller, running, state, bus.Ticks),
		stage(audit.Transformer, guarded+replaying, state, bus.Transformer, bus.Due, bus.Replayer),
		write,
		stage("recorder", 0, state, bus.Recorder),
	}, state, nil
}

func stage(name audit.Stage, extra int, state bus.State, of ...bus.Consumer) adminapi.Stage {
	s := adminapi.Stage{Stage: string(name), InFlight: extra}
	for _, c := range of {
		cs := state.Consumers[c]
		s.InFlight += cs.InFlight
		s.Backlog += cs.Pending
		s.LagSeconds = max(s.LagSeconds, cs.OldestAge.Seconds())
	}
	s.Quiet = s.InFlight == 0 && s.Backlog == 0
	return s
}

func allQuiet(stages []adminapi.Stage) bool {
	for _, s := range stages {
		if !s.Quiet {
			return false
		}
	}
	return true
}

// cycles shows the newest cycle of each kind and mode.
func (a *API) cycles(ctx context.Context, t tenant.ID, s *adminapi.TenantStatus) error {
	for _, k := range record.Kinds() {
		rows, err := a.Store.Cycles(ctx, t, k, 50)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, c := range rows {
			if !seen[c.Mode] {
				seen[c.Mode] = true
				s.Cycles = append(s.Cycles, cycle(c))
			}
		}
	}
	return nil
}

// problems lists connections that do not work.
func (a *API) problems(ctx context.Context, t tenant.ID, s *adminapi.TenantStatus) error {
	rows, err := a.Store.Findings(ctx, t, store.FindingQuery{Kind: connection})
	if err != nil {
		return err
	}
	for _, f := range rows {
		since := f.Since
		p := adminapi.Problem{Code: string(f.Code), Detail: f.Detail, Next: next(t, f.Code), Since: &since, Where: f.Ref.Key, Hold: f.Hold}
		if f.Code == fault.TargetFieldMissing { // records are written all the same
			s.Warnings = append(s.Warnings, p)
			continue
		}
		s.Problems = append(s.Problems, p)
		if f.Stage == audit.Writer && f.Ref.Key == "zendesk" {
			s.Breaker = "open" // the writer of this process, if there is one, knows better
		}
	}
	return nil
}

func (a *API) counts(ctx context.Context, t tenant.ID, s *adminapi.TenantStatus) error {
	records, err := a.Store.CountLedger(ctx, t)
	if err != nil {
		return err
	}
	for k, n := range records {
		s.Records[k.Plural()] = n
	}
	links, err := a.Store.CountLinks(ctx, t)
	if err != nil {
		return err
	}
	for k, states := range links {
		for state, n := range states {
			s.Linked[k.Plural()+"/"+state] = n
		}
	}
	holds, err := a.Store.Findings(ctx, t, store.FindingQuery{Holds: true, Limit: 10_000})
	if err != nil {
		return err
	}
	codes, err := a.Store.FindingCounts(ctx, t)
	if err != nil {
		return err
	}
	for c, n := range codes {
		s.Findings[string(c)] = n
	}
	why := map[fault.Code]int{}
	for _, f := range holds {
		if f.Ref.Kind != connection {
			s.Holds++
			why[f.Code]++
		}
	}
	for c, n := range why {
		s.Held = append(s.Held, adminapi.Held{Code: string(c), Records: n, Next: next(t, c)})
	}
	slices.SortFunc(s.Held, func(a, b adminapi.Held) int {
		return cmp.Or(cmp.Compare(b.Records, a.Records), cmp.Compare(a.Code, b.Code))
	})
	for _, p := range append(slices.Clone(s.Problems), s.Warnings...) { // told already
		if s.Findings[p.Code]--; s.Findings[p.Code] <= 0 {
			delete(s.Findings, p.Code)
		}
	}
	return nil
}
