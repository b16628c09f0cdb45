package peoplesoft

import (
	"context"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// byTime reads a window without an after prompt. A cut answer is thrown away and the window halved until it fits;
// w.After then says where the next piece begins and how far to try first, so that From and To stay the caller's.
func (p pass) byTime(ctx context.Context, w source.Window) (source.Page, error) {
	from, to, until := p.piece(w)
	end := until
	for {
		lines, notes, cut, err := p.get(ctx, ask{from: from, to: end, effective: [2]erp.Date{w.EffFrom, w.EffTo}})
		if err != nil {
			return source.Page{}, err
		}
		if !cut {
			return p.pieceOf(w, lines, notes, from, end, to)
		}
		middle, ok := p.clock.half(from, end)
		if !ok || !p.windowed {
			return source.Page{}, fault.New(fault.Transient, fault.SourcePartial, p.narrow())
		}
		end = middle
	}
}

func (p pass) narrow() string {
	if !p.windowed {
		return "the answer is cut, and there are neither from and to nor after prompts to ask for less"
	}
	return "the answer is cut, and the window cannot be made smaller than " + p.clock.unit.String()
}

// piece is where reading goes on: after the piece before, up to a first try.
func (p pass) piece(w source.Window) (from, to, until erp.Stamp) {
	if from, to = w.From, w.To; w.Full {
		from, to = "", ""
	}
	until = to
	at, ok := position(w.After)
	if !ok {
		return from, to, until
	}
	if t := at[1]; t != "" && t > at[0] && (to == "" || t < to) {
		until = t
	}
	return at[0], to, until
}

// position is what byTime leaves in After: where the next piece begins, and how far to try. A key is none.
func position(after string) (at [2]erp.Stamp, ok bool) {
	begin, try, cut := strings.Cut(after, "|")
	if _, err := erp.Stamp(begin).Wall(); err != nil || !cut {
		return at, false
	}
	return [2]erp.Stamp{erp.Stamp(begin), erp.Stamp(try)}, true
}

func (p pass) pieceOf(w source.Window, lines []line, notes []source.Note, from, end, to erp.Stamp) (source.Page, error) {
	page, err := p.page(lines, p.unlimited(w) && w.After == "" && end == to)
	if err != nil {
		return source.Page{}, err
	}
	if w.After == "" {
		page.Notes = append(notes, page.Notes...)
	}
	if end != to {
		next := w
		next.After = string(end) + "|" + string(stretch(from, end))
		page.Rest = &next
	}
	return page, nil
}

// stretch proposes a piece twice as long as the one that fitted; it is only a first try.
func stretch(from, end erp.Stamp) erp.Stamp {
	if from == "" {
		from = firstDay
	}
	a, err := from.Wall()
	b, err2 := end.Wall()
	if err != nil || err2 != nil || b.Sub(a) > 50*365*24*time.Hour {
		return ""
	}
	return end.Add(2 * b.Sub(a))
}
