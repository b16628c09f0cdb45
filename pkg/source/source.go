// Package source is the contract of a system that is read. A source reads windows page by page; it never decides
// what facts mean, and a page that is not provably complete is an error, never a short page.
package source

import (
	"context"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Window says what is to be read. The zero From and To are open ends.
type Window struct {
	Kind  record.Kind
	From  erp.Stamp // rows changed at or after this wall clock
	To    erp.Stamp // rows changed at or before this wall clock
	After string    // resume position inside the window; only the source knows its meaning
	Full  bool      // everything, whatever its change time

	// EffFrom and EffTo, where set, ask for the rows that take effect on these days and between them, whatever their
	// change time; From, To and Full are then zero. Only a Dated source reads such a window.
	EffFrom, EffTo erp.Date
}

// Effective tells whether the window asks for the days on which rows take effect.
func (w Window) Effective() bool { return w.EffFrom != "" }

// Page is one complete piece of a window.
type Page struct {
	Records []Record
	Rows    int       // rows of the source in this page
	Newest  erp.Stamp // newest change time in this page; "" when the source has none
	Rest    *Window   // what is still to be read behind this page; nil when the window is finished
	Notes   []Note    // rows that could not become facts, and other things an operator must know
}

// Record is what a page says about one record.
type Record struct {
	Ref   record.Ref
	Facts []erp.Fact
	Whole []erp.Facet // facets of which the facts are all rows that the source's query shows
}

// Note is a complaint about a row that did not stop the page.
type Note struct {
	Ref    record.Ref // Key may be empty when the row had none
	Code   string
	Detail string // column and kind of problem; never the value
}

// Source reads one connection of one tenant. Implementations are safe for concurrent use. Errors are *fault.Error:
// Transient and RateLimited may be tried again in the next cycle; Auth and Config stop the connection.
type Source interface {
	// Read returns the first page of w. Reading goes on with Page.Rest. All rows of a record that lie in the window
	// are in one page, unless the source can cut the window by time only: then a record may come in several pages,
	// a row on the border of two in both, and Whole stays empty.
	Read(ctx context.Context, t tenant.ID, w Window) (Page, error)
	// Check tries the connection step by step, ending with the real query for kind limited to one row.
	Check(ctx context.Context, t tenant.ID, kind record.Kind) []check.Step
}

// Dated is a source that may be asked for the days on which rows take effect: a row that was entered long ago and takes
// effect today has no new change time, so that windows over change times never show it (peoplesoft.md 3.3).
type Dated interface {
	// Dated tells whether windows over days of effect can be read for kind. It sends nothing.
	Dated(ctx context.Context, t tenant.ID, kind record.Kind) bool
}

// KeyReader is a source that can read one record by its key.
type KeyReader interface {
	// ReadKey returns everything the source shows of the record; an empty page means that it shows nothing.
	ReadKey(ctx context.Context, t tenant.ID, ref record.Ref) (Page, error)
}
