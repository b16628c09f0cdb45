package transform

import (
	"context"
	"errors"
	"fmt"

	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Sweep publishes every wanted state that was saved and is not known to be in the table: what a crash cut off.
func (s *Service) Sweep(ctx context.Context, t tenant.ID) error {
	for {
		rows, err := s.deps.Ledger.Unpublished(ctx, t, s.opts.Batch)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", t, err)
		}
		if len(rows) == 0 {
			return nil
		}
		if err := s.touch(ctx, t, rows, "recovery"); err != nil {
			return fmt.Errorf("sweep %s: %w", t, err)
		}
	}
}

// Rearm resolves every record whose day has come and arms the wake-up of every record that still waits for one.
// It repairs lost, moved and never armed schedules, and a process that was down on the day.
func (s *Service) Rearm(ctx context.Context, t tenant.ID) error {
	late := s.ring(ctx, t)
	return errors.Join(late, s.walkDue(ctx, t, string(openEnd), func(at moment, rows []store.LedgerRow) error {
		var errs []error
		for _, row := range rows {
			errs = append(errs, s.wake(ctx, at, row.Ref, row.NextDate))
		}
		return errors.Join(errs...)
	}))
}

// ring resolves every record whose next date is not in the future.
func (s *Service) ring(ctx context.Context, t tenant.ID) error {
	return s.walkDue(ctx, t, "", func(at moment, rows []store.LedgerRow) error {
		return s.touch(ctx, t, rows, "wake/"+string(at.day))
	})
}

// walkDue calls do with every row whose next date is not behind by, page by page; "" means
// now. One bad row does not keep the others waiting.
func (s *Service) walkDue(ctx context.Context, t tenant.ID, by string, do func(moment, []store.LedgerRow) error) error {
	at, err := s.moment(ctx, t)
	if err != nil {
		return fmt.Errorf("due rows of %s: %w", t, err)
	}
	if by == "" {
		by = dueBy(at.now, at.policy.zone())
	}
	var errs []error
	for after := (record.Ref{}); ; {
		rows, err := s.deps.Ledger.DueRows(ctx, t, by, after, s.opts.Batch)
		if err != nil {
			return fmt.Errorf("due rows of %s: %w", t, errors.Join(append(errs, err)...))
		}
		if len(rows) == 0 {
			return errors.Join(errs...)
		}
		if err := do(at, rows); err != nil {
			errs = append(errs, fmt.Errorf("due rows of %s: %w", t, err))
		}
		after = rows[len(rows)-1].Ref
	}
}

// Reresolve resolves every record of the tenant again: after its settings changed, or after a release that changed
// the rules. Records for which nothing changes are not published.
func (s *Service) Reresolve(ctx context.Context, t tenant.ID) error {
	policy, err := s.deps.Policies(ctx, t)
	if err != nil {
		return fmt.Errorf("resolve %s again: %w", t, err)
	}
	s.all.Add(1)
	defer s.all.Add(-1)
	cause := fmt.Sprintf("config/%d", policy.Version)
	for _, kind := range record.Kinds() {
		for after := ""; ; {
			rows, err := s.deps.Ledger.WalkLedger(ctx, t, kind, after, s.opts.Batch)
			if err != nil {
				return fmt.Errorf("resolve %s again: %w", t, err)
			}
			if len(rows) == 0 {
				break
			}
			if err := s.touch(ctx, t, rows, cause); err != nil {
				return fmt.Errorf("resolve %s again: %w", t, err)
			}
			s.deps.Metrics.Add(t, CountReresolved, len(rows))
			after = rows[len(rows)-1].Ref.Key
		}
	}
	return nil
}

// touch applies tasks without facts to rows.
func (s *Service) touch(ctx context.Context, t tenant.ID, rows []store.LedgerRow, cause string) error {
	refs := make([]record.Ref, len(rows))
	for i, row := range rows {
		refs[i] = row.Ref
	}
	return s.touchRefs(ctx, t, refs, cause)
}

// touchRefs applies tasks without facts to records.
func (s *Service) touchRefs(ctx context.Context, t tenant.ID, refs []record.Ref, cause string) error {
	tasks := make([]*task, len(refs))
	for i, ref := range refs {
		tasks[i] = &task{ref: ref, cause: cause}
	}
	var errs []error
	for _, err := range s.apply(ctx, t, tasks) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
