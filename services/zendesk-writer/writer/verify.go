package writer

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const verifyEvery = 10 * time.Second

// observer is what a look that finds a write missing needs of the store.
type observer interface {
	Observe(ctx context.Context, t tenant.ID, stage audit.Stage, of []store.Observation) error
}

// verifyWrites has the target look again at what it reported as done (failures.md Z22) until ctx ends.
func (w *Writer) verifyWrites(ctx context.Context, t tenant.ID) {
	v, able := w.target.(target.Verifier)
	if !able {
		return
	}
	tick := time.NewTicker(verifyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if w.rest() > 0 {
				continue // the account refuses: it has to be asked nothing more
			}
			if err := w.verify(ctx, t, v); err != nil && ctx.Err() == nil {
				w.log.Warn("writes not looked at again", "tenant", t, "fault", string(fault.CodeOf(err)))
			}
		}
	}
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
