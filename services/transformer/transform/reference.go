package transform

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

// Texts are the texts of reference data on one day, by key; what has none is absent.
type Texts map[string]string

// The tables that reference data comes from: the first part of its key.
const (
	deptTable     = "dept"
	jobCodeTable  = "jobcode"
	positionTable = "position"
	locationTable = "location"
)

// misshapen says why a key cannot be that of reference data; "" when it can. All but positions have a SETID.
func misshapen(key string) string {
	table, rest, _ := strings.Cut(key, "/")
	set, code, two := strings.Cut(rest, "/")
	switch table {
	case positionTable:
		two, set, code = true, rest, rest
	case deptTable, jobCodeTable, locationTable:
	default:
		return "reference data of an unknown table"
	}
	if !two || set == "" || code == "" {
		return "reference data without SETID or code"
	}
	return ""
}

// Points lists the keys of the reference data whose texts decide about a record on a day, sorted. Where the record
// brings its own text, and where the tenant maps none, it points to nothing: a renamed department must not touch a
// hundred thousand people who do not show it.
func Points(ref record.Ref, facts []erp.Fact, day erp.Date, p Policy) []string {
	return pointsOf(ref, onDay(ref, facts, day, p), p)
}

func pointsOf(ref record.Ref, v view, p Policy) []string {
	if ref.Kind != record.Employee {
		return nil
	}
	var keys []string
	add := func(table string, codes ...string) {
		if key, ok := point(table, codes...); ok {
			keys = append(keys, key)
		}
	}
	for _, group := range byRow(v.facet(erp.Job)) {
		r, ok := v.current(group)
		if !ok {
			continue
		}
		if p.UserFields["department"] != "" && tidy(r.get(erp.DeptText)) == "" {
			add(deptTable, r.get(erp.DeptSet), r.get(erp.Dept))
		}
		if a, _ := v.one(erp.Assignment, group[0].id.Row); p.UserFields["title"] == "" || tidy(a.get(erp.Title)) != "" {
			continue
		}
		add(positionTable, r.get(erp.Position))
		if tidy(r.get(erp.JobText)) == "" {
			add(jobCodeTable, r.get(erp.JobCodeSet), r.get(erp.JobCode))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// point is the key of reference data; ok is false when one of its codes is missing or cannot be a code.
func point(table string, codes ...string) (key string, ok bool) {
	key = table
	for _, c := range codes {
		c = strings.TrimSpace(c)
		if out, _, _ := clean(c); c == "" || out != c {
			return "", false
		}
		key += "/" + c
	}
	return key, len(key) <= maxKey
}

// ReferenceText is the text that reference data has on a day, by the rule of effective dating: a current row that is
// not in effect gives none (peoplesoft.md 2.9, 2.10). next is the first later day on which it may change by itself.
func ReferenceText(facts []erp.Fact, day erp.Date) (text string, next erp.Date) {
	v := view{rows: foldRows(facts), day: day, today: day}
	if r, ok := v.one(erp.Reference, ""); ok {
		text, _, _ = clean(r.get(erp.Text))
	}
	return text, v.next(0)
}

// wording is what the ledger keeps as the resolved state of reference data. With a lead somebody is seen as on a later
// day, with the texts of then: a text to come that is changed must find them, like one of today.
type wording struct {
	Text  string  `json:"text"`
	Ahead []dated `json:"ahead,omitempty"`
}

// dated is a text from a day on.
type dated struct {
	Day  erp.Date `json:"day"`
	Text string   `json:"text"`
}

func encodeText(text string, ahead []dated) ([]byte, error) {
	return json.Marshal(wording{text, ahead})
}

// textsAhead are the texts to come: those of every day behind the given one on which the text becomes another.
func textsAhead(facts []erp.Fact, day erp.Date) (list []dated) {
	last, next := ReferenceText(facts, day)
	for next != "" {
		var text string
		day = next
		if text, next = ReferenceText(facts, day); text != last {
			list, last = append(list, dated{day, text}), text
		}
	}
	return list
}

func decodeText(b []byte) string {
	var w wording
	_ = json.Unmarshal(b, &w) // only shown in the audit; what cannot be read shows nothing
	return w.Text
}

// library is the reference data that a batch was resolved with: its texts on the day, what they follow from, and of
// which revision.
type library struct {
	day       erp.Date
	texts     Texts
	facts     map[string][]erp.Fact
	revisions map[string]uint64
}

// on are the texts with which a record is resolved that is seen as on a day: those of that day, also when it is ahead.
func (l library) on(day erp.Date, points []string) Texts {
	if day == l.day {
		return l.texts
	}
	texts := Texts{}
	for _, key := range points {
		if text, _ := ReferenceText(l.facts[key], day); text != "" {
			texts[key] = text
		}
	}
	return texts
}

// library reads the reference data of some points with one query.
func (s *Service) library(ctx context.Context, at moment, points map[string]bool) (library, error) {
	l := library{at.day, Texts{}, map[string][]erp.Fact{}, map[string]uint64{}}
	if len(points) == 0 {
		return l, nil
	}
	refs := make([]record.Ref, 0, len(points))
	for _, key := range slices.Sorted(maps.Keys(points)) {
		refs = append(refs, record.Ref{Kind: record.Reference, Key: key})
	}
	rows, err := s.deps.Ledger.Rows(ctx, at.tenant, refs)
	if err != nil {
		return l, err
	}
	for ref, row := range rows {
		facts, err := event.DecodeLedger(row.Facts)
		if err != nil {
			return l, fault.Wrap(err, fault.Internal, fault.Unclassified, "ledger row of "+ref.String())
		}
		l.facts[ref.Key], l.revisions[ref.Key] = facts, row.Revision
		if text, _ := ReferenceText(facts, at.day); text != "" {
			l.texts[ref.Key] = text
		}
	}
	return l, nil
}

// outdated finds the saved results that were resolved with reference data that has moved meanwhile. Whoever moved it
// looks for those who point to it after its own save; we look at it after ours. So one of the two sees the other.
func (s *Service) outdated(ctx context.Context, at moment, saved []*result, used library) (map[*result]bool, error) {
	points := map[string]bool{}
	for _, r := range saved {
		for _, p := range r.after.Points {
			if r.save {
				points[p] = true
			}
		}
	}
	now, err := s.library(ctx, at, points)
	if err != nil {
		return nil, err
	}
	late := map[*result]bool{}
	for _, r := range saved {
		late[r] = r.save && slices.ContainsFunc(r.after.Points, func(p string) bool { return now.revisions[p] != used.revisions[p] })
	}
	return late, nil
}

// refresh resolves everybody again who points to reference data with another text than before, and only then marks the
// text as brought to its end. Until then its row is listed as unpublished: a message that comes again, or the sweep,
// goes on with it whatever happens here.
func (s *Service) refresh(ctx context.Context, at moment, moved []*result, failed map[record.Ref]error) {
	groups := map[string][]*result{}
	for _, r := range moved {
		groups[r.task.cause] = append(groups[r.task.cause], r)
	}
	for _, cause := range slices.Sorted(maps.Keys(groups)) {
		var keys []string
		upTo := map[record.Ref]uint64{}
		for _, r := range groups[cause] {
			keys, upTo[r.task.ref] = append(keys, r.task.ref.Key), r.after.WantedAt
		}
		err := s.follow(ctx, at.tenant, keys, cause)
		if err == nil {
			err = s.deps.Ledger.MarkPublished(ctx, at.tenant, upTo)
		}
		for ref := range upTo {
			if err != nil {
				failed[ref] = err
			}
		}
	}
}

// follow resolves everybody again who points to one of the keys, page by page.
func (s *Service) follow(ctx context.Context, t tenant.ID, keys []string, cause string) error {
	var errs []error
	for after := (record.Ref{}); ; {
		refs, err := s.deps.Ledger.Pointing(ctx, t, keys, after, s.opts.Batch)
		if err != nil || len(refs) == 0 {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, s.touchRefs(ctx, t, refs, cause))
		s.deps.Metrics.Add(t, CountRefreshed, len(refs))
		after = refs[len(refs)-1]
	}
}
