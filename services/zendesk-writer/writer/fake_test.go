package writer

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const acme = tenant.ID("acme")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a table with its two consumers and a store, with the promises of their contracts, in memory. cut is called
// before ("begin") and after ("begin done") every effect on the store; an error from it is a failure at that point.
type world struct {
	mu     sync.Mutex
	seq    uint64
	table  map[record.Ref]event.Event
	queue  map[bus.Consumer][]*delivery
	dead   []event.Dead
	log    []string // settlements: "ack employee/1 v2"
	beats  int
	lease  time.Duration
	asked  int // fetches
	last   int // limit of the newest fetch
	noBury bool

	items      map[record.Ref]store.GuardItem
	rows       map[record.Ref]store.LedgerRow
	links      map[record.Ref]store.Link
	open       []store.Batch
	lives      map[string]time.Time // of writers, by epoch
	quarantine map[record.Ref]time.Time
	findings   map[record.Ref][]store.Finding
	trail      []audit.Entry
	sharing    map[string][]record.Ref // who wants an email
	cut        func(point string) error
	slow       func() // called once before the quarantine is read
	between    func() // called once between the journal row and the links: another writer
}

func newWorld() *world {
	return &world{table: map[record.Ref]event.Event{}, queue: map[bus.Consumer][]*delivery{}, links: map[record.Ref]store.Link{},
		quarantine: map[record.Ref]time.Time{}, lives: map[string]time.Time{}, findings: map[record.Ref][]store.Finding{}, cut: func(string) error { return nil }}
}

func emp(n int) record.Ref { return record.Ref{Kind: record.Employee, Key: strconv.Itoa(n)} }
func ven(n int) record.Ref { return record.Ref{Kind: record.Vendor, Key: "SHARE/" + strconv.Itoa(n)} }

// person is a wanted state that differs by its title.
func person(ref record.Ref, title string) directory.Entry {
	if ref.Kind == record.Vendor {
		return directory.Entry{Organization: &directory.Organization{ExternalID: "psft:vendor:" + ref.Key, Name: title, State: directory.Active}}
	}
	return directory.Entry{User: &directory.User{ExternalID: "psft:emp:" + ref.Key, Name: "Person " + ref.Key, State: directory.Active,
		Fields: map[string]string{"user_fields.job_title": title}}}
}

func wantedEvent(ref record.Ref, version uint64, e directory.Entry) event.Event {
	ev, err := event.With(event.Event{ID: "wanted/" + ref.String() + "/" + strconv.FormatUint(version, 10), Source: "transformer", Type: event.WantedV1,
		Subject: ref.String(), Tenant: acme, Version: version, Cause: "cycle/1"}, event.WantedOf(ref, e, nil, nil))
	if err != nil {
		panic(err)
	}
	return ev
}

// put stores a wanted state; the record's older message is gone, as in a table.
func (w *world) put(ref record.Ref, version uint64, title string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.store(wantedEvent(ref, version, person(ref, title)), ref)
}

// puts is put for many at one moment: nobody fetches a part of them.
func (w *world) puts(refs []record.Ref, version uint64, title string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range refs {
		w.store(wantedEvent(ref, version, person(ref, title)), ref)
	}
}

func (w *world) store(e event.Event, ref record.Ref) {
	w.table[ref] = e
	w.enqueue(bus.Writer, e, ref)
}

func (w *world) enqueue(c bus.Consumer, e event.Event, ref record.Ref) {
	w.seq++
	w.queue[c] = slices.DeleteFunc(w.queue[c], func(d *delivery) bool { return d.msg.Ref == ref && !d.out })
	w.queue[c] = append(w.queue[c], &delivery{w: w, c: c, msg: bus.Message{Event: e, Ref: ref, Stream: bus.Directory, Seq: w.seq}})
}

func (w *world) urge(refs ...record.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range refs {
		e, _ := event.With(event.Event{ID: "urgent/" + ref.String(), Type: event.UrgentV1, Tenant: acme, Subject: ref.String()}, event.Urgent{Kind: ref.Kind, Key: ref.Key})
		w.enqueue(bus.UrgentLane, e, ref)
	}
}

func (w *world) Wanted(_ context.Context, _ tenant.ID, ref record.Ref) (event.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e, ok := w.table[ref]
	if !ok {
		return e, bus.ErrNone
	}
	return e, w.cut("wanted")
}

func (w *world) Touch(_ context.Context, _ tenant.ID, cause string, refs []record.Ref) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ref := range refs {
		if e, ok := w.table[ref]; ok {
			e.Force, e.Cause = true, cause
			w.store(e, ref)
			w.log = append(w.log, "touch "+ref.String())
		}
	}
	return nil
}

type delivery struct {
	w   *world
	c   bus.Consumer
	msg bus.Message
	due time.Time
	out bool
}

func (d *delivery) Message() bus.Message { return d.msg }

func (d *delivery) end(word string) {
	d.w.log = append(d.w.log, word+" "+d.msg.Ref.String()+" v"+strconv.FormatUint(d.msg.Event.Version, 10))
	d.w.queue[d.c] = slices.DeleteFunc(d.w.queue[d.c], func(o *delivery) bool { return o == d })
}

func (d *delivery) Ack(context.Context) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if err := d.w.cut("ack"); err != nil {
		d.out, d.due = false, time.Now().Add(time.Minute) // the broker gives it again
		return err
	}
	d.end("ack")
	return nil
}

func (d *delivery) Retry(_ context.Context, after time.Duration) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.out, d.due = false, time.Now().Add(after)
	d.w.log = append(d.w.log, "retry "+d.msg.Ref.String()+" "+after.Round(time.Second).String())
	if slices.ContainsFunc(d.w.queue[d.c], func(o *delivery) bool { return o != d && o.msg.Ref == d.msg.Ref && o.msg.Seq > d.msg.Seq }) {
		d.w.queue[d.c] = slices.DeleteFunc(d.w.queue[d.c], func(o *delivery) bool { return o == d }) // replaced meanwhile
	}
	return nil
}

func (d *delivery) Bury(_ context.Context, l event.Dead) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if d.w.noBury {
		return errors.New("dead letters are down")
	}
	d.w.dead = append(d.w.dead, l)
	d.end("bury")
	return nil
}

func (d *delivery) Working() error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.w.beats++
	return nil
}

type puller struct {
	w *world
	c bus.Consumer
}

func (w *world) Puller(_ context.Context, _ tenant.ID, c bus.Consumer) (bus.Puller, error) {
	return &puller{w, c}, nil
}

func (p *puller) Lease() time.Duration { return p.w.lease }
func (p *puller) Close() error         { return nil }

func (p *puller) Fetch(ctx context.Context, limit int, linger time.Duration) ([]bus.Delivery, error) {
	end := time.Now().Add(linger)
	p.w.count(limit)
	for {
		if got := p.take(limit); len(got) > 0 || !time.Now().Before(end) || ctx.Err() != nil {
			return got, nil
		}
		select {
		case <-ctx.Done():
		case <-p.w.next(p.c, end):
		}
	}
}

// next fires at the end, when the next message is due, or within half a second.
func (w *world) next(c bus.Consumer, end time.Time) <-chan time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := time.Now().Add(500 * time.Millisecond)
	if end.Before(at) {
		at = end
	}
	for _, d := range w.queue[c] {
		if !d.out && d.due.Before(at) {
			at = d.due
		}
	}
	return time.After(max(time.Until(at), time.Millisecond))
}

func (w *world) count(limit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked, w.last = w.asked+1, limit
}

func (p *puller) take(limit int) (got []bus.Delivery) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	for _, d := range p.w.queue[p.c] {
		if len(got) < limit && !d.out && !d.due.After(time.Now()) {
			d.out = true
			d.msg.Attempt++
			d.msg.Pending = uint64(len(p.w.queue[p.c]) - len(got) - 1)
			one := *d // a message is a value: a later attempt does not change this one
			got = append(got, &held{delivery: d, msg: one.msg})
		}
	}
	return got
}

type held struct {
	*delivery
	msg bus.Message
}

func (h *held) Message() bus.Message { return h.msg }

// around runs an effect between its two failure points.
func (w *world) around(point string, effect func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.cut(point); err != nil {
		return err
	}
	if err := effect(); err != nil {
		return err
	}
	return w.cut(point + " done")
}
