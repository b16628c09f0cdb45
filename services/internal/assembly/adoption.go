package assembly

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/bus"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/erp"
	"github.com/ml-connector/ml-connector/pkg/event"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/store"
	"github.com/ml-connector/ml-connector/pkg/target"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/services/console/plan"
	"github.com/ml-connector/ml-connector/services/transformer/transform"
	"github.com/ml-connector/ml-connector/services/zendesk-writer/writer"
)

// firstLoad is the gate before the first write into an account that was not empty (ADR 0024): everything is read, the
// adoption report is made, and what a person must look at is held, before a writer pulls anything. All that it goes by is
// in the store, so that a process that dies anywhere in here leaves it to the next one:
//
//	adoption is allowed by the tenant file ─┐
//	something was written, or a hold is there ─┤
//	nobody of others is in the account ─┴▶ open
//	else: not everything read ─▶ closed, told │ read ─▶ report ─▶ hold (one transaction) ─▶ open
type firstLoad struct {
	core     *Core
	tenant   tenant.ID
	settings config.Tenant
	version  int64
	account  desk

	others bool   // seen in the account
	told   string // by the finding
}

// desk is the account as the gate needs it.
type desk interface {
	plan.Reader
	target.Lister
}

// open implements writer.Gate.
func (f *firstLoad) open(ctx context.Context) (bool, error) {
	_, asks := f.settings.Zendesk.Adopts()
	begun, err := f.begun(ctx)
	if err != nil || begun || !asks {
		return err == nil, err
	}
	if !f.others {
		if f.others, err = strangers(ctx, f.account, f.tenant); err != nil || !f.others {
			return err == nil, writer.Refusal(err)
		}
	}
	why, stuck, err := f.unread(ctx)
	if err != nil {
		return false, err
	}
	if why != "" {
		return false, f.tell(ctx, "Zendesk holds users or organizations of others: nothing is written before the adoption report, which waits until "+why, stuck)
	}
	return f.report(ctx)
}

// begun tells whether something was written, or a report left something to a person: then there was a report.
func (f *firstLoad) begun(ctx context.Context) (bool, error) {
	counts, err := f.core.Store.CountLinks(ctx, f.tenant)
	if err != nil {
		return false, err
	}
	for _, states := range counts {
		for _, n := range states {
			if n > 0 {
				return true, nil
			}
		}
	}
	holds, err := f.core.Store.Holds(ctx, f.tenant, 0)
	for _, h := range holds {
		if h.Group.Change == store.Adoption {
			return true, nil
		}
	}
	return false, err
}

// unread tells what the report still waits for; "" for nothing; stuck when somebody must have something read. Kinds that
// are only pushed have no end to wait for.
func (f *firstLoad) unread(ctx context.Context) (why string, stuck bool, err error) {
	var missing []string
	var ended []store.Cycle
	for kind, polled := range map[record.Kind]bool{record.Employee: f.settings.PeopleSoft.HCM != nil, record.Vendor: f.settings.PeopleSoft.FSCM != nil} {
		c, read, err := f.core.firstRead(ctx, f.tenant, kind)
		switch {
		case err != nil:
			return "", false, err
		case polled && !read:
			missing = append(missing, kind.Plural())
		case read:
			ended = append(ended, c)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return strings.Join(missing, " and ") + " were read completely once: `ml-connector sync " + string(f.tenant) + " --full --wait`", true, nil
	}
	state, err := f.core.Bus.State(ctx, f.tenant)
	if err != nil {
		return "", false, err
	}
	s := state.Consumers[bus.Transformer]
	if s.Pending == 0 && s.InFlight == 0 {
		return "", false, nil
	}
	for _, c := range ended { // what came after the reads need not be waited for
		if s.OldestAge == 0 || !f.core.Now().Add(-s.OldestAge).After(c.Ended.Add(firstLoadClocks)) {
			return "what was read is worked out", false, nil
		}
	}
	return "", false, nil
}

// firstRead is the newest cycle that read a kind completely.
func (c *Core) firstRead(ctx context.Context, t tenant.ID, kind record.Kind) (store.Cycle, bool, error) {
	cycles, err := c.Store.Cycles(ctx, t, kind, 200)
	for _, y := range cycles {
		if y.State == store.Complete && y.Mode != string(event.ModeKey) {
			return y, true, err
		}
	}
	return store.Cycle{}, false, err
}

// tell keeps the finding up to date; the same is not told twice.
func (f *firstLoad) tell(ctx context.Context, detail string, stuck bool) error {
	if f.told == detail {
		return nil
	}
	err := f.core.noteAdoption(ctx, f.tenant, detail, stuck)
	if err == nil {
		f.told = detail
		f.core.Log.Warn(detail, "tenant", f.tenant, "fault", fault.AdoptionReview)
	}
	return err
}

// doubt is a record of the report that a person must look at.
type doubt struct {
	ref record.Ref
	why string
}

// report makes the adoption report and holds what is in doubt.
func (f *firstLoad) report(ctx context.Context) (bool, error) {
	if err := f.tell(ctx, "Zendesk holds users or organizations of others: the adoption report is made before the first write", false); err != nil {
		return false, err
	}
	doubts, sum, err := f.look(ctx)
	if err != nil {
		return false, err
	}
	if err := f.hold(ctx, doubts, sum); err != nil {
		return false, err
	}
	f.core.Log.Info("adoption report made", "tenant", f.tenant, "detail", plan.Told(sum.Adoption), "held", len(doubts))
	return true, f.core.noteAdoption(ctx, f.tenant, "", false)
}

// look plans everything and answers what would be adopted, or made beside somebody with the same name. What waits for
// another reason waits as ever.
func (f *firstLoad) look(ctx context.Context) (doubts []doubt, sum adminapi.PlanSummary, err error) {
	c := f.core
	policies := func(context.Context, tenant.ID) (transform.Policy, error) { return policy(f.settings, f.version), nil }
	svc := transform.New(transform.Deps{Guard: c.Store, Ledger: c.Store, Policies: policies, Now: c.Now, Log: c.Log}, transform.Options{})
	p := plan.Planner{Store: c.Store, Resolver: resolver{svc}, Target: f.account, Prefix: ourPrefixes(), Settings: f.version,
		Day: string(erp.Today(c.Now(), f.settings.Zone())), Now: c.Now}
	err = p.Run(ctx, f.tenant, adminapi.PlanQuery{}, func(l adminapi.PlanLine) error {
		switch r := l.Record; {
		case l.Summary != nil:
			sum = *l.Summary
		case r == nil || r.State != adminapi.PlanChange:
		case r.Match == adminapi.MatchAdopt:
			doubts = append(doubts, doubt{record.Ref{Kind: record.Kind(r.Kind), Key: r.Key}, "takes over Zendesk object " + r.TargetID + ": " + r.Why})
		case r.Match == adminapi.MatchReview:
			doubts = append(doubts, doubt{record.Ref{Kind: record.Kind(r.Kind), Key: r.Key}, r.Why})
		}
		return nil
	})
	if accountFailed(err) {
		err = writer.Refusal(err)
	}
	return doubts, sum, err
}

// accountFailed tells an error of the account from one of our store.
func accountFailed(err error) bool {
	code := fault.CodeOf(err)
	return err != nil && (strings.HasPrefix(string(code), "ZD_") || code == fault.TargetReauth)
}

// hold stores what is in doubt, with a hold for each kind and the report in the trail, in one transaction.
func (f *firstLoad) hold(ctx context.Context, doubts []doubt, sum adminapi.PlanSummary) error {
	items, err := f.items(ctx, doubts)
	if err != nil {
		return err
	}
	now, ref := f.core.Now(), plan.AdoptionRef()
	return f.core.Store.Judge(ctx, f.tenant, now.Add(-24*time.Hour), func(b store.Book) store.Judgement {
		j := store.Judgement{At: now, Entries: []audit.Entry{{ID: audit.ID(audit.Operator, ref, uint64(f.version), "adoption", now.UTC().String()), Ref: ref, At: now,
			Stage: audit.Operator, Verb: "report adoption", Outcome: audit.Finished, Cause: firstLoadCause, Detail: plan.Told(sum.Adoption)}}}
		for _, h := range b.Holds {
			if h.Group.Change == store.Adoption { // another writer was faster
				return store.Judgement{}
			}
		}
		waits := map[record.Ref]bool{} // for another reason: a record has one item
		for _, it := range b.Items {
			waits[it.Ref] = true
		}
		holds := map[record.Kind]string{}
		for _, it := range items {
			if waits[it.Ref] {
				continue
			}
			kind := it.Ref.Kind
			if holds[kind] == "" {
				holds[kind] = fmt.Sprintf("%s-%d", store.Adoption, b.Next+len(j.Holds))
				j.Holds = append(j.Holds, store.Hold{ID: holds[kind], Group: it.Group(), Cause: firstLoadCause, State: store.HoldWaiting, Created: now})
			}
			it.Hold = holds[kind]
			j.Items = append(j.Items, it)
		}
		if len(j.Holds) > 0 { // the guard brings the numbers up to date
			alert := transform.AdoptionAlert()
			j.Observations = []store.Observation{{Ref: alert, Findings: []store.Finding{{Ref: alert, Stage: audit.Transformer, Code: fault.AdoptionReview, Hold: true,
				Detail: plan.Told(sum.Adoption), Since: now, At: now}}}}
		}
		return j
	})
}

const (
	firstLoadCause  = "first load"
	firstLoadClocks = 5 * time.Second // by which the clocks of broker and poller may differ
)

// items are the doubts as the guard keeps them, with the wanted states that an approval is bound to.
func (f *firstLoad) items(ctx context.Context, doubts []doubt) ([]store.GuardItem, error) {
	var items []store.GuardItem
	for page := range slices.Chunk(doubts, 500) {
		refs := make([]record.Ref, len(page))
		for i, d := range page {
			refs[i] = d.ref
		}
		rows, err := f.core.Store.Rows(ctx, f.tenant, refs)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			row := rows[d.ref]
			items = append(items, store.GuardItem{Ref: d.ref, Change: store.Adoption, Cause: firstLoadCause, State: store.ItemHeld, Content: d.why,
				Digest: store.DigestItem(nil, row.Wanted), After: row.Wanted, Revision: row.Revision, At: f.core.Now()})
		}
	}
	return items, nil
}
