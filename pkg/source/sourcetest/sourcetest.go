// Package sourcetest is the contract of package source as tests: every adapter runs it against a simulator of its
// system and adds only what is truly its own.
package sourcetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Site is a source over a system that holds at least 40 records of Kind, read in at least three pages.
type Site struct {
	Source source.Source
	Kind   record.Kind
	Keys   []string          // every record that the system shows, sorted
	Break  func(request int) // spoils the given request from now (0 is the next) in a way that a reader can see; nil: cannot
	Twice  bool              // a record may come in two pages: windows are cut by time, and its rows have several times
}

// Open starts a fresh system and a source over it. Two calls with different marks hold different records.
type Open func(t *testing.T, mark int) Site

// Run checks the contract.
func Run(t *testing.T, open Open) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Open){
		"every record comes, once, over the pages of a full window": complete,
		"Rest can be read again and gives the same page":            repeatable,
		"a broken answer never gives a page":                        broken,
		"a window by time holds what changed in it":                 windows,
		"an ended context is an error and no page":                  ended,
		"a kind that is not set is a fault of the settings":         unset,
		"facts stay on the allow-list":                              allowed,
		"one record read by its key equals the record of the page":  byKey,
		"two tenants at the same time never see each other":         tenants,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

const acme = tenant.ID("acme")

// read reads to the end and calls seen for every page.
func read(t *testing.T, s source.Source, id tenant.ID, w source.Window) ([]source.Page, error) {
	t.Helper()
	var pages []source.Page
	for next := &w; next != nil; {
		page, err := s.Read(t.Context(), id, *next)
		if err != nil {
			return pages, err
		}
		if next = page.Rest; next != nil && (next.Kind != w.Kind || next.Full != w.Full) {
			t.Fatalf("Rest %+v changes kind or fullness of %+v", *next, w)
		}
		if pages = append(pages, page); len(pages) > 1000 {
			t.Fatal("reading does not end")
		}
	}
	return pages, nil
}

func must(t *testing.T, s source.Source, w source.Window) []source.Page {
	t.Helper()
	pages, err := read(t, s, acme, w)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// keys counts how often each record came.
func keys(pages []source.Page) map[string]int {
	count := map[string]int{}
	for _, p := range pages {
		for _, r := range p.Records {
			count[r.Ref.Key]++
		}
	}
	return count
}

func complete(t *testing.T, open Open) {
	site := open(t, 1)
	pages := must(t, site.Source, source.Window{Kind: site.Kind, Full: true})
	if len(pages) < 3 || len(site.Keys) < 40 {
		t.Fatalf("%d pages, %d keys: the site is too small for this suite", len(pages), len(site.Keys))
	}
	count := keys(pages)
	if got := slices.Sorted(maps.Keys(count)); !slices.Equal(got, site.Keys) {
		t.Errorf("%d records came, want %d", len(got), len(site.Keys))
	}
	for key, n := range count {
		if n > 1 && !site.Twice {
			t.Errorf("record %s came %d times", key, n)
		}
	}
}

func repeatable(t *testing.T, open Open) {
	site := open(t, 1)
	w := source.Window{Kind: site.Kind, Full: true}
	for next := &w; next != nil; {
		a, err := site.Source.Read(t.Context(), acme, *next)
		b, err2 := site.Source.Read(t.Context(), acme, *next)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if !maps.Equal(keys([]source.Page{a}), keys([]source.Page{b})) || (a.Rest == nil) != (b.Rest == nil) || (a.Rest != nil && *a.Rest != *b.Rest) {
			t.Fatalf("window %+v read twice gives two different pages", *next)
		}
		next = a.Rest
	}
}

func broken(t *testing.T, open Open) {
	site := open(t, 1)
	if site.Break == nil {
		t.Skip("NOT RUN: this site cannot break an answer")
	}
	w := source.Window{Kind: site.Kind, Full: true}
	for request := range 3 {
		site.Break(request)
		count, failures := map[string]int{}, 0
		for next := &w; next != nil; {
			page, err := site.Source.Read(t.Context(), acme, *next)
			if err != nil {
				if failures++; failures > 1 {
					t.Fatal(err)
				}
				if len(page.Records) > 0 || page.Rest != nil {
					t.Fatal("an error came with a page")
				}
				if _, ok := errors.AsType[*fault.Error](err); !ok {
					t.Fatalf("%v is not a *fault.Error", err)
				}
				continue
			}
			for key, n := range keys([]source.Page{page}) {
				count[key] += n
			}
			next = page.Rest
		}
		if failures != 1 || len(count) != len(site.Keys) {
			t.Errorf("request %d broken: %d errors, %d of %d records", request, failures, len(count), len(site.Keys))
		}
	}
}

func windows(t *testing.T, open Open) {
	site := open(t, 1)
	stamps := map[string][]erp.Stamp{}
	var all []erp.Stamp
	for _, p := range must(t, site.Source, source.Window{Kind: site.Kind, Full: true}) {
		newest := erp.Stamp("")
		for _, r := range p.Records {
			for _, f := range r.Facts {
				stamps[r.Ref.Key], all, newest = append(stamps[r.Ref.Key], f.Stamp), append(all, f.Stamp), max(newest, f.Stamp)
			}
		}
		if p.Newest != newest {
			t.Errorf("Newest is %q, want %q", p.Newest, newest)
		}
	}
	slices.Sort(all)
	from, to := all[len(all)/3], all[2*len(all)/3]
	count := keys(must(t, site.Source, source.Window{Kind: site.Kind, From: from, To: to}))
	for key, list := range stamps {
		if slices.ContainsFunc(list, func(s erp.Stamp) bool { return s >= from && s <= to }) && count[key] == 0 {
			t.Errorf("record %s changed in the window and did not come", key)
		}
	}
	if len(count) == len(stamps) {
		t.Error("the window limits nothing")
	}
}

func ended(t *testing.T, open Open) {
	site := open(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	page, err := site.Source.Read(ctx, acme, source.Window{Kind: site.Kind, Full: true})
	if err == nil || len(page.Records) > 0 || fault.KindOf(err) != fault.Transient {
		t.Errorf("got %d records and %v, want a transient fault", len(page.Records), err)
	}
}

func unset(t *testing.T, open Open) {
	site := open(t, 1)
	if _, err := site.Source.Read(t.Context(), acme, source.Window{Kind: "planet"}); fault.KindOf(err) != fault.Config {
		t.Errorf("got %v, want a config fault", err)
	}
}

func allowed(t *testing.T, open Open) {
	site := open(t, 1)
	for _, p := range must(t, site.Source, source.Window{Kind: site.Kind, Full: true}) {
		for _, r := range p.Records {
			for _, f := range r.Facts {
				for field := range f.Fields {
					if !slices.Contains(erp.Allowed(f.Facet), field) {
						t.Fatalf("facet %s carries %s", f.Facet, field)
					}
				}
			}
		}
	}
}

func byKey(t *testing.T, open Open) {
	site := open(t, 1)
	reader, ok := site.Source.(source.KeyReader)
	if !ok {
		t.Skip("NOT RUN: this source cannot read one record")
	}
	for _, key := range []string{site.Keys[0], site.Keys[len(site.Keys)/2], site.Keys[len(site.Keys)-1]} {
		page, err := reader.ReadKey(t.Context(), acme, record.Ref{Kind: site.Kind, Key: key})
		if fault.CodeOf(err) == fault.SourceNotSupported {
			t.Skip("NOT RUN: this site cannot read one record")
		}
		if err != nil || len(page.Records) != 1 || page.Records[0].Ref.Key != key || len(page.Records[0].Facts) == 0 || page.Rest != nil {
			t.Errorf("key %s: %d records, %v", key, len(page.Records), err)
		}
	}
	page, err := reader.ReadKey(t.Context(), acme, record.Ref{Kind: site.Kind, Key: site.Keys[0] + "X"})
	if err != nil || len(page.Records) > 0 {
		t.Errorf("a key that does not exist gives %d records, %v", len(page.Records), err)
	}
}

func tenants(t *testing.T, open Open) {
	sites := map[tenant.ID]Site{acme: open(t, 1), "bolt": open(t, 2)}
	if slices.Equal(sites[acme].Keys, sites["bolt"].Keys) {
		t.Fatal("the two sites hold the same records")
	}
	var all sync.WaitGroup
	for id, site := range sites {
		for range 2 {
			all.Go(func() {
				pages, err := read(t, site.Source, id, source.Window{Kind: site.Kind, Full: true})
				if got := slices.Sorted(maps.Keys(keys(pages))); err != nil || !slices.Equal(got, site.Keys) {
					t.Errorf("tenant %s: %d records, want its own %d; %v", id, len(got), len(site.Keys), err)
				}
			})
		}
	}
	all.Wait()
}
