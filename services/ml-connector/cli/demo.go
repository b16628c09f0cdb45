package cli

import (
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

func newDemo(c *common) *cobra.Command {
	o := demo.Options{}
	var logs bool
	cmd := &cobra.Command{
		Use:     "demo",
		Short:   "Both simulators, the whole system and a sample company, in this process",
		Long:    "Runs both simulators, the whole system and a sample company in this process, plays life events, and shows\nafter each what Zendesk now holds and why. Nothing leaves this machine. Ctrl-C ends it.",
		Example: "  ml-connector demo\n  ml-connector demo --headless --once --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Out, o.JSON, o.Log = c.out(), c.json, slog.New(slog.DiscardHandler)
			if cmd.Flags().Changed("data") {
				o.Data = c.data
			}
			if o.Employees < 100 || o.Vendors < 20 {
				return app.InputError{Err: errSmall}
			}
			if logs {
				o.Log = slog.New(slog.NewTextHandler(io.Writer(c.env.Stderr), nil))
			}
			return demo.Play(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.Headless, "headless", false, "full speed: the simulated Zendesk has no limits, its jobs are short")
	cmd.Flags().BoolVar(&o.Once, "once", false, "end after the play; exit 0 only if Zendesk holds what PeopleSoft says")
	cmd.Flags().BoolVar(&c.json, "json", false, "print the summary only, as JSON")
	cmd.Flags().BoolVar(&logs, "logs", false, "show the system's log lines")
	cmd.Flags().IntVar(&o.Employees, "employees", 250, "size of the company")
	cmd.Flags().IntVar(&o.Vendors, "vendors", 40, "vendors of the company")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "same seed, same company")
	cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:0", "address of the admin API; port 0 takes a free one")
	return cmd
}

var errSmall = errors.New("the play needs at least --employees 100 and --vendors 20, for every case that it shows")
