package peoplesoft

import (
	"context"
	"strconv"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// byKey reads one page behind w.After in the order of the key. The window ends only when a second request, from
// before the last key, brings nothing new: a server that cuts in silence shows itself there (failures.md P04).
func (p pass) byKey(ctx context.Context, w source.Window) (source.Page, error) {
	if _, ok := position(w.After); ok {
		w.After = "" // left by reading by time, before the query got its after prompt: begin again
	}
	a := ask{from: w.From, to: w.To, after: w.After, effective: [2]erp.Date{w.EffFrom, w.EffTo}}
	if w.Full {
		a.from, a.to = "", ""
	}
	lines, notes, cut, err := p.get(ctx, a)
	if err != nil {
		return source.Page{}, err
	}
	lines, loose, err := p.inOrder(lines, w.After, cut)
	if err != nil {
		return source.Page{}, err
	}
	if !cut && p.confirm {
		var remarks []source.Note
		if cut, remarks, err = p.continues(ctx, a, lines, loose != nil); err != nil {
			return source.Page{}, err
		}
		loose = append(loose, remarks...)
	}
	var rest *source.Window
	if cut {
		rows := len(lines)
		if lines = lines[:lastKey(lines)]; last(lines) == "" {
			return source.Page{}, p.stuck(rows)
		}
		next := w
		next.After = last(lines)
		rest = &next
	}
	page, err := p.page(lines, p.unlimited(w))
	if err != nil {
		return source.Page{}, err
	}
	page.Rest = rest
	if w.After == "" {
		page.Notes = append(append(notes, loose...), page.Notes...)
	}
	return page, nil
}

// ascending proves the order that resuming behind a key relies on. Rows without a key are judged elsewhere.
func ascending(lines []line, after string) error {
	previous := after
	for i, l := range lines {
		switch {
		case l.order == "":
			continue
		case previous == after && after != "" && l.order <= after:
			return fault.New(fault.Config, fault.SourceOrder, "row "+strconv.Itoa(i+1)+" does not lie behind the key that was given to the after prompt: its criterion must be greater than")
		case l.order < previous:
			return fault.New(fault.Config, fault.SourceOrder, "row "+strconv.Itoa(i+1)+" has a smaller key than the row before it")
		}
		previous = l.order
	}
	return nil
}

// lastKey is where the rows of the last key begin: they may go on behind a cut.
func lastKey(lines []line) int {
	key, i := last(lines), len(lines)
	for i > 0 && (lines[i-1].order == key || lines[i-1].order == "") {
		i--
	}
	return i
}

func last(lines []line) string {
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].order != "" {
			return lines[i].order
		}
	}
	return ""
}

// continues asks again from before the last key: the same rows of that key and nothing behind them is the end. An
// answer that was not in order cannot be resumed.
func (p pass) continues(ctx context.Context, a ask, lines []line, sorted bool) (bool, []source.Note, error) {
	key := last(lines)
	if key == "" {
		return false, nil, nil
	}
	begin := lastKey(lines)
	again := a
	if again.after = last(lines[:begin]); again.after == "" {
		again.after = key // the only key: look behind it
		begin = len(lines)
	}
	more, _, cut, err := p.get(ctx, again)
	if err != nil {
		return false, nil, err
	}
	if why := ascending(more, again.after); why != nil {
		notes, err := p.heedless(ctx, a, lines, more, cut, why)
		return false, notes, err
	}
	goesOn := cut || last(more) > key || len(more) > len(lines)-begin
	if goesOn && sorted {
		return false, nil, fault.New(fault.Config, fault.SourceOrder, "the answer is cut, and its rows are not in the order of the key")
	}
	return goesOn, nil, nil
}

// stuck: with a full answer only another max_rows helps; with less the server itself cuts, or a row came in between.
func (p pass) stuck(rows int) error {
	if rows < p.max {
		return fault.New(fault.Transient, fault.SourcePageStuck, "the server cuts its answers at "+strconv.Itoa(rows)+" rows, and one key fills them")
	}
	return fault.New(fault.Config, fault.SourcePageStuck, "one key has at least as many rows as a page may hold ("+strconv.Itoa(p.max)+")")
}
