package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

func newMissing(c *common) *cobra.Command {
	var asCSV bool
	cmd := &cobra.Command{
		Use:     "missing <tenant>",
		Short:   "Open findings: missing data, held records, connections that do not work",
		Example: "  ml-connector missing acme --csv > missing.csv",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runMissing(cmd.Context(), c, args[0], asCSV)
		},
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV that spreadsheets take as text")
	return cmd
}

func runMissing(ctx context.Context, c *common, name string, asCSV bool) error {
	t, err := parseTenant(name)
	if err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	rows, err := client.Findings(ctx, t)
	if err != nil {
		return err
	}
	switch {
	case c.json:
		return c.printJSON(rows)
	case asCSV:
		return printCSV(c, rows)
	}
	tw := tabwriter.NewWriter(c.out(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "severity\tcode\trecord\tsince\tdetail")
	for _, f := range rows {
		fmt.Fprintf(tw, "%s\t%s\t%s/%s\t%s\t%s\n", f.Severity, f.Code, f.Kind, f.Key, f.Since.Local().Format(time.DateOnly), f.Detail)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	printNext(c, rows)
	return nil
}

// printNext says once for each code what to do about it.
func printNext(c *common, rows []adminapi.Finding) {
	next := map[string]string{}
	for _, f := range rows {
		next[f.Code] = f.Next
	}
	for _, code := range slices.Sorted(maps.Keys(next)) {
		fmt.Fprintf(c.out(), "%s\n    next  %s\n", code, next[code])
	}
	if len(rows) == 0 {
		c.talk("nothing is missing and nothing waits")
	}
}

func printCSV(c *common, rows []adminapi.Finding) error {
	w := csv.NewWriter(c.out())
	if err := w.Write([]string{"code", "kind", "key", "waits", "since", "detail", "next", "severity"}); err != nil {
		return err
	}
	for _, f := range rows {
		err := w.Write([]string{safe(f.Code), safe(f.Kind), safe(f.Key), fmt.Sprint(f.Hold), f.Since.UTC().Format(time.RFC3339), safe(f.Detail), safe(f.Next), safe(f.Severity)})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// safe keeps a spreadsheet from taking a value for a formula (failures.md U10).
func safe(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\x00", rune(s[0])) {
		return "'" + s
	}
	return s
}
