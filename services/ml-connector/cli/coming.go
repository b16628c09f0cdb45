package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

// comingShown is how many changes status lists; --json has more.
const comingShown = 10

// printComing shows what changes by itself soon: first how much on which day, then the first changes.
func printComing(w io.Writer, c *adminapi.Coming) {
	if c == nil || len(c.Days) == 0 {
		return
	}
	days := make([]string, 0, len(c.Days))
	total := 0
	for _, d := range c.Days {
		days, total = append(days, fmt.Sprintf("%s %d", d.Day, d.Changes)), total+d.Changes
	}
	more := ""
	if c.More {
		more = " or more"
	}
	fmt.Fprintf(w, "  coming up  %d%s by %s: %s\n", total, more, c.Until, strings.Join(days, ", "))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, one := range c.List[:min(len(c.List), comingShown)] {
		fmt.Fprintf(tw, "    %s\t%s/%s\t%s\n", one.Day, one.Kind, one.Key, strings.Join(one.What, ", "))
	}
	_ = tw.Flush()
	if total > comingShown {
		fmt.Fprintf(w, "    … and %d more: --json lists the first hundred\n", total-min(len(c.List), comingShown))
	}
}
