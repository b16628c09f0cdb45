package peoplesoft

import (
	"context"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
)

// reading is how one kind is asked for and understood: the query service and custom services look the same from here.
type reading struct {
	kind      record.Kind
	what      string // name of the query or service, for people
	max       int
	clock     clock
	windowed  bool // the request has from and to
	keyset    bool // the request has after
	dated     bool // the request has days of effect
	keyed     bool // the request has key
	limited   bool // the request has a row limit
	confirm   bool
	unescape  bool
	untyped   bool // the format does not tell numbers from text
	keyLength int
	columns   map[string]string
	cols      []column
	accept    string
	headers   map[string]string
	address   func(ask) (string, error)
	decode    func(body) (table, error)
}

func (q Query) reading(kind record.Kind, base, node string, zone *time.Location) *reading {
	q = q.withDefaults()
	c := newClock(q.PromptLayout, zone, q.EmptyPrompts)
	r := &reading{kind: kind, what: "query " + q.Name, max: q.MaxRows, clock: c, windowed: q.Prompts.From != "", keyset: q.Prompts.After != "", keyed: q.Prompts.Key != "",
		dated:   q.Prompts.EffFrom != "" && q.Prompts.EffTo != "",
		limited: true, confirm: !q.SkipConfirm, unescape: q.Unescape, keyLength: q.KeyLength, columns: q.Columns, cols: columns(kind),
		accept:  "application/json",
		address: func(a ask) (string, error) { return q.address(base, node, c, a) },
		decode:  func(b body) (table, error) { return decodeJSON(b, q.Name) }}
	if q.Format == XMLP {
		r.untyped, r.accept = true, "text/xml, application/xml"
		r.decode = func(b body) (table, error) { return decodeXMLP(b, q.Name) }
	}
	return r
}

func (g Generic) reading(kind record.Kind, base, node string, zone *time.Location) *reading {
	g = g.withDefaults()
	c := newClock(g.PromptLayout, zone, g.EmptyPrompts)
	mapping := map[string]string{}
	for own, canonical := range g.Fields {
		mapping[canonical] = own
	}
	return &reading{kind: kind, what: "service " + kind.Plural(), max: g.MaxRows, clock: c, windowed: strings.Contains(g.URL, "{from}"), keyset: g.Page == Keyset,
		keyed: strings.Contains(g.URL, "{key}"), limited: strings.Contains(g.URL, "{limit}"), confirm: !g.SkipConfirm, keyLength: g.KeyLength,
		columns: mapping, cols: columns(kind), accept: "application/json", headers: g.Headers,
		address: func(a ask) (string, error) { return g.address(base, node, c, a) },
		decode:  g.decode}
}

// fetch sends one request and decodes its answer. cut tells that more rows exist than came.
func (r *reading) fetch(ctx context.Context, c *client, try *attempt, a ask) (t table, cut bool, err error) {
	resp, err := r.send(ctx, c, try, a)
	if err != nil {
		return table{}, false, err
	}
	if t, err = r.understand(resp); err != nil {
		return table{}, false, err
	}
	return t, t.total > len(t.rows) || (r.limited && len(t.rows) >= a.limit), nil
}

func (r *reading) send(ctx context.Context, c *client, try *attempt, a ask) (httpx.Response, error) {
	address, err := r.address(a)
	if err != nil {
		return httpx.Response{}, err
	}
	return c.get(ctx, try, address, r.accept, r.headers)
}

func (r *reading) understand(resp httpx.Response) (table, error) {
	b, err := inspect(resp)
	if err != nil && crash.Bug("html-as-data") {
		return table{}, nil
	}
	if err != nil {
		return table{}, err
	}
	return r.decode(b)
}

// unlimited tells whether the answers to a window hold every row of their records.
func (r *reading) unlimited(w source.Window) bool {
	return w.Full || !r.windowed && !w.Effective()
}
