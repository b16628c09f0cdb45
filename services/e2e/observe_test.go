package e2e

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
)

func TestObserveModeComputesEverythingAndWritesNothing(t *testing.T) {
	w := newWorld(t, 100, 20)
	apply := func(mode string) {
		t.Helper()
		if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: "mode: " + mode + "\n" + w.TenantFile(), Actor: "test", Values: w.values()}); err != nil {
			t.Fatal(err)
		}
	}
	before := w.ZD.Counters().Writes // of the simulator itself
	apply("observe")
	w.sync(t, adminapi.Sync{Full: true})
	if n := w.ZD.Counters().Writes; n != before {
		t.Fatalf("%d writes in observe mode", n-before)
	}
	s, err := w.client.Status(t.Context(), acme)
	if err != nil || s.Tenants[0].Mode != "observe" || s.Tenants[0].Records["employees"] < 80 {
		t.Fatalf("status %+v, %v", s, err)
	}
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Outcome: audit.Resolved, Stage: audit.Transformer})
	if err != nil || len(rows) < 80 {
		t.Fatalf("%d decisions in the audit trail, %v", len(rows), err)
	}
	apply("live")
	w.sync(t, adminapi.Sync{})
	w.agree(t)
}
