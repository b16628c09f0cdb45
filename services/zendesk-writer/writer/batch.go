package writer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/crash"
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
	more   bool // another full batch waits behind this one
	pulled time.Time
	lease  time.Duration
	gen    int    // of the account's state when the batch was fetched
	id     string // in the journal

	claimed []record.Ref

	mu   sync.Mutex
	jobs []string
}

var (
	errLease = errors.New("the pin may be gone: the batch is given back")
	errTaken = errors.New("another writer took this batch over")
	errJobs  = errors.New("a job of the batch has not ended: the batch stays in the journal")
)

// run brings every delivery to its end. Nothing is acknowledged before the commit that explains it.
func (b *batch) run(ctx context.Context, got []bus.Delivery) error {
	rows, bad, err := b.admit(ctx, got)
	defer b.w.release(b)
	if crash.Bug("ack-before-confirm") {
		acknowledge(ctx, got)
	}
	if err != nil {
		giveBack(ctx, got, b.w.opt.Backoff)
		return err
	}
	if err := b.refuse(ctx, bad); err != nil {
		giveBack(ctx, deliveries(rows), b.w.opt.Backoff)
		return err
	}
	if len(rows) == 0 {
		return nil
	}
	if b.lease > 0 && time.Since(b.pulled) > b.lease/2 {
		giveBack(ctx, deliveries(rows), 0)
		return errLease
	}
	crash.Point("wr.fetched")
	if rows, err = b.begin(ctx, rows); err != nil || len(rows) == 0 {
		return err
	}
	return b.write(ctx, rows)
}

// admit decodes the deliveries. It answers those that may be written now and those that never can be; the others are
// settled on the spot. When it fails, nothing is settled yet.
func (b *batch) admit(ctx context.Context, got []bus.Delivery) (rows []row, bad []result, err error) {
	quarantined, err := b.w.quarantined(ctx, b.t)
	if err != nil {
		return nil, nil, err
	}
	seen := map[record.Ref]int{}
	for _, d := range got {
		r, err := b.open(ctx, d)
		left, waits := quarantined[r.ref]
		switch {
		case errors.Is(err, errNoState):
			b.settle(d.Ack(ctx), r)
		case err != nil && fault.KindOf(err) == fault.Invalid:
			bad = append(bad, result{row: r, outcome: target.Outcome{Err: err}})
		case err != nil:
			b.settle(d.Retry(ctx, b.w.backoff(r.msg.Attempt)), r)
		case waits && left > 0:
			b.settle(d.Retry(ctx, left), r)
		case !b.w.claim(r.ref, b):
			b.settle(d.Retry(ctx, b.w.opt.Busy), r) // another batch of this process writes it
		default:
			r.fresh = waits
			rows = b.newest(ctx, rows, seen, r)
		}
	}
	return b.apart(ctx, rows), bad, nil
}

// newest keeps the newest row of a record. The table holds a newer one already, so the older is done with.
func (b *batch) newest(ctx context.Context, rows []row, seen map[record.Ref]int, r row) []row {
	i, twice := seen[r.ref]
	switch {
	case !twice:
		seen[r.ref] = len(rows)
		return append(rows, r)
	case rows[i].msg.Event.Version > r.msg.Event.Version:
		rows[i].msg.Event.Force = rows[i].msg.Event.Force || r.msg.Event.Force
		b.settle(r.d.Ack(ctx), r)
	default:
		r.msg.Event.Force = rows[i].msg.Event.Force || r.msg.Event.Force
		b.settle(rows[i].d.Ack(ctx), rows[i])
		rows[i] = r
	}
	return rows
}

// refuse tells about deliveries that can never be written, and buries them.
func (b *batch) refuse(ctx context.Context, bad []result) error {
	if len(bad) == 0 {
		return nil
	}
	return b.finish(ctx, "", bad)
}

// begin writes the batch into the journal and answers the rows that are in it: those of another writer's unfinished
// batches are given back. From here on no other batch holds its records, so that what is read of their links stays
// true until the commit.
func (b *batch) begin(ctx context.Context, rows []row) ([]row, error) {
	for range beginTries {
		err := b.journal(ctx, rows)
		if err == nil {
			return rows, nil
		}
		if !errors.Is(err, store.ErrBusy) {
			giveBack(ctx, deliveries(rows), b.w.opt.Busy)
			return nil, err
		}
		if rows, err = b.free(ctx, rows); err != nil || len(rows) == 0 {
			return nil, err
		}
	}
	giveBack(ctx, deliveries(rows), b.w.opt.Busy) // others are faster again and again
	return nil, nil
}

const beginTries = 3

func (b *batch) journal(ctx context.Context, rows []row) error {
	b.id = uuid.NewString()
	items := make([]store.BatchItem, len(rows))
	for i, r := range rows {
		items[i] = store.BatchItem{Ref: r.ref, Version: r.msg.Event.Version}
	}
	for _, ref := range touched(rows)[len(rows):] {
		items = append(items, store.BatchItem{Ref: ref})
	}
	b.w.hold(b.id)
	err := b.w.store.BeginBatch(ctx, b.t, store.Batch{ID: b.id, Epoch: b.w.life.epoch, Items: items, Started: b.w.now()})
	switch {
	case errors.Is(err, store.ErrBusy):
		b.w.forget(b.id)
	case err != nil:
		b.w.ended(b.id, 0) // it may be stored although the answer was lost; nothing was sent
	}
	return err
}

// free gives back the rows that are in unfinished batches and answers the others.
func (b *batch) free(ctx context.Context, rows []row) (free []row, err error) {
	busy, err := b.w.busy(ctx, b.t)
	if err != nil {
		giveBack(ctx, deliveries(rows), b.w.opt.Busy)
		return nil, err
	}
	for _, r := range rows {
		another, isBusy := busy[r.ref]
		switch {
		case isBusy && another:
			b.settle(r.d.Retry(ctx, max(b.w.opt.Busy, min(b.w.backoff(r.msg.Attempt), ownTrouble))), r) // attempts count deaths too
		case isBusy:
			b.settle(r.d.Retry(ctx, b.w.opt.Busy), r)
		default:
			free = append(free, r)
		}
	}
	return free, nil
}

// write plans, applies, commits and settles. Once calls were made, bookkeeping has its own time.
func (b *batch) write(ctx context.Context, rows []row) error {
	rows, err := b.unquarantined(ctx, rows)
	if err != nil {
		b.w.ended(b.id, 0)
		return err
	}
	links, err := b.w.store.Links(ctx, b.t, touched(rows))
	if err != nil {
		b.w.ended(b.id, 0)
		giveBack(ctx, deliveries(rows), b.w.opt.Busy)
		return err
	}
	var todo []row
	var results []result
	for _, r := range rows {
		r.link = links[r.ref]
		r.inherit(links)
		if end := r.answered(); end != "" {
			results = append(results, result{row: r, end: end})
			continue
		}
		todo = append(todo, r)
	}
	done, refusal := b.attempt(ctx, todo)
	for _, r := range done {
		b.halt(r.outcome.Err)
	}
	results = append(results, done...)
	book, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	err = b.conclude(book, results)
	if len(todo) > 0 && ctx.Err() == nil { // what fails because we stop says nothing about the account
		b.w.judgeAccount(book, b.t, b.gen, refusal)
	}
	return err
}

// unquarantined gives back the rows that a takeover quarantined between their admission and the journal row: from that
// row on nobody else ends a batch with them.
func (b *batch) unquarantined(ctx context.Context, rows []row) ([]row, error) {
	quarantined, err := b.w.quarantined(ctx, b.t)
	if err != nil {
		giveBack(ctx, deliveries(rows), b.w.opt.Busy)
		return nil, err
	}
	if len(quarantined) == 0 {
		return rows, nil
	}
	kept := rows[:0]
	for _, r := range rows {
		left, waits := quarantined[r.ref]
		if waits && left > 0 {
			b.settle(r.d.Retry(ctx, left), r)
			continue
		}
		r.fresh = r.fresh || waits
		kept = append(kept, r)
	}
	return kept, nil
}

// conclude commits the results. A job that may still run keeps the batch in the journal: quarantine ends by the clock,
// a job does not (broker.md 3.3, point 4).
func (b *batch) conclude(ctx context.Context, results []result) error {
	life := time.Duration(0)
	if unknown(results) {
		life = b.w.target.CallLife()
		if err := b.jobsOver(ctx); err != nil {
			b.w.ended(b.id, life)
			giveBack(ctx, deliveries(rowsOf(results)), b.w.opt.Busy)
			return errors.Join(errJobs, err)
		}
	}
	if err := b.finish(ctx, b.id, results); err != nil {
		b.w.ended(b.id, life)
		return err
	}
	b.w.forget(b.id)
	return nil
}

func (b *batch) jobsOver(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.jobs) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return b.w.target.Settle(ctx, b.t, b.jobs)
}

// Job implements target.Journal: the job's id is stored before anybody waits for it.
func (b *batch) Job(ctx context.Context, id string, refs []record.Ref) error {
	b.mu.Lock()
	b.jobs = append(b.jobs, id)
	b.mu.Unlock()
	return b.w.store.AddJob(ctx, b.t, b.id, id, refs)
}

func unknown(rs []result) bool {
	for _, r := range rs {
		if fault.IsUnknown(r.outcome.Err) {
			return true
		}
	}
	return false
}

func giveBack(ctx context.Context, ds []bus.Delivery, after time.Duration) {
	for _, d := range ds {
		_ = d.Retry(ctx, after) // else it comes after the broker's own wait
	}
}

// acknowledge is the deliberate mistake ack-before-confirm.
func acknowledge(ctx context.Context, ds []bus.Delivery) {
	for _, d := range ds {
		_ = d.Ack(ctx)
	}
	crash.Point("wr.acked_pause") // an acknowledgement leaves in a moment
	crash.Point("wr.acked_early")
}

func (b *batch) settle(err error, r row) {
	if err != nil { // it is delivered again and found answered
		b.w.log.Debug("not settled", "tenant", b.t, "source_key", r.ref.String(), "err", err)
	}
}

func dead(m bus.Message, err error) event.Dead {
	original, _ := event.Encode(m.Event) // what cannot be encoded was never decoded
	return event.Dead{Stage: stage, Kind: m.Ref.Kind, Key: m.Ref.Key, Code: fault.CodeOf(err), Detail: detailOf(err),
		Stream: string(m.Stream), Sequence: m.Seq, Attempts: m.Attempt, Original: original}
}
