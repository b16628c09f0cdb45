package transform

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// apply brings every task to its end and answers the errors by record; no entry means done. The order makes a crash
// after any line harmless:
//
//	save ledger, findings, audit    before it: nothing happened; the message comes again; what the guard counts
//	                                is staged here, and comes back through Guard once it was granted
//	publish what is unpublished     WantedAt above Published says so, whoever looks next
//	announce suspensions            before the mark, so that it is repeated with the publication
//	mark as published
//	arm the wake-up                 a redelivered message, Rearm and the sweep arm or ring it again
func (s *Service) apply(ctx context.Context, t tenant.ID, tasks []*task) map[record.Ref]error {
	failed := map[record.Ref]error{}
	at, err := s.moment(ctx, t)
	if err != nil {
		return fail(failed, tasks, err)
	}
	texts, others := split(tasks)
	done := s.save(ctx, at, texts, failed) // first, so that the others see them
	done = s.note(ctx, at, append(done, s.save(ctx, at, others, failed)...), failed)
	crash.Point("tr.before_publish")
	s.publish(ctx, at, done, failed)
	s.arm(ctx, at, done, failed)
	return failed
}

func fail(failed map[record.Ref]error, tasks []*task, err error) map[record.Ref]error {
	for _, k := range tasks {
		failed[k.ref] = err
	}
	return failed
}

// split parts the tasks about reference data from the others.
func split(tasks []*task) (texts, others []*task) {
	for _, k := range tasks {
		if k.ref.Kind == record.Reference {
			texts = append(texts, k)
			continue
		}
		others = append(others, k)
	}
	return texts, others
}

// save merges and saves until every task's row was at the revision that was read, or patience ends.
func (s *Service) save(ctx context.Context, at moment, tasks []*task, failed map[record.Ref]error) (done []*result) {
	for range s.opts.Retries {
		if len(tasks) == 0 {
			return done
		}
		results, used, err := s.steps(ctx, at, tasks, failed)
		if err != nil {
			fail(failed, tasks, err)
			return done
		}
		saved, beaten, err := s.store(ctx, at, results)
		if err != nil {
			fail(failed, tasks, err)
			return done
		}
		late, err := s.outdated(ctx, at, saved, used)
		if err != nil {
			fail(failed, tasks, err)
			return done
		}
		for _, r := range saved {
			if late[r] {
				r.task.again, r.task.left = true, cmp.Or(r.task.left, r.before.Email)
				beaten = append(beaten, r.task)
				continue
			}
			done = append(done, r)
		}
		tasks = beaten
	}
	for _, k := range tasks {
		failed[k.ref] = fault.New(fault.Conflict, fault.Unclassified, "other transformers were faster each time")
	}
	return done
}

// steps loads the rows once and computes every task's result.
func (s *Service) steps(ctx context.Context, at moment, tasks []*task, failed map[record.Ref]error) ([]*result, library, error) {
	rows, err := s.deps.Ledger.Rows(ctx, at.tenant, refsOf(tasks))
	if err != nil {
		return nil, library{}, err
	}
	if err := s.recallAll(ctx, at.tenant, tasks); err != nil {
		return nil, library{}, err
	}
	open := make([]*result, 0, len(tasks))
	points := map[string]bool{}
	for _, k := range tasks {
		row, known := rows[k.ref]
		r, err := prepare(at, k, row, known)
		if err == nil && r.merged.Tied && s.recallTied(k) {
			if err = s.recall(ctx, at.tenant, k); err == nil {
				r, err = prepare(at, k, row, known)
			}
		}
		if err != nil {
			failed[k.ref] = err
			continue
		}
		for _, p := range r.points {
			points[p] = true
		}
		open = append(open, r)
	}
	used, err := s.library(ctx, at, points)
	if err != nil {
		return nil, used, err
	}
	results := make([]*result, 0, len(open))
	for _, r := range open {
		if err := r.finish(at, used.on(r.view.day, r.points)); err != nil {
			failed[r.task.ref] = err
			continue
		}
		results = append(results, r)
	}
	if err := s.weigh(ctx, at, results); err != nil {
		return nil, used, err
	}
	for _, r := range results {
		r.advance(at)
	}
	return results, used, nil
}

// store saves the results; beaten are the tasks whose row somebody else moved meanwhile.
func (s *Service) store(ctx context.Context, at moment, results []*result) (done []*result, beaten []*task, err error) {
	var saves []store.LedgerSave
	var saving []*result
	var entries []audit.Entry
	for _, r := range results {
		s.deps.Metrics.Add(at.tenant, CountLate, r.late)
		if !r.save {
			entries, done = append(entries, r.entries...), append(done, r)
			continue
		}
		saving = append(saving, r)
		saves = append(saves, store.LedgerSave{Row: r.after, Expect: r.before.Revision, Entries: r.entries, Observation: r.observation(at), Guard: r.move})
	}
	s.deps.Metrics.Add(at.tenant, CountUnchanged, len(done))
	if len(entries) > 0 {
		if err := s.deps.Ledger.Append(ctx, at.tenant, entries); err != nil {
			return nil, nil, err
		}
	}
	if len(saves) == 0 {
		return done, nil, nil
	}
	stored, err := s.deps.Ledger.SaveLedger(ctx, at.tenant, saves)
	if err != nil {
		return nil, nil, err
	}
	for i, r := range saving {
		if i < len(stored) && stored[i] {
			done = append(done, r)
			continue
		}
		r.task.again = true
		beaten = append(beaten, r.task)
	}
	s.deps.Metrics.Add(at.tenant, CountSaved, len(saves)-len(beaten))
	s.deps.Metrics.Add(at.tenant, CountConflicts, len(beaten))
	return done, beaten, nil
}

// publish writes unpublished wanted states to the table, announces the urgent ones and marks them.
func (s *Service) publish(ctx context.Context, at moment, done []*result, failed map[record.Ref]error) {
	var events []event.Event
	var open, texts []*result
	defer func() { s.refresh(ctx, at, texts, failed) }()
	for _, r := range done {
		if !r.unpublished() {
			continue
		}
		if r.task.ref.Kind == record.Reference {
			texts = append(texts, r)
			continue
		}
		e, err := r.event(at)
		if err != nil {
			failed[r.task.ref] = fault.Wrap(err, fault.Internal, fault.Unclassified, "encode wanted state")
			continue
		}
		events, open = append(events, e), append(open, r)
	}
	if len(open) == 0 {
		return
	}
	puts, err := s.deps.Table.PutWanted(ctx, at.tenant, events)
	s.outrun(ctx, at, open, puts, failed)
	inTable := put(open, puts, err, failed)
	if err := s.announce(ctx, at.tenant, inTable); err != nil {
		for _, r := range inTable {
			failed[r.task.ref] = err
		}
	}
}

// errNoAnswer says that the table did not answer for an event.
var errNoAnswer = errors.New("table: no answer for the event")

// put sorts out which results are in the table now. One that is not stored is there too: in this version or a newer.
func put(open []*result, puts []bus.Put, err error, failed map[record.Ref]error) (inTable []*result) {
	for i, r := range open {
		switch {
		case failed[r.task.ref] != nil: // outrun by what was published before its row was lost
		case i < len(puts) && puts[i].Err == nil:
			inTable = append(inTable, r)
		case i < len(puts):
			failed[r.task.ref] = puts[i].Err
		default:
			failed[r.task.ref] = errors.Join(err, errNoAnswer)
		}
	}
	return inTable
}

// announce urges what cannot wait and marks everything as published.
func (s *Service) announce(ctx context.Context, t tenant.ID, inTable []*result) error {
	if len(inTable) == 0 {
		return nil
	}
	var urgent []record.Ref
	upTo := make(map[record.Ref]uint64, len(inTable))
	for _, r := range inTable {
		upTo[r.task.ref] = r.after.WantedAt
		if r.urgent() {
			urgent = append(urgent, r.task.ref)
		}
	}
	if len(urgent) > 0 {
		if err := s.deps.Table.Urge(ctx, t, urgent); err != nil {
			return err
		}
	}
	s.deps.Metrics.Add(t, CountUrgent, len(urgent))
	s.deps.Metrics.Add(t, CountPublished, len(inTable))
	return s.deps.Ledger.MarkPublished(ctx, t, upTo)
}

// arm sets or cancels wake-ups of rows whose next date moved, or may not be armed. A wake-up that fired
// is gone by itself.
func (s *Service) arm(ctx context.Context, at moment, done []*result, failed map[record.Ref]error) {
	for _, r := range done {
		same, spent := r.after.NextDate == r.before.NextDate, r.task.ring && r.after.NextDate == ""
		if spent || same && !r.task.again {
			continue
		}
		if err := s.wake(ctx, at, r.task.ref, r.after.NextDate); err != nil && failed[r.task.ref] == nil {
			failed[r.task.ref] = err
		}
	}
}

// wake arms the record's wake-up for its next date, or cancels it when there is none.
func (s *Service) wake(ctx context.Context, at moment, ref record.Ref, next string) error {
	if next == "" {
		return s.deps.Wakes.Unwake(ctx, at.tenant, ref)
	}
	ring, err := when(next, at.policy.zone())
	if err != nil {
		return fault.Wrap(err, fault.Internal, fault.Unclassified, "next date of "+ref.String())
	}
	s.deps.Metrics.Add(at.tenant, CountWakes, 1)
	w := event.Wake{Kind: ref.Kind, Key: ref.Key, Date: erp.Today(ring, at.policy.zone())}
	if len(next) <= len(time.DateOnly) {
		w.Date = erp.Date(next)
	} else {
		w.At = ring.UTC()
	}
	return s.deps.Wakes.Wake(ctx, at.tenant, w, ring)
}
