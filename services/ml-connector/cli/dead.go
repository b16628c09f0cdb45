package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
)

type deadOptions struct {
	*common
	tenant, letter string
	reveal, drop   bool
	choice         adminapi.DeadChoice
}

func newDead(c *common) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "dead",
		Short:   "Dead letters: events that are not tried again by themselves",
		Example: "  ml-connector dead list acme\n  ml-connector dead show acme 17\n  ml-connector dead retry acme --code POISON\n  ml-connector dead drop acme 17 --reason \"left the company\"",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{Use: "list <tenant>", Short: "Open letters by reason, with their ages", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runDeadList(cmd.Context(), c, args[0]) }}
	o := deadOptions{common: c}
	show := &cobra.Command{Use: "show <tenant> <letter>", Short: "One letter with its event", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant, o.letter = args[0], args[1]
			return runDeadShow(cmd.Context(), o)
		}}
	show.Flags().BoolVar(&o.reveal, "reveal", false, "open a sealed message; the audit trail tells who did")
	show.Flags().StringVar(&o.choice.By, "by", "", "who asks, for the audit trail; the user of this machine when left out")
	for _, sub := range []*cobra.Command{list, show} {
		sub.Flags().BoolVar(&c.json, "json", false, "print JSON")
	}
	cmd.AddCommand(list, show, newDeadDecide(c, "retry", "Send letters through the handler that failed, once more", false),
		newDeadDecide(c, "drop", "Give letters up, with a reason", true))
	return cmd
}

func newDeadDecide(c *common, verb, short string, drop bool) *cobra.Command {
	o := deadOptions{common: c, drop: drop}
	cmd := &cobra.Command{Use: verb + " <tenant> [letter]...", Short: short, Args: cobra.MinimumNArgs(1),
		Example: "  ml-connector dead " + verb + " acme 17 --reason \"mapping corrected\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			for _, a := range args[1:] {
				n, err := strconv.ParseUint(a, 10, 64)
				if err != nil || n == 0 {
					return noNumber(a, o.tenant)
				}
				o.choice.Sequences = append(o.choice.Sequences, n)
			}
			return runDeadDecide(cmd.Context(), o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.choice.Code, "code", "", "all open letters with this reason code")
	f.StringVar(&o.choice.Stage, "stage", "", "all open letters of this stage")
	f.BoolVar(&o.choice.All, "all", false, "all open letters")
	f.StringVar(&o.choice.Reason, "reason", "", "why, for the audit trail; drop needs one")
	f.StringVar(&o.choice.By, "by", "", "who decides, for the audit trail; the user of this machine when left out")
	f.BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runDeadList(ctx context.Context, c *common, name string) error {
	t, client, err := c.reach(name)
	if err != nil {
		return err
	}
	list, err := client.DeadLetters(ctx, t)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(list)
	}
	if len(list.Groups) == 0 {
		c.talk("no dead letters")
		return nil
	}
	for _, g := range list.Groups {
		fmt.Fprintf(c.out(), "%s of %s: %d, from %s to %s\n    next  %s\n", g.Code, g.Stage, g.Letters, g.Oldest.Local().Format(time.DateTime), g.Newest.Local().Format(time.DateTime), g.Next)
	}
	tw := tabwriter.NewWriter(c.out(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "letter\tsince\tcode\tstage\trecord\tdetail")
	for _, l := range list.Letters {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\n", l.Sequence, l.At.Local().Format(time.DateTime), l.Code, l.Stage, recordOf(l.Kind, l.Key), l.Detail)
	}
	return tw.Flush()
}

func runDeadShow(ctx context.Context, o deadOptions) error {
	n, err := strconv.ParseUint(o.letter, 10, 64)
	if err != nil || n == 0 {
		return noNumber(o.letter, o.tenant)
	}
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	if o.choice.By == "" {
		o.choice.By = actor()
	}
	var d adminapi.DeadDetail
	if o.reveal {
		d, err = client.RevealDead(ctx, t, n, adminapi.By{By: o.choice.By})
	} else {
		d, err = client.DeadLetter(ctx, t, n)
	}
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(d)
	}
	l := d.Letter
	from := "the ingress" // what could not be read as it came in was never on a stream
	if l.Place > 0 {
		from = fmt.Sprintf("%s %d", l.Stream, l.Place)
	}
	fmt.Fprintf(o.out(), "letter %d  %s of %s, %s, since %s\n    why   %s\n    next  %s\n    from  %s after %s, cause %s\n", l.Sequence, l.Code, l.Stage, recordOf(l.Kind, l.Key),
		l.At.Local().Format(time.DateTime), l.Detail, l.Next, from, tries(l.Attempts), l.Cause)
	if l.Again > 0 {
		fmt.Fprintf(o.out(), "    it is what came of the retry of letter %d\n", l.Again)
	}
	if strings.Contains(d.Original, `"sealed":`) && d.Revealed == "" {
		fmt.Fprintf(o.out(), "    open  ml-connector dead show %s %d --reveal shows the message; the audit trail tells who did\n", t, l.Sequence)
	}
	if l.Decided != "" {
		fmt.Fprintf(o.out(), "    %s by %s: %s\n", l.Decided, l.By, l.Reason)
	}
	for _, text := range []string{d.Original, d.Raw, d.Revealed} {
		if text != "" {
			fmt.Fprintln(o.out(), text)
		}
	}
	return nil
}

// recordOf is a record as kind/key, or that there is none.
func recordOf(kind, key string) string {
	if key == "" {
		return "no record"
	}
	return kind + "/" + key
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}

func noNumber(letter, tenant string) error {
	return wrong("take one from `ml-connector dead list "+tenant+"`", "letter %q: want its number", letter)
}

func runDeadDecide(ctx context.Context, o deadOptions) error {
	if o.choice.By == "" {
		o.choice.By = actor()
	}
	if o.drop && o.choice.Reason == "" {
		return wrong("say why it is given up: --reason \"left the company\"", "--reason: required to drop a dead letter")
	}
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	decide, done := client.RetryDead, "sent again"
	if o.drop {
		decide, done = client.DropDead, "dropped"
	}
	results, err := decide(ctx, t, o.choice)
	if err != nil {
		return err
	}
	if len(results) == 0 {
		o.talk("no open letter is of these; see `ml-connector dead list %s`", t)
	}
	bad := 0
	for _, r := range results {
		if !r.Done {
			bad++
		}
	}
	if o.json {
		err = o.printJSON(results)
	} else {
		for _, r := range results {
			if r.Done {
				fmt.Fprintf(o.out(), "letter %d %s\n", r.Sequence, done)
				continue
			}
			fmt.Fprintf(o.out(), "letter %d stays: %s\n    why   %s\n    next  %s\n", r.Sequence, r.Code, r.Detail, r.Next)
		}
	}
	if err == nil && bad > 0 {
		err = app.Silent{Code: app.ExitFailed}
	}
	return err
}
