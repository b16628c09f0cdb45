package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/record"
)

type syncOptions struct {
	*common
	tenant  string
	request adminapi.Sync
	wait    bool
	timeout time.Duration
}

func newSync(c *common) *cobra.Command {
	o := syncOptions{common: c}
	cmd := &cobra.Command{
		Use:     "sync <tenant>",
		Short:   "Poll now: one cycle, or one record",
		Example: "  ml-connector sync acme --wait\n  ml-connector sync acme --kind employees --key 0004711 --wait",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			return runSync(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.request.Kind, "kind", "", "employees or vendors; left out: both, or what the key's form tells")
	cmd.Flags().StringVar(&o.request.Key, "key", "", "one record: EMPLID, or SETID/VENDOR_ID")
	cmd.Flags().BoolVar(&o.request.Full, "full", false, "read everything, not only what changed")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until the cycle ended and nothing is in flight")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 30*time.Minute, "longest time to wait")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runSync(ctx context.Context, o syncOptions) error {
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	o.request.Kind = kindOf(o.request)
	asked, err := client.Sync(ctx, t, o.request)
	if err != nil {
		return err
	}
	if !o.wait {
		if o.json {
			return o.printJSON(asked)
		}
		for _, id := range asked.Cycles {
			fmt.Fprintf(o.out(), "cycle %s asked for\n", id)
		}
		fmt.Fprintf(o.out(), "next: ml-connector status %s\n", t)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	cycles, err := waitCycles(ctx, client, t, asked.Cycles)
	if err != nil {
		return err
	}
	stuck, err := waitQuiet(ctx, client, t)
	if err != nil {
		return err
	}
	return o.report(cycles, stuck)
}

func (o syncOptions) report(cycles []adminapi.Cycle, stuck []adminapi.Problem) error {
	bad := len(stuck) > 0
	for _, c := range cycles {
		bad = bad || c.State != "complete"
	}
	if o.json {
		out := map[string]any{"cycles": cycles, "ok": !bad}
		if len(stuck) > 0 {
			out["problems"] = stuck
		}
		if err := o.printJSON(out); err != nil {
			return err
		}
	} else {
		for _, c := range cycles {
			fmt.Fprintf(o.out(), "%s %s: %s, %s in %s\n", c.Kind, c.Mode, c.State, many(c.Records, "record"), many(c.Pages, "page"))
			if c.Problem != nil {
				problem(o.out(), " ", *c.Problem)
			}
		}
		for _, p := range stuck {
			problem(o.out(), "✗", p)
		}
	}
	if bad {
		return app.Silent{Code: app.ExitOutside}
	}
	return nil
}

// kindOf is the kind that was asked for, or the one that the key's form tells: only a vendor's key has a slash.
func kindOf(s adminapi.Sync) string {
	switch {
	case s.Kind != "" || s.Key == "":
		return s.Kind
	case strings.Contains(s.Key, "/"):
		return record.Vendor.Plural()
	}
	return record.Employee.Plural()
}
