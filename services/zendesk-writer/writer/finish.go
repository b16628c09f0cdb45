package writer

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// finish commits how the rows ended, in one transaction with the journal row, and then settles each message.
func (b *batch) finish(ctx context.Context, id string, results []result) error {
	c := store.Commit{Quarantine: map[record.Ref]time.Time{}}
	fates := make([]fate, len(results))
	for i, r := range results {
		fates[i] = b.judge(r, &c)
	}
	rows := rowsOf(results)
	err := b.wake(ctx, results, c.Links)
	mine := false
	crash.Point("wr.before_confirm")
	if err == nil {
		mine, err = b.w.store.CommitBatch(ctx, b.t, id, c)
	}
	if err != nil {
		giveBack(ctx, deliveries(rows), b.w.opt.Backoff)
		return err
	}
	if !mine { // another writer took over while we wrote: have everything looked at again
		giveBack(ctx, deliveries(rows), b.w.opt.Busy)
		return errors.Join(errTaken, b.w.bus.Touch(ctx, b.t, "takeover/"+id, refs(rows)))
	}
	b.w.barred(c.Quarantine)
	crash.Point("wr.before_ack")
	for i, r := range results {
		b.settle(fates[i](ctx, r.d), r.row)
	}
	return nil
}

// fate settles a delivery after the commit.
type fate func(context.Context, bus.Delivery) error

func ack(ctx context.Context, d bus.Delivery) error { return d.Ack(ctx) }

func retry(after time.Duration) fate {
	return func(ctx context.Context, d bus.Delivery) error { return d.Retry(ctx, after) }
}

// judge adds what the result means to the commit and answers what becomes of its message.
func (b *batch) judge(r result, c *store.Commit) fate {
	err := r.outcome.Err
	switch {
	case r.end != "":
		return b.keep(r, c)
	case r.later && err == nil:
		return retry(soon)
	case err == nil:
		b.w.cleared(r.ref)
		return b.done(r, c)
	}
	b.learn(r, c)
	if fault.CodeOf(err) == fault.SafetyStop && !fault.IsUnknown(err) { // the stop has an entry of its own; the record waits
		return retry(b.w.opt.Idle)
	}
	kind := fault.KindOf(err)
	hopeless := kind == fault.Internal && b.w.stumbled(r.ref) >= bus.MaxAttempts
	if fault.IsUnknown(err) {
		life, wait := b.w.target.CallLife(), b.w.target.CallLife()
		if fault.IsOver(err) { // what it did can be read at once; what was believed to be applied is forgotten all the same
			life, wait = 0, b.w.backoff(r.msg.Attempt)
		}
		c.Quarantine[r.ref] = b.w.now().Add(life)
		if !hopeless {
			c.Entries = append(c.Entries, b.entry(r, audit.Retried))
			return retry(wait)
		}
	}
	switch {
	case kind == fault.Held:
		c.Entries = append(c.Entries, b.entry(r, audit.Held))
		c.Observations = append(c.Observations, b.observe(r, true))
		c.Release = append(c.Release, r.ref)
		return ack
	case kind == fault.Invalid, hopeless:
		return b.bury(r, c)
	case kind == fault.RateLimited:
		return retry(max(fault.AfterOf(err), b.w.opt.Backoff))
	case !r.refused:
		c.Entries = append(c.Entries, b.entry(r, audit.Retried))
	}
	return retry(b.w.backoff(r.msg.Attempt))
}

func (b *batch) bury(r result, c *store.Commit) fate {
	c.Entries = append(c.Entries, b.entry(r, audit.Dead))
	c.Observations = append(c.Observations, b.observe(r, false))
	if !fault.IsUnknown(r.outcome.Err) && r.digest != "" { // what could not be opened was not in the journal
		c.Release = append(c.Release, r.ref)
	}
	b.w.cleared(r.ref)
	d := dead(r.msg, r.outcome.Err)
	return func(ctx context.Context, dl bus.Delivery) error { return dl.Bury(ctx, d) }
}

// keep records that the link already answers the row. A newer version of the same state is remembered, so that a late
// older one is not written.
func (b *batch) keep(r result, c *store.Commit) fate {
	if r.link.Version == r.msg.Event.Version {
		return ack // the very state that was applied: a redelivery, explained already
	}
	if r.end == audit.Unchanged {
		l := r.link
		l.Version, l.At = r.msg.Event.Version, b.w.now()
		c.Links = append(c.Links, l)
	}
	c.Entries = append(c.Entries, b.entry(r, r.end))
	return ack
}

// done records that the target holds what was wanted.
func (b *batch) done(r result, c *store.Commit) fate {
	o := r.outcome
	changed := o.Change.Verb != target.Nothing
	if changed && o.Holds.User == nil && o.Holds.Organization == nil {
		o.Holds = r.wanted
	}
	known, email := r.link.Known, r.link.Email // nothing was read: what was known stays
	if o.Holds.User != nil || o.Holds.Organization != nil {
		known, _ = event.EncodeEntry(o.Holds) // without it the next plan reads the target
		email = emailOf(o.Holds)
	}
	c.Links = append(c.Links, store.Link{Ref: r.ref, TargetID: o.TargetID, Version: r.msg.Event.Version, Digest: r.digest,
		Known: known, Email: email, Memory: o.Memory, State: stateOf(r), At: b.w.now()})
	b.retire(r, c)
	end := audit.Applied
	switch {
	case changed:
	case r.fresh || r.msg.Event.Force:
		end = audit.Verified
	default:
		end = audit.Unchanged
	}
	c.Entries = append(c.Entries, b.entry(r, end))
	c.Observations = append(c.Observations, b.flagged(r))
	c.Release = append(c.Release, r.ref)
	return ack
}

// flagged is what an operator should know about a record although it was written: its organization has not the name
// that it should have (failures.md D06), or a dropdown has no option for a value.
func (b *batch) flagged(r result) store.Observation {
	o := store.Observation{Ref: r.ref}
	if ch := r.outcome.Change; ch.Code == string(fault.OrgNameTaken) || ch.Code == string(fault.TargetFieldOption) {
		o.Findings = []store.Finding{{Ref: r.ref, Stage: stage, Code: fault.Code(ch.Code), Detail: ch.Why, Since: b.w.now(), At: b.w.now()}}
	}
	return o
}

// learn keeps what a change that failed left behind: the object it made, and what was remembered before the step that
// took it away, such as an agent's role and groups. An object that was to be adopted is not ours yet: the next plan
// finds it by its external id if it became ours after all.
func (b *batch) learn(r result, c *store.Commit) {
	o, l := r.outcome, r.link
	if r.old == nil && o.Change.Verb == target.Restore && l.TargetID != "" && l.State == string(directory.Suspended) {
		l.Digest, l.State, l.At = "", string(directory.Untouched), b.w.now() // access may be back: a suspension counts again
		if len(o.Memory) > 0 {
			l.Memory = o.Memory
		}
		c.Links = append(c.Links, l)
		return
	}
	if r.old != nil || o.Change.Adopted || o.TargetID == "" || o.TargetID == l.TargetID && (len(o.Memory) == 0 || bytes.Equal(o.Memory, l.Memory)) {
		return
	}
	l.Ref, l.TargetID, l.Digest, l.At = r.ref, o.TargetID, "", b.w.now()
	if l.Email == "" {
		l.Email = emailOf(o.Holds)
	}
	if len(o.Memory) > 0 {
		l.Memory = o.Memory
	}
	if l.State == "" {
		l.State = string(directory.Untouched)
	}
	c.Links = append(c.Links, l)
}

// stateOf is the state last applied: an object that was never made has none, one that is left alone keeps its own.
func stateOf(r result) string {
	s := string(r.wanted.State())
	if r.outcome.TargetID == "" {
		return string(directory.Untouched)
	}
	if s == string(directory.Untouched) && r.link.State != "" {
		return r.link.State
	}
	return s
}

// stumbled counts that a record tripped over a bug of ours. It forgets with the process.
func (w *Writer) stumbled(ref record.Ref) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bugs[ref]++
	return w.bugs[ref]
}

func (w *Writer) suspect(ref record.Ref) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bugs[ref] > 0
}

func (w *Writer) cleared(ref record.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.bugs, ref)
}
