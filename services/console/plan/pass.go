package plan

import (
	"context"
	"errors"
	"hash/fnv"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// prepare resolves everything once: what asks of the guard, and whom an account's objects may stand for.
func (r *run) prepare(ctx context.Context) error {
	counts, err := r.Store.CountLinks(ctx, r.t)
	if err != nil {
		return err
	}
	linked := 0
	for _, states := range counts {
		for _, n := range states {
			linked += n
		}
	}
	if r.one.Key == "" && r.total > 0 && (r.Observe || linked == 0) {
		r.known = newCensus()
	}
	r.fresh = map[store.Group]int{}
	return r.walk(ctx, func(_ context.Context, list []Resolved) error {
		for _, d := range list {
			if d.Fresh {
				r.fresh[store.Group{Change: d.Counts, Kind: d.Ref.Kind}]++
			}
			if r.known != nil {
				r.known.want(d)
			}
			r.sum.AsOf = d.Day
		}
		return nil
	})
}

// foretell asks what the guard would say if everything fresh came as one set.
func (r *run) foretell(ctx context.Context) error {
	list, err := r.Resolver.Forecast(ctx, r.t, r.fresh)
	r.waits = map[store.Group]bool{}
	for _, f := range list {
		r.waits[f.Group] = f.Waits
		if f.Asking+f.Held+f.Passed > 0 {
			r.sum.Guard = append(r.sum.Guard, adminapi.PlanGuard{Change: string(f.Group.Change), Kind: string(f.Group.Kind), Asking: f.Asking,
				Held: f.Held, Passed: f.Passed, Limit: f.Limit, Waits: f.Waits, Hold: f.Hold})
		}
	}
	return err
}

// look asks the target for every record that the guard lets pass.
func (r *run) look(ctx context.Context) error { return r.walk(ctx, r.ask) }

func (r *run) ask(ctx context.Context, list []Resolved) error {
	refs := make([]record.Ref, len(list))
	for i, d := range list {
		refs[i] = d.Ref
	}
	links, err := r.Store.Links(ctx, r.t, refs)
	if err != nil {
		return err
	}
	var items []target.Item
	var asked []Resolved
	for _, d := range list {
		r.sum.Records[d.Ref.Kind.Plural()]++
		if d.Waits && (!d.Fresh || r.waits[store.Group{Change: d.Counts, Kind: d.Ref.Kind}]) {
			if err := r.held(d, links[d.Ref]); err != nil {
				return err
			}
			continue
		}
		l := links[d.Ref]
		it := target.Item{Ref: d.Ref, Wanted: d.Wanted, TargetID: l.TargetID, Memory: l.Memory, Version: l.Version}
		if known, err := event.DecodeEntry(l.Known); err == nil { // else the target is read anyway
			it.Known = known
		}
		items, asked = append(items, it), append(asked, d)
	}
	planned, err := r.plan(ctx, items)
	if err != nil {
		return err
	}
	for i, p := range planned {
		if err := r.tell(asked[i], links[asked[i].Ref], p); err != nil {
			return err
		}
	}
	r.done += len(list)
	return r.progress(0)
}

// plan asks the target, and again when it says when.
func (r *run) plan(ctx context.Context, items []target.Item) ([]target.Planned, error) {
	if len(items) == 0 {
		return nil, nil
	}
	for tries := 0; ; tries++ {
		if err := r.pace(ctx); err != nil {
			return nil, err
		}
		planned, err := r.Target.Plan(ctx, r.t, items)
		if err == nil && len(planned) != len(items) {
			return nil, fault.New(fault.Internal, fault.Unclassified, "the target did not plan every record")
		}
		if err == nil || fault.KindOf(err) != fault.RateLimited || tries >= 5 {
			return planned, err
		}
		if err := r.pause(ctx, min(fault.AfterOf(err), 2*time.Minute)); err != nil {
			return nil, err
		}
	}
}

// pace waits while less than what we leave to live traffic, half of our share, is left of the account's minute.
func (r *run) pace(ctx context.Context) error {
	for {
		b := r.Target.Budget(ctx, r.t)
		if b.PerMinute == 0 || float64(b.Remaining) > float64(b.PerMinute)*(1-b.Share/2) || b.Reset <= 0 {
			return nil
		}
		if err := r.pause(ctx, b.Reset); err != nil {
			return err
		}
	}
}

func (r *run) pause(ctx context.Context, d time.Duration) error {
	if err := r.progress(d); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// progress tells how far the plan is, once a second and before each pause.
func (r *run) progress(wait time.Duration) error {
	now := r.Now()
	if wait == 0 && now.Sub(r.told) < time.Second {
		return nil
	}
	r.told = now
	return r.emit(adminapi.PlanLine{Progress: &adminapi.PlanProgress{Done: r.done, Total: r.total, WaitingSeconds: wait.Seconds()}})
}

// held tells of a change that the guard keeps back, or would.
func (r *run) held(d Resolved, l store.Link) error {
	why := d.Note
	if d.Fresh {
		why = "the guard would keep it back with the others of its kind"
	}
	out := adminapi.PlanRecord{Kind: string(d.Ref.Kind), Key: d.Ref.Key, State: adminapi.PlanWait, Verb: verbOf(d.Counts), Why: why, Code: string(d.Code),
		Next: d.Code.Next(), TargetID: l.TargetID, Hold: d.Hold, Changes: d.Changes, Explain: d.Explain}
	r.sum.Waits[out.Code]++
	return r.emit(adminapi.PlanLine{Record: &out})
}

func verbOf(c store.Change) string {
	switch c {
	case store.Suspension:
		return string(target.Suspend)
	case store.Creation:
		return string(target.Create)
	}
	return string(target.Update)
}

// tell counts what the target says to a record, and tells it unless nothing is to be done.
func (r *run) tell(d Resolved, l store.Link, p target.Planned) error {
	c := p.Change
	out := adminapi.PlanRecord{Kind: string(d.Ref.Kind), Key: d.Ref.Key, State: adminapi.PlanSame, Verb: string(c.Verb), Why: c.Why, Code: c.Code,
		TargetID: c.TargetID, Changes: c.Diff, Explain: d.Explain, Match: matchOf(c)}
	err := p.Err
	if err == nil && !r.free(p) {
		err = fault.New(fault.Held, fault.EmailTaken, "another record of this plan wants this address")
	}
	switch {
	case err != nil:
		r.waiting(&out, err)
	case c.Verb == target.Nothing:
	case l.Digest != "" && l.Digest == d.Wanted.Digest():
		out.State = adminapi.PlanDrift
		r.sum.Drift++
	default:
		out.State = adminapi.PlanChange
		r.sum.Changes[d.Ref.Kind.Plural()+"/"+string(c.Verb)]++
	}
	if r.known != nil {
		r.known.met(d, &out)
	}
	if out.State == adminapi.PlanSame && r.one.Key == "" {
		return nil
	}
	return r.emit(adminapi.PlanLine{Record: &out})
}

// waiting describes a record that the target would not take as it is.
func (r *run) waiting(out *adminapi.PlanRecord, err error) {
	code := fault.CodeOf(err)
	out.State, out.Why, out.Code, out.Next, out.Match = adminapi.PlanWait, err.Error(), string(code), fault.NextOf(err), ""
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Detail != "" {
		out.Why = f.Detail
	}
	if fault.KindOf(err) == fault.Held {
		out.Match = adminapi.MatchReview
	}
	r.sum.Waits[string(code)]++
}

// free claims the address of a new record: of several that want one, the first has it, on whatever page they stand.
func (r *run) free(p target.Planned) bool {
	u := p.Item.Wanted.User
	if u == nil || u.Email == "" || p.Change.Verb != target.Create && !p.Change.Adopted {
		return true
	}
	k := digest(u.Email)
	taken := r.claimed[k]
	r.claimed[k] = true
	return !taken
}

func matchOf(c target.Change) string {
	switch {
	case c.Adopted:
		return adminapi.MatchAdopt
	case c.Verb == target.Create:
		return adminapi.MatchNew
	case c.TargetID != "":
		return adminapi.MatchExact
	}
	return ""
}

// digest is what is kept of an address, name or external id: eight bytes.
func digest(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.ToLower(strings.TrimSpace(s))))
	return h.Sum64()
}

// age tells how old the knowledge is.
func (r *run) age(ctx context.Context) error {
	for _, kind := range r.kinds {
		rows, err := r.Store.Cycles(ctx, r.t, kind, 200)
		if err != nil {
			return err
		}
		for _, c := range rows {
			if c.State == store.Complete && c.Mode == string(event.ModeFull) {
				r.sum.Reads = append(r.sum.Reads, adminapi.PlanRead{Kind: string(kind), Ended: c.Ended, Records: c.Records})
				break
			}
		}
	}
	return nil
}
