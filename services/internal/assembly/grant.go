package assembly

import (
	"context"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target/zendesk"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

// grants keeps a tenant's tokens in the vault, for all processes.
type grants struct {
	core   *Core
	tenant tenant.ID
	holder string
}

var _ zendesk.Grants = (*grants)(nil)

const (
	refreshLease = "zendesk.refresh"
	leaseSpan    = 15 * time.Second // a process that dies blocks the others no longer
	leaseBeat    = 5 * time.Second
)

// Grant implements zendesk.Grants.
func (g *grants) Grant(ctx context.Context) (secret.String, int64, error) {
	return g.core.Keys.OpenVersion(ctx, g.tenant, vault.ZendeskGrant)
}

// Keep implements zendesk.Grants.
func (g *grants) Keep(ctx context.Context, text secret.String, over int64) error {
	return g.core.Keys.SealOver(ctx, g.tenant, vault.ZendeskGrant, text, over)
}

// Lease implements zendesk.Grants: a short lease that is taken again while it is needed.
func (g *grants) Lease(ctx context.Context, lasts time.Duration) (func(context.Context), bool, error) {
	l, ok, err := g.core.Store.TakeLease(ctx, g.tenant, refreshLease, g.holder, min(lasts, leaseSpan))
	if err != nil || !ok {
		return nil, false, err
	}
	hold, stop := context.WithTimeout(context.WithoutCancel(ctx), lasts)
	var beats sync.WaitGroup
	beats.Go(func() { g.hold(hold, l) })
	return func(ctx context.Context) {
		stop()
		beats.Wait()
		if err := g.core.Store.EndLease(ctx, g.tenant, l); err != nil {
			g.core.Log.Warn("lease not given back: it ends by itself", "tenant", g.tenant, "err", err)
		}
	}, true, nil
}

func (g *grants) hold(ctx context.Context, l store.Lease) {
	tick := time.NewTicker(leaseBeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, ok, err := g.core.Store.TakeLease(ctx, g.tenant, l.Name, l.Holder, leaseSpan); err == nil && !ok {
				return // somebody else has it: his marks and ours are in the grant
			}
		}
	}
}

// whileSignedIn runs work while the account's tokens are of use. While only a person can go on it does not run, so that
// nothing is pulled: that asks the store often and Zendesk hardly ever (failures.md C19).
func (c *Core) whileSignedIn(ctx context.Context, t tenant.ID, tg *zendesk.Target, work func(context.Context) error) error {
	for ctx.Err() == nil {
		c.awaitConsent(ctx, t, tg)
		if err := c.untilReauth(ctx, tg, work); err != nil {
			return err
		}
	}
	return nil
}

// untilReauth runs work until ctx ends, it fails, or the tokens are of no use any more. It renews tokens that are due
// although nobody writes.
func (c *Core) untilReauth(ctx context.Context, tg *zendesk.Target, work func(context.Context) error) error {
	running, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		defer stop()
		for c.nap(running) && fault.CodeOf(tg.Renew(running)) != fault.TargetReauth {
		}
	})
	err := work(running)
	if err == nil && running.Err() == nil {
		err = fault.New(fault.Internal, fault.Unclassified, "the writer stopped by itself")
	}
	stop()
	watch.Wait()
	return err
}

func (c *Core) awaitConsent(ctx context.Context, t tenant.ID, tg *zendesk.Target) {
	for told := false; fault.CodeOf(tg.Renew(ctx)) == fault.TargetReauth; told = true {
		if !told {
			c.Log.Error("the Zendesk account must be connected by a person: nothing is written", "tenant", t, "fault", fault.TargetReauth, "next", repair(t))
		}
		if !c.nap(ctx) {
			return
		}
	}
}

// nap is the pause between two looks at the tokens; false when ctx ended.
func (c *Core) nap(ctx context.Context) bool {
	timer := time.NewTimer(5 * orDefault(c.Tune.Reload, time.Second))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
