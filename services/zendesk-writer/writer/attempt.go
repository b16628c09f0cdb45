package writer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// attempt plans and applies, organizations before users. refusal is why the account took nothing, when it did; the
// rows behind a refusal are not tried: a refused sign-in must not be repeated (failures.md P12, Z05).
func (b *batch) attempt(ctx context.Context, rows []row) (results []result, refusal error) {
	slices.SortStableFunc(rows, func(x, y row) int { return cmp.Compare(rank(x.ref.Kind), rank(y.ref.Kind)) })
	for start := 0; start < len(rows); {
		end := start
		for end < len(rows) && rows[end].ref.Kind == rows[start].ref.Kind {
			end++
		}
		if refusal != nil {
			results = append(results, refused(rows[start:], refusal)...)
			break
		}
		var part []result
		part, refusal = b.attemptKind(ctx, rows[start:end])
		results = append(results, part...)
		start = end
	}
	return results, refusal
}

func rank(k record.Kind) int { return slices.Index(record.Kinds(), k) }

func (b *batch) attemptKind(ctx context.Context, rows []row) ([]result, error) {
	items := make([]target.Item, len(rows))
	for i, r := range rows {
		items[i] = target.Item{Ref: r.ref, Version: r.msg.Event.Version, Wanted: r.wanted, TargetID: r.link.TargetID,
			Memory: r.link.Memory, Urgent: b.urgent}
		if known, err := event.DecodeEntry(r.link.Known); err == nil { // else the target is read anyway
			items[i].Known = known
		}
	}
	planned, err := b.plan(ctx, items)
	if err != nil {
		return refused(rows, err), err
	}
	results := make([]result, len(rows))
	var alone, together []int
	for i, p := range planned {
		results[i] = result{row: rows[i], outcome: target.Outcome{Change: p.Change, Err: p.Err, TargetID: p.Change.TargetID,
			Holds: p.Change.Held, Memory: p.Change.Memory}}
		if p.Err != nil { // nothing was made: the object that the plan met may be another's
			results[i].outcome.TargetID, results[i].outcome.Memory = rows[i].link.TargetID, rows[i].link.Memory
		}
	}
	if err := b.undecided(ctx, results); err != nil {
		all := make([]int, len(results))
		for i := range all {
			all[i] = i
		}
		return results, b.unsent(results, all, err)
	}
	for i, p := range planned {
		switch {
		case results[i].outcome.Err != nil || p.Change.Verb == target.Nothing:
		case b.w.suspect(rows[i].ref):
			alone = append(alone, i)
		default:
			together = append(together, i)
		}
	}
	refusal := b.apply(ctx, results, b.even(results, together))
	for _, i := range alone {
		refusal = cmp.Or(refusal, b.apply(ctx, results, []int{i}))
	}
	return results, refusal
}

// plan asks the target what is to be done. A failure that is not the account's is one record's: each is then planned
// by itself, so that only the one at fault is punished (failures.md M04).
func (b *batch) plan(ctx context.Context, items []target.Item) ([]target.Planned, error) {
	planned, err := b.planAll(ctx, items)
	if err == nil || accountable(err) {
		return planned, err
	}
	planned = make([]target.Planned, len(items))
	for i := range items {
		planned[i] = target.Planned{Item: items[i], Change: target.Change{Item: items[i]}}
		one, err := b.planAll(ctx, items[i:i+1])
		switch {
		case err == nil:
			planned[i] = one[0]
		case accountable(err):
			return nil, err
		default:
			planned[i].Err = err
		}
	}
	return planned, nil
}

func (b *batch) planAll(ctx context.Context, items []target.Item) (planned []target.Planned, err error) {
	err = b.call(ctx, func() (error, error) {
		planned, err = b.w.target.Plan(ctx, b.t, items)
		if err == nil && len(planned) != len(items) {
			err = fault.New(fault.Internal, fault.Unclassified, fmt.Sprintf("the target planned %d of %d records", len(planned), len(items)))
		}
		return err, err
	})
	return planned, err
}

// apply has the changes of the results at these places made. It answers why the account took nothing, when it did.
func (b *batch) apply(ctx context.Context, results []result, at []int) (refusal error) {
	if len(at) == 0 {
		return nil
	}
	changes := make([]target.Change, len(at))
	for n, i := range at {
		changes[n] = results[i].outcome.Change
	}
	if err := b.assure(ctx, results, at); err != nil {
		return b.unsent(results, at, err)
	}
	if err := b.w.store.Sending(ctx, b.t, b.id, refsOfChanges(changes)); err != nil {
		return b.unsent(results, at, err)
	}
	crash.Point("wr.after_intent")
	var outcomes []target.Outcome
	err := b.call(ctx, func() (err, health error) {
		outcomes, err = b.w.target.Apply(ctx, b.t, changes, b)
		if err == nil && len(outcomes) != len(changes) {
			err = fault.New(fault.Internal, fault.Unclassified, fmt.Sprintf("the target answered %d of %d changes", len(outcomes), len(changes)))
		}
		if err == nil {
			return nil, verdict(outcomes)
		}
		return err, err
	})
	if err == nil {
		for n, i := range at {
			results[i].outcome = outcomes[n]
		}
		if refusal = verdict(outcomes); fault.IsUnknown(refusal) {
			return nil // each record is looked at by itself
		}
		return refusal
	}
	if !accountable(err) && fault.CodeOf(err) != fault.SafetyStop { // our bug: nobody knows what was sent
		err = &fault.Error{Kind: fault.Internal, Code: fault.CodeOf(err), Detail: detailOf(err), Unknown: true, Err: err}
	}
	for n, i := range at {
		results[i].outcome = target.Outcome{Change: changes[n], Err: err, TargetID: changes[n].TargetID, Memory: changes[n].Memory}
		results[i].refused = accountable(err)
	}
	if accountable(err) {
		return err
	}
	return nil
}

// unsent gives the results back of which nothing was sent: the journal does not answer, or another writer has the batch.
func (b *batch) unsent(results []result, at []int, err error) (refusal error) {
	if errors.Is(err, store.ErrNotFound) {
		err = leaseLost()
	}
	for _, i := range at {
		results[i].outcome.Err = err
		results[i].refused = true
	}
	return nil
}

func refsOfChanges(changes []target.Change) []record.Ref {
	out := make([]record.Ref, len(changes))
	for i, c := range changes {
		out[i] = c.Ref
	}
	return out
}

// accountable failures are about the account as a whole and not about a record.
func accountable(err error) bool {
	switch fault.KindOf(err) {
	case fault.Transient, fault.RateLimited, fault.Auth, fault.Config:
		return true
	}
	return false
}

// verdict is what outcomes say about the account: that it limits us, or that every single one failed for its sake.
func verdict(outcomes []target.Outcome) error {
	var first error
	failed := 0
	for _, o := range outcomes {
		if o.Err == nil {
			continue
		}
		if fault.KindOf(o.Err) == fault.RateLimited {
			return o.Err
		}
		if fault.KindOf(o.Err) == fault.Auth || down(fault.CodeOf(o.Err)) {
			failed++
			first = cmp.Or(first, o.Err)
		}
	}
	if failed < len(outcomes) {
		return nil
	}
	return first
}

func down(c fault.Code) bool {
	switch c {
	case fault.TargetDown, fault.TargetUnreachable, fault.TargetTimeout, fault.TargetNotData, fault.TargetTLS:
		return true
	}
	return false
}

func refused(rows []row, err error) []result {
	out := make([]result, len(rows))
	for i, r := range rows {
		out[i] = result{row: r, refused: true, outcome: target.Outcome{Err: err, TargetID: r.link.TargetID, Memory: r.link.Memory}}
	}
	return out
}
