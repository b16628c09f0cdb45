package peoplesoft

import (
	"context"
	"unicode/utf8"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// triesForOne bounds the pages that are walked when a key is found through the after prompt.
const triesForOne = 5

// one reads everything about one record.
func (p pass) one(ctx context.Context, ref record.Ref) (source.Page, error) {
	order := ref.Key
	if ref.Kind == record.Vendor {
		_, id, ok := record.SplitVendorKey(ref.Key)
		if !ok {
			return source.Page{}, fault.New(fault.Invalid, fault.SourceNotSupported, "a vendor's key is SETID/VENDOR_ID")
		}
		order = id
	}
	switch {
	case order == "":
		return source.Page{}, fault.New(fault.Invalid, fault.SourceNotSupported, "no key")
	case p.keyed:
		return p.byPrompt(ctx, ref, order)
	case p.keyset:
		return p.byWalk(ctx, ref, order)
	}
	return source.Page{}, fault.New(fault.Config, fault.SourceNotSupported, p.what+" has neither a key nor an after prompt")
}

func (p pass) byPrompt(ctx context.Context, ref record.Ref, order string) (source.Page, error) {
	lines, notes, cut, err := p.get(ctx, ask{key: order})
	switch {
	case err != nil:
		return source.Page{}, err
	case cut && last(lines) == order && last(lines[:lastKey(lines)]) == "":
		return source.Page{}, p.stuck(len(lines))
	case cut:
		return source.Page{}, fault.New(fault.Config, fault.SourceSchema, "the key prompt does not limit the rows to one key")
	}
	return p.only(ref, lines, notes)
}

// byWalk starts behind the key without its last character: that sorts before the key in every collation, and few
// keys lie between the two.
func (p pass) byWalk(ctx context.Context, ref record.Ref, order string) (source.Page, error) {
	_, size := utf8.DecodeLastRuneInString(order)
	a := ask{after: order[:len(order)-size]}
	var all []line
	var remarks []source.Note
	for range triesForOne {
		lines, notes, cut, err := p.get(ctx, a)
		if err != nil {
			return source.Page{}, err
		}
		if err := ascending(lines, a.after); err != nil && (cut || a.after != order[:len(order)-size]) {
			return source.Page{}, err // the first answer holds every row behind the key if it came whole, in any order
		}
		all, remarks = append(all, lines...), notes
		if !cut || last(lines) > order {
			return p.only(ref, all, remarks)
		}
		kept := lines[:lastKey(lines)]
		if last(kept) == "" {
			return source.Page{}, p.stuck(len(lines))
		}
		all = append(all[:len(all)-len(lines)], kept...)
		a.after = last(kept)
	}
	return source.Page{}, fault.New(fault.Config, fault.SourceNotSupported, "too many keys lie before this one: give the query a key prompt")
}

func (p pass) only(ref record.Ref, lines []line, notes []source.Note) (source.Page, error) {
	var own []line
	for _, l := range lines {
		if l.key == ref.Key {
			own = append(own, l)
		}
	}
	page, err := p.page(own, true)
	if err != nil {
		return source.Page{}, err
	}
	if len(page.Records) == 0 && len(own) > 0 { // an empty page would say that PeopleSoft shows nothing
		return source.Page{}, fault.New(fault.Invalid, fault.SourceSchema, page.Notes[0].Detail)
	}
	page.Notes = append(notes, page.Notes...)
	return page, nil
}
