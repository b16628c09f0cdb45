package transform

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme = tenant.ID("acme")

var errCrash = errors.New("crash")

// world is a store and a bus with the promises of their contracts, in memory, for one tenant. cut is called before
// ("save") and after ("save done") every effect; an error from it is a crash at that point.
type world struct {
	mu       sync.Mutex
	now      time.Time
	policy   Policy
	rows     map[record.Ref]store.LedgerRow
	trail    map[string]audit.Entry
	order    []string
	findings map[record.Ref][]store.Finding
	beside   map[audit.Stage]map[record.Ref][]store.Finding // of the stages that Observe names
	table    map[record.Ref]event.Event
	wakes    map[record.Ref]event.Wake
	at       map[record.Ref]time.Time
	urged    []record.Ref
	puts     int
	saves    int
	observed int
	cut      func(point string) error
	meddle   func() // called once between reading and saving: another transformer
	inbox    map[bus.Consumer]chan []bus.Message
	answers  chan []error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	p := Default()
	p.Version, p.Zone = 1, zone
	return &world{now: time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC), policy: p, rows: map[record.Ref]store.LedgerRow{}, trail: map[string]audit.Entry{},
		findings: map[record.Ref][]store.Finding{}, beside: map[audit.Stage]map[record.Ref][]store.Finding{}, table: map[record.Ref]event.Event{}, wakes: map[record.Ref]event.Wake{}, at: map[record.Ref]time.Time{},
		cut: func(string) error { return nil }, inbox: map[bus.Consumer]chan []bus.Message{bus.Transformer: make(chan []bus.Message), bus.Due: make(chan []bus.Message)},
		answers: make(chan []error, 16)}
}

func (w *world) service() *Service {
	return New(Deps{Ledger: w, Table: w, Wakes: w, Inbox: w, Now: func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Policies: func(context.Context, tenant.ID) (Policy, error) { return w.policy, w.cut("policy") }}, Options{Batch: 2})
}

// around runs an effect between its two crash points.
func (w *world) around(point string, effect func()) error {
	if err := w.cut(point); err != nil {
		return err
	}
	w.mu.Lock()
	effect()
	w.mu.Unlock()
	return w.cut(point + " done")
}

func (w *world) Rows(_ context.Context, _ tenant.ID, refs []record.Ref) (map[record.Ref]store.LedgerRow, error) {
	out := map[record.Ref]store.LedgerRow{}
	err := w.around("rows", func() {
		for _, r := range refs {
			if row, ok := w.rows[r]; ok {
				out[r] = row
			}
		}
	})
	if m := w.meddle; m != nil {
		w.meddle = nil
		m()
	}
	return out, err
}

func (w *world) SaveLedger(_ context.Context, _ tenant.ID, saves []store.LedgerSave) ([]bool, error) {
	stored := make([]bool, len(saves))
	err := w.around("save", func() {
		for i, s := range saves {
			if w.rows[s.Row.Ref].Revision != s.Expect || s.Row.Revision != s.Expect+1 {
				continue
			}
			stored[i], w.rows[s.Row.Ref] = true, s.Row
			w.saves++
			w.append(s.Entries)
			if s.Observation != nil {
				w.findings[s.Row.Ref] = s.Observation.Findings
			}
		}
	})
	return stored, err
}

func (w *world) append(entries []audit.Entry) {
	for _, e := range entries {
		if _, ok := w.trail[e.ID]; !ok {
			w.trail[e.ID], w.order = e, append(w.order, e.ID)
		}
	}
}

func (w *world) Append(_ context.Context, _ tenant.ID, entries []audit.Entry) error {
	return w.around("append", func() { w.append(entries) })
}

func (w *world) MarkPublished(_ context.Context, _ tenant.ID, upTo map[record.Ref]uint64) error {
	return w.around("mark", func() {
		for ref, v := range upTo {
			row := w.rows[ref]
			row.Published = max(row.Published, v)
			w.rows[ref] = row
		}
	})
}

func (w *world) list(want func(store.LedgerRow) bool, limit int) []store.LedgerRow {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := slices.SortedFunc(maps.Values(w.rows), func(a, b store.LedgerRow) int { return compareRefs(a.Ref, b.Ref) })
	rows = slices.DeleteFunc(rows, func(r store.LedgerRow) bool { return !want(r) })
	return rows[:min(len(rows), limit)]
}

func compareRefs(a, b record.Ref) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
}

func (w *world) Unpublished(_ context.Context, _ tenant.ID, limit int) ([]store.LedgerRow, error) {
	return w.list(func(r store.LedgerRow) bool { return r.WantedAt > r.Published }, limit), w.cut("unpublished")
}

func (w *world) DueRows(_ context.Context, _ tenant.ID, day string, after record.Ref, limit int) ([]store.LedgerRow, error) {
	return w.list(func(r store.LedgerRow) bool {
		return r.NextDate != "" && r.NextDate <= day && compareRefs(r.Ref, after) > 0
	}, limit), w.cut("due")
}

func (w *world) WalkLedger(_ context.Context, _ tenant.ID, kind record.Kind, after string, limit int) ([]store.LedgerRow, error) {
	return w.list(func(r store.LedgerRow) bool { return r.Ref.Kind == kind && r.Ref.Key > after }, limit), w.cut("walk")
}

func (w *world) Pointing(_ context.Context, _ tenant.ID, points []string, after record.Ref, limit int) ([]record.Ref, error) {
	var refs []record.Ref
	for _, r := range w.list(func(r store.LedgerRow) bool {
		return compareRefs(r.Ref, after) > 0 && slices.ContainsFunc(r.Points, func(p string) bool { return slices.Contains(points, p) })
	}, limit) {
		refs = append(refs, r.Ref)
	}
	return refs, w.cut("pointing")
}

func (w *world) Sharing(_ context.Context, _ tenant.ID, emails []string, limit int) (map[string][]record.Ref, error) {
	found := map[string][]record.Ref{}
	for _, r := range w.list(func(r store.LedgerRow) bool { return r.Email != "" && slices.Contains(emails, r.Email) }, len(w.rows)) {
		if len(found[r.Email]) < limit {
			found[r.Email] = append(found[r.Email], r.Ref)
		}
	}
	return found, w.cut("sharing")
}

func (w *world) Findings(_ context.Context, _ tenant.ID, q store.FindingQuery) ([]store.Finding, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []store.Finding
	for _, of := range w.beside {
		for _, fs := range of {
			list = append(list, slices.DeleteFunc(slices.Clone(fs), func(f store.Finding) bool { return f.Code != q.Code })...)
		}
	}
	slices.SortFunc(list, func(a, b store.Finding) int { return compareRefs(a.Ref, b.Ref) })
	list = list[min(q.After, len(list)):]
	return list[:min(q.Limit, len(list))], w.cut("findings")
}

func (w *world) Observe(_ context.Context, _ tenant.ID, stage audit.Stage, of []store.Observation) error {
	return w.around("observe", func() {
		if w.beside[stage] == nil {
			w.beside[stage] = map[record.Ref][]store.Finding{}
		}
		for _, o := range of {
			w.beside[stage][o.Ref] = o.Findings
		}
		w.observed++
	})
}

// flagged lists the records with an open finding of the code, beside those of their own resolution.
func (w *world) flagged(code fault.Code) string {
	list, _ := w.Findings(context.Background(), acme, store.FindingQuery{Code: code, Limit: 1000})
	var keys []string
	for _, f := range list {
		keys = append(keys, f.Ref.Key)
	}
	return strings.Join(keys, " ")
}

func (w *world) PutWanted(_ context.Context, _ tenant.ID, events []event.Event) ([]bus.Put, error) {
	puts := make([]bus.Put, len(events))
	err := w.around("put", func() {
		for i, e := range events {
			wanted, err := event.Payload[event.Wanted](e, event.WantedV1)
			if err != nil {
				puts[i].Err = err
				continue
			}
			if w.table[wanted.Ref()].Version < e.Version {
				w.table[wanted.Ref()], puts[i].Stored = e, true
				w.puts++
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return puts, nil
}

func (w *world) Urge(_ context.Context, _ tenant.ID, refs []record.Ref) error {
	return w.around("urge", func() { w.urged = append(w.urged, refs...) })
}

func (w *world) Wake(_ context.Context, _ tenant.ID, k event.Wake, at time.Time) error {
	ref := record.Ref{Kind: k.Kind, Key: k.Key}
	return w.around("wake", func() { w.wakes[ref], w.at[ref] = k, at })
}

func (w *world) Unwake(_ context.Context, _ tenant.ID, ref record.Ref) error {
	return w.around("unwake", func() { delete(w.wakes, ref); delete(w.at, ref) })
}

// Handle feeds batches that a test put into the inbox.
func (w *world) Handle(ctx context.Context, _ tenant.ID, c bus.Consumer, _ bus.Batch, h bus.Handler) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case ms := <-w.inbox[c]:
			w.answers <- h(ctx, ms)
		}
	}
}

// wanted is the table's state of a record.
func (w *world) wanted(t *testing.T, ref record.Ref) event.Wanted {
	t.Helper()
	v, err := event.Payload[event.Wanted](w.table[ref], event.WantedV1)
	if err != nil {
		t.Fatalf("table of %s: %v", ref, err)
	}
	return v
}

// entries are the audit entries of an outcome, in order.
func (w *world) entries(outcome audit.Outcome) (list []audit.Entry) {
	for _, id := range w.order {
		if w.trail[id].Outcome == outcome {
			list = append(list, w.trail[id])
		}
	}
	return list
}

// message wraps facts as the bus delivers them.
func message(t *testing.T, id string, ref record.Ref, facts ...erp.Fact) bus.Message {
	t.Helper()
	e, err := event.With(event.Event{ID: id, Source: "poller", Type: event.FactsV1, Subject: ref.String(), Time: time.Date(2026, 3, 2, 14, 59, 0, 0, time.UTC),
		Tenant: acme, Cause: "cycle/" + id}, event.Facts{Kind: ref.Kind, Key: ref.Key, Facts: event.FromERP(facts)})
	if err != nil {
		t.Fatal(err)
	}
	return bus.Message{Event: e, Ref: ref, Stream: bus.ERP, Attempt: 1}
}

// fired is a wake-up of a record that fires; the broker purges its schedule.
func (w *world) fired(t *testing.T, ref record.Ref, day erp.Date) bus.Message {
	t.Helper()
	e, err := event.With(event.Event{ID: "due", Source: "broker", Type: event.WakeV1, Tenant: acme}, event.Wake{Kind: ref.Kind, Key: ref.Key, Date: day})
	if err != nil {
		t.Fatal(err)
	}
	delete(w.wakes, ref)
	return bus.Message{Event: e, Ref: ref, Stream: bus.Directory, Attempt: 1}
}

func mustPass(t *testing.T, errs []error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
