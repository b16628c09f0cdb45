package zendesk

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func urgent(changes []target.Change) (n int) {
	for _, c := range changes {
		if c.Urgent && c.Verb != target.Nothing {
			n++
		}
	}
	return n
}

// batch is one Apply on its way: outcomes by position, and the failure that stops what has not begun.
type batch struct {
	t       *Target
	journal target.Journal
	changes []target.Change
	out     []target.Outcome

	mu    sync.Mutex
	halt  error
	later map[bulkKind][]int    // records of completed jobs that are still to be looked at
	whole map[int]target.Change // changes whose address follows when their fields are written
	why   map[int]string        // why a record goes the way it goes
	began time.Time
}

// Apply implements target.Target: urgent and few changes singly, the rest in bulk jobs of 100, each record with its
// own outcome. When nothing at all could be tried, because the account cannot be reached or refuses us, it fails as a
// whole.
func (t *Target) Apply(ctx context.Context, of tenant.ID, changes []target.Change, j target.Journal) ([]target.Outcome, error) {
	if err := t.wrongTenant(of); err != nil {
		return nil, err
	}
	b := &batch{t: t, journal: j, changes: slices.Clone(changes), out: make([]target.Outcome, len(changes)),
		whole: map[int]target.Change{}, why: map[int]string{}, began: time.Now()}
	w := work{crowd: urgent(changes) > crowd}
	seen := map[string]bool{}
	for i, c := range changes {
		b.out[i] = target.Outcome{Change: c, TargetID: c.TargetID, Holds: c.Held, Memory: c.Memory}
		switch key := recordKey(c); {
		case c.Verb == target.Nothing:
		case seen[key]:
			b.fail(i, fault.New(fault.Conflict, fault.TargetConflict, "the record is in this batch already"))
		case c.Adopted && !t.claims.take("user "+c.TargetID, c.Wanted.ExternalID(), t.cfg.Fresh):
			// two batches beside each other may both have planned it while the user was nobody's (failures.md O6)
			b.fail(i, held(fault.EmailTaken, "another record is taking over the user with this address"))
		default:
			seen[key] = true
			b.out[i].Err = unended()
			t.watch.drop(c.Ref)
			w.add(i, c)
		}
	}
	w.run(ctx, b)
	return b.finish(len(seen))
}

// unended is the outcome of a change until something says how it ended: what is forgotten on its way is never a success.
func unended() error {
	return &fault.Error{Kind: fault.Transient, Code: fault.TargetTimeout, Detail: "not brought to an end", Unknown: true}
}

func recordKey(c target.Change) string {
	return string(c.Ref.Kind) + strings.ToLower(c.Wanted.ExternalID())
}

// work sorts changes by the way they go.
type work struct {
	crowd                  bool // too many urgent ones to go singly
	urgent, single         []int
	creates, updates       []int // users
	orgCreates, orgUpdates []int
}

func (w *work) add(i int, c target.Change) {
	org := c.Wanted.Organization != nil
	switch {
	case c.Urgent && !w.crowd:
		w.urgent = append(w.urgent, i)
	case org && c.Verb == target.Create:
		w.orgCreates = append(w.orgCreates, i)
	case org:
		w.orgUpdates = append(w.orgUpdates, i)
	case c.Verb == target.Create:
		w.creates = append(w.creates, i)
	case needsSteps(c) && !halves(c):
		w.single = append(w.single, i)
	default:
		w.updates = append(w.updates, i)
	}
}

// needsSteps: an address, a role, or a number in place of another takes more than one call.
func needsSteps(c target.Change) bool {
	return has(c.Diff, fieldEmail) || has(c.Diff, fieldRole) || replacesPhone(c)
}

func (w *work) run(ctx context.Context, b *batch) {
	b.note(w.urgent, "singly: urgent")
	b.singles(ctx, w.urgent)
	b.note(w.single, "singly: more than one call each")
	var wg sync.WaitGroup
	bulk := func(k bulkKind, list []int) {
		if len(list) == 0 {
			return
		}
		how := b.t.way(k, len(list))
		b.note(list, how.why)
		if !how.bulk {
			w.single = append(w.single, list...)
			return
		}
		b.part(list)
		for part := range slices.Chunk(list, perCall) {
			if k.people() {
				b.t.roll.begin(b.exts(part))
			}
			wg.Go(func() { b.job(ctx, k, part) })
		}
	}
	bulk(createMany(), w.creates)
	bulk(updateMany(), w.updates)
	bulk(createOrgs(), w.orgCreates)
	bulk(updateOrgs(), w.orgUpdates)
	wg.Go(func() { b.singles(ctx, w.single) })
	wg.Wait()
	b.lookBack(ctx)
	b.t.roll.forget(b.exts(w.creates))
	b.follow(ctx)
}

// note says why these records go the way they go; reason gives it back.
func (b *batch) note(list []int, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range list {
		b.why[i] = why
	}
}

func (b *batch) reason(i int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.why[i]
}

// part takes the addresses off changes that go in bulk.
func (b *batch) part(list []int) {
	for _, i := range list {
		if c := b.changes[i]; halves(c) {
			b.whole[i], b.changes[i] = c, fieldsOnly(c)
		}
	}
}

// follow writes the addresses of the changes whose fields are written, and gives every outcome its whole change back.
func (b *batch) follow(ctx context.Context) {
	list := slices.Sorted(maps.Keys(b.whole))
	every(len(list), func(n int) {
		i := list[n]
		c, o := b.whole[i], b.out[i]
		switch err := b.over(ctx); {
		case o.Err != nil:
		case err != nil:
			o.Err = err
		default:
			last := b.t.applyOne(ctx, addressOnly(c, o))
			o.Err, o.Holds, o.Request = last.Err, last.Holds, o.Request+"; "+last.Request
		}
		o.Change.Diff = c.Diff
		b.settle(i, o)
	})
}

// singles writes records one by one, a few at a time: different records share only the pacer.
func (b *batch) singles(ctx context.Context, list []int) {
	every(len(list), func(n int) { b.single(ctx, list[n]) })
}

// single applies one change by itself.
func (b *batch) single(ctx context.Context, i int) {
	if err := b.over(ctx); err != nil {
		b.fail(i, err)
		return
	}
	o := b.t.applyOne(ctx, b.changes[i])
	o.Request = b.reason(i) + ": " + o.Request
	b.settle(i, o)
}

func (b *batch) settle(i int, o target.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out[i] = o
	if b.halt == nil && stops(o.Err) {
		b.halt = o.Err
	}
}

func (b *batch) fail(i int, err error) {
	o := b.out[i]
	o.Err = err
	b.settle(i, o)
}

func (b *batch) stopped() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.halt
}

// over is why nothing more may begin: the connection failed, or the batch's time is over.
func (b *batch) over(ctx context.Context) error {
	if err := b.stopped(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	return nil
}

// stops tells a failure of the connection from one of a record.
func stops(err error) bool {
	if err == nil || fault.IsUnknown(err) {
		return false
	}
	switch fault.CodeOf(err) {
	case fault.TargetAuth, fault.TargetForbidden, fault.TargetReauth, fault.TargetDown, fault.TargetUnreachable,
		fault.TargetTLS, fault.TargetRedirect, fault.TargetNotFound, fault.TargetNotData, fault.TargetTimeout:
		return true
	}
	return false
}

// finish answers the outcomes, or the one error when every change failed for the connection's sake.
func (b *batch) finish(tried int) ([]target.Outcome, error) {
	n := 0
	for _, o := range b.out {
		if o.Change.Verb != target.Nothing && o.Err == nil {
			b.t.watch.add(o)
		}
		if o.Change.Verb != target.Nothing && stops(o.Err) {
			n++
		}
	}
	if tried > 0 && n == len(b.out) {
		return nil, b.halt
	}
	return b.out, nil
}
