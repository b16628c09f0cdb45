package assembly

import (
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Check tries every connection of the tenant, step by step. With fix it also creates what may be created: missing
// custom fields in Zendesk.
func (c *Core) Check(ctx context.Context, t tenant.ID, fix bool) (adminapi.Checked, error) {
	s, _, err := c.Settings(ctx, t)
	if err != nil {
		return adminapi.Checked{}, err
	}
	out := adminapi.Checked{Tenant: string(t), OK: true}
	add := func(connection string, steps []check.Step) {
		for _, st := range steps {
			out.OK = out.OK && st.State != check.Failed
			out.Steps = append(out.Steps, adminapi.Step{Connection: connection, Name: st.Name, State: string(st.State), Code: st.Code,
				Detail: st.Detail, Next: st.Next, TookMS: st.Took.Milliseconds()})
		}
	}
	sources, err := c.sources(ctx, t, s)
	if err != nil {
		add("peoplesoft", failed("open", err))
	}
	for _, k := range sources {
		add(k.name, k.source.Check(ctx, t, k.kind))
		add(k.name, clockStep(k.source))
	}
	tg, err := c.openTarget(ctx, t, s)
	if err != nil {
		add("zendesk", failed("open", err))
	} else {
		if fix {
			add("zendesk", tg.FixFields(ctx, t))
		}
		add("zendesk", tg.Check(ctx, t))
		if err := c.tellFields(ctx, t, tg); err != nil {
			c.Log.Warn("finding not stored", "tenant", t, "err", err)
		}
		add("zendesk", clockStep(tg))
	}
	add("ml-connector", c.stops(ctx, t))
	add("ml-connector", c.parts(ctx))
	return out, nil
}

// parts checks our parts.
func (c *Core) parts(ctx context.Context) (steps []check.Step) {
	for _, part := range c.checks() {
		if err := part.Run(ctx); err != nil {
			steps = append(steps, failed(part.Name, err)...)
			continue
		}
		steps = append(steps, check.Step{Name: part.Name, State: check.OK})
	}
	return steps
}

// stops fails while the tenant's writer stands still after a safety stop.
func (c *Core) stops(ctx context.Context, t tenant.ID) []check.Step {
	ref := store.WriterStop()
	found, err := c.Store.Findings(ctx, t, store.FindingQuery{Kind: ref.Kind, Key: ref.Key, Code: fault.SafetyStop})
	switch {
	case err != nil:
		return failed("writer", err)
	case len(found) > 0:
		return failed("writer", fault.New(fault.Internal, fault.SafetyStop, "stands still since "+found[0].Since.UTC().Format(time.RFC3339)+": "+found[0].Detail))
	}
	return []check.Step{{Name: "writer", State: check.OK}}
}

func failed(name string, err error) []check.Step {
	detail := err.Error()
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Detail != "" {
		detail = f.Detail
	}
	return []check.Step{{Name: name, State: check.Failed, Code: string(fault.CodeOf(err)), Detail: detail, Next: fault.NextOf(err)}}
}
