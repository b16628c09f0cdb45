package zendesk

import "context"

// turn is a lock that may be held across calls: waiting for it ends with ctx.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return stopped(ctx)
	}
}

func (t turn) give() { <-t }
