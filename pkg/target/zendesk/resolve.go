package zendesk

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/crash"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/target"
)

// resolve gives every record of a job its outcome: from the results where they name it, else from reading it back.
// It answers the failed ones, which are tried once more singly for a precise error (zendesk.md 3.5).
func (b *batch) resolve(ctx context.Context, k bulkKind, part []int, j wireJob, jobErr error) (again []int) {
	in := make([]sent, len(part))
	for n, i := range part {
		in[n] = identify(k, b.changes[i])
	}
	fates := make([]fate, len(part))
	if jobErr == nil && j.Status == jobCompleted {
		fates = match(in, j.Results)
	}
	var unsure []int
	for n, i := range part {
		switch f := fates[n]; {
		case f.failed:
			again = append(again, i)
		case !f.known || k.creates || has(b.changes[i].Diff, fieldSuspend):
			unsure = append(unsure, i) // new objects and suspensions are read (zendesk.md 3.5, failures.md Z22)
		default:
			b.done(i, f.id)
		}
	}
	if jobErr == nil && j.Status == jobCompleted {
		b.postpone(k, unsure)
		return again
	}
	return append(again, b.readBack(ctx, k, unsure, missing(j, jobErr))...)
}

// postpone leaves records of a completed job for one common look after all jobs: a few of each job would else cost a
// call for each job.
func (b *batch) postpone(k bulkKind, part []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.later == nil {
		b.later = map[bulkKind][]int{}
	}
	b.later[k] = append(b.later[k], part...)
}

// lookBack reads the postponed records; those that do not hold what was written go singly.
func (b *batch) lookBack(ctx context.Context) {
	for k, list := range b.later {
		if k.people() {
			list = b.present(ctx, list)
		}
		parts := slices.Collect(slices.Chunk(list, perCall))
		again := make([][]int, len(parts))
		every(len(parts), func(n int) { again[n] = b.readBack(ctx, k, parts[n], nil) })
		b.singles(ctx, slices.Concat(again...))
	}
}

// present gives new users the ids under which the export shows them as they were written, and answers the others.
func (b *batch) present(ctx context.Context, list []int) (left []int) {
	exts := b.exts(list)
	got := b.t.roll.call(ctx, exts, b.began)
	for n, i := range list {
		if u := got[exts[n]]; u != nil && len(b.unshown(*u, i)) == 0 {
			b.done(i, u.ID)
			continue
		}
		left = append(left, i)
	}
	return left
}

// exts are the external ids of changes in lower case.
func (b *batch) exts(list []int) []string {
	out := make([]string, len(list))
	for n, i := range list {
		out[n] = strings.ToLower(b.changes[i].Wanted.ExternalID())
	}
	return out
}

// unshown are the changes of a record that its user does not show.
func (b *batch) unshown(u wireUser, i int) []audit.Change {
	c := b.changes[i]
	return open(showable(diffUser(u, *c.Wanted.User), fieldTexts(prefixUser, u.UserFields)), c)
}

// exportOpen tells that the export could be asked now.
func (t *Target) exportOpen() bool {
	r, _, err := permit(t.client.routes, http.MethodGet, exportPath)
	return err == nil && t.client.pace.open(r)
}

func identify(k bulkKind, c target.Change) sent {
	if !k.creates {
		return sent{id: parseID(c.TargetID)}
	}
	s := sent{ext: c.Wanted.ExternalID()}
	if c.Wanted.User != nil {
		s.email = fold(c.Wanted.User.Email)
	}
	return s
}

// missing is the fault of a record that a job leaves without result and that does not show the change.
func missing(j wireJob, jobErr error) error {
	switch {
	case jobErr != nil:
		return jobErr
	case j.Status != jobCompleted:
		return fault.New(fault.Transient, fault.TargetJobFailed, "the job was "+word(j.Status)+" before this record")
	}
	return nil
}

func (b *batch) done(i int, id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.changes[i]
	if c.Verb == target.Create {
		b.out[i].TargetID = idText(id)
	}
	b.out[i].Holds, b.out[i].Err = after(c, c.Diff), nil
	crash.Point("wr.job_items")
}

// readBack compares the records with what was to be written. Those that hold it are done; the others fail with
// verdict, or go singly when the job is known to be over (verdict nil). Who was made and does not show everything is tried
// again by a plan: a single create would be refused.
func (b *batch) readBack(ctx context.Context, k bulkKind, part []int, verdict error) (again []int) {
	if len(part) == 0 {
		return nil
	}
	seen, err := b.read(ctx, k, part)
	if err != nil {
		b.failAll(part, &fault.Error{
			Kind: fault.Transient, Code: fault.TargetJobUnknown, Unknown: true, Detail: "the records of a job cannot be read back", Err: err,
		})
		return nil
	}
	for _, i := range part {
		s, ok := seen[i]
		switch {
		case ok && len(s.open) == 0:
			b.done(i, s.id)
		case verdict != nil:
			b.fail(i, verdict)
		case ok && k.creates: // a second create would be refused: the next plan finds it by its external id and updates it
			b.fail(i, fault.New(fault.Conflict, fault.TargetNotApplied, "made, but "+differs(s.open)))
		default:
			again = append(again, i)
		}
	}
	return again
}

// seen is a record as read back; open are the changes that it does not show.
type seen struct {
	id   int64
	open []audit.Change
}

func (b *batch) read(ctx context.Context, k bulkKind, part []int) (map[int]seen, error) {
	if k.org {
		return b.readOrgs(ctx, k, part)
	}
	out := map[int]seen{}
	var keys []string
	for _, i := range part {
		if keys = append(keys, b.changes[i].TargetID); k.creates {
			keys[len(keys)-1] = b.changes[i].Wanted.ExternalID()
		}
	}
	if k.creates {
		got, err := b.t.usersByExternal(ctx, keys, false)
		for n, i := range part {
			if u, ok := got[strings.ToLower(keys[n])]; ok {
				out[i] = seen{u.ID, b.unshown(u, i)}
			}
		}
		return out, err
	}
	got, err := b.t.usersByID(ctx, keys, false)
	for n, i := range part {
		if u, ok := got[parseID(keys[n])]; ok && !u.gone() {
			out[i] = seen{u.ID, b.unshown(u, i)}
		}
	}
	return out, err
}

func (b *batch) readOrgs(ctx context.Context, k bulkKind, part []int) (map[int]seen, error) {
	out, by := map[int]seen{}, "ids"
	var keys []string
	for _, i := range part {
		if keys = append(keys, b.changes[i].TargetID); k.creates {
			by, keys[len(keys)-1] = "external_ids", b.changes[i].Wanted.ExternalID()
		}
	}
	got, err := b.t.orgsBy(ctx, by, keys, false)
	for n, i := range part {
		at := slices.IndexFunc(got, func(o wireOrg) bool {
			return k.creates && strings.EqualFold(o.ExternalID, keys[n]) || !k.creates && o.ID == parseID(keys[n])
		})
		if at >= 0 {
			out[i] = seen{got[at].ID, open(showable(diffOrg(got[at], written(b.changes[i])), fieldTexts(prefixOrg, got[at].OrganizationFields)), b.changes[i])}
		}
	}
	return out, err
}

// written is the wanted organization under the name that was sent.
func written(c target.Change) directory.Organization {
	o := *c.Wanted.Organization
	if name := nameIn(c.Diff); name != "" {
		o.Name, o.AltName = name, ""
	}
	return o
}

// open keeps of the differences those that the change was to remove. A create is judged by its existence and name.
func open(now []audit.Change, c target.Change) []audit.Change {
	var left []audit.Change
	for _, d := range now {
		if has(c.Diff, d.Field) {
			left = append(left, d)
		}
	}
	return left
}
