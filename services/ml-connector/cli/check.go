package cli

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/app"
)

type checkOptions struct {
	*common
	tenant string
	fix    bool
}

func newCheck(c *common) *cobra.Command {
	o := checkOptions{common: c}
	cmd := &cobra.Command{
		Use:     "check <tenant>",
		Short:   "Doctor: every check with code, cause and fix; exit 0 or 3",
		Example: "  ml-connector check acme",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.tenant = args[0]
			return runCheck(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.fix, "fix", false, "create missing custom fields in Zendesk")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	return cmd
}

func runCheck(ctx context.Context, o checkOptions) error {
	t, client, err := o.reach(o.tenant)
	if err != nil {
		return err
	}
	got, err := client.Check(ctx, t, o.fix)
	if err != nil {
		return err
	}
	if o.json {
		if err := o.printJSON(got); err != nil {
			return err
		}
	} else {
		last, problems, warnings := "", 0, 0
		marks := map[string]string{"ok": "✓", "warning": "!", "failed": "✗", "skipped": "–"}
		for _, s := range got.Steps {
			if s.Connection != last {
				fmt.Fprintln(o.out(), s.Connection)
				last = s.Connection
			}
			fmt.Fprintf(o.out(), "  %s %-14s %s", marks[s.State], s.Name, s.Detail)
			if s.TookMS > 0 {
				fmt.Fprintf(o.out(), "  (%d ms)", s.TookMS)
			}
			fmt.Fprintln(o.out())
			if s.State == "failed" || s.State == "warning" {
				fmt.Fprintf(o.out(), "      code  %s\n      next  %s\n", cmp.Or(s.Code, "-"), s.Next)
			}
			switch s.State {
			case "failed":
				problems++
			case "warning":
				warnings++
			}
		}
		fmt.Fprintf(o.out(), "%s, %s\n", many(problems, "problem"), many(warnings, "warning"))
	}
	if !got.OK {
		return app.Silent{Code: app.ExitOutside}
	}
	return nil
}
