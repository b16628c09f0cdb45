package writer

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// observer is what a look that finds a write missing needs of the store.
type observer interface {
	Observe(ctx context.Context, t tenant.ID, stage audit.Stage, of []store.Observation) error
}

// trail is what finding the suspensions of an earlier writer needs of the store.
type trail interface {
	Trail(ctx context.Context, t tenant.ID, q audit.Query) ([]audit.Stored, error)
}

// verifyWrites has the target look again at what it reported as done (failures.md Z22) until ctx ends.
func (w *Writer) verifyWrites(ctx context.Context, t tenant.ID) {
	v, able := w.target.(target.Verifier)
	if !able {
		return
	}
	tick := time.NewTicker(w.opt.Look)
	defer tick.Stop()
	for led := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if w.rest() > 0 {
				continue // the account refuses: it has to be asked nothing more
			}
			if leads := w.leads.Load(); leads != led {
				if err := w.inherited(ctx, t, leads); err != nil {
					w.log.Warn("suspensions of an earlier writer not looked at again", "tenant", t, "err", err)
					continue
				}
				led = leads
			}
			if err := w.verify(ctx, t, v); err != nil && ctx.Err() == nil {
				w.log.Warn("writes not looked at again", "tenant", t, "fault", string(fault.CodeOf(err)))
			}
		}
	}
}

const (
	inherits  = 10 * time.Minute // how far back suspensions may not have been looked at again: a minute, and what failed meanwhile
	mostTrail = 50_000           // entries read for that
)

// inherited has the suspensions that an earlier process or another writer made shortly before its end looked at again:
// the target's list of looks to come ended with it (failures.md Z22). They are in the audit trail.
func (w *Writer) inherited(ctx context.Context, t tenant.ID, leads bool) error {
	s, able := w.store.(trail)
	if !able || !leads {
		return nil
	}
	q := audit.Query{Stage: stage, Outcome: audit.Applied, Newest: true, Limit: 1000}
	if w.opt.Alone {
		q.Until = w.begun // what came after is on the target's own list
	}
	seen := map[record.Ref]bool{}
	for n := 0; n < mostTrail; n += q.Limit {
		list, err := s.Trail(ctx, t, q)
		if err != nil {
			return err
		}
		for _, e := range list {
			if q.Since.IsZero() {
				q.Since = e.At.Add(-inherits)
			}
			if e.Verb == string(target.Suspend) && e.At.After(q.Since) {
				seen[e.Ref] = true
			}
			q.After = e.Position
		}
		if len(list) < q.Limit {
			break
		}
	}
	if len(seen) == 0 {
		return nil
	}
	w.log.Info("suspensions of an earlier writer are looked at again", "tenant", t, "records", len(seen))
	return w.bus.Touch(ctx, t, "verify/restart", slices.Collect(maps.Keys(seen)))
}

// verify tells of every write that does not show and has its record written again: the new look closes the finding.
func (w *Writer) verify(ctx context.Context, t tenant.ID, v target.Verifier) error {
	doubts, err := v.Verify(ctx, t)
	if len(doubts) == 0 {
		return err
	}
	refs := make([]record.Ref, len(doubts))
	seen := make([]store.Observation, len(doubts))
	for i, d := range doubts {
		refs[i] = d.Ref
		seen[i] = store.Observation{Ref: d.Ref, Findings: []store.Finding{{Ref: d.Ref, Stage: stage,
			Code: fault.CodeOf(d.Err), Detail: detailOf(d.Err), Since: w.now(), At: w.now()}}}
	}
	w.log.Warn("writes that Zendesk accepted do not show", "tenant", t, "fault", string(fault.TargetNotApplied), "records", len(refs))
	if o, able := w.store.(observer); able {
		if err := o.Observe(ctx, t, stage, seen); err != nil {
			return err
		}
	}
	return w.bus.Touch(ctx, t, "verify", refs)
}
