package poll

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// Connection is the kind of the findings that are about a connection and not about a record.
const Connection record.Kind = "connection"

// errStopping ends a cycle because the process stops: it says nothing about the source.
var errStopping = errors.New("the process stops; the next cycle goes on from the cursor")

// room is what the envelope of an event may take of event.MaxSize.
const room = 4 << 10

// events turns the page's records into facts events, one for each record. place tells pages apart: where the page is
// stored, and not when. A record that no message can hold becomes a dead letter and does not stop the others (M06).
func (c *cycle) events(ctx context.Context, place string, page source.Page) ([]event.Event, error) {
	out := make([]event.Event, 0, len(page.Records))
	for _, r := range page.Records {
		e, err := event.With(event.Event{
			ID: place + "/" + r.Ref.String(), Source: "poller", Type: event.FactsV1, Subject: r.Ref.String(),
			Time: c.p.opt.Now(), Tenant: c.t, Cause: "cycle/" + c.row.ID,
		}, event.Facts{Kind: r.Ref.Kind, Key: r.Ref.Key, Facts: event.FromERP(r.Facts), Whole: r.Whole})
		if err != nil {
			return nil, err
		}
		if len(e.Data) > event.MaxSize-room {
			if err := c.tooLarge(ctx, e, r.Ref); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, e)
	}
	return out, nil
}

func (c *cycle) tooLarge(ctx context.Context, e event.Event, ref record.Ref) error {
	detail := fmt.Sprintf("the record has %d bytes of facts, an event holds %d", len(e.Data), event.MaxSize-room)
	d, err := event.With(event.Event{ID: e.ID + "/dead", Source: "poller", Type: event.DeadV1, Subject: ref.String(), Time: e.Time, Tenant: c.t, Cause: e.Cause},
		event.Dead{Stage: audit.Poller, Kind: ref.Kind, Key: ref.Key, Code: fault.TooLarge, Detail: detail, Stream: string(bus.ERP), Attempts: 1, Raw: e.Data[:room]})
	if err != nil {
		return err
	}
	if err := c.p.bus.Publish(ctx, c.t, bus.Dead, d); err != nil {
		return err
	}
	return c.tell(ctx, audit.Entry{ID: audit.ID(audit.Poller, ref, 0, e.ID, "dead"), Ref: ref, Outcome: audit.Dead, Code: string(fault.TooLarge),
		Detail: detail, Next: fault.TooLarge.Next()})
}

func (c *cycle) open(ctx context.Context) error { return c.p.store.PutCycle(ctx, c.t, c.row) }

// close writes how the cycle ended: its row, the connection's finding, the audit entry. It answers err.
func (c *cycle) close(ctx context.Context, err error) error {
	c.row.Ended = c.p.opt.Now()
	outcome := c.ending(err)
	if e := c.p.store.PutCycle(ctx, c.t, c.row); e != nil {
		return e
	}
	if e := c.connection(ctx, err); e != nil {
		return e
	}
	detail := fmt.Sprintf("%s read of %s: %d records in %d rows and %d pages", c.row.Mode, c.row.Kind.Plural(), c.row.Records, c.row.Rows, c.row.Pages)
	if c.row.Detail != "" {
		detail += "; " + c.row.Detail
	}
	if e := c.tell(ctx, audit.Entry{ID: c.id("end"), Outcome: outcome, Code: string(c.row.Code), Detail: detail, Next: c.row.Next}); e != nil {
		return e
	}
	return err
}

// ending fills the row in with how the cycle ended.
func (c *cycle) ending(err error) audit.Outcome {
	if err == nil {
		c.row.State = store.Complete
		return audit.Finished
	}
	c.row.Detail = err.Error()
	if errors.Is(err, errStopping) {
		c.row.State = store.Aborted
		return audit.Failed
	}
	c.row.Code, c.row.Next = fault.CodeOf(err), fault.NextOf(err)
	c.row.State = store.Failed
	if fault.KindOf(err) == fault.Conflict || c.row.Pages > 0 {
		c.row.State = store.Incomplete
	}
	c.p.log.Warn("cycle did not complete", "tenant", c.t, "cycle", c.row.ID, "kind", c.row.Kind, "fault", c.row.Code, "err", err)
	return audit.Failed
}

// connection opens or closes the finding that says whether this connection works. A cycle that lost a race or was
// stopped knows nothing about it.
func (c *cycle) connection(ctx context.Context, err error) error {
	if fault.KindOf(err) == fault.Conflict || errors.Is(err, errStopping) {
		return nil
	}
	ref := record.Ref{Kind: Connection, Key: c.feed.Name + "." + c.row.Kind.Plural()}
	o := store.Observation{Ref: ref}
	if c.row.Code != "" { // with a nil error it is only flagged: SRC_CLOCK
		o.Findings = []store.Finding{{Ref: ref, Stage: audit.Poller, Code: c.row.Code, Hold: err != nil, Detail: c.row.Detail, Since: c.row.Ended, At: c.row.Ended}}
	}
	return c.p.store.SetFindings(ctx, c.t, audit.Poller, o)
}

// remark flags the connection where the query as such is not in order, though its rows could be taken.
func (c *cycle) remark(notes []source.Note) {
	for _, n := range notes {
		if code := fault.Code(n.Code); code == fault.SourceOrder && n.Ref.Key == "" {
			c.row.Code, c.row.Next, c.row.Detail = code, code.Next(), n.Detail
		}
	}
}

// note tells about rows that could not become facts. A page that is read again after a crash tells the same.
func (c *cycle) note(ctx context.Context, place string, notes []source.Note) error {
	entries := make([]audit.Entry, len(notes))
	for i, n := range notes {
		entries[i] = audit.Entry{ID: audit.ID(audit.Poller, n.Ref, 0, place, n.Code, n.Detail, strconv.Itoa(i)), Ref: n.Ref, Outcome: audit.Failed,
			Code: n.Code, Detail: n.Detail, Next: fault.Code(n.Code).Next()}
	}
	return c.tell(ctx, entries...)
}

// id names something that happened once in this cycle; a cycle that a person asked for may run more than once.
func (c *cycle) id(what string) string {
	return audit.ID(audit.Poller, record.Ref{Kind: c.row.Kind}, 0, c.row.ID, strconv.Itoa(c.attempt), what)
}

// tell publishes audit entries; the recorder stores them.
func (c *cycle) tell(ctx context.Context, entries ...audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	events := make([]event.Event, len(entries))
	for i, e := range entries {
		e.At, e.Stage, e.Verb, e.Cause = c.p.opt.Now(), audit.Poller, "read", "cycle/"+c.row.ID
		var err error
		events[i], err = event.With(event.Event{ID: e.ID, Source: "poller", Type: event.AuditV1, Subject: subject(e.Ref), Time: e.At, Tenant: c.t, Cause: e.Cause}, event.AuditOf(e))
		if err != nil {
			return err
		}
	}
	return c.p.bus.Publish(ctx, c.t, bus.Audit, events...)
}

func subject(ref record.Ref) string {
	if ref.Key == "" {
		return string(ref.Kind)
	}
	return ref.String()
}
