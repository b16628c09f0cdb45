package poll

import (
	"context"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// back is how many days the first pass goes back where no pass and no full read is remembered.
const back = 31

// effective reads, once a day after the tenant's midnight, the rows that took effect since the last such pass, where
// the query has prompts for that: PeopleSoft gives them no new change time, and a query that shows only rows in effect
// did not show them before (peoplesoft.md 3.3). The pass has a window of its own in the cursor, stored with each page,
// so that it is resumed after a crash and never keeps the reading of changes waiting. A full read counts as a pass.
func (c *cycle) effective(ctx context.Context) error {
	dated, ok := c.feed.Source.(source.Dated)
	if !ok || !dated.Dated(ctx, c.t, c.tick.Kind) || c.cursor.Since == "" && c.cursor.Full == 0 {
		return nil
	}
	if c.cursor.Due == nil {
		if c.cursor.Due = c.pass(); c.cursor.Due == nil {
			return nil
		}
	}
	for c.cursor.Due != nil {
		w := toSource(c.tick.Kind, *c.cursor.Due)
		page, err := c.feed.Source.Read(ctx, c.t, w)
		if err != nil {
			return err
		}
		if page.Rest != nil && toSource(c.tick.Kind, rest(*c.cursor.Due, *page.Rest)) == w {
			return fault.New(fault.Config, fault.SourcePageStuck, "reading does not move on from "+w.After)
		}
		if err := c.keep(ctx, page, c.passed(page), nil); err != nil {
			return err
		}
	}
	return nil
}

// pass is the window of today's pass; nil when it was made. The day of the last pass is read again: the database's
// clock may have been behind ours, so that its rows of that day came after we asked. The other end lies ahead by the
// days that the tenant acts before a hire.
func (c *cycle) pass() *event.Window {
	now := c.p.opt.Now()
	today := erp.Today(now, c.p.opt.Zone)
	if c.cursor.Effective >= today {
		return nil
	}
	from := c.cursor.Effective
	if from == "" {
		from = plus(today, -back)
	}
	return &event.Window{EffFrom: from, EffTo: plus(today, c.feed.Ahead), Began: erp.StampOf(now, c.p.opt.Zone)}
}

// passed is the cursor behind a page of a pass. Change times that it saw move nothing: other changes up to then may
// still be unread.
func (c *cycle) passed(page source.Page) event.Cursor {
	next := c.cursor
	if page.Rest != nil {
		due := rest(*next.Due, *page.Rest)
		next.Due = &due
		return next
	}
	next.Effective, next.Due = max(next.Effective, dayOf(next.Due.Began)), nil
	return next
}

// dayOf is the day of a wall clock; "" when there is none.
func dayOf(s erp.Stamp) erp.Date {
	if len(s) < len(time.DateOnly) {
		return ""
	}
	return erp.Date(s[:len(time.DateOnly)])
}

// plus is the day n days later.
func plus(day erp.Date, n int) erp.Date {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return day
	}
	return erp.Date(t.AddDate(0, 0, n).Format(time.DateOnly))
}
