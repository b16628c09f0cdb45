package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

func newStatus(c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status [<tenant>]",
		Short:   "Cycles, backlog per stage, findings, dead letters, rate budget",
		Example: "  ml-connector status\n  ml-connector status acme --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return runStatus(cmd.Context(), c, name)
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runStatus(ctx context.Context, c *common, name string) (err error) {
	var t tenant.ID
	if name != "" {
		if t, err = parseTenant(name); err != nil {
			return err
		}
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	s, err := client.Status(ctx, t)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(s)
	}
	if len(s.Tenants) == 0 {
		fmt.Fprintln(c.out(), "no tenants yet\nnext: ml-connector apply -f tenant.yaml")
	}
	for _, ts := range s.Tenants {
		printStatus(c.out(), ts)
	}
	return nil
}

// printStatus shows what is wrong first, then the flow, then the numbers.
func printStatus(w io.Writer, s adminapi.TenantStatus) {
	fmt.Fprintf(w, "%s  %s\n", s.Tenant, headline(s))
	if s.Mode == "observe" {
		fmt.Fprintf(w, "  ! OBSERVE MODE: NOTHING IS WRITTEN TO ZENDESK\n    next  look with ml-connector plan %s; then set mode: live in the tenant file and apply it\n", s.Tenant)
	}
	for _, p := range s.Problems {
		problem(w, "  ✗", p)
	}
	if outside(s.Problems) {
		fmt.Fprintf(w, "    look  ml-connector check %s tells each step that fails, and why; what waits goes on by itself, nothing is lost\n", s.Tenant)
	}
	for _, h := range s.Waiting {
		fmt.Fprintf(w, "  ! hold %s: %s wait for a person since %s\n    next  ml-connector holds show %s %s, then approve or reject it\n", h.ID, many(h.Items, "record"),
			h.Created.Local().Format("2006-01-02 15:04:05"), s.Tenant, h.ID)
	}
	for _, p := range s.Warnings {
		problem(w, "  !", p)
	}
	printHeld(w, s)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "  stage\tbacklog\tin flight\toldest")
	for _, st := range s.Stages {
		fmt.Fprintf(tw, "  %s\t%d\t%d\t%.0fs\n", st.Stage, st.Backlog, st.InFlight, st.LagSeconds)
	}
	if len(s.Cycles) == 0 {
		fmt.Fprintf(tw, "  nothing was read yet: ml-connector sync %s --full --wait\n", s.Tenant)
	} else {
		fmt.Fprintln(tw, "  last cycle\tstate\trecords\tended")
	}
	for _, c := range s.Cycles {
		ended := "running"
		if c.Ended != nil {
			ended = c.Ended.Local().Format("2006-01-02 15:04:05")
		}
		state := c.State
		if c.Problem != nil {
			state += " " + c.Problem.Code
		}
		fmt.Fprintf(tw, "  %s %s\t%s\t%d\t%s\n", c.Kind, c.Mode, state, c.Records, ended)
	}
	_ = tw.Flush()
	fmt.Fprintf(w, "  records    %s\n  in Zendesk %s\n", counts(s.Records), counts(s.Linked))
	fmt.Fprintf(w, "  findings   %s\n  waiting    %s, %s\n", counts(s.Findings), many(s.Holds, "record"), many(int(s.DeadLetters), "dead letter"))
	printComing(w, s.Coming)
	printBudget(w, s)
}

// printHeld says why records wait, and what heals it.
func printHeld(w io.Writer, s adminapi.TenantStatus) {
	for _, h := range s.Held {
		verb := "wait"
		if h.Records == 1 {
			verb = "waits"
		}
		fmt.Fprintf(w, "  ! %s: %s %s\n    next  %s\n", h.Code, many(h.Records, "record"), verb, h.Next)
	}
	if len(s.Held) > 0 {
		fmt.Fprintf(w, "    look  ml-connector missing %s names them\n", s.Tenant)
	}
	if s.DeadLetters > 0 {
		fmt.Fprintf(w, "  ! %s\n    next  ml-connector dead list %s, then retry or drop them\n", many(int(s.DeadLetters), "dead letter"), s.Tenant)
	}
}

// printBudget says how much of the account's limits is left, and whether the account is asked at all.
func printBudget(w io.Writer, s adminapi.TenantStatus) {
	switch b := s.Budget; {
	case b == nil && s.Breaker != "":
		fmt.Fprintf(w, "  budget     the process that writes tells it (/metrics), breaker %s\n", s.Breaker)
	case b == nil:
	case b.PerMinute == 0:
		fmt.Fprintf(w, "  budget     Zendesk told no limit yet (our share %.0f %%), %d of %d jobs, breaker %s\n", 100*b.Share, b.Jobs, b.JobLimit, s.Breaker)
	default:
		fmt.Fprintf(w, "  budget     %d of %d calls left this minute (our share %.0f %%), %d of %d jobs, breaker %s\n",
			b.Remaining, b.PerMinute, 100*b.Share, b.Jobs, b.JobLimit, s.Breaker)
		if b.Waiting > time.Second {
			fmt.Fprintf(w, "             the next call leaves in %s\n", b.Waiting.Round(time.Second))
		}
	}
}

// many is a number with its word.
func many(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// headline says in one line how a tenant is, and whether anything waits.
func headline(s adminapi.TenantStatus) string {
	open, oldest := 0, 0.0
	for _, st := range s.Stages {
		if st.Quiet { // in observe mode the backlog of the writer is not on its way
			continue
		}
		open += int(st.Backlog) + st.InFlight
		oldest = max(oldest, st.LagSeconds)
	}
	flow := "nothing in flight"
	if open > 0 {
		flow = fmt.Sprintf("%d in flight, the oldest for %.0f s", open, oldest)
	}
	if n := len(s.Problems); n > 0 {
		return fmt.Sprintf("needs you: %s; %s", many(n, "problem"), flow)
	}
	if s.Quiet {
		return "quiet: " + flow
	}
	return "working: " + flow
}

// outside tells whether PeopleSoft or Zendesk does not do what it should.
func outside(problems []adminapi.Problem) bool {
	return slices.ContainsFunc(problems, func(p adminapi.Problem) bool {
		return strings.HasPrefix(p.Where, "peoplesoft.") || p.Where == "zendesk"
	})
}

func counts(m map[string]int) string {
	if len(m) == 0 {
		return "none"
	}
	text := ""
	for i, k := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %d", k, m[k])
	}
	return text
}
