package demo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
)

func (p *player) say(format string, args ...any) {
	if !p.JSON {
		fmt.Fprintf(p.Out, format+"\n", args...)
	}
}

// sync asks for cycles and waits until nothing is in flight, showing the backlog meanwhile.
func (p *player) sync(ctx context.Context, s adminapi.Sync) error {
	asked, err := p.client.Sync(ctx, Tenant, s)
	if err != nil {
		return err
	}
	for _, id := range asked.Cycles {
		if err := p.cycle(ctx, id); err != nil {
			return err
		}
	}
	shown := time.Now()
	for {
		quiet, _, err := p.client.Quiet(ctx, Tenant)
		if err != nil || quiet {
			return err
		}
		if time.Since(shown) > time.Second {
			status, err := p.client.Status(ctx, Tenant)
			if err != nil {
				return err
			}
			p.progress(status)
			shown = time.Now()
		}
		if err := nap(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (p *player) cycle(ctx context.Context, id string) error {
	for {
		c, ok, err := p.client.Cycle(ctx, Tenant, id)
		if err != nil {
			return err
		}
		if ok && c.State == "complete" {
			return nil
		}
		if ok && c.State != "running" {
			return fmt.Errorf("cycle of %ss: %s: %+v", c.Kind, c.State, c.Problem)
		}
		if err := nap(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (p *player) progress(s adminapi.Status) {
	var parts []string
	for _, t := range s.Tenants {
		for _, st := range t.Stages {
			if !st.Quiet {
				parts = append(parts, fmt.Sprintf("%s %d waiting, %d in work", st.Stage, st.Backlog, st.InFlight))
			}
		}
		if b := t.Budget; b != nil && b.PerMinute > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d calls left this minute", b.Remaining, b.PerMinute))
		}
	}
	p.say("   … %s", strings.Join(parts, "; "))
}

// conclude says what Zendesk now holds and why, and keeps the verdict.
func (p *player) conclude(ctx context.Context, title, happened, key string) error {
	findings, err := p.client.Findings(ctx, Tenant)
	if err != nil {
		return err
	}
	excused, codes := map[string]bool{}, map[string]int{}
	for _, f := range findings {
		codes[f.Code]++
		if f.Hold && f.Stage == string(audit.Writer) {
			excused[f.Key] = true
		}
	}
	diff := p.judge.Verdict(excused)
	if diff == nil {
		diff = []string{}
	}
	p.sum.Acts = append(p.sum.Acts, ActSummary{Act: title, Event: happened, Record: key, Differences: diff})
	if key != "" {
		if err := p.record(ctx, key); err != nil {
			return err
		}
	}
	p.totals(codes, len(excused))
	for i, d := range diff {
		if i == 10 {
			p.say("   ✗ … and %d more", len(diff)-10)
			break
		}
		p.say("   ✗ %s", d)
	}
	if len(diff) == 0 {
		p.say("   ✓ Zendesk holds what PeopleSoft says\n")
	}
	return nil
}

func (p *player) totals(codes map[string]int, held int) {
	active, suspended := 0, 0
	for _, u := range p.company.ZD.Users() {
		if u.ExternalID == nil {
			continue
		}
		if u.Suspended {
			suspended++
		} else {
			active++
		}
	}
	p.sum.Users, p.sum.Orgs = active+suspended, len(p.company.ZD.Organizations())
	p.say("   Zendesk now: %d active users, %d suspended, %d organizations; %d records wait for a person", active, suspended, p.sum.Orgs, held)
	for _, c := range slices.Sorted(maps.Keys(codes)) {
		p.say("   flagged: %s %d", c, codes[c])
	}
}

// record shows one record's object in Zendesk and the decisions that led to it.
func (p *player) record(ctx context.Context, key string) error {
	if set, id, ok := record.SplitVendorKey(key); ok {
		for _, o := range p.company.ZD.Organizations() {
			if text(o.ExternalID) == "psft:vendor:"+set+":"+id {
				p.say("   Zendesk organization %d: %q", o.ID, o.Name)
			}
		}
	} else if u, ok := p.company.ZD.UserByExternalID("psft:emp:" + key); ok {
		p.say("   Zendesk user %d: %q <%s>, department %q, title %q, suspended %t", u.ID, u.Name, text(u.Email),
			field(u.UserFields, "department"), field(u.UserFields, "job_title"), u.Suspended)
	} else {
		p.say("   Zendesk has no user for it")
	}
	rows, err := p.client.Audit(ctx, Tenant, audit.Query{Ref: record.Ref{Key: key}, Limit: 2, Newest: true})
	if err != nil {
		return err
	}
	slices.Reverse(rows)
	for _, r := range rows {
		p.say("   %s: %s %s %s %s", r.Stage, r.Outcome, r.Verb, r.Code, r.Detail)
		for _, c := range r.Changes {
			p.say("      %s: %q -> %q", c.Field, c.Before, c.After)
		}
		for _, x := range r.Explain {
			p.say("      because %s", x)
		}
	}
	return nil
}

func (p *player) epilogue() {
	word := "Zendesk holds exactly what PeopleSoft says."
	if !p.sum.OK {
		word = "Zendesk DIFFERS from PeopleSoft, see ✗ above."
	}
	p.say("== %s\n   %d users, %d organizations, %d calls (%d answered 429), %d deletes, %.1f s", word, p.sum.Users, p.sum.Orgs, p.sum.Calls, p.sum.Limited, p.sum.Deletes, p.sum.Seconds)
	if !p.Once {
		p.say("\nThe system goes on. Look around in another terminal:\n  %s\n  %s\nPlay your own events:\n  %s\nCtrl-C ends it.",
			"ml-connector status --data "+p.dir, "ml-connector audit "+Tenant+" --since 1h --data "+p.dir,
			`curl -d '{"type":"hire","first":"Ada","last":"Example"}' `+p.company.PSURL+"/_sim/event && ml-connector sync "+Tenant+" --wait --data "+p.dir)
	}
}

func nap(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
