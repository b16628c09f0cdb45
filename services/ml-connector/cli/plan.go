package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type planOptions struct {
	*common
	tenant  string
	query   adminapi.PlanQuery
	summary bool
	fresh   bool
	timeout time.Duration
}

func newPlan(c *common) *cobra.Command {
	o := planOptions{common: c}
	cmd := &cobra.Command{
		Use:   "plan <tenant>",
		Short: "What a full run would change in Zendesk; writes nothing",
		Long: `What a full run would change in Zendesk, computed from what is known of PeopleSoft, as of today: every record that
is not as wanted with verb, reason and old and new values, what waits and for what, and what the guard would hold.
Before the first load it also tells whom the users in Zendesk stand for. It writes nothing to Zendesk and reads at half
of our share of the limit, so that live traffic goes on. Exit 3 when Zendesk cannot be read.`,
		Example: "  ml-connector plan acme --summary\n  ml-connector plan acme --fresh\n  ml-connector plan acme --key 0004711\n  ml-connector plan acme --json | jq '.records[] | select(.verb==\"suspend\")'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			return runPlan(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.query.Kind, "kind", "", "employees or vendors; left out: both, or what the key's form tells")
	cmd.Flags().StringVar(&o.query.Key, "key", "", "one record, explained also when nothing is to be done: EMPLID, or SETID/VENDOR_ID")
	cmd.Flags().BoolVar(&o.fresh, "fresh", false, "read PeopleSoft completely first; only in mode: observe, where that writes nothing")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 30*time.Minute, "longest time to wait for --fresh")
	cmd.Flags().BoolVar(&o.summary, "summary", false, "the counts only")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runPlan(ctx context.Context, o planOptions) error {
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	if o.fresh {
		if err := o.refresh(ctx, client, t); err != nil {
			return err
		}
	}
	o.query.Kind = kindOf(adminapi.Sync{Kind: o.query.Kind, Key: o.query.Key})
	out := planPrinter{w: o.out(), quiet: o.summary, json: o.json, every: time.Now()}
	s, err := client.Plan(ctx, t, o.query, func(l adminapi.PlanLine) error {
		if l.Progress != nil {
			o.planned(&out, *l.Progress)
		}
		if l.Record == nil {
			return nil
		}
		return out.record(*l.Record)
	})
	if err != nil {
		return err
	}
	return out.end(s)
}

// refresh reads everything that the plan is about, where a read writes nothing to Zendesk.
func (o planOptions) refresh(ctx context.Context, client *adminapi.Client, t tenant.ID) error {
	s, err := client.Status(ctx, t)
	if err != nil {
		return err
	}
	if len(s.Tenants) != 1 || s.Tenants[0].Mode != "observe" {
		return app.InputError{Err: fmt.Errorf("%s is live: what is read is written, so a plan cannot read first\n  next  plan without --fresh, or set mode: observe in the tenant file and apply it", t)}
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	o.talk("PeopleSoft is read first")
	asked, err := client.Sync(ctx, t, adminapi.Sync{Kind: o.query.Kind, Full: true})
	if err != nil {
		return err
	}
	cycles, err := waitCycles(ctx, client, t, asked.Cycles)
	if err != nil {
		return err
	}
	for _, c := range cycles {
		if c.State != "complete" {
			problem(o.env.Stderr, "✗", *cmp.Or(c.Problem, &adminapi.Problem{Code: c.State, Where: c.Kind}))
			return app.Silent{Code: app.ExitOutside}
		}
	}
	_, err = waitQuiet(ctx, client, t)
	return err
}

// planned tells how far the plan is, not more often than every two seconds.
func (c *common) planned(out *planPrinter, p adminapi.PlanProgress) {
	if time.Since(out.every) < 2*time.Second && p.WaitingSeconds == 0 {
		return
	}
	out.every = time.Now()
	text := fmt.Sprintf("%d of %d records looked at", p.Done, p.Total)
	if p.WaitingSeconds >= 1 {
		text += fmt.Sprintf("; Zendesk is asked again in %.0f s", p.WaitingSeconds)
	}
	c.talk("%s", text)
}

// planPrinter prints a plan while it comes: JSON as one document {"records": […], "summary": {…}}.
type planPrinter struct {
	w           io.Writer
	quiet, json bool
	begun       bool
	every       time.Time
}

func (p *planPrinter) record(r adminapi.PlanRecord) error {
	switch {
	case p.quiet:
		return nil
	case !p.json:
		printPlanned(p.w, r)
		return nil
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	lead := ",\n"
	if !p.begun {
		p.begun, lead = true, "{\"records\": [\n"
	}
	_, err = fmt.Fprintf(p.w, "%s  %s", lead, b)
	return err
}

func (p *planPrinter) end(s adminapi.PlanSummary) error {
	if !p.json {
		printSummary(p.w, s)
		return nil
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	lead := "],\n\"summary\": "
	if !p.begun {
		lead = "{\"records\": [" + lead
	}
	_, err = fmt.Fprintf(p.w, "%s%s}\n", lead, b)
	return err
}

// printPlanned tells one record: what, why, its values, its reasons.
func printPlanned(w io.Writer, r adminapi.PlanRecord) {
	word := r.Verb
	if r.State != adminapi.PlanChange {
		word = strings.TrimSpace(r.State + " " + r.Verb)
	}
	fmt.Fprintf(w, "%-14s %s/%s", word, r.Kind, r.Key)
	if r.Code != "" {
		fmt.Fprintf(w, "  %s", r.Code)
	}
	fmt.Fprintln(w)
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(w, "    %-8s %s\n", label, text)
		}
	}
	line("why", r.Why)
	line("hold", r.Hold)
	line("match", r.Match)
	for _, c := range r.Changes {
		line("change", fmt.Sprintf("%s: %q -> %q", c.Field, c.Before, c.After))
	}
	for _, x := range r.Explain {
		line("because", x)
	}
	line("next", r.Next)
}

// printSummary tells the counts, what the guard would say and how old the knowledge is.
func printSummary(w io.Writer, s adminapi.PlanSummary) {
	fmt.Fprintf(w, "%s, as of %s, %s mode: nothing was written\n", s.Tenant, s.AsOf, s.Mode)
	if len(s.Records) == 0 {
		how := "sync %s --full --wait"
		if s.Mode == "observe" {
			how = "plan %s --fresh"
		}
		fmt.Fprintf(w, "  nothing was read of PeopleSoft yet: there is nothing to compare\n    next  ml-connector "+how+"\n", s.Tenant)
		return
	}
	fmt.Fprintf(w, "  looked at  %s\n  changes    %s\n  waiting    %s\n", counts(s.Records), counts(s.Changes), counts(s.Waits))
	if s.Drift > 0 {
		fmt.Fprintf(w, "  drift      %d were changed in Zendesk since; they are put right when the record changes\n", s.Drift)
	}
	for _, g := range s.Guard {
		verdict := "passes"
		if g.Waits {
			verdict = "WOULD WAIT FOR A PERSON"
		}
		if g.Asking == 0 {
			verdict = "nothing asks"
		}
		fmt.Fprintf(w, "  guard      %s of %ss: %d ask, %d held, %d passed in 24 hours, the limit is %d: %s\n", g.Change, g.Kind, g.Asking, g.Held, g.Passed, g.Limit, verdict)
	}
	for _, a := range s.Adoption {
		fmt.Fprintf(w, "  in Zendesk %ss: %d, of them %d agents and admins\n", a.Kind, a.Objects, a.Staff)
		fmt.Fprintf(w, "    whom they stand for: exact %d, to adopt %d, needs review %d, new %d, orphans %d\n", a.Exact, a.Adopt, a.Review, a.New, a.Orphans)
	}
	if len(s.Reads) == 0 {
		fmt.Fprintln(w, "  source     never read completely\n    next  ml-connector sync "+s.Tenant+" --full --wait")
	}
	for _, r := range s.Reads {
		fmt.Fprintf(w, "  source     %ss: last complete full read %s ago, %d records\n", r.Kind, time.Since(r.Ended).Round(time.Second), r.Records)
	}
}
