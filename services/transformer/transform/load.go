package transform

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// maxLoad is how long creations are free at most, where no complete cycle ends the first load.
const maxLoad = 24 * time.Hour

// loading tells for which kinds the first load lasts. It begins with the first record of a kind that could be created,
// unless the tenant has links already.
func (s *Service) loading(ctx context.Context, at moment, refs []record.Ref) (map[record.Kind]bool, error) {
	loads, err := s.deps.Guard.Loads(ctx, at.tenant)
	if err != nil {
		return nil, err
	}
	out := map[record.Kind]bool{}
	for _, ref := range refs {
		if _, done := out[ref.Kind]; done {
			continue
		}
		l, begun := loads[ref.Kind]
		if !begun {
			if l, err = s.begin(ctx, at, ref.Kind); err != nil {
				return nil, err
			}
		}
		out[ref.Kind] = l.Ended.IsZero()
	}
	return out, nil
}

func (s *Service) begin(ctx context.Context, at moment, kind record.Kind) (store.Load, error) {
	counts, err := s.deps.Guard.CountLinks(ctx, at.tenant)
	if err != nil {
		return store.Load{}, err
	}
	l := store.Load{Began: at.now}
	for _, n := range counts[kind] {
		if n > 0 {
			l.Ended = at.now
		}
	}
	return l, s.deps.Guard.BeginLoad(ctx, at.tenant, kind, l)
}

// endLoads ends first loads whose complete cycle was transformed to its end.
func (s *Service) endLoads(ctx context.Context, t tenant.ID, now time.Time) error {
	loads, err := s.deps.Guard.Loads(ctx, t)
	if err != nil {
		return err
	}
	for kind, l := range loads {
		if !l.Ended.IsZero() {
			continue
		}
		over := now.Sub(l.Began) > maxLoad
		if !over {
			if over, err = s.loaded(ctx, t, kind, l, now); err != nil {
				return err
			}
		}
		if over {
			if err := s.deps.Guard.EndLoad(ctx, t, kind, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// loaded tells whether a complete cycle ended after the load began and everything it brought is transformed.
func (s *Service) loaded(ctx context.Context, t tenant.ID, kind record.Kind, l store.Load, now time.Time) (bool, error) {
	cycles, err := s.deps.Guard.Cycles(ctx, t, kind, 50)
	if err != nil {
		return false, err
	}
	for _, c := range cycles {
		if c.State == store.Complete && c.Mode != string(event.ModeKey) && c.Ended.After(l.Began) {
			state, err := s.deps.Flow.State(ctx, t)
			return err == nil && drained(state, c.Ended, now), err
		}
	}
	return false, nil
}
