package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/tenant"
)

type replayOptions struct {
	*common
	tenant, since, until, stop string
	r                          adminapi.ReplayRange
	preview, wait, status      bool
	timeout                    time.Duration
}

func newReplay(c *common) *cobra.Command {
	o := replayOptions{common: c}
	cmd := &cobra.Command{
		Use:   "replay <tenant>",
		Short: "Send a range of a stream through its handler again; preview by default",
		Long: "Send a range of a stream through its handler again; preview by default.\nNothing newer is ever lost: a record's later statements are merged with the older ones.\n" +
			"ERP: facts go to the transformer. DIRECTORY: the writer compares with Zendesk again. AUDIT: entries go to the store again.",
		Example: "  ml-connector replay acme --stream ERP --key 0004711\n  ml-connector replay acme --stream ERP --since 2026-11-23T08:00:00Z --until 2026-11-23T09:00:00Z --dry-run=false --wait\n" +
			"  ml-connector replay acme --status",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			return runReplay(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.r.Stream, "stream", "", "ERP, DIRECTORY or AUDIT")
	f.Uint64Var(&o.r.From, "from-seq", 0, "first sequence of the range")
	f.Uint64Var(&o.r.To, "to-seq", 0, "last sequence of the range")
	f.StringVar(&o.since, "since", "", "stored at or after: a duration such as 24h, or a time such as 2026-11-23T08:00:00Z")
	f.StringVar(&o.until, "until", "", "stored before; a duration or a time")
	f.StringVar(&o.r.Kind, "kind", "", "employees or vendors, beside --key")
	f.StringVar(&o.r.Key, "key", "", "one record: EMPLID, or SETID/VENDOR_ID")
	f.BoolVar(&o.preview, "dry-run", true, "only say what would be sent")
	f.BoolVar(&o.wait, "wait", false, "wait until the replay ended and nothing is in flight")
	f.DurationVar(&o.timeout, "timeout", 2*time.Hour, "longest time to wait")
	f.BoolVar(&o.status, "status", false, "list the tenant's replays, newest first")
	f.StringVar(&o.stop, "stop", "", "stop the replay with this id")
	f.StringVar(&o.r.By, "by", "", "who asks, for the audit trail; the user of this machine when left out")
	f.BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runReplay(ctx context.Context, o replayOptions) error {
	if o.r.By == "" {
		o.r.By = actor()
	}
	for text, into := range map[*string]**time.Time{&o.since: &o.r.Since, &o.until: &o.r.Until} {
		q, err := auditOptions{since: *text}.query(time.Now())
		if err != nil {
			return wrong("for the hour before the last one: --since 2h --until 1h", "--since, --until: %q: want a duration such as 24h or a time such as 2026-11-23T08:00:00Z", *text)
		}
		if !q.Since.IsZero() {
			*into = &q.Since
		}
	}
	if err := o.check(); err != nil {
		return err
	}
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	switch {
	case o.status:
		return listReplays(ctx, o, t, client)
	case o.stop != "":
		r, err := client.StopReplay(ctx, t, o.stop, adminapi.By{By: o.r.By})
		if err != nil {
			return err
		}
		return o.tell(r)
	case o.preview:
		p, err := client.PreviewReplay(ctx, t, o.r)
		if err != nil {
			return err
		}
		return o.show(p)
	}
	r, err := client.StartReplay(ctx, t, o.r)
	if err != nil || !o.wait {
		if err == nil {
			err = o.tell(r)
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	return o.await(ctx, t, client, r.ID)
}

// check refuses what contradicts itself.
func (o replayOptions) check() error {
	asks := o.r.Stream != "" || o.r.Key != "" || o.r.From > 0 || o.r.To > 0 || o.since != "" || o.until != ""
	switch {
	case o.status && o.stop != "":
		return wrong("give one of them", "--status and --stop do different things")
	case (o.status || o.stop != "") && asks:
		return wrong("leave the range out, or leave --status and --stop out", "--status and --stop take no range")
	case o.wait && o.preview && !o.status && o.stop == "":
		return wrong("add --dry-run=false to act, or leave --wait out", "--wait: a preview sends nothing that could be waited for")
	}
	return nil
}

func (o replayOptions) await(ctx context.Context, t tenant.ID, client *adminapi.Client, id string) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		r, err := client.Replay(ctx, t, id)
		if err != nil {
			return err
		}
		if r.State != "running" {
			if r.State == "finished" {
				return o.rest(ctx, t, client, r)
			}
			return errors.Join(o.tell(r), app.Silent{Code: app.ExitFailed})
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("replay %s still runs: %w", id, ctx.Err())
		case <-tick.C:
		}
	}
}

// rest waits until what was sent again is dealt with; a connection that keeps it waiting is the story then.
func (o replayOptions) rest(ctx context.Context, t tenant.ID, client *adminapi.Client, r adminapi.Replay) error {
	stuck, err := waitQuiet(ctx, client, t)
	if err != nil {
		return err
	}
	for _, p := range stuck {
		problem(o.env.Stderr, "✗", p)
	}
	if len(stuck) > 0 {
		return errors.Join(o.tell(r), app.Silent{Code: app.ExitOutside})
	}
	return o.tell(r)
}

func listReplays(ctx context.Context, o replayOptions, t tenant.ID, client *adminapi.Client) error {
	rows, err := client.Replays(ctx, t)
	if err != nil {
		return err
	}
	if o.json {
		return o.printJSON(rows)
	}
	for _, r := range rows {
		if err := o.tell(r); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		o.talk("no replays")
	}
	return nil
}

func (o replayOptions) tell(r adminapi.Replay) error {
	if o.json {
		return o.printJSON(r)
	}
	fmt.Fprintf(o.out(), "%s  %s: %s %d to %d, at %d, %d events sent, %d skipped, by %s since %s\n", r.ID, r.State, r.Stream, r.From, r.To, r.Next, r.Events, r.Skipped, r.By,
		r.Started.Local().Format(time.DateTime))
	if r.Detail != "" {
		fmt.Fprintf(o.out(), "    why   %s %s\n", r.Code, r.Detail)
	}
	return nil
}

func (o replayOptions) show(p adminapi.ReplayPreview) error {
	if o.json {
		return o.printJSON(p)
	}
	w := o.out()
	fmt.Fprintf(w, "%s %d to %d would be sent again; the stream holds %d to %d\n", p.Stream, p.From, p.To, p.First, p.Last)
	if p.Gone > 0 {
		fmt.Fprintf(w, "  gone      %d sequences of the range are too old and not there any more\n", p.Gone)
	}
	fmt.Fprintf(w, "  events    %d", p.Events)
	for _, k := range slices.Sorted(maps.Keys(p.Kinds)) {
		fmt.Fprintf(w, ", %d of %s", p.Kinds[k], k)
	}
	fmt.Fprintf(w, "; %d not readable, skipped\n  records   %d", p.Unreadable, p.Records)
	if p.Capped {
		fmt.Fprint(w, " or more")
	}
	fmt.Fprintf(w, ", of which %d have a newer statement behind the range: it stays\n", p.Newer)
	if p.Oldest != nil && p.Newest != nil {
		fmt.Fprintf(w, "  stored    %s to %s\n", p.Oldest.Local().Format(time.DateTime), p.Newest.Local().Format(time.DateTime))
	}
	switch {
	case p.Events == 0 && o.r.Key != "":
		o.talk("there is nothing to send: no event of %s is in the range; read it anew with `ml-connector sync %s --key %s`", o.r.Key, o.tenant, o.r.Key)
	case p.Events == 0:
		o.talk("there is nothing to send: no event is in the range")
	default:
		o.talk("nothing was sent; add --dry-run=false")
	}
	return nil
}
