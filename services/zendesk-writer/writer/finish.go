package writer

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// result is how one row ended.
type result struct {
	row
	outcome target.Outcome
	end     audit.Outcome // set when the row was answered without the target
}

// answered is the result of a row that the link covers.
func (b *batch) answered(r row) result {
	end := audit.Unchanged
	if r.link.Version > r.msg.Event.Version {
		end = audit.Superseded
	}
	return result{row: r, end: end}
}

// finish commits how the rows ended, in one transaction with the journal row, and then settles each message.
func (b *batch) finish(ctx context.Context, id string, results []result) error {
	c := store.Commit{Quarantine: map[record.Ref]time.Time{}}
	fates := make([]fate, len(results))
	for i, r := range results {
		fates[i] = b.judge(r, &c)
	}
	mine, err := b.w.store.CommitBatch(ctx, b.t, id, c)
	if err != nil {
		b.giveBack(ctx, resultDeliveries(results), b.w.opt.Backoff)
		return err
	}
	if !mine { // another writer took over while we wrote: have everything looked at again
		b.giveBack(ctx, resultDeliveries(results), b.w.opt.Busy)
		return errors.Join(errTaken, b.w.bus.Touch(ctx, b.t, "takeover/"+b.w.epoch, resultRefs(results)))
	}
	for i, r := range results {
		b.settle(fates[i](ctx, r.d), r.row)
	}
	return nil
}

var errTaken = errors.New("another writer took this batch over")

// fate settles a delivery after the commit.
type fate func(context.Context, bus.Delivery) error

func ack(ctx context.Context, d bus.Delivery) error { return d.Ack(ctx) }

func retry(after time.Duration) fate {
	return func(ctx context.Context, d bus.Delivery) error { return d.Retry(ctx, after) }
}

// judge adds what the result means to the commit and answers what becomes of its message.
func (b *batch) judge(r result, c *store.Commit) fate {
	err := r.outcome.Err
	if r.end != "" {
		return b.keep(r, c)
	}
	if err == nil {
		return b.done(r, c)
	}
	attempt := r.msg.Attempt
	switch kind := fault.KindOf(err); {
	case fault.IsUnknown(err):
		life := b.w.target.CallLife()
		c.Quarantine[r.ref] = b.w.now().Add(life)
		c.Entries = append(c.Entries, b.entry(r, audit.Retried))
		return retry(life)
	case kind == fault.Held:
		c.Entries = append(c.Entries, b.entry(r, audit.Held))
		c.Observations = append(c.Observations, b.observe(r, true))
		return ack
	case kind == fault.Invalid, kind == fault.Internal && attempt >= bus.MaxAttempts:
		c.Entries = append(c.Entries, b.entry(r, audit.Dead))
		c.Observations = append(c.Observations, b.observe(r, false))
		d := dead(r.msg, err)
		return func(ctx context.Context, dl bus.Delivery) error { return dl.Bury(ctx, d) }
	case kind == fault.RateLimited:
		return retry(max(fault.AfterOf(err), b.w.opt.Backoff))
	default:
		c.Entries = append(c.Entries, b.entry(r, audit.Retried))
		return retry(b.w.backoff(attempt))
	}
}

// keep records that the link already answers the row.
func (b *batch) keep(r result, c *store.Commit) fate {
	if r.end == audit.Unchanged && r.link.Version < r.msg.Event.Version {
		l := r.link
		l.Version, l.At = r.msg.Event.Version, b.w.now()
		c.Links = append(c.Links, l)
		c.Entries = append(c.Entries, b.entry(r, audit.Unchanged))
	}
	if r.end == audit.Superseded {
		c.Entries = append(c.Entries, b.entry(r, audit.Superseded))
	}
	return ack
}

// done records that the target holds what was wanted.
func (b *batch) done(r result, c *store.Commit) fate {
	holds := r.outcome.Holds
	if holds.User == nil && holds.Organization == nil && r.outcome.TargetID != "" {
		holds = r.wanted
	}
	known, err := event.EncodeEntry(holds)
	if err != nil {
		known = nil // the next plan reads the target
	}
	c.Links = append(c.Links, store.Link{Ref: r.ref, TargetID: r.outcome.TargetID, Version: r.msg.Event.Version, Digest: r.digest,
		Known: known, Memory: r.outcome.Memory, State: string(stateOf(r)), At: b.w.now()})
	end := audit.Applied
	switch {
	case r.outcome.Change.Verb != target.Nothing:
	case r.fresh || r.msg.Event.Force:
		end = audit.Verified
	default:
		end = audit.Unchanged
	}
	c.Entries = append(c.Entries, b.entry(r, end))
	c.Observations = append(c.Observations, store.Observation{Ref: r.ref})
	c.Release = append(c.Release, r.ref)
	return ack
}

// stateOf is the state that counts for the link: an object that was never made has none.
func stateOf(r result) directory.State {
	if r.outcome.TargetID == "" {
		return directory.Untouched
	}
	return r.wanted.State()
}

func (b *batch) observe(r result, hold bool) store.Observation {
	err := r.outcome.Err
	return store.Observation{Ref: r.ref, Findings: []store.Finding{{Ref: r.ref, Stage: audit.Writer, Code: fault.CodeOf(err),
		Hold: hold, Detail: detailOf(err), Since: b.w.now(), At: b.w.now()}}}
}

// entry explains one row. Its id is derived from what happened, so that a redelivered row is told once.
func (b *batch) entry(r result, end audit.Outcome) audit.Entry {
	e, ch := r.msg.Event, r.outcome.Change
	code, detail, next := ch.Code, ch.Why, ""
	if err := r.outcome.Err; err != nil {
		code, detail, next = string(fault.CodeOf(err)), detailOf(err), fault.NextOf(err)
	}
	switch end {
	case audit.Superseded:
		detail = "version " + strconv.FormatUint(r.link.Version, 10) + " is in the target already"
	case audit.Unchanged:
		if detail == "" {
			detail = "the target holds this already"
		}
	}
	parts := []string{string(end), string(ch.Verb), code}
	if e.Force {
		parts = append(parts, strconv.FormatUint(r.msg.Seq, 10))
	}
	verb := ch.Verb
	if verb == "" {
		verb = target.Nothing
	}
	return audit.Entry{ID: audit.ID(audit.Writer, r.ref, e.Version, parts...), Ref: r.ref, At: b.w.now(), Stage: audit.Writer,
		Verb: string(verb), Outcome: end, Code: code, Detail: detail, Next: next, Cause: e.Cause, Event: e.ID, Version: e.Version,
		Changes: ch.Diff, Request: r.outcome.Request}
}

func (b *batch) giveBack(ctx context.Context, ds []bus.Delivery, after time.Duration) {
	for _, d := range ds {
		_ = d.Retry(ctx, after)
	}
}

func (b *batch) settle(err error, r row) {
	if err != nil { // it is delivered again and found answered
		b.w.log.Debug("not settled", "tenant", b.t, "source_key", r.ref.String(), "err", err)
	}
}

// backoff doubles from Options.Backoff up to five minutes, with half of it random.
func (w *Writer) backoff(attempt int) time.Duration {
	d := min(w.opt.Backoff<<min(max(attempt-1, 0), 16), 5*time.Minute)
	return d/2 + rand.N(d/2+1)
}

func detailOf(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok && e.Detail != "" {
		return e.Detail
	}
	return err.Error()
}

func resultDeliveries(rs []result) []bus.Delivery {
	out := make([]bus.Delivery, len(rs))
	for i, r := range rs {
		out[i] = r.d
	}
	return out
}

func resultRefs(rs []result) []record.Ref {
	out := make([]record.Ref, len(rs))
	for i, r := range rs {
		out[i] = r.ref
	}
	return out
}
