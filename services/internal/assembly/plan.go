package assembly

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/console/plan"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
)

// Plan computes what a full run would change. Where the writer runs in this process its account is read, so that all
// calls share one pacer; elsewhere the plan opens the account itself, as check does, and what is left of the limit is
// told by Zendesk's answers.
func (c *Core) Plan(accounts *Accounts) func(context.Context, tenant.ID, adminapi.PlanQuery, func(adminapi.PlanLine) error) error {
	return func(ctx context.Context, t tenant.ID, q adminapi.PlanQuery, emit func(adminapi.PlanLine) error) error {
		s, version, err := c.Settings(ctx, t)
		if err != nil {
			return err
		}
		tg, end, err := c.reader(ctx, t, s, accounts)
		if err != nil {
			return err
		}
		defer end()
		policies := func(context.Context, tenant.ID) (transform.Policy, error) { return policy(s, version), nil }
		svc := transform.New(transform.Deps{Guard: c.Store, Ledger: c.Store, Policies: policies, Now: c.Now, Log: c.Log}, transform.Options{})
		p := plan.Planner{Store: c.Store, Resolver: resolver{svc}, Target: tg, Observe: s.Mode == config.Observe, Prefix: ourPrefixes(), Settings: version,
			Day: string(erp.Today(c.Now(), s.Zone())), Now: c.Now}
		return p.Run(ctx, t, q, emit)
	}
}

// reader is the account that a plan reads.
func (c *Core) reader(ctx context.Context, t tenant.ID, s config.Tenant, accounts *Accounts) (plan.Reader, func(), error) {
	if accounts != nil {
		if open, ok := accounts.target(t); ok {
			return open, func() {}, nil
		}
	}
	tg, err := c.openTarget(ctx, t, s)
	if err != nil {
		return nil, nil, err
	}
	return tg, func() { _ = tg.Close() }, nil
}

func ourPrefixes() map[record.Kind]string {
	return map[record.Kind]string{record.Employee: transform.EmployeeID(""), record.Vendor: transform.VendorID("")}
}

// resolver is the transformer as the plan needs it.
type resolver struct{ service *transform.Service }

// Resolve implements plan.Resolver.
func (r resolver) Resolve(ctx context.Context, t tenant.ID, rows []store.LedgerRow) ([]plan.Resolved, error) {
	list, err := r.service.Preview(ctx, t, rows)
	out := make([]plan.Resolved, len(list))
	for i, p := range list {
		out[i] = plan.Resolved{Ref: p.Ref, Day: string(p.Day), Wanted: p.Decision.Entry, Changes: p.Changes, Explain: p.Explain, Counts: p.Counts,
			Waits: p.Waits, Fresh: p.Fresh, Hold: p.Hold, Note: p.Note, Code: p.Code}
	}
	return out, err
}

// Forecast implements plan.Resolver.
func (r resolver) Forecast(ctx context.Context, t tenant.ID, fresh map[store.Group]int) ([]plan.Forecast, error) {
	list, err := r.service.Forecast(ctx, t, fresh)
	out := make([]plan.Forecast, len(list))
	for i, f := range list {
		out[i] = plan.Forecast{Group: f.Group, Limit: f.Limit, Passed: f.Passed, Held: f.Held, Asking: f.Asking, Hold: f.Hold, Waits: f.Waits}
	}
	return out, err
}

// warnOfStrangers opens ADOPTION_REVIEW before the first load of an account that holds objects of others, until
// somebody had the adoption report made. What cannot be read now is no reason to keep anything waiting.
func (c *Core) warnOfStrangers(ctx context.Context, t tenant.ID, tg target.Target) {
	lister, ok := tg.(target.Lister)
	first, err := c.unseen(ctx, t)
	if !ok || !first || err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	found, err := strangers(ctx, lister, t)
	if err != nil {
		c.Log.Debug("account not listed", "tenant", t, "err", err)
	}
	if !found || err != nil {
		return
	}
	err = c.noteAdoption(ctx, t, "Zendesk held users or organizations before the first load, and nobody has looked at whom they stand for", false)
	if err != nil && ctx.Err() == nil {
		c.Log.Warn("finding not stored", "tenant", t, "err", err)
	}
}

// strangers tells whether the account holds objects of others.
func strangers(ctx context.Context, l target.Lister, t tenant.ID) (bool, error) {
	for _, kind := range record.Kinds() {
		if found, err := plan.Strangers(ctx, l, t, kind, ourPrefixes()[kind]); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// noteAdoption opens ADOPTION_REVIEW, or closes it when there is nothing to say.
func (c *Core) noteAdoption(ctx context.Context, t tenant.ID, detail string, holds bool) error {
	ref, now := plan.AdoptionRef(), c.Now()
	o := store.Observation{Ref: ref}
	if detail != "" {
		o.Findings = []store.Finding{{Ref: ref, Stage: audit.Operator, Code: fault.AdoptionReview, Hold: holds, Detail: detail, Since: now, At: now}}
	}
	return c.Store.SetFindings(ctx, t, audit.Operator, o)
}

// unseen tells whether nothing was written yet and nobody had the adoption report made.
func (c *Core) unseen(ctx context.Context, t tenant.ID) (bool, error) {
	counts, err := c.Store.CountLinks(ctx, t)
	if err != nil {
		return false, err
	}
	for _, states := range counts {
		for _, n := range states {
			if n > 0 {
				return false, nil
			}
		}
	}
	made, err := c.Store.Trail(ctx, t, audit.Query{Ref: plan.AdoptionRef(), Limit: 1})
	return err == nil && len(made) == 0, err
}
