package assembly

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Role is one stage that a process runs for every tenant: it builds the stage from the tenant's present settings and
// runs it until ctx ends.
type Role struct {
	Name string
	Run  func(ctx context.Context, t tenant.ID) error
}

// Supervise runs the roles of every tenant until ctx ends. A role that fails is started again, later each time; the
// reason stands in status. Other tenants go on.
func (c *Core) Supervise(ctx context.Context, roles ...Role) error {
	s := &supervisor{core: c, roles: roles, running: map[tenant.ID]*run{}}
	tick := time.NewTicker(orDefault(c.Tune.Reload, time.Second))
	defer tick.Stop()
	for {
		if err := s.reconcile(ctx); err != nil && ctx.Err() == nil {
			c.Log.Warn("settings not read", "err", err)
		}
		select {
		case <-ctx.Done():
			s.stopAll()
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Component is Supervise as a component.
func (c *Core) Component(roles ...Role) app.Component {
	return app.Component{Name: "tenants", Run: func(ctx context.Context) error { return c.Supervise(ctx, roles...) }}
}

type supervisor struct {
	core    *Core
	roles   []Role
	running map[tenant.ID]*run
}

// run is one tenant's roles as built from one state of its settings.
type run struct {
	print string
	stop  context.CancelFunc
	done  chan struct{}
}

func (s *supervisor) reconcile(ctx context.Context) error {
	ids, err := s.core.Store.TenantIDs(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range ids {
		print, err := s.core.fingerprint(ctx, t)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if r := s.running[t]; r != nil {
			if r.print == print {
				continue
			}
			s.core.Log.Info("settings changed: roles start anew", "tenant", t)
			r.end()
		}
		s.running[t] = s.start(ctx, t, print)
	}
	return errors.Join(errs...)
}

func (s *supervisor) start(ctx context.Context, t tenant.ID, print string) *run {
	ctx, stop := context.WithCancel(ctx)
	r := &run{print: print, stop: stop, done: make(chan struct{})}
	var roles sync.WaitGroup
	for _, role := range s.roles {
		roles.Go(func() { s.core.keep(ctx, t, role) })
	}
	go func() { roles.Wait(); close(r.done) }()
	return r
}

func (r *run) end() { r.stop(); <-r.done }

func (s *supervisor) stopAll() {
	for _, r := range s.running {
		r.stop()
	}
	for _, r := range s.running {
		<-r.done
	}
}

// keep runs the role again and again until ctx ends.
func (c *Core) keep(ctx context.Context, t tenant.ID, role Role) {
	pause := time.Second
	for ctx.Err() == nil {
		began := time.Now()
		err := c.guarded(ctx, t, role)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		c.Log.Error("role stopped", "tenant", t, "role", role.Name, "fault", fault.CodeOf(err), "err", err, "wait_ms", pause.Milliseconds())
		c.report(ctx, t, role.Name, err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Minute)
	}
}

// guarded makes the streams, runs the role, and turns a panic into an error.
func (c *Core) guarded(ctx context.Context, t tenant.ID, role Role) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, fault.Unclassified, fmt.Sprintf("%s panicked: %v", role.Name, p))
		}
	}()
	if err := c.Prepare(ctx, t); err != nil {
		return err
	}
	c.report(ctx, t, role.Name, nil)
	err = ignoreCanceled(role.Run(ctx, t))
	if err == nil && ctx.Err() == nil {
		err = fault.New(fault.Internal, fault.Unclassified, role.Name+" stopped by itself")
	}
	return err
}

// report opens or closes the finding that says whether the role runs.
func (c *Core) report(ctx context.Context, t tenant.ID, role string, err error) {
	ref := record.Ref{Kind: "connection", Key: "service." + role}
	o := store.Observation{Ref: ref}
	if err != nil {
		detail := err.Error()
		if f, ok := errors.AsType[*fault.Error](err); ok && f.Detail != "" {
			detail = f.Detail
		}
		now := c.Now()
		o.Findings = []store.Finding{{Ref: ref, Stage: audit.Stage(role), Code: fault.CodeOf(err), Hold: true, Detail: detail, Since: now, At: now}}
	}
	if err := c.Store.SetFindings(ctx, t, audit.Stage(role), o); err != nil && ctx.Err() == nil {
		c.Log.Warn("finding not stored", "tenant", t, "err", err)
	}
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}
