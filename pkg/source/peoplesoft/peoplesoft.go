package peoplesoft

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/internal/httpx"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Source reads one PeopleSoft installation for one tenant. It keeps nothing but connections and a token, and is safe
// for concurrent use.
type Source struct {
	config   Config
	client   *client
	readings map[record.Kind]*reading
}

var (
	_ source.Source    = (*Source)(nil)
	_ source.KeyReader = (*Source)(nil)
	_ source.Dated     = (*Source)(nil)
)

// Open checks c and prepares a source; nothing is sent yet. A wrong Config is one fault that lists every problem.
func Open(c Config) (*Source, error) {
	if problems := c.Validate(); len(problems) > 0 {
		texts := make([]string, len(problems))
		for i, p := range problems {
			texts[i] = p.Error()
		}
		return nil, fault.New(fault.Config, fault.BadConfig, strings.Join(texts, "; "))
	}
	h, err := httpx.New(httpx.Config{CAFile: c.CAFile, MinTLS: c.MinTLS, Silence: c.Silence, MaxBody: maxBody, Codes: codes()})
	if err != nil {
		return nil, err
	}
	s := &Source{config: c, client: &client{h, newSigner(c.Auth, h)}, readings: map[record.Kind]*reading{}}
	for kind, q := range c.Queries {
		s.readings[kind] = q.reading(kind, c.BaseURL, c.Node, c.Zone)
	}
	for kind, g := range c.Generics {
		s.readings[kind] = g.reading(kind, c.BaseURL, c.Node, c.Zone)
	}
	return s, nil
}

// Skew is how far PeopleSoft's clock is ahead of ours at least, by the Date of its answers; negative when it is behind.
func (s *Source) Skew() time.Duration { return s.client.http.Skew() }

// Close gives up idle connections.
func (s *Source) Close() { s.client.http.CloseIdle() }

// Read implements source.Source. It sends at most two sign-ins; with an `after` prompt one or two requests, without
// one as many as it takes to find a window that fits.
func (s *Source) Read(ctx context.Context, _ tenant.ID, w source.Window) (source.Page, error) {
	r, ok := s.readings[w.Kind]
	if !ok {
		return source.Page{}, notRead(w.Kind)
	}
	if w.Effective() && !r.dated {
		return source.Page{}, fault.New(fault.Config, fault.SourceNotSupported, r.what+" has no eff_from and eff_to prompts")
	}
	p := pass{reading: r, client: s.client, try: &attempt{}}
	read := p.byTime
	if r.keyset {
		read = p.byKey
	}
	page, err := read(ctx, w)
	return page, during("read "+w.Kind.Plural(), err)
}

// Dated implements source.Dated: a query with the prompts `eff_from` and `eff_to`.
func (s *Source) Dated(_ context.Context, _ tenant.ID, kind record.Kind) bool {
	r, ok := s.readings[kind]
	return ok && r.dated
}

// ReadKey implements source.KeyReader: through the `key` prompt, else through `after` from just before the key.
func (s *Source) ReadKey(ctx context.Context, _ tenant.ID, ref record.Ref) (source.Page, error) {
	r, ok := s.readings[ref.Kind]
	if !ok {
		return source.Page{}, notRead(ref.Kind)
	}
	p := pass{reading: r, client: s.client, try: &attempt{}}
	page, err := p.one(ctx, ref)
	return page, during("read one of "+ref.Kind.Plural(), err)
}

func notRead(kind record.Kind) error {
	return fault.New(fault.Config, fault.SourceNotSupported, "no query is set for "+kind.Plural())
}

// during puts the operation in front of a fault; anything else here is our bug and becomes one.
func during(op string, err error) error {
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return &fault.Error{Kind: fault.KindOf(err), Code: fault.Unclassified, Op: op, Err: err}
	}
	named := *f
	if named.Op = op; f.Op != "" {
		named.Op = op + ": " + f.Op
	}
	return &named
}

// pass is one call of Read or ReadKey.
type pass struct {
	*reading
	client *client
	try    *attempt
}

func (p pass) get(ctx context.Context, a ask) ([]line, []source.Note, bool, error) {
	if a.limit == 0 {
		a.limit = p.max
	}
	t, cut, err := p.fetch(ctx, p.client, p.try, a)
	if err != nil {
		return nil, nil, false, err
	}
	lines, notes, err := p.lines(t)
	if err == nil && cut && len(lines) == 0 {
		err = fault.New(fault.Transient, fault.SourcePartial, "rows are counted but none came")
	}
	return lines, notes, cut, err
}
