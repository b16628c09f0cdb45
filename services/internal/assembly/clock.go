package assembly

import (
	"context"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	clockAs = audit.Stage("clock")
	// apart is by how much clocks may differ (failures.md I11).
	apart = time.Minute
)

// clocked is a connection that sees the other side's clock.
type clocked interface{ Skew() time.Duration }

// skewed says how a connection's clock differs from ours; "" when it does not, or when nobody can tell.
func skewed(of any) string {
	k, able := of.(clocked)
	if !able {
		return ""
	}
	switch d := k.Skew(); {
	case d > apart:
		return fmt.Sprintf("its clock is %s ahead of ours, by the Date of its answers", d.Round(time.Second))
	case d < -apart:
		return fmt.Sprintf("its clock is %s behind ours, by the Date of its answers", d.Abs().Round(time.Second))
	}
	return ""
}

// clockStep is the step of a check, after others that asked something.
func clockStep(of any) []check.Step {
	if _, able := of.(clocked); !able {
		return nil
	}
	if text := skewed(of); text != "" {
		return []check.Step{{Name: "clock", State: check.Warning, Code: string(fault.ClockSkew), Detail: text, Next: fault.ClockSkew.Next()}}
	}
	return []check.Step{{Name: "clock", State: check.OK}}
}

// watchClocks opens and closes the findings about the clocks of connections, by their names, until ctx ends.
func (c *Core) watchClocks(ctx context.Context, t tenant.ID, of map[string]any) {
	tick := time.NewTicker(orDefault(c.Tune.Reload, time.Second))
	defer tick.Stop()
	told := map[string]bool{}
	for ctx.Err() == nil {
		for name, one := range of {
			text := skewed(one)
			if was, known := told[name]; known && was == (text != "") {
				continue
			}
			if err := c.tellClock(ctx, t, name, text); err == nil { // else with the next tick
				told[name] = text != ""
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (c *Core) tellClock(ctx context.Context, t tenant.ID, name, text string) error {
	ref := record.Ref{Kind: "connection", Key: "clock." + name}
	o := store.Observation{Ref: ref}
	if text != "" {
		now := c.Now()
		o.Findings = []store.Finding{{Ref: ref, Stage: clockAs, Code: fault.ClockSkew, Detail: text, Since: now, At: now}}
		c.Log.Warn("clocks differ", "tenant", t, "connection", name, "fault", fault.ClockSkew, "detail", text)
	}
	return c.Store.SetFindings(ctx, t, clockAs, o)
}
