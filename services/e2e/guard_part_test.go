package e2e

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/services/ml-connector/cli"
)

// Of twelve leavers that wait, two are approved, then one is rejected; the others go on waiting, each time in a new hold
// with a hash of its own, and are approved in the end.
func TestAPartOfAHoldIsDecided(t *testing.T) {
	w, dir := guarded(t)
	gone := w.staff(12)
	w.terminate(t, gone...)
	w.sync(t, adminapi.Sync{})
	h := w.one(t, 12)
	holds := func(args ...string) (string, error) {
		var out bytes.Buffer
		err := cli.Main(t.Context(), app.Env{Args: append([]string{"--data", dir, "holds"}, args...), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }})
		return out.String(), err
	}
	if out, err := holds("approve", "acme", h.ID, "--hash", h.Hash, "--only", "9999999"); app.ExitCode(err) != app.ExitInput || err == nil || !strings.Contains(fault.NextOf(err), "holds show") {
		t.Errorf("somebody who is not in it: %v (exit code %d): %s", err, app.ExitCode(err), out)
	}
	out, err := holds("approve", "acme", h.ID, "--hash", h.Hash, "--only", gone[0], "--only", gone[7], "--reason", "left")
	if err != nil || !strings.Contains(out, "2 records") || !strings.Contains(out, "the rest waits in suspend-") {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := holds("approve", "acme", h.ID, "--hash", h.Hash); app.ExitCode(err) != app.ExitGuard {
		t.Errorf("the hold was decided on: %v", err)
	}
	until(t, time.Minute, "they are suspended", func() bool { return len(w.suspended()) == 2 })
	w.quiet(t)
	mustSuspend(t, w, gone[0], gone[7])
	rest := w.one(t, 10)
	if rest.ID == h.ID || rest.Hash == h.Hash {
		t.Errorf("the rest waits in %+v", rest)
	}
	done, err := w.client.Reject(t.Context(), acme, rest.ID, adminapi.Decision{Hash: rest.Hash, By: "kim", Only: []string{gone[3]}})
	if err != nil || done.State != "rejected" || done.Items != 1 || done.Rest == "" {
		t.Fatalf("%+v, %v", done, err)
	}
	w.quiet(t)
	last := w.one(t, 9)
	if done, err := w.client.Approve(t.Context(), acme, last.ID, adminapi.Decision{Hash: last.Hash, By: "kim"}); err != nil || done.Items != 9 || done.Rest != "" {
		t.Fatalf("%+v, %v", done, err)
	}
	w.settled(t)
	mustSuspend(t, w, slices.DeleteFunc(slices.Clone(gone), func(k string) bool { return k == gone[3] })...)
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Stage: audit.Operator, Ref: record.Ref{Kind: record.Employee, Key: gone[0]}})
	if err != nil || len(rows) != 1 || !strings.Contains(rows[0].Detail, "waits in hold "+rest.ID) {
		t.Errorf("the trail tells %+v, %v", rows, err)
	}
}
