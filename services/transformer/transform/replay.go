package transform

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Past is what the service needs to handle replays, with the promises of bus.Past and bus.Table.
type Past interface {
	Read(ctx context.Context, t tenant.ID, s bus.Stream, r bus.Range, limit int) (bus.Excerpt, error)
	Wanted(ctx context.Context, t tenant.ID, ref record.Ref) (event.Event, error)
}

// Lift raises rows that were lost, with the promises of store.Recovery.
type Lift interface {
	RaiseLedger(ctx context.Context, t tenant.ID, above map[record.Ref]uint64) error
}

const (
	replayBatch = 128                    // messages of REPLAY at once
	liveWait    = 10 * time.Second       // longest time that one batch of a replay waits for live traffic
	liveLook    = 100 * time.Millisecond // between two looks at the live backlog
	recall      = 8                      // records whose past is read at the same time
	recallPage  = 500                    // messages of one such reading
)

// stated is what a replayed message says, and behind which message of ERP it stands.
type stated struct {
	place uint64
	arrival
}

// replayed handles facts that go through once more. A statement is never merged alone: everything that the stream holds
// of the record behind it is merged with it, in the stream's order and in the same save. So the newest statement wins as
// it did the first time, also where nothing but the order of arrival tells which is newer, and no older state is ever
// handed on in between (docs/adr/0014-a-replay-merges-the-rest-of-a-record.md).
func (s *Service) replayed(t tenant.ID) bus.Handler {
	return func(ctx context.Context, ms []bus.Message) []error {
		s.yield(ctx, t)
		began := time.Now()
		errs := make([]error, len(ms))
		var tasks batch
		for i, m := range ms {
			p, facts, err := readFacts(t, m)
			place, ok := event.Place(m.Event)
			if err == nil && !ok {
				err = fault.New(fault.Invalid, fault.BadEnvelope, "a replay that does not say where it stood")
			}
			if err != nil {
				s.deps.Metrics.Add(t, CountRefused, 1)
				errs[i] = err
				continue
			}
			k := tasks.of(record.Ref{Kind: p.Kind, Key: p.Key})
			k.told = append(k.told, stated{place, arrival{m.Event, facts, p.Whole}})
			k.cause, k.again = m.Event.Cause, true
			k.messages = append(k.messages, i)
		}
		s.settle(ctx, t, tasks.list, errs)
		rest(ctx, time.Since(began)) // half of the time belongs to others
		return errs
	}
}

// yield waits while live facts wait, but not for ever: a replay is slower than live traffic and still ends.
func (s *Service) yield(ctx context.Context, t tenant.ID) {
	if s.deps.Flow == nil {
		return
	}
	for end := time.Now().Add(liveWait); ctx.Err() == nil && time.Now().Before(end); rest(ctx, liveLook) {
		st, err := s.deps.Flow.State(ctx, t)
		if err != nil || st.Consumers[bus.Transformer].Pending == 0 {
			return
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(min(d, liveWait))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// recallAll gives tasks of a replay, and such that overtake a backlog, everything that came behind what they were told. It runs after the rows were read:
// what a row holds was on the stream before, and what comes later moves the row's revision, so that nothing is saved.
func (s *Service) recallAll(ctx context.Context, t tenant.ID, tasks []*task) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(recall)
	for _, k := range tasks {
		if k.recalls() {
			g.Go(func() error { return s.recall(ctx, t, k) })
		}
	}
	return g.Wait()
}

func (s *Service) recall(ctx context.Context, t tenant.ID, k *task) error {
	all := slices.Clone(k.told)
	from := k.from
	if len(all) > 0 {
		from = slices.MinFunc(all, byPlace).place + 1
	}
	for from > 0 {
		part, err := s.deps.Past.Read(ctx, t, bus.ERP, bus.Range{From: from, Ref: k.ref}, recallPage)
		if err != nil {
			return err
		}
		for _, m := range part.Messages {
			if p, facts, err := readFacts(t, m); err == nil { // what was refused the first time is a dead letter
				place, again := event.Place(m.Event) // a letter that was retried belongs where it first came
				if !again {
					place = m.Seq
				}
				all = append(all, stated{place, arrival{m.Event, facts, p.Whole}})
			}
		}
		from = part.Next
	}
	slices.SortStableFunc(all, byPlace)
	k.arrivals = k.arrivals[:0]
	for _, a := range all {
		k.arrivals = append(k.arrivals, a.arrival)
	}
	return nil
}

func byPlace(a, b stated) int { return cmp.Compare(a.place, b.place) }

// outrun finds results whose state the table refused although the ledger stands below the table: their rows were lost
// and made anew, and every later state would be refused as well. They are lifted above it; the message comes again and
// publishes them.
func (s *Service) outrun(ctx context.Context, at moment, open []*result, puts []bus.Put, failed map[record.Ref]error) {
	if s.deps.Past == nil || s.deps.Lift == nil {
		return
	}
	above := map[record.Ref]uint64{}
	for i, r := range open {
		if i >= len(puts) || puts[i].Err != nil || puts[i].Stored {
			continue
		}
		e, err := s.deps.Past.Wanted(ctx, at.tenant, r.task.ref)
		switch {
		case errors.Is(err, bus.ErrNone):
		case err != nil:
			failed[r.task.ref] = err
		case e.Version >= r.after.WantedAt:
			above[r.task.ref] = e.Version
		}
	}
	if len(above) == 0 {
		return
	}
	if err := s.lift(ctx, at.tenant, above, failed); err != nil {
		for ref := range above {
			failed[ref] = err
		}
	}
}

// lift raises the rows that stand below what the table holds: it was read before them, so that a row below it was lost.
func (s *Service) lift(ctx context.Context, t tenant.ID, table map[record.Ref]uint64, failed map[record.Ref]error) error {
	refs := make([]record.Ref, 0, len(table))
	for ref := range table {
		refs = append(refs, ref)
	}
	rows, err := s.deps.Ledger.Rows(ctx, t, refs)
	if err != nil {
		return err
	}
	lost := map[record.Ref]uint64{}
	for ref, version := range table {
		if rows[ref].Revision < version {
			lost[ref] = version + 1
			failed[ref] = fault.New(fault.Conflict, fault.Unclassified, "the record's row was lost and made anew: it is lifted above what was published before")
		}
	}
	if len(lost) == 0 {
		return nil
	}
	s.log.Warn("rows were lost and made anew", "tenant", t, "records", len(lost))
	return s.deps.Lift.RaiseLedger(ctx, t, lost)
}
