package cli

import (
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

func TestASummaryOfNothingSaysWhatToDoFirst(t *testing.T) {
	for name, c := range map[string]struct{ mode, next string }{
		"nothing is written":     {"observe", "next  ml-connector plan acme --fresh\n"},
		"a read writes directly": {"live", "next  ml-connector sync acme --full --wait\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			printSummary(&out, adminapi.PlanSummary{Tenant: "acme", AsOf: "2026-11-23", Mode: c.mode})
			if got := out.String(); !strings.Contains(got, "acme, as of 2026-11-23, "+c.mode+" mode") || !strings.Contains(got, "nothing was read") || !strings.HasSuffix(got, c.next) {
				t.Error(got)
			}
		})
	}
}
