package transform

import (
	"bytes"
	"slices"
	"time"

	"github.com/ml-connector/ml-connector/pkg/address"
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
	merged   Merged
	view     view
	points   []string // keys of the reference data that it needs
	read     bool     // a whole reading of its jobs arrived, or a deletion of one
	vanished string   // what that reading contradicted
	facts    []byte   // the ledger after the merge
	wanted   []byte   // the decision, encoded; nil for a record that is not there
	waits    bool     // the guard keeps the decision back: the state that was handed on last stays
	move     *store.GuardMove
	note     string // what the guard says to it
	turn     turn   // of the order of addresses, when the record waits for one
	again    bool   // the wanted state is handed on once more, although it is the same: the writer kept it back
	passing  bool   // a person approved its place in that order: the guard does not count it
	settled  bool   // and its item is done with
	ordered  bool   // what is told about that order may have changed
}

// prepare merges a task's facts into its row, so that the reference data is known that finish needs. Both compute and
// write nothing.
func prepare(at moment, k *task, row store.LedgerRow, known bool) (*result, error) {
	r := &result{task: k, before: row, after: row, known: known}
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
	r.mergeAll(at, facts)
	r.late, r.view = len(r.merged.Late), look(k.ref, r.merged.Facts, at.now, at.day, at.policy)
	r.points = pointsOf(k.ref, r.view, at.policy)
	return r, nil
}

// finish resolves the outcome with the texts of the reference data; advance takes it over once the guard has seen it.
func (r *result) finish(at moment, texts Texts) error {
	if !r.known && len(r.task.arrivals) == 0 {
		return nil
	}
	ref, facts := r.task.ref, r.before.Facts
	wanted, err := r.resolve(at, texts)
	if err == nil && r.merged.Changed {
		facts, err = event.EncodeLedger(r.merged.Facts)
	}
	if err != nil {
		return fault.Wrap(err, fault.Internal, fault.Unclassified, "encode "+ref.String())
	}
	r.facts, r.wanted = facts, wanted
	return nil
}

// resolve decides and gives the outcome as the ledger keeps it.
func (r *result) resolve(at moment, texts Texts) ([]byte, error) {
	if r.task.ref.Kind == record.Reference {
		text, next := ReferenceText(r.merged.Facts, at.day)
		r.decision = Decision{Text: text, Next: next}
		if at.policy.HireLead == 0 {
			return encodeText(text, nil)
		}
		return encodeText(text, textsAhead(r.merged.Facts, at.day))
	}
	r.decision = resolve(r.task.ref, r.view, at.policy, texts)
	return event.EncodeEntry(r.decision.Entry)
}

// mergeAll merges the arrivals of the task one after the other.
func (r *result) mergeAll(at moment, facts []erp.Fact) {
	all := Merged{Facts: facts}
	for _, a := range r.task.arrivals {
		notes := Contradictions(all.Facts, a.facts, a.whole, at.day)
		var seen erp.Stamp
		if !a.event.Time.IsZero() {
			seen = erp.StampOf(a.event.Time, at.policy.zone())
		}
		if slices.Contains(a.whole, erp.Job) || slices.ContainsFunc(a.facts, deletesJob) {
			r.read, r.vanished = true, Vanished(all.Facts, a.facts, a.whole, at.day, seen)
		}
		m := Merge(all.Facts, a.facts, seen)
		all.Facts, all.Changed, all.Tied = m.Facts, all.Changed || m.Changed, all.Tied || m.Tied
		all.Late = append(all.Late, m.Late...)
		all.Notes = append(append(all.Notes, notes...), m.Notes...)
	}
	if r.task.recalls() { // older statements passed by again; what counts is where it ended
		all.Changed = all.Changed && !equalFacts(canonical(facts), all.Facts)
	}
	r.merged = all
}

// advance fills the next revision of the row and the audit entries that explain it.
func (r *result) advance(at moment) {
	if r.wanted == nil {
		return
	}
	m, facts, wanted := r.merged, r.facts, r.wanted
	if r.waits {
		wanted = r.before.Wanted
	}
	moved := r.again || !bytes.Equal(r.before.Wanted, wanted)
	next := r.decision.nextDate(at.policy.zone())
	r.save = m.Changed || moved || r.move != nil || next != r.before.NextDate || r.before.Config != at.policy.Version || !slices.Equal(r.points, r.before.Points)
	if r.save {
		r.after = store.LedgerRow{Ref: r.task.ref, Revision: r.before.Revision + 1, Facts: facts, Wanted: wanted, WantedAt: r.before.WantedAt,
			Published: r.before.Published, NextDate: next, Config: at.policy.Version, Email: emailOf(r.decision.Entry), Points: r.points, At: at.now}
		if moved {
			r.after.WantedAt = r.after.Revision
		}
	}
	if m.Changed || moved || r.move != nil {
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

// handed is the state that the table of wanted states shall hold: the decision, or the one before while it waits.
func (r *result) handed() directory.Entry {
	if r.waits {
		return r.was
	}
	return r.decision.Entry
}

// unpublished tells whether the table may not hold the row's wanted state yet.
func (r *result) unpublished() bool { return r.after.WantedAt > r.after.Published }

// urgent tells whether somebody loses or regains access, so that the record goes first. After a crash the change
// itself is not to be seen any more; then every state but a record's first counts.
func (r *result) urgent() bool {
	now, was := r.handed().State(), r.was.State()
	if r.handed().User == nil || len(r.before.Wanted) == 0 {
		return false
	}
	if r.after.WantedAt == r.before.WantedAt {
		return r.before.Published > 0 && (now == directory.Suspended || now == directory.Active)
	}
	return now != was && (now == directory.Suspended || was == directory.Suspended && now == directory.Active)
}

// emailOf is the email that the desk should hold for the record; nobody wants one for a record that is left alone.
func emailOf(e directory.Entry) string {
	if e.User == nil || e.User.State == directory.Untouched {
		return ""
	}
	return address.Key(e.User.Email)
}

// start is the first instant of a day in a zone: of two where clocks are put back at midnight, the end of the gap where
// they skip it. Where they skip the whole day (Apia, 30 December 2011) it is the start of the next one.
func start(day erp.Date, zone *time.Location) (time.Time, error) {
	at, ok := clockTime(day, 0, zone)
	if !ok {
		_, err := day.Start(zone)
		return at, err
	}
	return at, nil
}

func refsOf(tasks []*task) []record.Ref {
	refs := make([]record.Ref, len(tasks))
	for i, k := range tasks {
		refs[i] = k.ref
	}
	return refs
}
