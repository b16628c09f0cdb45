package poll

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/crash"
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
	p       *Poller
	t       tenant.ID
	feed    Feed
	tick    event.Tick
	attempt int // of the tick's message

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
	if err != nil && ctx.Err() != nil {
		err = errStopping
	}
	book, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return c.close(book, err)
}

// check tries the connection first: a cycle that cannot work says which step failed and what to do.
func (c *cycle) check(ctx context.Context) error {
	failed, bad := check.Failure(c.feed.Source.Check(ctx, c.t, c.tick.Kind))
	if !bad {
		return nil
	}
	return &fault.Error{Kind: kindOf(fault.Code(failed.Code)), Code: fault.Code(failed.Code), Op: "check " + failed.Name, Detail: failed.Detail, Next: failed.Next}
}

// read reads what the tick asks for. An earlier cycle may have left a window: it is finished first, unless everything
// is read anyway, which is also the way out of a window that cannot be finished.
func (c *cycle) read(ctx context.Context) error {
	if c.tick.Mode == event.ModeKey {
		return c.readKey(ctx)
	}
	if err := c.load(ctx); err != nil {
		return err
	}
	full := c.tick.Mode == event.ModeFull
	if left := c.cursor.Open; left == nil || full && !left.Full {
		c.cursor.Open = c.window(full)
	}
	if err := c.readWindow(ctx); err != nil {
		return err
	}
	return c.effective(ctx)
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
	if c.cursor, err = event.Payload[event.Cursor](e, event.CursorV1); err != nil {
		return fault.Wrap(err, fault.Config, fault.BadEnvelope, "the stored cursor cannot be read")
	}
	c.seq, c.row.Before = seq, string(c.cursor.Since)
	return nil
}

// window is what is to be read now: everything, or what changed since the newest change seen, less the overlap. The
// clock only bounds it, on both sides: the cursor moves by data alone.
func (c *cycle) window(full bool) *event.Window {
	now := c.p.opt.Now()
	began := erp.StampOf(now, c.p.opt.Zone)
	if full || c.cursor.Since == "" {
		return &event.Window{Full: true, Began: began}
	}
	shift := dstShift(now, c.cursor.Since, c.p.opt.Zone)
	if shift > 0 {
		c.row.Detail = fmt.Sprintf("DST overlap +%d min", int(shift.Minutes()))
	}
	// A cursor ahead of the clock (the zone was changed, a clock was wrong) must not hide changes until then.
	from := min(c.cursor.Since, began).Add(-c.feed.Overlap - shift)
	if crash.Bug("overlap-zero") {
		from = min(c.cursor.Since, began)
	}
	if crash.Bug("filter-after") { // > in place of >=
		from = from.Add(time.Second)
	}
	return &event.Window{From: from, To: began.Add(24 * time.Hour), Began: began}
}

// readWindow reads the cursor's open window to its end. Each page is stored together with the cursor behind it.
func (c *cycle) readWindow(ctx context.Context) error {
	c.row.From, c.row.To = string(c.cursor.Open.From), string(c.cursor.Open.To)
	for c.cursor.Open != nil {
		w := toSource(c.tick.Kind, *c.cursor.Open)
		crash.Point("poller.before_request")
		page, err := c.feed.Source.Read(ctx, c.t, w)
		crash.Point("poller.after_response")
		if err != nil {
			return err
		}
		if page.Rest != nil && toSource(c.tick.Kind, rest(*c.cursor.Open, *page.Rest)) == w {
			return fault.New(fault.Config, fault.SourcePageStuck, "reading does not move on from "+w.After)
		}
		if err := c.store(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// store stores a page of the open window, unless it cannot be true.
func (c *cycle) store(ctx context.Context, page source.Page) error {
	seen, err := c.uniform(*c.cursor.Open, page)
	if err != nil {
		c.row.Pages++ // something was read, and nothing may be concluded from it
		return err
	}
	behind, verdict := c.behind(seen, page)
	return c.keep(ctx, page, behind, verdict)
}

// keep appends the page with the cursor behind it, in parts where it is too large for one batch. Complaints about its
// rows come first: once the cursor has moved, nobody reads those rows again. It answers the verdict once all is stored.
func (c *cycle) keep(ctx context.Context, page source.Page, behind event.Cursor, verdict error) error {
	c.row.Pages++
	c.row.Rows += page.Rows
	c.row.Records += len(page.Records)
	c.remark(page.Notes)
	place := fmt.Sprintf("%s/%d", c.tick.Kind, c.seq)
	events, err := c.events(ctx, place, page)
	if err != nil {
		return err
	}
	if err := c.note(ctx, place, page.Notes); err != nil {
		return err
	}
	crash.Point("poller.mid_page")
	if crash.Bug("watermark-before-publish") {
		if err := c.append(ctx, nil, behind); err != nil {
			return err
		}
		crash.Point("poller.watermark_early." + string(c.tick.Kind))
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
	crash.Point("poller.after_watermark")
	c.cursor, c.row.After = behind, string(behind.Since)
	return verdict
}

func (c *cycle) append(ctx context.Context, events []event.Event, cursor event.Cursor) error {
	cursor.Cycle = c.row.ID
	e, err := event.With(event.Event{ID: fmt.Sprintf("%s/cursor/%d", c.row.ID, c.seq), Source: "poller", Type: event.CursorV1, Subject: string(c.tick.Kind),
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

// behind is the cursor behind the page. At the end of a window it moves to the newest change that was seen, unless the
// window may not be believed, as the verdict then says.
func (c *cycle) behind(open event.Window, page source.Page) (next event.Cursor, verdict error) {
	next = c.cursor
	open.Seen = max(open.Seen, page.Newest)
	open.Rows, open.Records, open.Pages = open.Rows+page.Rows, open.Records+len(page.Records), open.Pages+1
	if page.Rest != nil {
		open = rest(open, *page.Rest)
		next.Open = &open
		return next, nil
	}
	next.Open = nil
	if verdict = c.believable(open); verdict != nil {
		return next, verdict
	}
	next.Since = max(next.Since, c.capped(open))
	if open.Full {
		next.Full, next.Varied, next.Due = open.Records, open.Varied, nil
		next.Effective = max(next.Effective, dayOf(open.Began))
	}
	return next, nil
}

// believable refuses a full read that shrank or is older than what was read before: nothing may be concluded from it
// (design.md 6, failures.md P06, P16). Rows may vanish, so that the newest change seen may go back a little.
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
	case w.Seen != "" && w.Seen < c.cursor.Since.Add(-max(c.feed.Overlap, time.Hour)):
		return fault.New(fault.Config, fault.SourceStale, fmt.Sprintf("the newest change in a full read is of %s, one of %s was read before", w.Seen, c.cursor.Since))
	}
	return nil
}

// capped keeps the cursor from passing the moment at which the window's first page was asked for: pages come by key,
// and a record of an early page may have changed while a late one was read. It also keeps change times from the future
// from hiding rows that are still to come (failures.md K04).
func (c *cycle) capped(w event.Window) erp.Stamp {
	if w.Seen > erp.StampOf(c.p.opt.Now().Add(5*time.Minute), c.p.opt.Zone) {
		c.row.Code, c.row.Next = fault.SourceClock, fault.SourceClock.Next()
		c.row.Detail = "change times lie in the future of the tenant's zone: " + string(w.Seen)
	}
	if w.Began == "" { // a window that an earlier version left open
		return min(w.Seen, erp.StampOf(c.p.opt.Now(), c.p.opt.Zone))
	}
	return min(w.Seen, w.Began)
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
	place := fmt.Sprintf("%s/%d", c.row.ID, c.attempt)
	events, err := c.events(ctx, place, page)
	if err != nil {
		return err
	}
	if err := c.note(ctx, place, page.Notes); err != nil || len(events) == 0 {
		return err
	}
	return c.p.bus.PublishFacts(ctx, c.t, events...)
}
