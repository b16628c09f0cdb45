package transform

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Findings that do not follow from a record's own facts stand under stages of their own, so that the findings of its
// resolution, which are always told completely, do not close them.
const (
	sharingStage audit.Stage = audit.Transformer + ".email"   // what the records that want one email have in common
	readingStage audit.Stage = audit.Transformer + ".reading" // what the last whole reading of a record contradicted
)

// sharers is how many records of a shared email are looked at; the others were flagged when they came.
const sharers = 10

// note writes the findings that need more than the record itself. It comes before the publication: what it could not
// write makes the message come again, or leaves the row unpublished for the sweep.
func (s *Service) note(ctx context.Context, at moment, done []*result, failed map[record.Ref]error) []*result {
	emails, read := map[string]bool{}, []*result{}
	var concerned, order []*result
	for _, r := range done {
		mail := r.save && r.before.Email != r.after.Email || r.task.again || !r.save && r.unpublished()
		if mail {
			emails[r.before.Email], emails[r.after.Email], emails[r.task.left] = true, true, true
		}
		if r.read {
			read = append(read, r)
		}
		if r.ordered {
			order = append(order, r)
		}
		if mail || r.read || r.ordered {
			concerned = append(concerned, r)
		}
	}
	delete(emails, "")
	err := s.noteSharing(ctx, at, emails, concerned)
	if err == nil {
		err = s.noteReading(ctx, at, read)
	}
	if err == nil {
		err = s.noteOrder(ctx, at, order)
	}
	if err == nil {
		return done
	}
	for _, r := range concerned {
		failed[r.task.ref] = err
	}
	return slices.DeleteFunc(slices.Clone(done), func(r *result) bool { return slices.Contains(concerned, r) })
}

// noteSharing opens and closes SHARED_EMAIL on the records that want one of the emails, and closes it on those that
// want none any more.
func (s *Service) noteSharing(ctx context.Context, at moment, emails map[string]bool, of []*result) error {
	if len(emails) == 0 {
		return nil
	}
	shared, err := s.deps.Ledger.Sharing(ctx, at.tenant, slices.Sorted(maps.Keys(emails)), sharers)
	if err != nil {
		return err
	}
	about := map[record.Ref]store.Observation{}
	alone := map[record.Ref]store.Observation{}
	for _, refs := range shared {
		if len(refs) == 1 {
			alone[refs[0]] = store.Observation{Ref: refs[0]}
			continue
		}
		for _, ref := range refs {
			about[ref] = sharedBy(at, ref, refs)
		}
	}
	for _, r := range of {
		ref, refs := r.task.ref, shared[r.after.Email]
		switch {
		case r.after.Email == "":
			alone[ref] = store.Observation{Ref: ref}
		case len(refs) == sharers && !slices.Contains(refs, ref):
			about[ref] = sharedBy(at, ref, refs)
		}
	}
	return s.observe(ctx, at, sharingStage, fault.SharedEmail, about, alone)
}

// sharedBy is the finding of one of the records that want an email, which names some of the others.
func sharedBy(at moment, ref record.Ref, refs []record.Ref) store.Observation {
	var others []string
	for _, o := range refs {
		if o != ref && len(others) < 3 {
			others = append(others, o.String())
		}
	}
	more := ""
	if len(refs) > len(others)+1 {
		more = " and more"
	}
	return store.Observation{Ref: ref, Findings: []store.Finding{{Ref: ref, Stage: sharingStage, Code: fault.SharedEmail, Since: at.now, At: at.now,
		Detail: "the same email is wanted for " + strings.Join(others, ", ") + more}}}
}

// noteReading opens and closes ROW_VANISHED on the records that were read whole.
func (s *Service) noteReading(ctx context.Context, at moment, read []*result) error {
	if len(read) == 0 {
		return nil
	}
	about := map[record.Ref]store.Observation{}
	sound := map[record.Ref]store.Observation{}
	for _, r := range read {
		ref := r.task.ref
		if r.vanished == "" {
			sound[ref] = store.Observation{Ref: ref}
			continue
		}
		about[ref] = store.Observation{Ref: ref, Findings: []store.Finding{{Ref: ref, Stage: readingStage, Code: fault.RowVanished,
			Since: at.now, At: at.now, Detail: r.vanished}}}
	}
	return s.observe(ctx, at, readingStage, fault.RowVanished, about, sound)
}

// observe writes what is to be opened, and what is to be closed only when anything with the code is open at all.
func (s *Service) observe(ctx context.Context, at moment, stage audit.Stage, code fault.Code, opens, closes map[record.Ref]store.Observation) error {
	all := maps.Clone(opens)
	if len(closes) > 0 {
		open, err := s.deps.Ledger.Findings(ctx, at.tenant, store.FindingQuery{Code: code, Limit: 1})
		if err != nil {
			return err
		}
		for ref, o := range closes {
			if _, opened := opens[ref]; len(open) > 0 && !opened {
				all[ref] = o
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	list := slices.SortedFunc(maps.Values(all), func(a, b store.Observation) int { return compareRef(a.Ref, b.Ref) })
	return s.deps.Ledger.Observe(ctx, at.tenant, stage, list)
}

func compareRef(a, b record.Ref) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
}

// Recheck looks at every open SHARED_EMAIL again and sets right what two transformers at once, or a crash between two
// steps, may have left: closed where nobody else wants the email, open on everybody who does. It writes nothing when
// everything is right.
func (s *Service) Recheck(ctx context.Context, t tenant.ID) error {
	at, err := s.moment(ctx, t)
	if err != nil {
		return fmt.Errorf("shared emails of %s: %w", t, err)
	}
	open, err := s.openSharing(ctx, t)
	if err != nil {
		return fmt.Errorf("shared emails of %s: %w", t, err)
	}
	refs := slices.SortedFunc(maps.Keys(open), compareRef)
	for page := range slices.Chunk(refs, s.opts.Batch) {
		if err := s.recheck(ctx, at, page, open); err != nil {
			return fmt.Errorf("shared emails of %s: %w", t, err)
		}
	}
	return nil
}

func (s *Service) openSharing(ctx context.Context, t tenant.ID) (map[record.Ref]bool, error) {
	const most = 5000 // findings are paged by offset: few pages, also where an address is shared by everybody
	open := map[record.Ref]bool{}
	for after := 0; ; {
		page, err := s.deps.Ledger.Findings(ctx, t, store.FindingQuery{Code: fault.SharedEmail, After: after, Limit: most})
		if err != nil || len(page) == 0 {
			return open, err
		}
		for _, f := range page {
			open[f.Ref] = true
		}
		after += len(page)
	}
}

func (s *Service) recheck(ctx context.Context, at moment, page []record.Ref, open map[record.Ref]bool) error {
	rows, err := s.deps.Ledger.Rows(ctx, at.tenant, page)
	if err != nil {
		return err
	}
	emails := map[string]bool{}
	for _, row := range rows {
		emails[row.Email] = true
	}
	delete(emails, "")
	shared, err := s.deps.Ledger.Sharing(ctx, at.tenant, slices.Sorted(maps.Keys(emails)), sharers)
	if err != nil {
		return err
	}
	opens, closes := map[record.Ref]store.Observation{}, map[record.Ref]store.Observation{}
	for _, ref := range page {
		refs := shared[rows[ref].Email]
		if len(refs) < 2 {
			closes[ref] = store.Observation{Ref: ref}
			continue
		}
		for _, other := range refs {
			if !open[other] {
				opens[other] = sharedBy(at, other, refs)
			}
		}
	}
	return s.observe(ctx, at, sharingStage, fault.SharedEmail, opens, closes)
}
