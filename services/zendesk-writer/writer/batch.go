package writer

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// batch is one fetch on its way to the target.
type batch struct {
	w      *Writer
	t      tenant.ID
	urgent bool
	pulled time.Time
	lease  time.Duration
	id     string
}

// run brings every delivery to its end and settles it. Nothing is acknowledged before the commit that explains it.
func (b *batch) run(ctx context.Context, got []bus.Delivery) (time.Duration, error) {
	if err := b.w.settleForeign(ctx, b.t); err != nil {
		b.giveBack(ctx, got, b.w.opt.Backoff)
		return 0, err
	}
	rows, err := b.admit(ctx, got)
	if err != nil {
		b.giveBack(ctx, got, b.w.opt.Backoff)
		return 0, err
	}
	rows, done, err := b.drop(ctx, rows)
	if err != nil {
		b.giveBack(ctx, deliveries(rows), b.w.opt.Backoff)
		return 0, err
	}
	if len(done) > 0 {
		if err := b.finish(ctx, "", done); err != nil {
			b.giveBack(ctx, deliveries(rows), b.w.opt.Backoff)
			return 0, err
		}
	}
	return b.write(ctx, rows)
}

// admit decodes the deliveries and keeps those that may be written now; the others are settled on the spot.
func (b *batch) admit(ctx context.Context, got []bus.Delivery) ([]row, error) {
	busy, err := b.busy(ctx)
	if err != nil {
		return nil, err
	}
	quarantined, err := b.w.store.Quarantined(ctx, b.t)
	if err != nil {
		return nil, err
	}
	var rows []row
	seen := map[record.Ref]int{}
	for _, d := range got {
		r, err := b.open(ctx, d)
		until, waits := quarantined[r.ref]
		switch {
		case errors.Is(err, errNoState):
			b.settle(d.Ack(ctx), r)
		case err != nil && fault.KindOf(err) == fault.Invalid:
			b.settle(d.Bury(ctx, dead(d.Message(), err)), r)
		case err != nil:
			b.settle(d.Retry(ctx, b.w.backoff(d.Message().Attempt)), r)
		case busy[r.ref]:
			b.settle(d.Retry(ctx, b.w.opt.Busy), r)
		case waits && b.w.now().Before(until):
			b.settle(d.Retry(ctx, until.Sub(b.w.now())), r)
		default:
			r.fresh = waits
			if i, twice := seen[r.ref]; twice { // keep the newest of one record
				if rows[i].msg.Event.Version > r.msg.Event.Version {
					b.settle(d.Ack(ctx), r)
					continue
				}
				b.settle(rows[i].d.Ack(ctx), rows[i])
				rows[i] = r
				continue
			}
			seen[r.ref] = len(rows)
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// busy lists the records of every unfinished batch: a record is never in two.
func (b *batch) busy(ctx context.Context) (map[record.Ref]bool, error) {
	open, err := b.w.store.OpenBatches(ctx, b.t)
	if err != nil {
		return nil, err
	}
	busy := map[record.Ref]bool{}
	for _, o := range open {
		for _, it := range o.Items {
			busy[it.Ref] = true
		}
	}
	return busy, nil
}

// drop loads the links and parts the rows into those to write and those that are answered already.
func (b *batch) drop(ctx context.Context, rows []row) (todo []row, done []result, err error) {
	if len(rows) == 0 {
		return nil, nil, nil
	}
	links, err := b.w.store.Links(ctx, b.t, refs(rows))
	if err != nil {
		return rows, nil, err
	}
	for _, r := range rows {
		r.link = links[r.ref]
		if !r.covered() {
			todo = append(todo, r)
			continue
		}
		done = append(done, b.answered(r))
	}
	return todo, done, nil
}

// write journals, plans, applies, commits and settles the rows that the target must see.
func (b *batch) write(ctx context.Context, rows []row) (time.Duration, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	if b.lease > 0 && time.Since(b.pulled) > b.lease/2 {
		b.giveBack(ctx, deliveries(rows), 0)
		return 0, errLease
	}
	if err := b.begin(ctx, rows); err != nil {
		b.giveBack(ctx, deliveries(rows), b.w.opt.Busy)
		if errors.Is(err, store.ErrBusy) {
			return 0, nil // the other lane was faster
		}
		return 0, err
	}
	defer b.end()
	results, refusal := b.attempt(ctx, rows)
	if err := b.finish(ctx, b.id, results); err != nil {
		return 0, err
	}
	return b.w.account(ctx, b.t, refusal), nil
}

func (b *batch) begin(ctx context.Context, rows []row) error {
	b.id = uuid.NewString()
	items := make([]store.BatchItem, len(rows))
	for i, r := range rows {
		items[i] = store.BatchItem{Ref: r.ref, Version: r.msg.Event.Version}
	}
	b.w.mu.Lock()
	b.w.inflight[b.id] = true
	b.w.mu.Unlock()
	err := b.w.store.BeginBatch(ctx, b.t, store.Batch{ID: b.id, Epoch: b.w.epoch, Items: items, Started: b.w.now()})
	if err != nil {
		b.end()
	}
	return err
}

func (b *batch) end() {
	b.w.mu.Lock()
	delete(b.w.inflight, b.id)
	b.w.mu.Unlock()
}

// Job implements target.Journal: the job's id is stored before anybody waits for it.
func (b *batch) Job(ctx context.Context, id string, _ []record.Ref) error {
	return b.w.store.AddJob(ctx, b.t, b.id, id)
}

// attempt plans and applies, organizations before users. refusal is why the account took nothing, when it did.
func (b *batch) attempt(ctx context.Context, rows []row) (results []result, refusal error) {
	slices.SortStableFunc(rows, func(x, y row) int { return cmp.Compare(rank(x.ref.Kind), rank(y.ref.Kind)) })
	for start := 0; start < len(rows); {
		end := start
		for end < len(rows) && rows[end].ref.Kind == rows[start].ref.Kind {
			end++
		}
		part, err := b.attemptKind(ctx, rows[start:end])
		results = append(results, part...)
		refusal = cmp.Or(refusal, err)
		start = end
	}
	return results, refusal
}

func rank(k record.Kind) int { return slices.Index(record.Kinds(), k) }

func (b *batch) attemptKind(ctx context.Context, rows []row) ([]result, error) {
	items := make([]target.Item, len(rows))
	for i, r := range rows {
		known, err := event.DecodeEntry(r.link.Known)
		if err != nil {
			known.User, known.Organization = nil, nil // the target is read anyway
		}
		items[i] = target.Item{Ref: r.ref, Version: r.msg.Event.Version, Wanted: r.wanted, TargetID: r.link.TargetID,
			Known: known, Memory: r.link.Memory, Urgent: b.urgent}
	}
	var planned []target.Planned
	err := b.w.call(func() (err error) { planned, err = b.w.target.Plan(ctx, b.t, items); return err })
	if err == nil && len(planned) != len(rows) {
		err = fault.New(fault.Internal, fault.Unclassified, "the target planned another number of records than it was given")
	}
	if err != nil {
		return all(rows, err), err
	}
	results := make([]result, len(rows))
	var changes []target.Change
	var at []int
	for i, p := range planned {
		results[i] = result{row: rows[i], outcome: target.Outcome{Change: p.Change, Err: p.Err, TargetID: p.Change.TargetID, Holds: p.Change.Held, Memory: p.Change.Memory}}
		if p.Err == nil && p.Change.Verb != target.Nothing {
			changes, at = append(changes, p.Change), append(at, i)
		}
	}
	if len(changes) == 0 {
		return results, nil
	}
	return results, b.apply(ctx, results, changes, at)
}

func (b *batch) apply(ctx context.Context, results []result, changes []target.Change, at []int) error {
	var outcomes []target.Outcome
	err := b.w.call(func() (err error) { outcomes, err = b.w.target.Apply(ctx, b.t, changes, b); return err })
	if err == nil && len(outcomes) != len(changes) {
		err = &fault.Error{Kind: fault.Internal, Code: fault.Unclassified, Detail: "the target answered another number of outcomes than it was given changes", Unknown: true}
	}
	for n, i := range at {
		if err != nil {
			results[i].outcome = target.Outcome{Change: changes[n], Err: err, TargetID: changes[n].TargetID}
			continue
		}
		results[i].outcome = outcomes[n]
	}
	return err
}

func all(rows []row, err error) []result {
	out := make([]result, len(rows))
	for i, r := range rows {
		out[i] = result{row: r, outcome: target.Outcome{Err: err, TargetID: r.link.TargetID}}
	}
	return out
}

func refs(rows []row) []record.Ref {
	out := make([]record.Ref, len(rows))
	for i, r := range rows {
		out[i] = r.ref
	}
	return out
}

func deliveries(rows []row) []bus.Delivery {
	out := make([]bus.Delivery, len(rows))
	for i, r := range rows {
		out[i] = r.d
	}
	return out
}

func dead(m bus.Message, err error) event.Dead {
	original, _ := event.Encode(m.Event)
	return event.Dead{Stage: audit.Writer, Kind: m.Ref.Kind, Key: m.Ref.Key, Code: fault.CodeOf(err), Detail: detailOf(err),
		Stream: string(m.Stream), Sequence: m.Seq, Attempts: m.Attempt, Original: original}
}
