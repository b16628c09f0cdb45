package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
	"github.com/ml-connector/ml-connector/services/zendesk-writer/writer"
)

// world is one customer: PeopleSoft's rows, the product, the desk, and the judge.
type world struct {
	*house
	tenant  tenant.ID
	domain  string // of its addresses
	mark    string // at the end of its texts, so that they are told from another customer's
	account *account
	bus     *broker
	store   *state
	policy  transform.Policy
	truth   truth
	judge   *judge

	writer *life

	zone    *time.Location
	stamp   time.Time
	serial  int
	values  int
	late    []parcel       // messages that are on their way for long
	waiting map[string]int // of them, by record

	rules    rules
	polled   bool   // what happens is read in cycles; else it is sent message by message
	blind    bool   // its query shows rows from their day on only; a pass of the day brings them
	passed   string // the day of the last such pass
	cycle    string // that runs now
	again    bool   // settings changed, and the transformer did not resolve everything with them yet
	unmapped bool   // departments are not managed
	replays  int
	spare    map[string]string // second numbers of people, by the first one
}

// parcel is a message to be sent.
type parcel struct {
	rec   string
	event event.Event
}

// life is a process and what it runs.
type life struct {
	*process
	stop func() error
}

func newWorld(t tenant.ID, a *account, zone *time.Location) *world {
	p := transform.Default()
	p.Version, p.Zone = 1, zone
	p.OrganizationFields = map[string]string{"status": "organization_fields.status"}
	p.Mail = transform.Mail{InPlace: a.inPlace}
	w := &world{tenant: t, domain: "example.com", account: a, bus: newBroker(t), store: newState(), policy: p, truth: truth{}, zone: zone, stamp: time.Now().In(zone), waiting: map[string]int{},
		rules: rules{zone: zone}, spare: map[string]string{}}
	w.judge = newJudge(w)
	return w
}

func (w *world) startWriter() {
	p := newProcess()
	tg, err := w.account.open(p)
	if err != nil {
		panic(err)
	}
	wr := writer.New(wire{broker: w.bus, p: p}, book{state: w.store, p: p}, tg, slog.New(slog.DiscardHandler), time.Now,
		writer.Options{Batch: 100, Linger: time.Hour, Busy: 10 * time.Minute, Alone: true})
	w.writer = live(p, func(ctx context.Context) error { return wr.Run(ctx, w.tenant) }, w.bus)
}

// live runs a process; stop ends it and waits.
func live(p *process, run func(context.Context) error, brokers ...*broker) *life {
	ctx, cancel := context.WithCancel(context.Background())
	done, ended := error(nil), make(chan struct{})
	go func() {
		defer close(ended)
		done = run(ctx)
	}()
	return &life{p, func() error {
		cancel()
		<-ended
		err := done
		for _, b := range brokers {
			b.lost(p)
		}
		if errors.Is(err, errDead) || p.gone() {
			return nil
		}
		return err
	}}
}

func (w *world) today() string { return time.Now().In(w.zone).Format(time.DateOnly) }

// day is a day so many days from today.
func (w *world) day(n int) string {
	return time.Now().In(w.zone).AddDate(0, 0, n).Format(time.DateOnly)
}

func (b *broker) marks() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seq
}

func (s *state) marks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.judged
}

func (w *world) flight() string {
	w.bus.mu.Lock()
	defer w.bus.mu.Unlock()
	var list []string
	for c, q := range w.bus.queues {
		for _, m := range q {
			list = append(list, fmt.Sprintf("%s %s attempt %d", c, m.msg.Ref, m.msg.Attempt))
		}
	}
	return strings.Join(list, ", ") + fmt.Sprintf("; open batches %d; %v", len(w.store.open), w.store.waits())
}

// pass lets time pass.
func pass(d time.Duration) { <-time.After(d) }

// midnight lets time pass until shortly after the next midnight.
func (w *world) midnight() {
	now := time.Now().In(w.zone)
	pass(time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 5, 0, w.zone).Sub(now))
}

// next is the wall clock of a change: no two are the same, and it never goes back.
func (w *world) next() string {
	now := time.Now().In(w.zone)
	wall := time.Date(now.Year(), now.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), 0, time.UTC)
	if !wall.After(w.stamp) {
		wall = w.stamp.Add(time.Microsecond)
	}
	w.stamp = wall
	return wall.Format("2006-01-02T15:04:05.000000")
}

func kindOf(rec string) record.Kind {
	switch n := strings.Count(rec, "/"); {
	case n == 0:
		return record.Employee
	case strings.HasPrefix(rec, "dept/"), strings.HasPrefix(rec, "jobcode/"):
		return record.Reference
	default:
		return record.Vendor
	}
}

func refOf(rec string) record.Ref { return record.Ref{Kind: kindOf(rec), Key: rec} }

func setFact(l line, only map[string]string) event.Fact {
	f := event.Fact{Facet: erp.Facet(l.facet), Row: l.row, EffDate: erp.Date(l.eff), EffSeq: l.seq, Action: erp.Set, Stamp: erp.Stamp(l.stamp), Fields: map[erp.Field]string{}}
	if only == nil {
		only = l.cells
	}
	for k, v := range only {
		f.Fields[erp.Field(k)] = v
	}
	return f
}

func dropFact(s spot, stamp string) event.Fact {
	return event.Fact{Facet: erp.Facet(s.facet), Row: s.row, EffDate: erp.Date(s.eff), EffSeq: s.seq, Action: erp.Drop, Stamp: erp.Stamp(stamp)}
}

// How a message travels.
const (
	now = iota
	twice
	long // until a release, or the end
)

// tell sends what the source says about a record.
func (w *world) tell(rec string, how int, whole []erp.Facet, facts ...event.Fact) {
	w.judge.remember(rec)
	if facts = slices.DeleteFunc(facts, w.unseen); len(facts) == 0 {
		return
	}
	w.serial++
	e, err := event.With(event.Event{ID: fmt.Sprintf("m%d", w.serial), Source: "test", Type: event.FactsV1, Subject: refOf(rec).String(), Time: time.Now(),
		Tenant: w.tenant, Cause: w.cause()}, event.Facts{Kind: kindOf(rec), Key: rec, Facts: facts, Whole: whole})
	if err != nil {
		panic(err)
	}
	if how == long {
		w.late = append(w.late, parcel{rec, e})
		w.waiting[rec]++
		w.judge.blur(rec)
		return
	}
	for range how + 1 {
		w.bus.send(e, refOf(rec))
	}
}

// cause is what brought a message: a cycle that reads, or the Integration Broker.
func (w *world) cause() string {
	if w.cycle != "" {
		return "cycle/" + w.cycle
	}
	return fmt.Sprintf("ib/%d", w.serial)
}

// read lets something happen, and reads it in one cycle where this customer's system is polled.
func (w *world) read(mode string, happens func()) {
	if w.polled {
		w.cycle = w.store.begin(mode)
	}
	happens()
	if w.cycle != "" {
		w.store.over(w.cycle)
	}
	w.cycle = ""
}

// release sends the n-th of the late messages.
func (w *world) release(n int) {
	if len(w.late) == 0 {
		return
	}
	n %= len(w.late)
	m := w.late[n]
	w.late = slices.Delete(w.late, n, n+1)
	w.waiting[m.rec]--
	w.judge.blur(m.rec)
	w.bus.send(m.event, refOf(m.rec))
}

// arrive sends every late message, the last one first when the number is odd.
func (w *world) arrive(s step) {
	for len(w.late) > 0 {
		w.release((len(w.late) - 1) * (s.A % 2))
	}
}

// sweep tells everything about everybody, as a full read.
func (w *world) sweep() {
	for _, rec := range w.truth.records() {
		var facts []event.Fact
		for _, l := range w.truth.of(rec, "") {
			facts = append(facts, setFact(l, nil))
		}
		whole := []erp.Facet{erp.Job, erp.Name, erp.Email, erp.Assignment, erp.Person}
		if kindOf(rec) != record.Employee {
			whole = nil
		}
		w.tell(rec, now, whole, facts...)
	}
}

// held lists the records that wait for a person, in order.
func (w *world) held() []record.Ref {
	return slices.SortedFunc(maps.Keys(w.store.waits()), compareRefs)
}

// textsOnTheWay tells whether reference data was changed and not told yet.
func (w *world) textsOnTheWay() bool {
	return slices.ContainsFunc(w.late, func(p parcel) bool { return kindOf(p.rec) == record.Reference })
}
