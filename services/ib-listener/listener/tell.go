package listener

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
)

// received tells the audit trail what came in, and what of it could not be used. It returns when that is on disk.
func (d *delivery) received(ctx context.Context, c Counts) error {
	detail := fmt.Sprintf("%s: %d records in %d rows", d.about(), c.Records, c.Rows)
	if c.Ignored > 0 {
		detail += fmt.Sprintf(", %d rows without effect", c.Ignored)
	}
	e := audit.Entry{ID: d.id("received"), Verb: "receive", Outcome: audit.Received, Detail: detail}
	switch {
	case c.Header && c.Records == 0:
		e.Outcome, e.Detail = audit.Started, d.about()+": a full sync begins; nothing is concluded from what it leaves out"
	case c.Trailer && c.Records == 0:
		e.Outcome, e.Detail = audit.Finished, d.about()+": a full sync ends"
	}
	entries := []audit.Entry{e}
	for i, n := range c.Notes {
		entries = append(entries, audit.Entry{ID: audit.ID(audit.Listener, n.Ref, 0, d.who.id, n.Code, n.Detail, strconv.Itoa(i)), Ref: n.Ref, Verb: "receive",
			Outcome: audit.Failed, Code: n.Code, Detail: n.Detail, Next: fault.Code(n.Code).Next()})
	}
	return d.tell(ctx, entries...)
}

// repeated tells that a delivery that is on disk came again. The trail needs it to explain a sender that repeats
// itself; which copy it is makes the id.
func (d *delivery) repeated(ctx context.Context, n int) error {
	return d.tell(ctx, audit.Entry{ID: d.id("repeated", strconv.Itoa(n)), Verb: "receive", Outcome: audit.Unchanged,
		Detail: d.about() + ": delivered again, stored before"})
}

func (d *delivery) id(parts ...string) string {
	return audit.ID(audit.Listener, record.Ref{}, 0, append([]string{d.who.id}, parts...)...)
}

// about names the delivery for people.
func (d *delivery) about() string {
	var b strings.Builder
	name := shown(d.m.Name)
	if name == "" {
		name = "a message"
	}
	b.WriteString(name)
	if d.m.From != "" {
		b.WriteString(" from " + shown(d.m.From))
	}
	if d.m.Format != "" {
		b.WriteString(" (" + d.m.Format + ")")
	}
	if d.m.Chunks > 1 {
		fmt.Fprintf(&b, ", segment %d of %d", d.m.Chunk, d.m.Chunks)
	}
	return b.String()
}

func (d *delivery) tell(ctx context.Context, entries ...audit.Entry) error {
	ctx, cancel := context.WithTimeout(ctx, d.h.opt.Wait)
	defer cancel()
	events := make([]event.Event, len(entries))
	for i, e := range entries {
		e.At, e.Stage, e.Cause = d.h.opt.Now(), audit.Listener, d.who.cause
		subject := ""
		if e.Ref.Key != "" {
			subject = e.Ref.String()
		}
		var err error
		events[i], err = event.With(event.Event{ID: e.ID, Source: string(audit.Listener), Type: event.AuditV1, Subject: subject, Time: e.At, Tenant: d.door.Tenant, Cause: e.Cause}, event.AuditOf(e))
		if err != nil {
			return err
		}
	}
	return each(events, func(part ...event.Event) error { return d.h.bus.Publish(ctx, d.door.Tenant, bus.Audit, part...) })
}
