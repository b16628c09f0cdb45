package assembly

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const (
	markEvery = 5 * time.Second
	brokerKey = "broker.streams" // of the finding
	brokerAs  = audit.Stage("broker")
	walkPage  = 500
)

// markName is under which the store remembers, beside the streams' creation times, the last sequence of a stream that
// it saw; the number is kept as microseconds. Sequences never go down: a stream that ends before its mark is an older
// copy, or lost what it had acknowledged (failures.md I10, I18; broker.md 6.2).
func markName(s bus.Stream) string { return "last/" + string(s) }

// regain notices streams that are older than the store. Then every wanted state that the table does not hold any more
// is published again, everything is read again, and status says so until that is done.
func (c *Core) regain(ctx context.Context, t tenant.ID, known map[string]time.Time) error {
	if _, ok := known[markName(bus.ERP)]; !ok {
		return nil
	}
	state, err := c.Bus.State(ctx, t)
	if err != nil {
		return err
	}
	var older []string
	for _, s := range bus.Streams() {
		if seen := uint64(max(known[markName(s)].UnixMicro(), 0)); state.Streams[s].Last < seen && !known[markName(s)].IsZero() {
			older = append(older, fmt.Sprintf("%s ends at %d, %d was seen", s, state.Streams[s].Last, seen))
		}
	}
	if len(older) == 0 {
		return nil
	}
	if err := c.republish(ctx, t); err != nil {
		return err
	}
	if err := c.readAgain(ctx, t, brokerKey, fault.StreamBehind, "the streams are older than the store: "+strings.Join(older, "; ")); err != nil {
		return err
	}
	return c.mark(ctx, t)
}

// republish makes every record unpublished whose wanted state the table does not hold: the transformer publishes it.
func (c *Core) republish(ctx context.Context, t tenant.ID) error {
	for _, kind := range record.Kinds() {
		for after := ""; ; {
			rows, err := c.Store.WalkLedger(ctx, t, kind, after, walkPage)
			if err != nil || len(rows) == 0 {
				if err != nil {
					return err
				}
				break
			}
			lost := map[record.Ref]uint64{}
			for _, row := range rows {
				e, err := c.Bus.Wanted(ctx, t, row.Ref)
				if err != nil && !errors.Is(err, bus.ErrNone) {
					return err
				}
				if e.Version < row.WantedAt {
					lost[row.Ref] = row.Revision + 1
				}
			}
			if err := c.Store.RaiseLedger(ctx, t, lost); err != nil {
				return err
			}
			after = rows[len(rows)-1].Ref.Key
		}
	}
	return nil
}

// readAgain asks for a full read of everything and says why, under a connection's key.
func (c *Core) readAgain(ctx context.Context, t tenant.ID, key string, code fault.Code, why string) error {
	s, _, err := c.Settings(ctx, t)
	if err != nil {
		return err
	}
	now := c.Now()
	c.Log.Error("store and streams are not of one moment: what one of them lost is made good and read again", "tenant", t, "fault", code, "detail", why)
	// Before anybody can know: a person who then asks for a read replaces this one, and not the other way round.
	for _, kind := range read(s.PeopleSoft.HCM != nil, s.PeopleSoft.FSCM != nil) {
		if err := c.Bus.Poke(ctx, t, bus.Tick{Kind: kind, Mode: event.ModeFull}, uuid.NewString(), "recovery"); err != nil {
			return err
		}
	}
	ref := record.Ref{Kind: "connection", Key: key}
	o := store.Observation{Ref: ref, Findings: []store.Finding{{Ref: ref, Stage: brokerAs, Code: code, Detail: why + ". Everything is read again", Since: now, At: now}}}
	if err := c.Store.SetFindings(ctx, t, brokerAs, o); err != nil {
		return err
	}
	e := audit.Entry{ID: audit.ID(audit.Operator, record.Ref{}, 0, string(t), string(code), now.UTC().Format(time.RFC3339Nano)), At: now.UTC(),
		Stage: audit.Operator, Verb: "read again", Outcome: audit.Finished, Cause: "recovery", Code: string(code), Detail: why, Next: code.Next()}
	if err := c.Store.Append(ctx, t, []audit.Entry{e}); err != nil {
		return err
	}
	return nil
}

// read lists the kinds that the tenant reads.
func read(people, vendors bool) (kinds []record.Kind) {
	if people {
		kinds = append(kinds, record.Employee)
	}
	if vendors {
		kinds = append(kinds, record.Vendor)
	}
	return kinds
}

// mark remembers how far the streams are.
func (c *Core) mark(ctx context.Context, t tenant.ID) error {
	state, err := c.Bus.State(ctx, t)
	if err != nil {
		return err
	}
	known, err := c.Store.KnownStreams(ctx, t)
	if err != nil {
		return err
	}
	for s, st := range state.Streams {
		if old, ok := known[markName(s)]; ok && old.UnixMicro() == int64(st.Last) { //nolint:gosec // as below
			continue
		}
		if err := c.Store.RememberStream(ctx, t, markName(s), time.UnixMicro(int64(st.Last))); err != nil { //nolint:gosec // sequences stay far below
			return err
		}
	}
	return nil
}

// keepMarks remembers how far the streams are, and closes the findings of readAgain when everything was read.
func (c *Core) keepMarks(ctx context.Context, t tenant.ID) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		if err := errors.Join(c.mark(ctx, t), c.regained(ctx, t, brokerKey), c.regained(ctx, t, ledgerKey)); err != nil && ctx.Err() == nil {
			c.Log.Debug("streams not marked", "tenant", t, "err", err)
		}
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			_ = c.mark(end, t) // the next mark does as well
			cancel()
			return
		case <-tick.C:
		}
	}
}

func (c *Core) regained(ctx context.Context, t tenant.ID, key string) error {
	ref := record.Ref{Kind: "connection", Key: key}
	found, err := c.Store.Findings(ctx, t, store.FindingQuery{Kind: ref.Kind, Key: ref.Key})
	if err != nil || len(found) == 0 {
		return err
	}
	s, _, err := c.Settings(ctx, t)
	if err != nil {
		return err
	}
	for _, kind := range read(s.PeopleSoft.HCM != nil, s.PeopleSoft.FSCM != nil) {
		cycles, err := c.Store.Cycles(ctx, t, kind, 50)
		if err != nil {
			return err
		}
		done := false
		for _, cy := range cycles {
			done = done || cy.Mode == string(event.ModeFull) && cy.State == store.Complete && cy.Started.After(found[0].Since)
		}
		if !done {
			return nil
		}
	}
	return c.Store.SetFindings(ctx, t, brokerAs, store.Observation{Ref: ref})
}
