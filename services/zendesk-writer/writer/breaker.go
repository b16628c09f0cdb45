package writer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/ml-connector/ml-connector/pkg/fault"
)

// newBreaker opens after more than five failures in a row, or more than half of at least twenty within 30 s
// (failures.md Z06). A rate limit is not a failure and counts neither way (Z05); a record that is refused is a success
// of the account.
func newBreaker(open time.Duration) *gobreaker.TwoStepCircuitBreaker[any] {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name: "zendesk", Interval: 30 * time.Second, Timeout: open, MaxRequests: 1,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return c.ConsecutiveFailures > 5 || c.Requests >= 20 && 2*c.TotalFailures > c.Requests
		},
		IsSuccessful: func(err error) bool { return err == nil || fault.KindOf(err) != fault.Transient },
		IsExcluded: func(err error) bool {
			return err != nil && fault.KindOf(err) == fault.RateLimited || errors.Is(err, context.Canceled)
		},
	})
}

// call runs f behind the breaker; an open breaker answers a transient ZD_DOWN without calling. An account that refused
// another batch since this one was fetched is not asked again. f answers its error and what the breaker shall learn; it
// learns nothing from calls that we cut off ourselves. A panic of f is an error of ours.
func (b *batch) call(ctx context.Context, f func() (err, health error)) error {
	if b.w.life.lapsed() {
		return leaseLost()
	}
	if f := b.w.halted.Load(); f != nil {
		return f
	}
	if err := b.w.account.refused(b.gen); err != nil {
		return err
	}
	done, err := b.w.breaker.Allow()
	if err != nil {
		return fault.Wrap(err, fault.Transient, fault.TargetDown, "the circuit breaker keeps calls back")
	}
	err, health := b.w.guard(f)
	if ctx.Err() != nil {
		health = context.Canceled
	}
	done(health)
	return err
}

func (w *Writer) guard(f func() (err, health error)) (err, health error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("the target panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, fault.Poison, "the target panicked")
			health = err
		}
	}()
	return f()
}

// Breaker is whether the account is asked, as a word: closed, half-open (one record finds out) or open (nothing is
// pulled). It opens for each cause in its own way: an account that is down by the breaker's counts, a refused credential
// or right at once, a withdrawn consent for an hour. A rate limit never opens it. The finding of the connection names the
// cause and the next try.
func (w *Writer) Breaker() string {
	if s := w.breaker.State(); s != gobreaker.StateClosed {
		return s.String()
	}
	return w.account.state()
}
