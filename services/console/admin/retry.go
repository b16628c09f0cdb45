package admin

import (
	"context"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// retry sends a letter's event through the handler that failed. What it does is harmless twice:
//
//	facts              REPLAY: merged with everything that came behind them, so that nothing newer is lost
//	a wake-up          armed for now: the record is looked at as of today
//	a wanted state     touched: the writer compares the present state with Zendesk
//	a tick             published again
//	an audit entry     to the recorder again, which knows its id
//	an IB message      decoded and stored as if it came now; it stays here when that fails
func (a *API) retry(ctx context.Context, t tenant.ID, l letter) error {
	if l.dead.Stage == audit.Listener {
		return a.retryIB(ctx, t, l)
	}
	e, err := event.Decode(l.dead.Original)
	if err != nil || e.Tenant != t {
		return unfit(l, "its event cannot be read")
	}
	again := deadCause + strconv.FormatUint(l.Seq, 10)
	switch e.Type {
	case event.FactsV1:
		place, ok := event.Place(e) // a letter of a replay says itself where the event stood
		if !ok {
			place = l.dead.Sequence
		}
		if err := a.kept(ctx, t, l, place); err != nil {
			return err
		}
		return a.Bus.Replay(ctx, t, event.Again(e, again, place))
	case event.AuditV1:
		return a.Bus.Publish(ctx, t, bus.Audit, event.Again(e, again, l.dead.Sequence))
	case event.WakeV1:
		w, err := event.Payload[event.Wake](e, event.WakeV1)
		if err != nil {
			return unfit(l, "its event cannot be read")
		}
		return a.Bus.Wake(ctx, t, w, a.Now())
	case event.TickV1:
		k, err := event.Payload[event.Tick](e, event.TickV1)
		if err != nil {
			return unfit(l, "its event cannot be read")
		}
		return a.Bus.Poke(ctx, t, bus.Tick{Kind: k.Kind, Mode: k.Mode, Key: k.Key}, k.Cycle, "replay/"+again)
	case event.WantedV1, event.UrgentV1:
		return a.touch(ctx, t, l, "replay/"+again)
	case event.CursorV1, event.DeadV1:
	}
	return unfit(l, "events of type "+string(e.Type)+" have no handler")
}

// kept refuses facts of which later statements may be gone by age: merged without them they could bring back an older
// state.
func (a *API) kept(ctx context.Context, t tenant.ID, l letter, place uint64) error {
	st, err := a.Bus.State(ctx, t)
	if err == nil && place+1 < st.Streams[bus.ERP].First {
		err = unfit(l, "messages that came behind it are gone by age, so that it could bring back an older state")
	}
	return err
}

func unfit(l letter, why string) error {
	next := "`ml-connector dead drop` with a reason"
	if l.dead.Key != "" {
		next = "read the record anew with `ml-connector sync --key`, then " + next
	}
	return &fault.Error{Kind: fault.Invalid, Code: fault.BadEnvelope, Detail: "letter " + strconv.FormatUint(l.Seq, 10) + " cannot be retried: " + why, Next: next}
}

func (a *API) touch(ctx context.Context, t tenant.ID, l letter, cause string) error {
	ref := record.Ref{Kind: l.dead.Kind, Key: l.dead.Key}
	if ref.Kind == "" || ref.Key == "" {
		return unfit(l, "it names no record")
	}
	return a.Bus.Touch(ctx, t, cause, []record.Ref{ref})
}

func (a *API) retryIB(ctx context.Context, t tenant.ID, l letter) error {
	if l.dead.Original == nil || l.dead.Key != "" {
		return unfit(l, "only its first bytes were kept")
	}
	if a.RetryIB == nil || !strings.HasPrefix(l.Event.ID, "dead/") {
		return unfit(l, "this process cannot open it")
	}
	return a.RetryIB(ctx, t, l.Message, l.dead)
}
