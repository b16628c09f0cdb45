package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	askEvery = 200 * time.Millisecond
	// stuckAfter is how long a connection must ask for a person before waiting is given up: a credential that was just
	// set, or a Zendesk that just came back, closes the finding within it.
	stuckAfter = 5 * time.Second
)

// waitCycles waits until every cycle ended.
func waitCycles(ctx context.Context, client *adminapi.Client, t tenant.ID, ids []string) ([]adminapi.Cycle, error) {
	var out []adminapi.Cycle
	for _, id := range ids {
		for {
			c, ok, err := client.Cycle(ctx, t, id)
			if err != nil {
				return nil, err
			}
			if ok && c.State != "running" {
				out = append(out, c)
				break
			}
			if err := nap(ctx, askEvery); err != nil {
				return nil, fmt.Errorf("cycle %s did not end: %w", id, err)
			}
		}
	}
	return out, nil
}

// waitQuiet waits until nothing is in flight at any stage of the tenant. It gives up where only a person can go on, or
// when the time is over, and answers what is wrong.
func waitQuiet(ctx context.Context, client *adminapi.Client, t tenant.ID) ([]adminapi.Problem, error) {
	watch := patience{began: map[string]time.Time{}}
	for {
		quiet, _, err := client.Quiet(ctx, t)
		if err != nil || quiet {
			return nil, err
		}
		problems, err := connections(ctx, client, t)
		if err != nil {
			return nil, err
		}
		if stuck := watch.over(problems, time.Now()); len(stuck) > 0 {
			return stuck, nil
		}
		if err := nap(ctx, askEvery); err != nil {
			if len(problems) > 0 {
				return problems, nil
			}
			return nil, fmt.Errorf("%s is not quiet; see `ml-connector status %s`: %w", t, t, err)
		}
	}
}

// connections are the tenant's connections that keep records waiting.
func connections(ctx context.Context, client *adminapi.Client, t tenant.ID) ([]adminapi.Problem, error) {
	s, err := client.Status(ctx, t)
	if err != nil {
		return nil, err
	}
	var out []adminapi.Problem
	for _, one := range s.Tenants {
		for _, p := range one.Problems {
			if p.Hold {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// patience remembers since when each problem was seen.
type patience struct{ began map[string]time.Time }

// over answers the problems that need a person and were seen for stuckAfter without a break.
func (w patience) over(problems []adminapi.Problem, now time.Time) []adminapi.Problem {
	seen, stuck := map[string]bool{}, []adminapi.Problem(nil)
	for _, p := range problems {
		name := p.Where + " " + p.Code
		if !person(fault.Code(p.Code)) && !unread(p) {
			continue
		}
		seen[name] = true
		if w.began[name].IsZero() {
			w.began[name] = now
		}
		if now.Sub(w.began[name]) >= stuckAfter {
			stuck = append(stuck, p)
		}
	}
	for name := range w.began {
		if !seen[name] {
			delete(w.began, name)
		}
	}
	return stuck
}

// unread tells whether the first write waits for a read that does not come by itself in time (ADR 0024).
func unread(p adminapi.Problem) bool {
	return p.Code == string(fault.AdoptionReview) && p.Where == "zendesk.adoption"
}

// person tells whether a connection with this code stays broken until somebody changes something.
func person(c fault.Code) bool {
	switch c {
	case fault.TargetAuth, fault.TargetReauth, fault.TargetForbidden, fault.TargetNotFound, fault.TargetTLS, fault.TargetRedirect,
		fault.BadConfig, fault.NoCredential:
		return true
	}
	return false
}

func nap(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
