package zendesk

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// bulkKind is one of the bulk calls (zendesk.md 3.2).
type bulkKind struct {
	method, path, key string
	creates, org      bool
}

// people tells a job that makes users.
func (k bulkKind) people() bool { return k.creates && !k.org }

// createMany refuses an address or an external id that anybody has, whenever they came by it. An upsert would write to
// whoever has the address: there is none in this package (ADR 0012).
func createMany() bulkKind {
	return bulkKind{http.MethodPost, "/api/v2/users/create_many", "users", true, false}
}

func updateMany() bulkKind {
	return bulkKind{http.MethodPut, "/api/v2/users/update_many", "users", false, false}
}

func createOrgs() bulkKind {
	return bulkKind{http.MethodPost, "/api/v2/organizations/create_many", "organizations", true, true}
}

func updateOrgs() bulkKind {
	return bulkKind{http.MethodPut, "/api/v2/organizations/update_many", "organizations", false, true}
}

// job writes up to 100 records with one bulk job. What the account does not take in bulk goes singly.
func (b *batch) job(ctx context.Context, k bulkKind, part []int) {
	b.singles(ctx, b.jobOf(ctx, k, b.claim(k, part)))
}

// jobOf answers the records that shall go singly.
func (b *batch) jobOf(ctx context.Context, k bulkKind, part []int) (again []int) {
	if k.people() {
		defer b.t.roll.end()
	}
	if len(part) == 0 {
		return nil
	}
	if k.org {
		if err := b.t.naming.take(ctx); err != nil {
			b.failAll(part, err)
			return nil
		}
		defer b.t.naming.give()
	}
	return b.divide(ctx, k, part)
}

// divide runs the job; a call that is refused as a whole is halved until the record at fault goes alone.
func (b *batch) divide(ctx context.Context, k bulkKind, part []int) (again []int) {
	again, refused := b.inPlace(ctx, k, part)
	if !refused {
		return again
	}
	if len(part) <= few {
		return part
	}
	half := len(part) / 2
	return append(b.divide(ctx, k, part[:half:half]), b.divide(ctx, k, part[half:])...)
}

// refusedWhole tells that the account would not even queue the job for what is in it (400, 413, 422).
func refusedWhole(err error) bool {
	if err == nil || fault.IsUnknown(err) {
		return false
	}
	kind := fault.KindOf(err)
	return kind == fault.Invalid || kind == fault.Held && fault.CodeOf(err) != fault.TargetGone || kind == fault.Conflict
}

// claim takes the addresses of new users; who comes second waits for the first.
func (b *batch) claim(k bulkKind, part []int) []int {
	if !k.people() {
		return part
	}
	var mine []int
	for _, i := range part {
		u := b.changes[i].Wanted.User
		email := fold(u.Email)
		if email != "" && !b.t.claims.take(email, u.ExternalID, b.t.cfg.Fresh) {
			b.fail(i, held(fault.EmailTaken, "another new record has this address"))
			continue
		}
		mine = append(mine, i)
	}
	return mine
}

// inPlace runs the job in one of the places and answers the records that shall go singly; refused says that nothing
// was queued because of what is in the call.
func (b *batch) inPlace(ctx context.Context, k bulkKind, part []int) (again []int, refused bool) {
	place, err := b.t.jobs.enter(ctx)
	if err != nil {
		b.failAll(part, err)
		return nil, false
	}
	defer place.leave()
	if err := b.stopped(); err != nil {
		b.failAll(part, err)
		return nil, false
	}
	if b.t.gates.closed(k.path) || b.t.jam.long() {
		return part, false
	}
	j, rc, err := b.submit(ctx, k, part)
	crash.Point("wr.job_submitted")
	switch {
	case fault.CodeOf(err) == fault.TargetForbidden && b.t.gated(ctx, k.path), fault.CodeOf(err) == fault.TargetJobs && b.t.jam.long():
		b.note(part, "singly after the account refused the job")
		return part, false
	case refusedWhole(err):
		b.note(part, "singly after the account refused the whole call")
		return nil, true
	case err != nil:
		b.ended(k, part)
		b.failAll(part, err)
		return nil, false
	}
	line := fmt.Sprintf("%s: %s job %s", b.reason(part[0]), rc.line, j.ID)
	for _, i := range part {
		b.out[i].Request = line
	}
	if err := b.tell(ctx, j.ID, part); err != nil {
		b.stop(err)
		b.failAll(part, &fault.Error{Kind: fault.Transient, Code: fault.TargetJobUnknown, Detail: "the job could not be journaled", Unknown: true, Err: err})
		return nil, false
	}
	j, err = b.t.jobs.wait(ctx, j.ID, k.path, len(part), rc.header.Get("Date"), place)
	b.ended(k, part)
	return b.resolve(ctx, k, part, j, err), false
}

// submit queues the job; while the account has too many it waits, up to the patience (failures.md Z16).
func (b *batch) submit(ctx context.Context, k bulkKind, part []int) (wireJob, receipt, error) {
	list, about := make([]map[string]any, 0, len(part)), make([]target.Change, 0, len(part))
	for _, i := range part {
		list, about = append(list, b.element(k, b.changes[i])), append(about, b.changes[i])
	}
	until := time.Now().Add(b.t.cfg.Patience)
	for {
		b.t.jobs.yield(ctx, b.t.client.pace.places)
		var a struct {
			Job wireJob `json:"job_status"`
		}
		rc, err := b.t.client.do(ctx, call{method: k.method, path: k.path, body: map[string]any{k.key: list}, out: &a, about: about})
		if err == nil {
			b.t.jam.taken()
		}
		if fault.CodeOf(err) == fault.TargetJobs {
			b.t.jam.refused()
		}
		if fault.CodeOf(err) == fault.TargetJobs && time.Now().Before(until) && !b.t.jam.long() {
			if err := pause(ctx, max(b.t.cfg.Poll, min(fault.AfterOf(err), 10*time.Second))); err != nil {
				return a.Job, rc, err
			}
			continue
		}
		if err == nil && !jobID(a.Job.ID) {
			err = &fault.Error{Kind: fault.Transient, Code: fault.TargetNotData, Detail: "the answer names no job", Unknown: true}
		}
		return a.Job, rc, err
	}
}

func jobID(id string) bool { return printable(id) && len(id) <= 100 }

func (b *batch) element(k bulkKind, c target.Change) map[string]any {
	w := c.Wanted
	var e map[string]any
	switch {
	case k.org:
		e = orgBody(c.Diff)
		b.t.orgs.touch(w.ExternalID(), strings.TrimSpace(nameIn(c.Diff)))
	case k.creates:
		e = newUserBody(c.Diff, w.User.Email)
		b.t.users.touch(w.ExternalID(), fold(w.User.Email))
	default:
		e = userBody(c.Diff)
	}
	if !k.creates {
		e["id"] = parseID(c.TargetID)
	}
	return e
}

// tell writes the job into the journal before anybody waits for it, also when ctx is ending: the job runs already.
func (b *batch) tell(ctx context.Context, id string, part []int) error {
	if b.journal == nil {
		return nil
	}
	refs := make([]record.Ref, 0, len(part))
	for _, i := range part {
		refs = append(refs, b.changes[i].Ref)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return b.journal.Job(ctx, id, refs)
}

// gated tells a closed import gate from a credential without rights: with the gate closed the account still knows us.
func (t *Target) gated(ctx context.Context, path string) bool {
	if me, err := t.me(ctx); err != nil || me.ID <= 0 || !me.staff() {
		return false
	}
	t.gates.close(path)
	t.cfg.Log.Warn("zendesk refuses bulk calls on this path: records go singly", "route", path, "code", string(fault.TargetImportGate))
	return true
}

// ended keeps the addresses claimed until look-ups see their owners.
func (b *batch) ended(k bulkKind, part []int) {
	if !k.people() {
		return
	}
	for _, i := range part {
		u := b.changes[i].Wanted.User
		b.t.claims.release(fold(u.Email), u.ExternalID, false)
	}
}

func (b *batch) stop(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.halt == nil {
		b.halt = err
	}
}

func (b *batch) failAll(part []int, err error) {
	for _, i := range part {
		b.fail(i, err)
	}
}
