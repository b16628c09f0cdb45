package assembly

import (
	"context"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const fieldsAs = audit.Stage("fields")

// mapping is an account that knows which mapped fields it lacks. It looks before its first write.
type mapping interface {
	Missing() (fields []string, known bool)
}

// watchFields keeps the finding that says which mapped fields the account lacks, until ctx ends.
func (c *Core) watchFields(ctx context.Context, t tenant.ID, of mapping) {
	tick := time.NewTicker(orDefault(c.Tune.Reload, time.Second))
	defer tick.Stop()
	told := "not looked at yet"
	for ctx.Err() == nil {
		fields, known := of.Missing()
		if now := strings.Join(fields, ", "); known && now != told {
			if err := c.tellFields(ctx, t, of); err == nil { // else with the next tick
				told = now
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// tellFields opens or closes the finding; an account that was not looked at says nothing.
func (c *Core) tellFields(ctx context.Context, t tenant.ID, of mapping) error {
	fields, known := of.Missing()
	if !known {
		return nil
	}
	ref := record.Ref{Kind: "connection", Key: "zendesk.fields"}
	o := store.Observation{Ref: ref}
	if len(fields) > 0 {
		now := c.Now()
		o.Findings = []store.Finding{{Ref: ref, Stage: fieldsAs, Code: fault.TargetFieldMissing, Since: now, At: now,
			Detail: "the account has no " + strings.Join(fields, ", ") + ": these values are not shown in Zendesk"}}
	}
	return c.Store.SetFindings(ctx, t, fieldsAs, o)
}
