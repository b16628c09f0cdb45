package assembly

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source/peoplesoft/ib"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

// retryIB decodes and stores the message of a letter by the tenant's present settings. Its records go to ERP with the
// place that the message would have had, so that what came behind it stays newer.
func (c *Core) retryIB(ctx context.Context, t tenant.ID, m bus.Message, d event.Dead) error {
	k, ok := c.Keys.(vault.DataSealer)
	if !ok {
		return fault.New(fault.Config, fault.VaultKey, "this process has no vault")
	}
	door, err := c.door(ctx, t)
	if err != nil {
		return err
	}
	if door == nil {
		return fault.New(fault.Config, fault.BadConfig, "the tenant file has no peoplesoft.ib any more")
	}
	place, err := stood(ctx, c.Bus, t, m.Stored)
	if err != nil {
		return err
	}
	again := "dead-" + strconv.FormatUint(m.Seq, 10)
	h := listener.New(&listener.Doors{}, older{c.Bus, again, place}, c.sealData(), listener.Options{Now: func() time.Time { return m.Event.Time },
		Counted: func(tenant.ID, int, fault.Code) {}, Log: c.Log.With("component", "console"), Form: func(ok bool, detail string) (string, []byte) { return ib.Answer(nil, ok, detail) }})
	return h.Again(ctx, door, k.OpenData, m.Event.ID, "replay/"+again, d.Original)
}

// stood is behind which message of ERP something that was stored at a time belongs. It refuses where messages of that
// time are gone by age: what came behind it can no longer be told from what came before.
func stood(ctx context.Context, b bus.Bus, t tenant.ID, at time.Time) (uint64, error) {
	st, err := b.State(ctx, t)
	if err != nil {
		return 0, err
	}
	erp := st.Streams[bus.ERP]
	first, err := b.FirstAt(ctx, t, bus.ERP, at)
	if errors.Is(err, bus.ErrNone) {
		return erp.Last, nil
	}
	if err == nil && first <= erp.First && erp.First > 1 {
		err = &fault.Error{Kind: fault.Invalid, Code: fault.BadEnvelope, Detail: "messages that came behind it are gone by age, so that it could bring back an older state",
			Next: "read its records anew with `ml-connector sync --full`, then `ml-connector dead drop` with a reason"}
	}
	return first - min(first, 1), err
}

// older is a bus on which facts say that they belong behind a place of ERP.
type older struct {
	listener.Bus
	again string
	place uint64
}

// PublishFacts implements listener.Bus.
func (o older) PublishFacts(ctx context.Context, t tenant.ID, events ...event.Event) error {
	out := make([]event.Event, len(events))
	for i, e := range events {
		out[i] = event.Again(e, o.again+"/"+e.ID, o.place) // one id for each record of the message
		out[i].Cause = e.Cause
	}
	return o.Bus.PublishFacts(ctx, t, out...)
}
