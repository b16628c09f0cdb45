package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// cycle is one pass of the poller over one feed.
type cycle struct {
	p    *Poller
	t    tenant.ID
	feed Feed
	tick event.Tick

	row    store.Cycle
	cursor event.Cursor // as stored, moved forward with each page
	seq    uint64       // of the stored cursor
}

// run is the whole cycle: open, check, read, close. Whatever happens, the cycle's row and its audit entry say so.
func (c *cycle) run(ctx context.Context) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	err := c.check(ctx)
	if err == nil {
		err = c.read(ctx)
	}
	return c.close(context.WithoutCancel(ctx), err)
}

// check tries the connection first: a cycle that cannot work says which step failed and what to do.
func (c *cycle) check(ctx context.Context) error {
	failed, bad := check.Failure(c.feed.Source.Check(ctx, c.t, c.tick.Kind))
	if !bad {
		return nil
	}
	kind := fault.Config
	switch fault.Code(failed.Code) {
	case fault.SourceAuth:
		kind = fault.Auth
	case fault.SourceDown, fault.SourceTimeout, fault.SourceUnreachable, fault.SourceTruncated:
		kind = fault.Transient
	}
	return &fault.Error{Kind: kind, Code: fault.Code(failed.Code), Op: "check " + failed.Name, Detail: failed.Detail, Next: failed.Next}
}

// read reads what the tick asks for.
func (c *cycle) read(ctx context.Context) error {
	if c.tick.Mode == event.ModeKey {
		return c.readKey(ctx)
	}
	if err := c.load(ctx); err != nil {
		return err
	}
	if left := c.cursor.Open; left != nil { // an earlier cycle did not finish its window: do that first
		full := left.Full
		if err := c.readWindow(ctx); err != nil || full || c.tick.Mode == event.ModeWindow {
			return err
		}
	}
	c.cursor.Open = c.window()
	return c.readWindow(ctx)
}

// load takes the cursor from the stream, where it is stored with the pages.
func (c *cycle) load(ctx context.Context) error {
	e, seq, err := c.p.bus.Cursor(ctx, c.t, c.tick.Kind)
	if errors.Is(err, bus.ErrNone) {
		c.cursor = event.Cursor{Kind: c.tick.Kind}
		return nil
	}
	if err != nil {
		return err
	}
	c.cursor, err = event.Payload[event.Cursor](e, event.CursorV1)
	c.seq, c.row.Before = seq, string(c.cursor.Since)
	return err
}

// window is what is to be read now: everything, or what changed since the newest change seen, less the overlap. The
// upper end only bounds the query; the cursor moves by data alone.
func (c *cycle) window() *event.Window {
	if c.tick.Mode == event.ModeFull || c.cursor.Since == "" {
		return &event.Window{Full: true}
	}
	now := c.p.opt.Now()
	return &event.Window{
		From: c.cursor.Since.Add(-c.feed.Overlap - dstShift(now, c.p.opt.Zone)),
		To:   erp.StampOf(now, c.p.opt.Zone).Add(24 * time.Hour),
	}
}

// readWindow reads the cursor's open window to its end. Each page is stored together with the cursor behind it.
func (c *cycle) readWindow(ctx context.Context) error {
	first := *c.cursor.Open
	c.row.From, c.row.To = string(first.From), string(first.To)
	for c.cursor.Open != nil {
		page, err := c.feed.Source.Read(ctx, c.t, toSource(c.tick.Kind, *c.cursor.Open))
		if err != nil {
			return err
		}
		if err := c.store(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// store appends the page with its cursor, in parts where it is too large for one batch.
func (c *cycle) store(ctx context.Context, page source.Page) error {
	c.row.Pages++
	c.row.Rows += page.Rows
	c.row.Records += len(page.Records)
	behind, verdict := c.behind(page)
	events, err := c.events(page)
	if err != nil {
		return err
	}
	for len(events) > bus.MaxPage { // until the last part is stored, the cursor stays before this page
		if err := c.append(ctx, events[:bus.MaxPage], c.cursor); err != nil {
			return err
		}
		events = events[bus.MaxPage:]
	}
	if err := c.append(ctx, events, behind); err != nil {
		return err
	}
	c.cursor, c.row.After = behind, string(behind.Since)
	if err := c.note(ctx, page.Notes); err != nil {
		return err
	}
	return verdict
}

func (c *cycle) append(ctx context.Context, events []event.Event, cursor event.Cursor) error {
	cursor.Cycle = c.row.ID
	e, err := event.With(event.Event{ID: c.row.ID + "/cursor/" + fmt.Sprint(c.seq), Source: "poller", Type: event.CursorV1, Subject: string(c.tick.Kind),
		Time: c.p.opt.Now(), Tenant: c.t, Cause: "cycle/" + c.row.ID}, cursor)
	if err != nil {
		return err
	}
	seq, err := c.p.bus.AppendPage(ctx, c.t, c.tick.Kind, bus.Page{Events: events, Cursor: e, Prev: c.seq})
	if errors.Is(err, bus.ErrConflict) {
		return &fault.Error{Kind: fault.Conflict, Code: fault.SourceBusy, Detail: "another poller moved the cursor; this cycle ends", Err: err}
	}
	if err != nil {
		return err
	}
	c.seq = seq
	return nil
}

// behind is the cursor behind the page. At the end of a window it moves to the newest change that was seen, and the
// verdict says whether the window may be believed.
func (c *cycle) behind(page source.Page) (event.Cursor, error) {
	next := c.cursor
	open := *next.Open
	open.Seen = max(open.Seen, page.Newest)
	open.Rows, open.Records, open.Pages = open.Rows+page.Rows, open.Records+len(page.Records), open.Pages+1
	if page.Rest != nil {
		open.From, open.To, open.After = page.Rest.From, page.Rest.To, page.Rest.After
		next.Open = &open
		return next, nil
	}
	next.Open = nil
	verdict := c.believable(open)
	next.Since = max(next.Since, c.capped(open.Seen))
	if open.Full && verdict == nil {
		next.Full = open.Records
	}
	return next, verdict
}

// believable refuses a full read that shrank: nothing may be concluded from it (design.md 6).
func (c *cycle) believable(w event.Window) error {
	if !w.Full || c.cursor.Full == 0 {
		return nil
	}
	detail := fmt.Sprintf("a full read brought %d records, the last good one %d", w.Records, c.cursor.Full)
	switch {
	case w.Records == 0:
		return fault.New(fault.Config, fault.SourceEmpty, detail)
	case w.Records*100 < c.cursor.Full*95:
		return fault.New(fault.Config, fault.SourceShrunk, detail)
	}
	return nil
}

// capped keeps a change time from the future from moving the cursor past rows that are still to come (failures.md K04).
func (c *cycle) capped(seen erp.Stamp) erp.Stamp {
	limit := erp.StampOf(c.p.opt.Now().Add(5*time.Minute), c.p.opt.Zone)
	if seen > limit {
		c.row.Code, c.row.Detail = fault.SourceClock, "change times lie in the future of the tenant's zone: "+string(seen)
		return limit
	}
	return seen
}

func (c *cycle) readKey(ctx context.Context) error {
	r, ok := c.feed.Source.(source.KeyReader)
	if !ok {
		return fault.New(fault.Config, fault.SourceNotSupported, "this source cannot read a single record")
	}
	page, err := r.ReadKey(ctx, c.t, record.Ref{Kind: c.tick.Kind, Key: c.tick.Key})
	if err != nil {
		return err
	}
	c.row.Pages, c.row.Rows, c.row.Records = 1, page.Rows, len(page.Records)
	events, err := c.events(page)
	if err != nil {
		return err
	}
	if err := c.p.bus.PublishFacts(ctx, c.t, events...); err != nil {
		return err
	}
	return c.note(ctx, page.Notes)
}

func toSource(kind record.Kind, w event.Window) source.Window {
	return source.Window{Kind: kind, From: w.From, To: w.To, After: w.After, Full: w.Full}
}

// dstShift is by how much clocks in zone were put back within the last day: an hour is then read twice (failures.md
// K02, K03).
func dstShift(now time.Time, zone *time.Location) time.Duration {
	_, before := now.Add(-24 * time.Hour).In(zone).Zone()
	_, after := now.In(zone).Zone()
	return max(0, time.Duration(before-after)*time.Second)
}
