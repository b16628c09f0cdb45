package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/tenant"
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
	cmd.Flags().StringVar(&o.request.Kind, "kind", "", "employees or vendors; both when left out")
	cmd.Flags().StringVar(&o.request.Key, "key", "", "one record: EMPLID, or SETID/VENDOR_ID")
	cmd.Flags().BoolVar(&o.request.Full, "full", false, "read everything, not only what changed")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "wait until the cycle ended and nothing is in flight")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 30*time.Minute, "longest time to wait")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runSync(ctx context.Context, o syncOptions) error {
	t, err := parseTenant(o.tenant)
	if err != nil {
		return err
	}
	client, err := o.client()
	if err != nil {
		return err
	}
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
	if err == nil {
		err = waitQuiet(ctx, client, t)
	}
	if err != nil {
		return err
	}
	return o.report(cycles)
}

func (o syncOptions) report(cycles []adminapi.Cycle) error {
	bad := false
	for _, c := range cycles {
		bad = bad || c.State != "complete"
	}
	if o.json {
		if err := o.printJSON(map[string]any{"cycles": cycles, "ok": !bad}); err != nil {
			return err
		}
	} else {
		for _, c := range cycles {
			fmt.Fprintf(o.out(), "%s %s: %s, %d records in %d pages\n", c.Kind, c.Mode, c.State, c.Records, c.Pages)
			if c.Problem != nil {
				problem(o.out(), " ", *c.Problem)
			}
		}
	}
	if bad {
		return app.Silent{Code: app.ExitOutside}
	}
	return nil
}

const askEvery = 200 * time.Millisecond

// waitCycles waits until every cycle ended.
func waitCycles(ctx context.Context, client *adminapi.Client, t tenant.ID, ids []string) ([]adminapi.Cycle, error) {
	var out []adminapi.Cycle
	for _, id := range ids {
		for {
			c, ok, err := client.Cycle(ctx, t, id)
			if err != nil {
				return nil, err
			}
			if ok && c.State != "running" {
				out = append(out, c)
				break
			}
			if err := nap(ctx, askEvery); err != nil {
				return nil, fmt.Errorf("cycle %s did not end: %w", id, err)
			}
		}
	}
	return out, nil
}

// waitQuiet waits until nothing is in flight at any stage of the tenant.
func waitQuiet(ctx context.Context, client *adminapi.Client, t tenant.ID) error {
	for {
		quiet, _, err := client.Quiet(ctx, t)
		if err != nil || quiet {
			return err
		}
		if err := nap(ctx, askEvery); err != nil {
			return fmt.Errorf("%s is not quiet; see `ml-connector status %s`: %w", t, t, err)
		}
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
