package model

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// state is the part of the store that transformer and writer use, in memory, with its promises. What must never happen
// in it is noted in wrong (failures.md O5).
type state struct {
	mu         sync.Mutex
	rows       map[record.Ref]store.LedgerRow
	links      map[record.Ref]store.Link
	open       []store.Batch
	quarantine map[record.Ref]time.Time
	findings   map[audit.Stage]map[record.Ref][]store.Finding
	wrong      []string

	drawers
	given  map[record.Ref][]handing
	agreed map[record.Ref]store.Change // a person said yes, and it was not handed on yet
	limits map[store.Change]int
	took   map[record.Ref]bool // took an object over, which a person said yes to
	parked int                 // addresses that were moved out of the way
}

func newState() *state {
	return &state{rows: map[record.Ref]store.LedgerRow{}, links: map[record.Ref]store.Link{}, quarantine: map[record.Ref]time.Time{},
		findings: map[audit.Stage]map[record.Ref][]store.Finding{}, drawers: newDrawers(), given: map[record.Ref][]handing{},
		agreed: map[record.Ref]store.Change{}, took: map[record.Ref]bool{}, limits: map[store.Change]int{store.Suspension: 3, store.EmailChange: 10, store.Creation: 20}}
}

func compareRefs(a, b record.Ref) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
}

func (s *state) observe(stage audit.Stage, o store.Observation) {
	if s.findings[stage] == nil {
		s.findings[stage] = map[record.Ref][]store.Finding{}
	}
	s.findings[stage][o.Ref] = o.Findings
}

// list is the ledger in order, at most limit rows of those that are wanted.
func (s *state) list(limit int, want func(store.LedgerRow) bool) []store.LedgerRow {
	rows := slices.SortedFunc(maps.Values(s.rows), func(a, b store.LedgerRow) int { return compareRefs(a.Ref, b.Ref) })
	rows = slices.DeleteFunc(rows, func(r store.LedgerRow) bool { return !want(r) })
	return rows[:min(len(rows), limit)]
}

// waits lists what holds records back: findings of the writer, and changes that the guard or the order of addresses keeps.
func (s *state) waits() map[record.Ref]store.Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[record.Ref]store.Finding{}
	for ref, it := range s.items {
		out[ref] = store.Finding{Ref: ref, Code: fault.Code("item " + it.Change), Detail: fmt.Sprintf("%s, hold %q: %s", it.State, it.Hold, it.Content), Hold: true}
	}
	for ref, fs := range s.findings[audit.Writer] {
		for _, f := range fs {
			if _, kept := s.items[ref]; f.Hold && ref.Kind != "connection" && !kept {
				out[ref] = f
			}
		}
	}
	return out
}

func (s *state) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rows {
		if r.WantedAt > r.Published {
			return false
		}
	}
	for _, it := range s.items {
		if counts := s.limits[it.Change] > 0; counts && (it.State == store.ItemStaged || it.State == store.ItemGranted) {
			return false
		}
	}
	return len(s.open) == 0
}

// book is the store as one process sees it.
type book struct {
	*state
	p   *process
	all map[tenant.ID]*state // of a process that works for several customers
}

// of is the store of one customer.
func (b book) of(t tenant.ID) book {
	b.state = one(b.all, t, b.state)
	return b
}

// one is a customer's part of something that a process has for all of them.
func one[P any](all map[tenant.ID]P, t tenant.ID, only P) P {
	if all == nil {
		return only
	}
	p, known := all[t]
	if !known {
		panic("a customer that nobody has: " + t)
	}
	return p
}

func (b book) do(f func()) error {
	return b.p.step(func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		f()
		return nil
	})
}

func (b book) Rows(_ context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.LedgerRow, error) {
	b = b.of(t)
	return pick(b, func() map[record.Ref]store.LedgerRow { return b.rows }, refs)
}

func (b book) Links(_ context.Context, t tenant.ID, refs []record.Ref) (map[record.Ref]store.Link, error) {
	b = b.of(t)
	return pick(b, func() map[record.Ref]store.Link { return b.links }, refs)
}

func pick[V any](b book, from func() map[record.Ref]V, refs []record.Ref) (map[record.Ref]V, error) {
	out := map[record.Ref]V{}
	return out, b.do(func() {
		for _, r := range refs {
			if v, ok := from()[r]; ok {
				out[r] = v
			}
		}
	})
}

func (b book) SaveLedger(_ context.Context, t tenant.ID, saves []store.LedgerSave) (stored []bool, err error) {
	b = b.of(t)
	stored = make([]bool, len(saves))
	return stored, b.do(func() {
		for i, s := range saves {
			old := b.rows[s.Row.Ref]
			if old.Revision != s.Expect || s.Row.Revision != s.Expect+1 {
				continue
			}
			if s.Row.WantedAt < old.WantedAt || s.Row.WantedAt > s.Row.Revision {
				b.wrong = append(b.wrong, fmt.Sprintf("O5: %s: wanted at %d after %d", s.Row.Ref, s.Row.WantedAt, old.WantedAt))
			}
			s.Row.Published = max(s.Row.Published, old.Published)
			stored[i], b.rows[s.Row.Ref] = true, s.Row
			if b.handed(old, s.Row); s.Guard != nil {
				b.move(*s.Guard)
			}
			if s.Observation != nil {
				b.observe(audit.Transformer, *s.Observation)
			}
		}
	})
}

func (b book) MarkPublished(_ context.Context, t tenant.ID, upTo map[record.Ref]uint64) error {
	b = b.of(t)
	return b.do(func() {
		for ref, v := range upTo {
			row := b.rows[ref]
			row.Published = max(row.Published, v)
			b.rows[ref] = row
		}
	})
}

func (b book) query(limit int, want func(store.LedgerRow) bool) (rows []store.LedgerRow, err error) {
	err = b.do(func() { rows = b.list(limit, want) })
	return rows, err
}

func (b book) Unpublished(_ context.Context, t tenant.ID, limit int) ([]store.LedgerRow, error) {
	b = b.of(t)
	return b.query(limit, func(r store.LedgerRow) bool { return r.WantedAt > r.Published })
}

func (b book) DueRows(_ context.Context, t tenant.ID, day string, after record.Ref, limit int) ([]store.LedgerRow, error) {
	b = b.of(t)
	return b.query(limit, func(r store.LedgerRow) bool {
		return r.NextDate != "" && r.NextDate <= day && compareRefs(r.Ref, after) > 0
	})
}

func (b book) WalkLedger(_ context.Context, t tenant.ID, kind record.Kind, after string, limit int) ([]store.LedgerRow, error) {
	b = b.of(t)
	return b.query(limit, func(r store.LedgerRow) bool { return r.Ref.Kind == kind && r.Ref.Key > after })
}

func (b book) Pointing(_ context.Context, t tenant.ID, points []string, after record.Ref, limit int) (refs []record.Ref, err error) {
	b = b.of(t)
	rows, err := b.query(limit, func(r store.LedgerRow) bool {
		return compareRefs(r.Ref, after) > 0 && slices.ContainsFunc(r.Points, func(p string) bool { return slices.Contains(points, p) })
	})
	for _, r := range rows {
		refs = append(refs, r.Ref)
	}
	return refs, err
}

func (b book) Sharing(_ context.Context, t tenant.ID, emails []string, limit int) (map[string][]record.Ref, error) {
	b = b.of(t)
	found := map[string][]record.Ref{}
	rows, err := b.query(1<<20, func(r store.LedgerRow) bool { return r.Email != "" && slices.Contains(emails, r.Email) })
	for _, r := range rows {
		if len(found[r.Email]) < limit {
			found[r.Email] = append(found[r.Email], r.Ref)
		}
	}
	return found, err
}

func (b book) Append(_ context.Context, t tenant.ID, _ []audit.Entry) error {
	return b.of(t).do(func() {})
}

func (b book) Observe(_ context.Context, t tenant.ID, stage audit.Stage, of []store.Observation) error {
	b = b.of(t)
	return b.do(func() {
		for _, o := range of {
			b.observe(stage, o)
		}
	})
}

func (b book) Findings(_ context.Context, t tenant.ID, q store.FindingQuery) (out []store.Finding, err error) {
	b = b.of(t)
	err = b.do(func() {
		for stage, of := range b.findings {
			for ref, fs := range of {
				for _, f := range fs {
					f.Ref, f.Stage = ref, stage
					if (q.Kind == "" || ref.Kind == q.Kind) && (q.Key == "" || ref.Key == q.Key) && (q.Code == "" || f.Code == q.Code) && (!q.Holds || f.Hold) {
						out = append(out, f)
					}
				}
			}
		}
		slices.SortFunc(out, func(x, y store.Finding) int {
			return cmp.Or(compareRefs(x.Ref, y.Ref), cmp.Compare(x.Code, y.Code), cmp.Compare(x.Stage, y.Stage))
		})
		out = out[min(q.After, len(out)):]
		out = out[:min(len(out), cmp.Or(q.Limit, 1000))]
	})
	return out, err
}

func (b book) BeginBatch(_ context.Context, t tenant.ID, n store.Batch) error {
	b = b.of(t)
	return b.p.step(func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, o := range b.open {
			for _, it := range o.Items {
				if slices.ContainsFunc(n.Items, func(x store.BatchItem) bool { return x.Ref == it.Ref }) {
					return store.ErrBusy
				}
			}
		}
		b.open = append(b.open, n)
		return nil
	})
}

func (b book) AddJob(_ context.Context, t tenant.ID, batch, id string, refs []record.Ref) error {
	b = b.of(t)
	return b.p.step(func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i := range b.open {
			if b.open[i].ID == batch {
				b.open[i].Jobs = append(b.open[i].Jobs, id)
				b.tie(i, id, refs)
				return nil
			}
		}
		return store.ErrNotFound
	})
}

func (s *state) tie(i int, job string, refs []record.Ref) {
	s.open[i].Items = slices.Clone(s.open[i].Items)
	for n, it := range s.open[i].Items {
		if slices.Contains(refs, it.Ref) {
			s.open[i].Items[n].Job = job
		}
	}
}

func (b book) Sending(_ context.Context, t tenant.ID, batch string, refs []record.Ref) error {
	b = b.of(t)
	return b.p.step(func() error {
		b.mu.Lock()
		defer b.mu.Unlock()
		i := slices.IndexFunc(b.open, func(o store.Batch) bool { return o.ID == batch })
		if i < 0 {
			return store.ErrNotFound
		}
		b.tie(i, store.Calls, refs)
		return nil
	})
}

func (b book) CommitBatch(_ context.Context, t tenant.ID, batch string, c store.Commit) (mine bool, err error) {
	b = b.of(t)
	err = b.do(func() {
		i := slices.IndexFunc(b.open, func(o store.Batch) bool { return o.ID == batch })
		if batch != "" && i < 0 {
			return
		}
		if mine = true; batch != "" {
			b.open = slices.Delete(slices.Clone(b.open), i, i+1)
		}
		b.commit(c)
	})
	return mine && err == nil, err
}

func (s *state) commit(c store.Commit) {
	for _, l := range c.Links {
		old := s.links[l.Ref]
		if l.Version < old.Version {
			s.wrong = append(s.wrong, fmt.Sprintf("O5: %s: version %d after %d", l.Ref, l.Version, old.Version))
		}
		moved := l.TargetID == "" && slices.ContainsFunc(c.Links, func(o store.Link) bool { return o.TargetID == old.TargetID && s.took[o.Ref] })
		if old.TargetID != "" && l.TargetID != old.TargetID && !moved {
			s.wrong = append(s.wrong, fmt.Sprintf("O6: %s: object %q after %q", l.Ref, l.TargetID, old.TargetID))
		}
		s.links[l.Ref] = l
	}
	for _, ref := range c.Release {
		delete(s.quarantine, ref)
	}
	for ref, until := range c.Quarantine {
		if until.After(s.quarantine[ref]) {
			s.quarantine[ref] = until
		}
		if l, ok := s.links[ref]; ok {
			l.Digest = ""
			s.links[ref] = l
		}
	}
	for _, o := range c.Observations {
		s.observe(audit.Writer, o)
	}
}

// The writers of the model are alone: nobody asks who else lives.
func (b book) Beat(context.Context, tenant.ID, string, bool, time.Duration) (bool, error) {
	return true, nil
}
func (b book) Leave(context.Context, tenant.ID, string) error             { return nil }
func (b book) Writers(context.Context, tenant.ID) ([]store.Writer, error) { return nil, nil }

func (b book) OpenBatches(_ context.Context, t tenant.ID) (out []store.Batch, err error) {
	b = b.of(t)
	err = b.do(func() { out = slices.Clone(b.open) })
	return out, err
}

func (b book) Quarantined(_ context.Context, t tenant.ID) (out map[record.Ref]time.Time, err error) {
	b = b.of(t)
	err = b.do(func() { out = maps.Clone(b.quarantine) })
	return out, err
}
