package assembly

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/poller/poll"
	recorder "github.com/ml-connector/ml-connector/services/recorder/record"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
	"github.com/ml-connector/ml-connector/services/zendesk-writer/writer"
)

// Poller reads the tenant's sources.
func (c *Core) Poller() Role {
	return Role{"poller", func(ctx context.Context, t tenant.ID) error {
		print, err := c.fingerprint(ctx, t)
		if err != nil {
			return err
		}
		s, _, err := c.Settings(ctx, t)
		if err != nil {
			return err
		}
		list, err := c.sources(ctx, t, s)
		if err != nil {
			return err
		}
		current := func(ctx context.Context) (bool, error) {
			now, err := c.fingerprint(ctx, t)
			return now == print, err
		}
		clocks := map[string]any{}
		for _, k := range list {
			clocks[k.name] = k.source
		}
		defer c.beside(ctx, func(ctx context.Context) { c.watchClocks(ctx, t, clocks) })()
		opt := poll.Options{Zone: s.Zone(), Feeds: feeds(s, list), Now: c.Now, Current: current, Room: c.room}
		return poll.New(c.intake(), c.Store, c.Log, opt).Run(ctx, t)
	}}
}

// Transformer resolves facts into wanted states.
func (c *Core) Transformer() Role {
	return Role{"transformer", func(ctx context.Context, t tenant.ID) error {
		policies := func(ctx context.Context, t tenant.ID) (transform.Policy, error) {
			s, version, err := c.Settings(ctx, t)
			return policy(s, version), err
		}
		svc := transform.New(transform.Deps{Past: c.Bus, Lift: c.Store, Guard: c.Store, Flow: c.Bus, Ledger: c.Store, Table: c.Bus, Wakes: c.Bus, Inbox: c.Bus, Policies: policies, Now: c.Now, Log: c.Log}, transform.Options{})
		var again sync.WaitGroup
		again.Go(func() { // what older settings resolved is resolved by the present ones
			if err := svc.Reresolve(ctx, t); err != nil && ctx.Err() == nil {
				c.Log.Warn("records not resolved again", "tenant", t, "err", err)
			}
		})
		defer again.Wait()
		return svc.Run(ctx, t)
	}}
}

// Recorder stores and seals audit entries.
func (c *Core) Recorder() Role {
	return Role{"recorder", func(ctx context.Context, t tenant.ID) error {
		defer c.beside(ctx, func(ctx context.Context) { c.keepMarks(ctx, t) })()
		return recorder.New(c.Bus, c.Store, c.Log, c.Tune.SealEvery).Run(ctx, t)
	}}
}

// Accounts are the accounts that the writers of this process have open, for status.
type Accounts struct {
	mu   sync.Mutex
	open map[tenant.ID]account
}

type account struct {
	target target.Target
	writer *writer.Writer
}

// each calls with every account.
func (a *Accounts) each(with func(tenant.ID, target.Budget, string)) {
	if a == nil {
		return
	}
	a.mu.Lock()
	open := maps.Clone(a.open)
	a.mu.Unlock()
	for t, acc := range open {
		with(t, acc.target.Budget(context.Background(), t), acc.writer.Breaker())
	}
}

// Account is the state of a tenant's account; ok is false when no writer of this process has it open.
func (a *Accounts) Account(t tenant.ID) (target.Budget, string, bool) {
	a.mu.Lock()
	acc, ok := a.open[t]
	a.mu.Unlock()
	if !ok {
		return target.Budget{}, "", false
	}
	return acc.target.Budget(context.Background(), t), acc.writer.Breaker(), true
}

// target is a tenant's account where a writer of this process has it open.
func (a *Accounts) target(t tenant.ID) (target.Target, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	acc, ok := a.open[t]
	return acc.target, ok
}

func (a *Accounts) put(t tenant.ID, acc account) (remove func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = map[tenant.ID]account{}
	}
	a.open[t] = acc
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.open, t)
	}
}

// Writer writes the tenant's account.
func (c *Core) Writer(accounts *Accounts) Role {
	c.accounts = accounts
	share := writer.NewShare(0)
	return Role{"zendesk-writer", func(ctx context.Context, t tenant.ID) error {
		s, version, err := c.Settings(ctx, t)
		if err != nil {
			return err
		}
		if s.Mode == config.Observe {
			c.Log.Warn("observe mode: nothing is written to Zendesk; set mode: live in the tenant file to begin", "tenant", t)
			if tg, err := c.openTarget(ctx, t, s); err == nil { // else a plan or check says what is wrong
				c.warnOfStrangers(ctx, t, tg)
			}
			<-ctx.Done() // the supervisor starts the role anew when the settings change
			return nil
		}
		why := func(detail string) {
			c.Log.Error("the writer stands still after a safety stop", "tenant", t, "detail", detail, "next", fault.SafetyStop.Next())
		}
		if err := writer.Await(ctx, c.Store, t, orDefault(c.Tune.Reload, time.Second), why); err != nil {
			return err
		}
		tg, err := c.openTarget(ctx, t, s)
		if err != nil {
			return err
		}
		gate := &firstLoad{core: c, tenant: t, settings: s, version: version, account: tg}
		if _, asks := s.Zendesk.Adopts(); !asks {
			defer c.beside(ctx, func(ctx context.Context) { c.warnOfStrangers(ctx, t, tg) })()
		}
		defer c.beside(ctx, func(ctx context.Context) { c.watchClocks(ctx, t, map[string]any{"zendesk": tg}) })()
		defer c.beside(ctx, func(ctx context.Context) { c.watchFields(ctx, t, tg) })()
		return c.whileSignedIn(ctx, t, tg, func(ctx context.Context) error {
			w := writer.New(c.Bus, c.Store, c.bent(c.lived(tg)), c.Log, c.Now, writer.Options{Gate: gate.open, Alone: c.Tune.Alone, Idle: c.Tune.WriterIdle, Linger: c.Tune.Linger, Batch: c.Tune.WriterBatch, Work: c.Tune.WriterWork, Life: c.Tune.WriterLife, Look: c.Tune.Look / 6, Open: c.Tune.Breaker, Share: share})
			defer accounts.put(t, account{tg, w})()
			return w.Run(ctx, t)
		})
	}}
}

// beside runs do until it ends or the answer is called.
func (c *Core) beside(ctx context.Context, do func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var run sync.WaitGroup
	run.Go(func() { do(ctx) })
	return func() { cancel(); run.Wait() }
}

// lived is the target with the call life that this process was told, if it was.
func (c *Core) lived(tg target.Target) target.Target {
	if c.Tune.CallLife == 0 {
		return tg
	}
	return shortLived{tg, c.Tune.CallLife}
}

func (c *Core) bent(tg target.Target) target.Target {
	if c.Bend == nil {
		return tg
	}
	return c.Bend(tg)
}

type shortLived struct {
	target.Target
	life time.Duration
}

// CallLife implements target.Target.
func (s shortLived) CallLife() time.Duration { return s.life }
