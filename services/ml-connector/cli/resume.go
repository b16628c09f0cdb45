package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

func newResume(c *common) *cobra.Command {
	var in adminapi.Resume
	cmd := &cobra.Command{
		Use:   "resume <tenant>",
		Short: "Let a tenant's writer go on after a safety stop",
		Long: "Let a tenant's writer go on after a safety stop (SAFETY_STOP): a write that must never happen was about to leave, and nothing\n" +
			"is written for this tenant until a person says so. `status` and `check` tell what it was. Repair that first, else it stops again.",
		Example: "  ml-connector resume acme --reason 'restored the link table from the backup of 02:00'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, client, err := c.reach(args[0])
			if err != nil {
				return err
			}
			if in.By == "" {
				in.By = actor()
			}
			out, err := client.Resume(cmd.Context(), t, in)
			if err != nil {
				return err
			}
			if c.json {
				return c.printJSON(out)
			}
			fmt.Fprintf(c.out(), "the writer of %s goes on; it stood still since %s: %s\n", t, out.Since.UTC().Format(time.RFC3339), out.Detail)
			return nil
		},
	}
	cmd.Flags().StringVar(&in.Reason, "reason", "", "what was repaired, for the audit trail; required")
	cmd.Flags().StringVar(&in.By, "by", "", "who says so, for the audit trail; the user of this machine when left out")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}
