package writer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/address"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
)

// waiters is how many records that want one freed address are looked at again at once; the sweep finds the others.
const waiters = 100

// emailOf is the address that an object holds, as links keep it.
func emailOf(e directory.Entry) string {
	if e.User == nil {
		return ""
	}
	return address.Key(e.User.Email)
}

// wake has the records looked at again that may have waited for what the links give up: an address, or the name of an
// organization. It comes before the commit: the target is written already, and a crash in between has the batch's
// records looked at again, which wakes the same ones.
func (b *batch) wake(ctx context.Context, results []result, links []store.Link) error {
	emails, names := given(results, links)
	var refs []record.Ref
	if len(emails) > 0 {
		shared, err := b.w.store.Sharing(ctx, b.t, emails, waiters)
		if err != nil {
			return err
		}
		for _, email := range emails {
			refs = append(refs, shared[email]...)
		}
	}
	if names {
		found, err := b.w.store.Findings(ctx, b.t, store.FindingQuery{Code: fault.OrgNameTaken})
		if err != nil {
			return err
		}
		for _, f := range found {
			refs = append(refs, f.Ref)
		}
	}
	refs = slices.DeleteFunc(refs, func(r record.Ref) bool {
		return slices.ContainsFunc(links, func(l store.Link) bool { return l.Ref == r })
	})
	if len(refs) == 0 {
		return nil
	}
	return b.w.bus.Touch(ctx, b.t, "freed/"+b.id, refs)
}

// given lists the addresses that objects held before and do not hold now, and tells whether an organization changed
// its name.
func given(results []result, links []store.Link) (emails []string, names bool) {
	now := make(map[record.Ref]store.Link, len(links))
	for _, l := range links {
		now[l.Ref] = l
	}
	for _, r := range results {
		l, ok := now[r.ref]
		if !ok || r.link.TargetID == "" {
			continue
		}
		if r.link.Email != "" && l.Email != r.link.Email {
			emails = append(emails, r.link.Email)
		}
		names = names || r.ref.Kind == record.Vendor && nameOf(r.link.Known) != nameOf(l.Known)
	}
	slices.Sort(emails)
	return slices.Compact(emails), names
}

func nameOf(known []byte) string {
	e, err := event.DecodeEntry(known)
	if err != nil || e.Organization == nil {
		return ""
	}
	return e.Organization.Name
}

// takesPrefix begins the external ids of employees (design.md 8).
const takesPrefix = "psft:emp:"

// former is the record whose object the row takes over, which a person approved.
func (r row) former() (record.Ref, bool) {
	if r.wanted.User == nil {
		return record.Ref{}, false
	}
	key, ok := strings.CutPrefix(r.wanted.User.Takes, takesPrefix)
	return record.Ref{Kind: record.Employee, Key: key}, ok && key != "" && key != r.ref.Key
}

// apart gives those rows back that take over the object of a record of the same batch: the two must not be written
// beside each other. So it does with those that a leaver's suspension must go before.
func (b *batch) apart(ctx context.Context, rows []row) []row {
	free := make([]row, 0, len(rows))
	for _, r := range rows {
		old, takes := r.former()
		wait := takes && slices.ContainsFunc(rows, func(o row) bool { return o.ref == old })
		if takes && !wait {
			r.back, wait = b.former(ctx, r.ref, old)
		}
		if wait {
			b.settle(r.d.Retry(ctx, b.w.opt.Busy), r)
			continue
		}
		free = append(free, r)
	}
	return free
}

// former asks how it stands about the record whose object is to be taken over. A person approved that it is a leaver's:
// back says that it came back since, so that the object stays with it; soon, that the answer is not certain yet.
func (b *batch) former(ctx context.Context, ref, old record.Ref) (back, soon bool) {
	links, err := b.w.store.Links(ctx, b.t, []record.Ref{ref, old})
	if err != nil {
		return false, true
	}
	if links[ref].TargetID != "" || links[old].TargetID == "" {
		return false, false // it was taken over before
	}
	e, err := b.w.bus.Wanted(ctx, b.t, old)
	if errors.Is(err, bus.ErrNone) {
		return false, false
	}
	if err != nil {
		return false, true
	}
	payload, err := event.Payload[event.Wanted](e, event.WantedV1)
	if err != nil {
		return true, false // what nobody can read proves no leaver
	}
	want, err := payload.Entry()
	working := links[old].State == string(directory.Active)
	return err != nil || want.State() == directory.Active, err == nil && working && want.State() == directory.Suspended
}

// touched lists every record whose link the rows may change.
func touched(rows []row) []record.Ref {
	out := refs(rows)
	for _, r := range rows {
		if old, takes := r.former(); takes && !slices.Contains(out, old) {
			out = append(out, old)
		}
	}
	return out
}

// inherit gives a row that takes over an object the link of the record that has it, unless that one works again: then
// the object stays with it, and the row waits for the address like any other.
func (r *row) inherit(links map[record.Ref]store.Link) {
	old, takes := r.former()
	if !takes || r.back || r.link.TargetID != "" || links[old].TargetID == "" || links[old].State == string(directory.Active) {
		return
	}
	from := links[old]
	r.old = &from
	r.link.Ref, r.link.TargetID, r.link.Digest = r.ref, from.TargetID, ""
	r.link.Known, r.link.Email, r.link.Memory, r.link.State = from.Known, from.Email, from.Memory, from.State
}

// retire takes the object from the record that had it: nothing of that record is ever written to it again.
func (b *batch) retire(r result, c *store.Commit) {
	if r.old == nil {
		return
	}
	l := *r.old
	l.TargetID, l.Known, l.Email, l.Memory, l.State, l.At = "", nil, "", nil, string(directory.Untouched), b.w.now()
	c.Links = append(c.Links, l)
	c.Entries = append(c.Entries, audit.Entry{ID: audit.ID(stage, l.Ref, l.Version, "relink", r.ref.String(), r.old.TargetID), Ref: l.Ref,
		At: b.w.now().Truncate(time.Microsecond), Stage: stage, Verb: "relink", Outcome: audit.Finished, Cause: r.msg.Event.Cause, Version: l.Version,
		Detail: "user " + r.old.TargetID + " stands for " + r.ref.String() + " from now on: nothing of this record is written to it any more"})
}
