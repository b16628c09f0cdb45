package writer

import (
	"context"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// sweepHolds looks often for records whose hold is old: a process that restarts every day forgets none.
func (w *Writer) sweepHolds(ctx context.Context, t tenant.ID) {
	tick := time.NewTicker(max(w.opt.HoldSweep/24, time.Millisecond))
	defer tick.Stop()
	var looks sync.WaitGroup
	defer looks.Wait()
	looks.Go(func() { w.verifyWrites(ctx, t) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := w.touchHeld(ctx, t); err != nil && ctx.Err() == nil {
				w.log.Warn("held records not looked at again", "tenant", t, "err", err)
			}
		}
	}
}

const findingsPage = 1000

// touchHeld has every record that waits since Options.HoldSweep looked at again: what it waited for may be over
// (failures.md Z12). The new look renews the finding or closes it.
func (w *Writer) touchHeld(ctx context.Context, t tenant.ID) error {
	var refs []record.Ref
	for after := 0; ; after += findingsPage {
		found, err := w.store.Findings(ctx, t, store.FindingQuery{Holds: true, After: after, Limit: findingsPage})
		if err != nil {
			return err
		}
		for _, f := range found {
			if f.Stage == stage && f.Ref.Kind != Connection && w.now().Sub(f.At) >= w.opt.HoldSweep {
				refs = append(refs, f.Ref)
			}
		}
		if len(found) < findingsPage {
			break
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return w.bus.Touch(ctx, t, "sweep/held", refs)
}
