package natsbus

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	// crowd is how many facts must wait for the transformer before others overtake them: two of its batches, a
	// fraction of a second. Below it nothing is gained.
	crowd = 512
	// fewFacts is how many may overtake together. More are a set, which has no single somebody who waits.
	fewFacts = 50
)

// hasten announces facts that stand on ERP from sequence first on, when the transformer is far behind: it then takes
// their records before their turn (docs/adr/0018-few-facts-overtake-a-backlog.md). The facts are stored; what fails
// here costs only time.
func (b *Bus) hasten(ctx context.Context, t tenant.ID, first uint64, events []event.Event) {
	if len(events) > fewFacts || !b.crowded(ctx, t) {
		return
	}
	var msgs []*nats.Msg
	seen := map[record.Ref]bool{}
	for _, e := range events {
		ref := about(e)
		if seen[ref] {
			continue
		}
		seen[ref] = true
		w := event.Wake{Kind: ref.Kind, Key: ref.Key, Date: erp.Date(e.Time.UTC().Format("2006-01-02")), From: first}
		m, err := control(t, refSubject(wordDue, t, ref), event.WakeV1, "due/"+e.ID, ref.String(), e.Cause, w)
		if err != nil {
			b.log.Warn("facts not announced, they wait for their turn", "tenant", t, "err", err)
			return
		}
		msgs = append(msgs, m)
	}
	if _, err := b.append(ctx, msgs); err != nil {
		b.log.Warn("facts not announced, they wait for their turn", "tenant", t, "err", err)
	}
}

// crowded tells whether many facts wait for the transformer.
func (b *Bus) crowded(ctx context.Context, t tenant.ID) bool {
	ctx, cancel := b.call(ctx)
	defer cancel()
	cons, err := b.js.Consumer(ctx, streamName(t, bus.ERP), string(bus.Transformer))
	return err == nil && cons.CachedInfo().NumPending+uint64(max(cons.CachedInfo().NumAckPending, 0)) > crowd
}
