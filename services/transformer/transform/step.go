package transform

import (
	"bytes"
	"time"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/directory"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// moment fixes what a step depends on beside the record, so that a step is a pure function.
type moment struct {
	tenant tenant.ID
	now    time.Time
	day    erp.Date
	policy Policy
}

// result is what became of one task on one revision of its row.
type result struct {
	task     *task
	before   store.LedgerRow
	after    store.LedgerRow // equals before when nothing is to be saved
	save     bool
	known    bool // there was a row
	decision Decision
	was      directory.Entry
	entries  []audit.Entry
	late     int
}

// step merges a task's facts into its row and resolves the outcome. It computes and writes nothing.
func step(at moment, k *task, row store.LedgerRow, known bool) (result, error) {
	r := result{task: k, before: row, after: row, known: known}
	if !known && len(k.arrivals) == 0 {
		return r, nil // a wake-up for a record that is not there
	}
	facts, err := event.DecodeLedger(row.Facts)
	if err != nil {
		return r, fault.Wrap(err, fault.Internal, fault.Unclassified, "ledger row of "+k.ref.String())
	}
	if r.was, err = event.DecodeEntry(row.Wanted); err != nil {
		return r, fault.Wrap(err, fault.Internal, fault.Unclassified, "ledger row of "+k.ref.String())
	}
	m := mergeAll(at, k, facts)
	r.decision, r.late = Resolve(k.ref, m.Facts, at.day, at.policy), len(m.Late)
	wanted, err := event.EncodeEntry(r.decision.Entry)
	if err != nil {
		return r, fault.Wrap(err, fault.Internal, fault.Unclassified, "encode "+k.ref.String())
	}
	if m.Changed {
		if row.Facts, err = event.EncodeLedger(m.Facts); err != nil {
			return r, fault.Wrap(err, fault.Internal, fault.Unclassified, "encode "+k.ref.String())
		}
	}
	r.advance(at, row.Facts, wanted, m)
	return r, nil
}

// mergeAll merges the arrivals of a task one after the other.
func mergeAll(at moment, k *task, facts []erp.Fact) Merged {
	all := Merged{Facts: facts}
	for _, a := range k.arrivals {
		notes := Contradictions(all.Facts, a.facts, a.whole, at.day)
		var seen erp.Stamp
		if !a.event.Time.IsZero() {
			seen = erp.StampOf(a.event.Time, at.policy.zone())
		}
		m := Merge(all.Facts, a.facts, seen)
		all.Facts, all.Changed = m.Facts, all.Changed || m.Changed
		all.Late = append(all.Late, m.Late...)
		all.Notes = append(append(all.Notes, notes...), m.Notes...)
	}
	return all
}

// advance fills the next revision of the row and the audit entries that explain it.
func (r *result) advance(at moment, facts, wanted []byte, m Merged) {
	moved := !bytes.Equal(r.before.Wanted, wanted)
	next := string(r.decision.Next)
	r.save = m.Changed || moved || next != r.before.NextDate || r.before.Config != at.policy.Version
	if r.save {
		r.after = store.LedgerRow{Ref: r.task.ref, Revision: r.before.Revision + 1, Facts: facts, Wanted: wanted, WantedAt: r.before.WantedAt,
			Published: r.before.Published, NextDate: next, Config: at.policy.Version, Email: emailOf(r.decision.Entry), At: at.now}
		if moved {
			r.after.WantedAt = r.after.Revision
		}
	}
	if m.Changed || moved {
		r.entries = append(r.entries, r.resolved(at, moved, m.Notes))
	}
	if len(m.Late) > 0 {
		r.entries = append(r.entries, r.superseded(at, m.Late))
	}
}

// observation is the complete set of findings about the record.
func (r *result) observation(at moment) *store.Observation {
	o := &store.Observation{Ref: r.task.ref}
	for _, f := range r.decision.Flags {
		o.Findings = append(o.Findings, store.Finding{Ref: r.task.ref, Stage: audit.Transformer, Code: f.Code, Hold: f.Hold,
			Detail: f.Detail, Since: at.now, At: at.now})
	}
	return o
}

// unpublished tells whether the table may not hold the row's wanted state yet.
func (r *result) unpublished() bool { return r.after.WantedAt > r.after.Published }

// urgent tells whether somebody loses or regains access, so that the record goes first. After a crash the change
// itself is not to be seen any more; then every state but a record's first counts.
func (r *result) urgent() bool {
	now, was := r.decision.Entry.State(), r.was.State()
	if r.decision.Entry.User == nil || len(r.before.Wanted) == 0 {
		return false
	}
	if r.after.WantedAt == r.before.WantedAt {
		return r.before.Published > 0 && (now == directory.Suspended || now == directory.Active)
	}
	return now != was && (now == directory.Suspended || was == directory.Suspended && now == directory.Active)
}

func emailOf(e directory.Entry) string {
	if e.User == nil {
		return ""
	}
	return e.User.Email
}

// start is the first instant of a day in a zone. Where clocks skip midnight it is the first instant that is on the
// day: an instant before it would ring on the day before.
func start(day erp.Date, zone *time.Location) (time.Time, error) {
	at, err := day.Start(zone)
	for i := 0; err == nil && i < 12 && erp.Today(at, zone) < day; i++ {
		at = at.Add(15 * time.Minute)
	}
	return at, err
}

func refsOf(tasks []*task) []record.Ref {
	refs := make([]record.Ref, len(tasks))
	for i, k := range tasks {
		refs[i] = k.ref
	}
	return refs
}
