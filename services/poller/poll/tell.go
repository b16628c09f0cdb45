package poll

import (
	"context"
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

// events turns the page's records into facts events, one for each record.
func (c *cycle) events(page source.Page) ([]event.Event, error) {
	out := make([]event.Event, 0, len(page.Records))
	for _, r := range page.Records {
		e, err := event.With(event.Event{
			ID: fmt.Sprintf("%s/%d/%s", c.row.ID, c.row.Pages, r.Ref), Source: "poller", Type: event.FactsV1, Subject: r.Ref.String(),
			Time: c.p.opt.Now(), Tenant: c.t, Cause: "cycle/" + c.row.ID,
		}, event.Facts{Kind: r.Ref.Kind, Key: r.Ref.Key, Facts: event.FromERP(r.Facts), Whole: r.Whole})
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (c *cycle) open(ctx context.Context) error { return c.p.store.PutCycle(ctx, c.t, c.row) }

// close writes how the cycle ended: its row, the connection's finding, the audit entry. It answers err.
func (c *cycle) close(ctx context.Context, err error) error {
	c.row.Ended = c.p.opt.Now()
	outcome := audit.Finished
	switch kind := fault.KindOf(err); {
	case err == nil:
		c.row.State = store.Complete
	case kind == fault.Conflict, fault.CodeOf(err) == fault.SourceShrunk, fault.CodeOf(err) == fault.SourceEmpty, c.row.Pages > 0:
		c.row.State, outcome = store.Incomplete, audit.Failed
	default:
		c.row.State, outcome = store.Failed, audit.Failed
	}
	if err != nil {
		c.row.Code, c.row.Detail, c.row.Next = fault.CodeOf(err), err.Error(), fault.NextOf(err)
		c.p.log.Warn("cycle did not complete", "tenant", c.t, "cycle", c.row.ID, "kind", c.row.Kind, "fault", c.row.Code, "err", err)
	}
	if e := c.p.store.PutCycle(ctx, c.t, c.row); e != nil {
		return e
	}
	if e := c.connection(ctx, err); e != nil {
		return e
	}
	detail := fmt.Sprintf("%s read of %s: %d records in %d rows and %d pages", c.row.Mode, c.row.Kind.Plural(), c.row.Records, c.row.Rows, c.row.Pages)
	if err != nil {
		detail += "; " + c.row.Detail
	}
	if e := c.tell(ctx, audit.Entry{Outcome: outcome, Code: string(c.row.Code), Detail: detail, Next: c.row.Next}, "end"); e != nil {
		return e
	}
	return err
}

// connection opens or closes the finding that says whether this connection works.
func (c *cycle) connection(ctx context.Context, err error) error {
	ref := record.Ref{Kind: Connection, Key: c.feed.Name + "." + c.row.Kind.Plural()}
	o := store.Observation{Ref: ref}
	if err != nil && fault.KindOf(err) != fault.Conflict {
		o.Findings = []store.Finding{{Ref: ref, Stage: audit.Poller, Code: fault.CodeOf(err), Hold: true, Detail: c.row.Detail, Since: c.row.Ended, At: c.row.Ended}}
	}
	return c.p.store.SetFindings(ctx, c.t, audit.Poller, o)
}

// note tells about rows that could not become facts.
func (c *cycle) note(ctx context.Context, notes []source.Note) error {
	for i, n := range notes {
		err := c.tell(ctx, audit.Entry{Ref: n.Ref, Outcome: audit.Failed, Code: n.Code, Detail: n.Detail, Next: fault.Code(n.Code).Next()},
			"note", strconv.Itoa(c.row.Pages), strconv.Itoa(i))
		if err != nil {
			return err
		}
	}
	return nil
}

// tell publishes an audit entry; the recorder stores it.
func (c *cycle) tell(ctx context.Context, e audit.Entry, what ...string) error {
	e.ID = audit.ID(audit.Poller, e.Ref, 0, append([]string{c.row.ID, c.row.Started.String()}, what...)...)
	e.At, e.Stage, e.Verb, e.Cause = c.p.opt.Now(), audit.Poller, "read", "cycle/"+c.row.ID
	ev, err := event.With(event.Event{ID: e.ID, Source: "poller", Type: event.AuditV1, Subject: e.Ref.String(), Time: e.At, Tenant: c.t, Cause: e.Cause}, event.AuditOf(e))
	if err != nil {
		return err
	}
	return c.p.bus.Publish(ctx, c.t, bus.Audit, ev)
}
