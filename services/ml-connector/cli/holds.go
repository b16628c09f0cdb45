package cli

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type decideOptions struct {
	*common
	tenant, id, hash, reason, by string
	only                         []string
	approve, unread              bool
}

func newHolds(c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "holds",
		Short:   "Mass changes that the guard keeps back until a person approves or rejects them",
		Example: "  ml-connector holds list acme\n  ml-connector holds show acme suspend-1\n  ml-connector holds approve acme suspend-1 --hash HASH --reason \"plant closed\"",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{Use: "list <tenant>", Short: "Holds, newest first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runHolds(cmd.Context(), c, args[0]) }}
	show := &cobra.Command{Use: "show <tenant> <hold>", Short: "One hold with the old and new values of its records", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return runHold(cmd.Context(), c, args[0], args[1]) }}
	for _, sub := range []*cobra.Command{list, show} {
		sub.Flags().BoolVar(&c.json, "json", false, "print JSON")
	}
	cmd.AddCommand(list, show, newDecide(c, "approve", "Let everything pass that the hold holds and that is still true", true),
		newDecide(c, "reject", "Leave the records as they are in Zendesk until PeopleSoft changes them again", false))
	return cmd
}

func newDecide(c *common, verb, short string, approve bool) *cobra.Command {
	o := decideOptions{common: c, approve: approve}
	cmd := &cobra.Command{Use: verb + " <tenant> <hold>", Short: short, Args: cobra.ExactArgs(2),
		Example: "  ml-connector holds " + verb + " acme suspend-1 --hash HASH --reason \"talked to HR\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant, o.id = args[0], args[1]
			return runDecide(cmd.Context(), o)
		}}
	cmd.Flags().StringVar(&o.hash, "hash", "", "of the content that was looked at, from `holds show`; without it the hold is decided on as it is now")
	if approve {
		cmd.Flags().BoolVar(&o.unread, "without-reread", false, "do not read PeopleSoft again first, for when it cannot be read; the audit trail says so")
	}
	cmd.Flags().StringArrayVar(&o.only, "only", nil, "key of a record to decide on; the rest goes on waiting in a new hold; may be given again")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the audit trail")
	cmd.Flags().StringVar(&o.by, "by", "", "who decides, for the audit trail; the user of this machine when left out")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func (c *common) reach(name string) (tenant.ID, *adminapi.Client, error) {
	t, err := parseTenant(name)
	if err != nil {
		return "", nil, err
	}
	client, err := c.client()
	return t, client, err
}

func runHolds(ctx context.Context, c *common, name string) error {
	t, client, err := c.reach(name)
	if err != nil {
		return err
	}
	rows, err := client.Holds(ctx, t)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(rows)
	}
	if len(rows) == 0 {
		c.talk("no holds")
		return nil
	}
	tw := tabwriter.NewWriter(c.out(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "hold\tstate\trecords\tlimit\tsince\tdecided by\thash")
	for _, h := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%s\t%s\t%.12s\n", h.ID, h.State, h.Items, h.Limit, h.Created.Local().Format(time.DateTime), h.By, h.Hash)
	}
	return tw.Flush()
}

func runHold(ctx context.Context, c *common, name, id string) error {
	t, client, err := c.reach(name)
	if err != nil {
		return err
	}
	d, err := client.Hold(ctx, t, id)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(d)
	}
	printHold(c.out(), d.Hold)
	for _, r := range d.Records {
		fmt.Fprintf(c.out(), "  %s/%s  %s since %s, from %s\n", r.Kind, r.Key, r.State, r.Since.Local().Format(time.DateTime), r.Cause)
		for _, ch := range r.Changes {
			fmt.Fprintf(c.out(), "    %s: %q -> %q\n", ch.Field, ch.Before, ch.After)
		}
	}
	if d.Hold.State == "waiting" {
		fmt.Fprintf(c.out(), "next: ml-connector holds approve %s %s --hash %s --reason …\n  or: ml-connector holds reject  %s %s --hash %s --reason …\n",
			t, id, d.Hold.Hash, t, id, d.Hold.Hash)
	}
	return nil
}

func printHold(w io.Writer, h adminapi.Hold) {
	if h.State == "void" {
		fmt.Fprintf(w, "%s  void: nothing of it is true any more\n", h.ID)
		return
	}
	if h.Limit == 0 && (h.Change == "ring" || h.Change == "relink" || h.Change == "adopt") { // no limit was exceeded: a person decides about these records
		fmt.Fprintf(w, "%s  %s: %d records (%s of %ss)\n", h.ID, h.State, h.Items, h.Change, h.Kind)
	} else {
		fmt.Fprintf(w, "%s  %s: %d records (%s of %ss), the limit is %d in 24 hours, %d had passed\n", h.ID, h.State, h.Items, h.Change, h.Kind, h.Limit, h.Passed)
	}
	if h.Decided != nil && h.By != "" {
		fmt.Fprintf(w, "  by %s at %s: %s\n", h.By, h.Decided.Local().Format(time.DateTime), h.Reason)
	}
}

// runDecide decides on the content with the given hash; without one, on what the hold holds at this moment.
func runDecide(ctx context.Context, o decideOptions) error {
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	if o.hash == "" {
		d, err := client.Hold(ctx, t, o.id)
		if err != nil {
			return err
		}
		o.hash = d.Hold.Hash
	}
	if o.by == "" {
		o.by = actor()
	}
	decide := client.Reject
	if o.approve {
		decide = client.Approve
		if !o.unread {
			o.talk("PeopleSoft is read again first")
		}
	}
	h, err := decide(ctx, t, o.id, adminapi.Decision{Hash: o.hash, By: o.by, Reason: o.reason, WithoutReread: o.unread, Only: o.only})
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(h)
	}
	printHold(o.out(), h)
	if h.Rest != "" {
		fmt.Fprintf(o.out(), "  the rest waits in %s\nnext: ml-connector holds show %s %s\n", h.Rest, t, h.Rest)
	}
	return nil
}
