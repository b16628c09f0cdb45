package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
)

type auditOptions struct {
	*common
	tenant, kind, key, since, cause string
	limit                           int
}

func newAudit(c *common) *cobra.Command {
	o := auditOptions{common: c}
	cmd := &cobra.Command{
		Use:     "audit <tenant>",
		Short:   "What was decided, why, and what came of it",
		Example: "  ml-connector audit acme --key 0004711\n  ml-connector audit acme --since 24h --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			return runAudit(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.key, "key", "", "one record: EMPLID, or SETID/VENDOR_ID")
	cmd.Flags().StringVar(&o.kind, "kind", "", "employees or vendors")
	cmd.Flags().StringVar(&o.since, "since", "", "a duration such as 24h, or a time such as 2026-11-23T08:00:00Z")
	cmd.Flags().StringVar(&o.cause, "cause", "", "what set it off, for example cycle/<id>")
	cmd.Flags().IntVar(&o.limit, "limit", 1000, "at most this many entries, the newest ones")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	cmd.AddCommand(newVerify(c))
	return cmd
}

func runAudit(ctx context.Context, o auditOptions) error {
	t, err := parseTenant(o.tenant)
	if err != nil {
		return err
	}
	q, err := o.query(time.Now())
	if err != nil {
		return app.InputError{Err: err}
	}
	client, err := o.client()
	if err != nil {
		return err
	}
	rows, err := client.Audit(ctx, t, q)
	if err != nil {
		return err
	}
	if q.Newest { // asked for the newest, told in the order in which it happened
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	if o.json {
		return o.printJSON(rows)
	}
	for _, r := range rows {
		printEntry(o.out(), r)
	}
	if len(rows) == 0 {
		o.talk("no entries; is the key right? Employees have their EMPLID with leading zeros, vendors SETID/VENDOR_ID")
	}
	return nil
}

func (o auditOptions) query(now time.Time) (audit.Query, error) {
	q := audit.Query{Ref: record.Ref{Key: o.key}, Cause: o.cause, Limit: o.limit, Newest: true}
	var err error
	if o.kind != "" {
		if q.Ref.Kind, err = record.ParseKind(o.kind); err != nil {
			return q, err
		}
	}
	if o.since == "" {
		return q, nil
	}
	if d, err := time.ParseDuration(o.since); err == nil {
		q.Since = now.Add(-d)
		return q, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if q.Since, err = time.ParseInLocation(layout, o.since, time.Local); err == nil {
			return q, nil
		}
	}
	return q, fmt.Errorf("--since %q: want a duration such as 24h or a time such as 2026-11-23T08:00:00Z", o.since)
}

// printEntry tells one decision: what, its reasons, its changes.
func printEntry(w io.Writer, e adminapi.AuditEntry) {
	who := e.Kind
	if e.Key != "" {
		who += "/" + e.Key
	}
	fmt.Fprintf(w, "%s  %-14s %-24s %s", e.At.Local().Format("2006-01-02 15:04:05"), e.Stage, who, e.Outcome)
	if e.Verb != "" {
		fmt.Fprintf(w, " %s", e.Verb)
	}
	if e.Code != "" {
		fmt.Fprintf(w, " %s", e.Code)
	}
	fmt.Fprintln(w)
	line := func(label, text string) {
		if text = strings.TrimSpace(text); text != "" {
			fmt.Fprintf(w, "    %-8s %s\n", label, text)
		}
	}
	line("what", e.Detail)
	for _, c := range e.Changes {
		line("change", fmt.Sprintf("%s: %q -> %q", c.Field, c.Before, c.After))
	}
	for _, x := range e.Explain {
		line("because", x)
	}
	line("request", e.Request)
	line("cause", e.Cause)
	line("next", e.Next)
}
