// Package plan computes what a full run would change and writes nothing: every record of the ledger is resolved as of
// today, what the guard would keep back is set apart, and the target is asked what has to be done for the rest.
//
//	ledger ──▶ resolve (1) ──▶ what asks of the guard ──▶ forecast
//	account ─▶ list, before the first write only ──▶ adoption report
//	ledger ──▶ resolve (2) ──▶ held back: told │ else links ──▶ target.Plan (reads) ──▶ told
//
// Records are resolved twice, so that nothing has to be kept of them: memory stays the same for any number. Of a
// company that was never written, a few bytes for each record are kept to tell whom the account's objects stand for.
//
// The target is read at most at half the pace that is ours, so that live traffic goes on: see pace.
package plan

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Resolved is what would become of a record today, before anybody looked at the target.
type Resolved struct {
	Ref     record.Ref
	Day     string          // that it was resolved for
	Wanted  directory.Entry // what the desk should hold
	Changes []audit.Change  // since what was handed on last
	Explain []string
	Counts  store.Change // as what the guard counts the step; "" for not at all
	Waits   bool         // the guard keeps it back, or has still to decide (Fresh)
	Fresh   bool
	Hold    string
	Note    string     // why it waits
	Code    fault.Code // under which
}

// Forecast is what the guard would say to the changes of a group.
type Forecast struct {
	Group                       store.Group
	Limit, Passed, Held, Asking int
	Hold                        string
	Waits                       bool
}

// Resolver resolves without saving anything.
type Resolver interface {
	Resolve(ctx context.Context, t tenant.ID, rows []store.LedgerRow) ([]Resolved, error)
	Forecast(ctx context.Context, t tenant.ID, fresh map[store.Group]int) ([]Forecast, error)
}

// State is what the plan needs of the store, with the promises of package store.
type State interface {
	Rows(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.LedgerRow, error)
	WalkLedger(ctx context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]store.LedgerRow, error)
	CountLedger(ctx context.Context, t tenant.ID) (map[record.Kind]int, error)
	Links(ctx context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.Link, error)
	CountLinks(ctx context.Context, t tenant.ID) (map[record.Kind]map[string]int, error)
	Cycles(ctx context.Context, t tenant.ID, kind record.Kind, limit int) ([]store.Cycle, error)
}

// Reader is the part of a target that writes nothing; one that is a target.Lister too makes the adoption report.
type Reader interface {
	Plan(ctx context.Context, t tenant.ID, items []target.Item) ([]target.Planned, error)
	Budget(ctx context.Context, t tenant.ID) target.Budget
}

// Planner makes plans for one tenant.
type Planner struct {
	Store    State
	Resolver Resolver
	Target   Reader
	Observe  bool                   // nothing is written: the adoption report is made whatever links say
	Prefix   map[record.Kind]string // of our external ids
	Settings int64
	Day      string // today in the tenant's zone
	Now      func() time.Time
}

// page is how many records are asked of the target at once: one call of its look-up by id.
const page = 100

// Run makes a plan and tells it line by line. An error of emit ends it.
func (p *Planner) Run(ctx context.Context, t tenant.ID, q adminapi.PlanQuery, emit func(adminapi.PlanLine) error) error {
	began := p.Now()
	r := &run{Planner: p, t: t, emit: emit, claimed: map[uint64]bool{}, sum: adminapi.PlanSummary{Tenant: string(t), Settings: p.Settings, AsOf: p.Day,
		Mode: "live", Records: map[string]int{}, Changes: map[string]int{}, Waits: map[string]int{}, Guard: []adminapi.PlanGuard{}, Reads: []adminapi.PlanRead{}}}
	if p.Observe {
		r.sum.Mode = "observe"
	}
	if err := r.scope(ctx, q); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{r.prepare, r.foretell, r.survey, r.look, r.age} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if r.known != nil {
		r.sum.Adoption = r.known.report(r.kinds)
	}
	r.sum.TookMS = p.Now().Sub(began).Milliseconds()
	return emit(adminapi.PlanLine{Summary: &r.sum})
}

// run is one plan in the making.
type run struct {
	*Planner
	t    tenant.ID
	emit func(adminapi.PlanLine) error
	sum  adminapi.PlanSummary

	kinds       []record.Kind
	one         record.Ref // when only one record is asked for
	total, done int
	told        time.Time // of the last progress

	fresh   map[store.Group]int
	waits   map[store.Group]bool // what is fresh would wait
	claimed map[uint64]bool      // addresses that new records of this plan take
	known   *census              // nil without an adoption report
}

// scope reads what the query asks for.
func (r *run) scope(ctx context.Context, q adminapi.PlanQuery) error {
	r.kinds = record.Kinds()
	if q.Kind != "" {
		k, err := record.ParseKind(q.Kind)
		if err != nil {
			return &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: err.Error(), Next: "use employees or vendors", Err: err}
		}
		r.kinds = []record.Kind{k}
	}
	if q.Key != "" {
		if len(r.kinds) != 1 {
			return &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "a key needs a kind", Next: "use employees or vendors"}
		}
		r.one = record.Ref{Kind: r.kinds[0], Key: q.Key}
	}
	counts, err := r.Store.CountLedger(ctx, r.t)
	for _, k := range r.kinds {
		r.total += counts[k]
	}
	if q.Key != "" {
		r.total = 1
	}
	return err
}

// walk calls do with every record asked for, page by page.
func (r *run) walk(ctx context.Context, do func(context.Context, []Resolved) error) error {
	if r.one.Key != "" {
		rows, err := r.Store.Rows(ctx, r.t, []record.Ref{r.one})
		if err != nil {
			return err
		}
		row, known := rows[r.one]
		if !known {
			return &fault.Error{Kind: fault.Invalid, Code: adminapi.BadRequest, Detail: "nothing is known about " + r.one.String(),
				Next: "is the key right? Employees have their EMPLID with leading zeros, vendors SETID/VENDOR_ID; `ml-connector sync --key` reads one"}
		}
		return r.resolve(ctx, []store.LedgerRow{row}, do)
	}
	for _, kind := range r.kinds {
		for after := ""; ; {
			rows, err := r.Store.WalkLedger(ctx, r.t, kind, after, page)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			if err := r.resolve(ctx, rows, do); err != nil {
				return err
			}
			after = rows[len(rows)-1].Ref.Key
		}
	}
	return nil
}

func (r *run) resolve(ctx context.Context, rows []store.LedgerRow, do func(context.Context, []Resolved) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	list, err := r.Resolver.Resolve(ctx, r.t, rows)
	if err != nil {
		return err
	}
	return do(ctx, list)
}
