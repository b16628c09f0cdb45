package writer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

const life = 3 * time.Minute

// effect is a change of an object in the desk.
type effect struct {
	ref     record.Ref
	version uint64
	digest  string
	at      time.Time
}

// desk is an account that does as its script says. The zero script applies everything at once.
type desk struct {
	mu      sync.Mutex
	objects map[record.Ref]directory.Entry
	effects []effect
	plans   [][]record.Ref
	applies [][]record.Ref
	settled []string

	plan   func(items []target.Item) error
	turn   func(p *target.Planned)                                                    // for each plan
	apply  func(ctx context.Context, changes []target.Change, j target.Journal) error // for the call
	change func(c target.Change) (o *target.Outcome, lands time.Duration)             // for one change; nil outcome: applied. lands < 0: never
	settle func(ctx context.Context) error
}

func newDesk() *desk { return &desk{objects: map[record.Ref]directory.Entry{}} }

func refsOf[T any](list []T, ref func(T) record.Ref) []record.Ref {
	out := make([]record.Ref, len(list))
	for i, v := range list {
		out[i] = ref(v)
	}
	return out
}

func (d *desk) Plan(_ context.Context, _ tenant.ID, items []target.Item) ([]target.Planned, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.plans = append(d.plans, refsOf(items, func(it target.Item) record.Ref { return it.Ref }))
	if d.plan != nil {
		if err := d.plan(items); err != nil {
			return nil, err
		}
	}
	out := make([]target.Planned, len(items))
	for i, it := range items {
		held, there := d.objects[it.Ref]
		c := target.Change{Item: it, Verb: target.Create, Held: held}
		switch {
		case it.Wanted.State() == directory.Untouched:
			c.Verb, c.Why = target.Nothing, "left as it is"
		case there && held.Digest() == it.Wanted.Digest():
			c.Verb, c.Why, c.TargetID = target.Nothing, "already as wanted", "id-"+it.Ref.Key
		case there:
			c.Verb, c.TargetID = target.Update, "id-"+it.Ref.Key
		}
		out[i] = target.Planned{Item: it, Change: c}
		if d.turn != nil {
			d.turn(&out[i])
		}
	}
	return out, nil
}

func (d *desk) Apply(ctx context.Context, _ tenant.ID, changes []target.Change, j target.Journal) ([]target.Outcome, error) {
	d.mu.Lock()
	d.applies = append(d.applies, refsOf(changes, func(c target.Change) record.Ref { return c.Ref }))
	f := d.apply
	d.mu.Unlock()
	if f != nil {
		if err := f(ctx, changes, j); err != nil {
			return nil, err
		}
	}
	out := make([]target.Outcome, len(changes))
	for i, c := range changes {
		out[i] = target.Outcome{Change: c, TargetID: "id-" + c.Ref.Key, Holds: c.Wanted, Memory: c.Memory}
		lands := time.Duration(0)
		if d.change != nil {
			o, l := d.change(c)
			if lands = l; o != nil {
				out[i] = *o
				out[i].Change = c
			}
		}
		switch {
		case lands == 0:
			d.take(c)
		case lands > 0:
			go func() { wait(context.Background(), lands); d.take(c) }()
		}
	}
	return out, nil
}

func (d *desk) take(c target.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.objects[c.Ref] = c.Wanted
	d.effects = append(d.effects, effect{c.Ref, c.Version, c.Wanted.Digest(), time.Now()})
}

func (d *desk) Settle(ctx context.Context, _ tenant.ID, jobs []string) error {
	d.mu.Lock()
	d.settled = append(d.settled, jobs...)
	f := d.settle
	d.mu.Unlock()
	if f != nil {
		return f(ctx)
	}
	return nil
}

func (*desk) Check(context.Context, tenant.ID) []check.Step   { return nil }
func (*desk) Budget(context.Context, tenant.ID) target.Budget { return target.Budget{} }
func (*desk) CallLife() time.Duration                         { return life }

func (d *desk) count() (plans, applies, effects int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.plans), len(d.applies), len(d.effects)
}

func (d *desk) title(ref record.Ref) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch e := d.objects[ref]; {
	case e.User != nil:
		return e.User.Fields["user_fields.job_title"]
	case e.Organization != nil:
		return e.Organization.Name
	}
	return ""
}

func lost() error {
	return &fault.Error{Kind: fault.Transient, Code: fault.TargetTimeout, Detail: "no answer", Unknown: true}
}

func broken() error {
	return &fault.Error{Kind: fault.Transient, Code: fault.TargetDown, Detail: "HTTP 500", Unknown: true, Over: true}
}

var errStore = errors.New("store is away")
