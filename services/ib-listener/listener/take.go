package listener

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

const (
	batch = 500     // records that are stored together (broker.md 2.1: 1000 messages a batch)
	bulk  = 4 << 20 // bytes of them
	room  = 4 << 10 // what the envelope of an event may take of event.MaxSize

	// maxTries is how often a message is asked for again whose document ends too early, or that sets off an error of
	// ours. A transfer that cuts heals; a message that is at fault itself must not block its queue for ever.
	maxTries = 5
)

// delivery is one message on its way into the streams.
type delivery struct {
	h    *Handler
	door *Door
	desk *desk
	m    Message
	who  identity
	raw  []byte
	open func() (Message, error) // opens raw again
	kind string                  // media type, for the dead letter
	told told                    // headers and parameters that opening it depends on, for the dead letter
}

// receive judges a proven delivery that arrived whole; failed is how opening it failed. What it does goes on when the
// sender hangs up.
func (h *Handler) receive(r *http.Request, door *Door, k *desk, raw []byte, m Message, failed error) answer {
	ctx := context.WithoutCancel(r.Context())
	if failed != nil { // the headers are all there is
		m = Message{Name: r.Header.Get("ExternalOperationName"), From: r.Header.Get("From"), Transaction: r.Header.Get("TransactionID"), Answer: m.Answer}
	}
	if (failed == nil || m.From != "") && !door.sends(m.From) {
		return answer{status: http.StatusForbidden, code: fault.SourceForbidden, detail: "this node may not send", form: m.Answer}
	}
	d := &delivery{h: h, door: door, desk: k, m: m, who: k.identify(door.Tenant, m, raw), raw: raw, kind: r.Header.Get("Content-Type"), told: tell(r),
		open: func() (Message, error) { return door.open(r, raw) }}
	if n := k.memory.again(d.who.id); n > 0 {
		return d.end(d.repeated(ctx, n), "received before")
	}
	if failed != nil {
		return d.unusable(ctx, failed)
	}
	a := d.take(ctx)
	if a.status == http.StatusOK && !door.Strict {
		k.memory.keep(d.who.id)
	}
	return a
}

// sends tells whether the node may send. PeopleSoft's node names have no case.
func (d *Door) sends(node string) bool {
	return slices.ContainsFunc(d.Nodes, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(node)) })
}

// take stores what is in the message. It is read to its end before anything is stored: a message of more than one
// batch is read twice.
func (d *delivery) take(ctx context.Context) answer {
	events, counts, err := d.read(ctx)
	if err != nil {
		return d.unusable(ctx, err)
	}
	if !counts.usable() {
		return d.unusable(ctx, nothing(counts))
	}
	crash.Point("ib.before_publish")
	if events == nil && counts.Records > 0 {
		err = d.storeAll(ctx)
	} else {
		err = d.store(ctx, events)
	}
	crash.Point("ib.after_ack")
	if fault.KindOf(err) == fault.Invalid {
		return d.unusable(ctx, err) // the broker will never take it
	}
	if err == nil {
		err = d.received(ctx, counts)
	}
	return d.end(err, fmt.Sprintf("%d records", counts.Records))
}

// end is the answer after everything that had to be stored was stored, or err.
func (d *delivery) end(err error, detail string) answer {
	if err != nil {
		d.h.opt.Log.Warn("delivery not stored", "tenant", d.door.Tenant, "cause", d.who.cause, "fault", fault.CodeOf(err), "err", err)
		return again(fault.CodeOf(err), "the message cannot be stored now").in(d.m)
	}
	return answer{status: http.StatusOK, detail: detail, form: d.m.Answer}
}

// read goes through the whole message. It answers its events, or none when they are more than one batch.
func (d *delivery) read(ctx context.Context) ([]event.Event, Counts, error) {
	var events []event.Event
	size, full := 0, false
	n := 0
	var counts Counts
	err := safely(func() (err error) {
		counts, err = d.m.Each(func(r source.Record) error {
			n++
			if full {
				return nil
			}
			e, err := d.event(n, r)
			if err != nil {
				return err
			}
			events = append(events, e)
			if size += len(e.Data); len(events) > batch || size > bulk {
				full, events = true, nil
			}
			return ctx.Err()
		})
		return err
	})
	return events, counts, err
}

// event carries the n-th record of the message.
func (d *delivery) event(n int, r source.Record) (event.Event, error) {
	if crash.Bug("id-from-time") {
		d.who.id = strconv.FormatInt(time.Now().UnixNano(), 10)
	}
	return event.With(event.Event{
		ID: "ib/" + d.who.id + "/" + strconv.Itoa(n) + "/" + r.Ref.String(), Source: string(audit.Listener), Type: event.FactsV1, Subject: r.Ref.String(),
		Time: d.h.opt.Now(), Tenant: d.door.Tenant, Cause: d.who.cause,
	}, event.Facts{Kind: r.Ref.Kind, Key: r.Ref.Key, Facts: event.FromERP(r.Facts), Whole: r.Whole})
}

// storeAll reads the message a second time and stores batch by batch. Each batch has its own time, all together have
// Long; ids make a message that was stored in part and comes again harmless.
func (d *delivery) storeAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.h.opt.Long)
	defer cancel()
	m, err := d.open()
	if err != nil {
		return err
	}
	var events []event.Event
	size, n := 0, 0
	flush := func() error {
		err := d.store(ctx, events)
		events, size = nil, 0
		return err
	}
	_, err = m.Each(func(r source.Record) error {
		n++
		e, err := d.event(n, r)
		if err != nil {
			return err
		}
		if len(events) == batch || size+len(e.Data) > bulk {
			if err := flush(); err != nil {
				return err
			}
		}
		events, size = append(events, e), size+len(e.Data)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// store puts the events on disk. A record that no event can hold becomes a dead letter and does not stop the others.
func (d *delivery) store(ctx context.Context, events []event.Event) error {
	fit := make([]event.Event, 0, len(events))
	for _, e := range events {
		if len(e.Data) <= event.MaxSize-room {
			fit = append(fit, e)
			continue
		}
		if err := d.tooLarge(ctx, e); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, d.h.opt.Wait)
	defer cancel()
	return each(fit, func(part ...event.Event) error { return d.h.bus.PublishFacts(ctx, d.door.Tenant, part...) })
}

// few is up to how many events are stored faster one by one: the broker makes a store of files for each batch, which
// takes as long as several syncs (BenchmarkIngress: with a batch for every message 0.16 of what the broker takes, one by
// one 0.8; taken on a shared machine).
const few = 6

// each publishes events one by one when they are few, else together. Their order stays.
func each(events []event.Event, publish func(...event.Event) error) error {
	if len(events) > few {
		return publish(events...)
	}
	for _, e := range events {
		if err := publish(e); err != nil {
			return err
		}
	}
	return nil
}

// usable tells whether the message said anything. Rows that carry nothing by themselves, such as original values, are
// something; rows that could not be used are not.
func (c Counts) usable() bool {
	return c.Records > 0 || c.Header || c.Trailer || c.Ignored > 0 && len(c.Notes) == 0
}

// nothing says why a message without usable content is none.
func nothing(c Counts) error {
	if len(c.Notes) > 0 {
		return fault.New(fault.Invalid, fault.Code(c.Notes[0].Code), c.Notes[0].Detail)
	}
	return fault.New(fault.Invalid, fault.SourceNotData, "the message has no rows")
}
