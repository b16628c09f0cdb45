package poll

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme = tenant.ID("acme")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errCrash = errors.New("crash")

// world is a bus, a store and a source in memory. cut is called before and after every effect.
type world struct {
	mu       sync.Mutex
	now      time.Time
	zone     *time.Location
	cursor   map[record.Kind]event.Event
	seq      uint64
	facts    []event.Event
	pages    []int // events of each stored page
	trail    []event.Audit
	dead     []event.Dead
	specs    map[bus.Tick]string
	cycles   []store.Cycle
	findings map[record.Ref][]store.Finding
	cut      func(point string) error

	people  []person // by key
	perPage int
	reads   []source.Window
	steps   []check.Step
	read    func(w source.Window) error
	notes   []source.Note
	dated   bool
}

type person struct {
	key   string
	stamp erp.Stamp
	big   int
	eff   erp.Date          // day of effect of its only row
	name  map[string]string // fields of its name row
}

func newWorld(t *testing.T, people int) *world {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{now: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC), zone: zone, cursor: map[record.Kind]event.Event{}, specs: map[bus.Tick]string{},
		findings: map[record.Ref][]store.Finding{}, cut: func(string) error { return nil }, perPage: 3}
	for i := range people {
		w.people = append(w.people, person{key: strconv.Itoa(1000 + i), stamp: "2026-03-01T00:00:00.000000"})
	}
	return w
}

func (w *world) poller() *Poller {
	return New(w, w, slog.New(slog.NewTextHandler(io.Discard, nil)), Options{Zone: w.zone, Now: func() time.Time { return w.now },
		Feeds: map[record.Kind]Feed{record.Employee: {Source: w, Name: "peoplesoft.hcm", Every: "5m", Full: "0 2 * * *", Overlap: 15 * time.Minute}}})
}

func tickOf(mode event.Mode, cycle, key string) bus.Message {
	e, _ := event.With(event.Event{ID: "tick", Type: event.TickV1, Tenant: acme, Cause: "person/dana"}, event.Tick{Kind: record.Employee, Mode: mode, Cycle: cycle, Key: key})
	return bus.Message{Event: e, Attempt: 1}
}

func (w *world) around(point string, effect func()) error {
	if err := w.cut(point); err != nil {
		return err
	}
	w.mu.Lock()
	effect()
	w.mu.Unlock()
	return w.cut(point + " done")
}

func (w *world) Cursor(_ context.Context, _ tenant.ID, kind record.Kind) (event.Event, uint64, error) {
	if err := w.cut("cursor"); err != nil {
		return event.Event{}, 0, err
	}
	e, ok := w.cursor[kind]
	if !ok {
		return e, 0, bus.ErrNone
	}
	return e, w.seq, nil
}

func (w *world) AppendPage(_ context.Context, _ tenant.ID, kind record.Kind, p bus.Page) (uint64, error) {
	if p.Prev != w.seq {
		return 0, bus.ErrConflict
	}
	if len(p.Events) > bus.MaxPage {
		return 0, errors.New("too large")
	}
	err := w.around("page", func() {
		w.seq++
		w.cursor[kind], w.facts, w.pages = p.Cursor, append(w.facts, p.Events...), append(w.pages, len(p.Events))
	})
	return w.seq, err
}

func (w *world) PublishFacts(_ context.Context, _ tenant.ID, events ...event.Event) error {
	return w.around("facts", func() { w.facts = append(w.facts, events...) })
}

func (w *world) Publish(_ context.Context, _ tenant.ID, s bus.Stream, events ...event.Event) error {
	return w.around("publish", func() {
		for _, e := range events {
			if s == bus.Dead {
				d, _ := event.Payload[event.Dead](e, event.DeadV1)
				w.dead = append(w.dead, d)
				continue
			}
			a, _ := event.Payload[event.Audit](e, event.AuditV1)
			if !slices.ContainsFunc(w.trail, func(x event.Audit) bool { return x.ID == a.ID }) {
				w.trail = append(w.trail, a)
			}
		}
	})
}

func (w *world) Handle(ctx context.Context, _ tenant.ID, _ bus.Consumer, _ bus.Batch, _ bus.Handler) error {
	<-ctx.Done()
	return nil
}

func (w *world) Every(_ context.Context, _ tenant.ID, k bus.Tick, spec string, _ *time.Location) error {
	return w.around("every", func() { w.specs[k] = spec })
}

func (w *world) PutCycle(_ context.Context, _ tenant.ID, c store.Cycle) error {
	return w.around("put", func() {
		if i := slices.IndexFunc(w.cycles, func(x store.Cycle) bool { return x.ID == c.ID }); i >= 0 {
			w.cycles[i] = c
			return
		}
		w.cycles = append(w.cycles, c)
	})
}

func (w *world) Cycles(context.Context, tenant.ID, record.Kind, int) ([]store.Cycle, error) {
	return slices.Clone(w.cycles), nil
}

func (w *world) SetFindings(_ context.Context, _ tenant.ID, _ audit.Stage, of store.Observation) error {
	return w.around("finding", func() { w.findings[of.Ref] = of.Findings })
}

func (w *world) Check(context.Context, tenant.ID, record.Kind) []check.Step { return w.steps }

// Read answers people by key, a page at a time.
func (w *world) Read(_ context.Context, _ tenant.ID, win source.Window) (source.Page, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads = append(w.reads, win)
	if w.read != nil {
		if err := w.read(win); err != nil {
			return source.Page{}, err
		}
	}
	page := source.Page{Notes: w.notes}
	for _, p := range w.people {
		out := !win.Full && (p.stamp < win.From || p.stamp > win.To)
		if win.Effective() {
			out = p.eff < win.EffFrom || p.eff > win.EffTo
		}
		if p.key <= win.After || out {
			continue
		}
		if len(page.Records) == w.perPage {
			rest := win
			rest.After = page.Records[len(page.Records)-1].Ref.Key
			page.Rest = &rest
			break
		}
		page.Records = append(page.Records, rec(p))
		page.Rows++
		page.Newest = max(page.Newest, p.stamp)
	}
	return page, nil
}

// Dated implements source.Dated.
func (w *world) Dated(context.Context, tenant.ID, record.Kind) bool { return w.dated }

func rec(p person) source.Record {
	if p.name != nil {
		fields := map[erp.Field]string{}
		for k, v := range p.name {
			fields[erp.Field(k)] = v
		}
		return source.Record{Ref: record.Ref{Kind: record.Employee, Key: p.key}, Facts: []erp.Fact{{Facet: erp.Name, Stamp: p.stamp, Fields: fields}}}
	}
	return source.Record{Ref: record.Ref{Kind: record.Employee, Key: p.key}, Facts: []erp.Fact{{Facet: erp.Job, Stamp: p.stamp,
		Fields: map[erp.Field]string{"x": string(make([]byte, p.big))}}}}
}

func (w *world) ReadKey(_ context.Context, _ tenant.ID, ref record.Ref) (source.Page, error) {
	for _, p := range w.people {
		if p.key == ref.Key {
			return source.Page{Records: []source.Record{rec(p)}, Rows: 1, Notes: w.notes}, nil
		}
	}
	return source.Page{}, nil
}

func (w *world) stored(t *testing.T) event.Cursor {
	t.Helper()
	c, err := event.Payload[event.Cursor](w.cursor[record.Employee], event.CursorV1)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) keysRead() map[string]int {
	out := map[string]int{}
	for _, e := range w.facts {
		out[e.Subject]++
	}
	return out
}

func (w *world) lastCycle() store.Cycle { return w.cycles[len(w.cycles)-1] }
