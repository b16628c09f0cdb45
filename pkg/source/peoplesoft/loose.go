package peoplesoft

import (
	"cmp"
	"context"
	"slices"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// Order and the after prompt are what resuming behind a key relies on. An answer that came whole is not resumed, so
// that a small company's query without either is read all the same, with a remark: it fails once it outgrows a page.
const (
	unordered = "the rows do not come in the order of their key: this works while one page holds them all"
	unheeded  = "the after prompt limits nothing, or not strictly: this works while one page holds all rows"
)

func (p pass) remark(detail string) source.Note {
	return source.Note{Ref: record.Ref{Kind: p.kind}, Code: string(fault.SourceOrder), Detail: detail}
}

// inOrder brings the first and whole answer into the order of the key. Any other answer must be in it already.
func (p pass) inOrder(lines []line, after string, cut bool) ([]line, []source.Note, error) {
	err := ascending(lines, after)
	if err == nil {
		return lines, nil, nil
	}
	if cut || after != "" {
		return nil, nil, err
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.order, b.order) })
	return lines, []source.Note{p.remark(unordered)}, nil
}

// heedless judges a second answer, more, that does not lie behind the key that was asked for: why says how. Where
// neither it nor an answer from behind the greatest key shows a key that the first answer does not have, the query
// has no more rows and does not heed the prompt.
func (p pass) heedless(ctx context.Context, a ask, lines, more []line, cut bool, why error) ([]source.Note, error) {
	have := map[string]bool{}
	for _, l := range lines {
		have[l.order] = true
	}
	strange := func(l line) bool { return !have[l.order] }
	if cut || a.after != "" || slices.ContainsFunc(more, strange) {
		return nil, why
	}
	a.after = last(lines)
	behind, _, cut, err := p.get(ctx, a)
	if err != nil {
		return nil, err
	}
	if cut || slices.ContainsFunc(behind, strange) {
		return nil, why
	}
	return []source.Note{p.remark(unheeded)}, nil
}
