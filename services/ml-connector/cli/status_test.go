package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
)

// The first lines say what, why and which command heals it.
func TestStatusBeginsWithWhatIsWrong(t *testing.T) {
	busy := []adminapi.Stage{{Stage: "zendesk-writer", Backlog: 7, InFlight: 2, LagSeconds: 40}}
	for name, c := range map[string]struct {
		status adminapi.TenantStatus
		lines  []string
	}{
		"nothing is wrong and nothing was read": {adminapi.TenantStatus{Quiet: true}, []string{"acme  quiet: nothing in flight"}},
		"it works":                              {adminapi.TenantStatus{Stages: busy}, []string{"acme  working: 9 in flight, the oldest for 40 s"}},
		"zendesk does not answer": {adminapi.TenantStatus{Stages: busy, Problems: []adminapi.Problem{{Code: "ZD_DOWN", Where: "zendesk", Detail: "status 500", Next: "nothing to do"}}},
			[]string{"acme  needs you: 1 problem; 9 in flight, the oldest for 40 s", "  ✗ ZD_DOWN zendesk", "    why   status 500", "    next  nothing to do", "    look  ml-connector check acme"}},
		"a hold waits": {adminapi.TenantStatus{Quiet: true, Problems: []adminapi.Problem{{Code: "GUARD_SUSPEND", Where: "guard.suspend"}},
			Waiting: []adminapi.Hold{{ID: "suspend-1", Items: 30, Created: time.Now()}}},
			[]string{"acme  needs you: 1 problem; nothing in flight", "  ✗ GUARD_SUSPEND guard.suspend", "  ! hold suspend-1: 30 records wait", "    next  ml-connector holds show acme suspend-1"}},
		"observe mode": {adminapi.TenantStatus{Quiet: true, Mode: "observe"}, []string{"acme  quiet", "  ! OBSERVE MODE", "    next  look with ml-connector plan acme; then set mode: live"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.status.Tenant = "acme"
			var out strings.Builder
			printStatus(&out, c.status)
			got := strings.Split(out.String(), "\n")
			for i, want := range c.lines {
				if i >= len(got) || !strings.HasPrefix(got[i], want) {
					t.Fatalf("line %d lacks %q:\n%s", i+1, want, out.String())
				}
			}
			if len(c.status.Cycles) == 0 && !strings.Contains(out.String(), "nothing was read yet: ml-connector sync acme --full --wait") {
				t.Errorf("no word about the first read:\n%s", out.String())
			}
		})
	}
}
