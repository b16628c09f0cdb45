package e2e

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/app"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	pssim "github.com/ml-connector/ml-connector/pkg/sim/peoplesoft"
	"github.com/ml-connector/ml-connector/services/ml-connector/cli"
)

// One of thirty is rehired after the hold was made, and no cycle ran since.
func TestAnApprovalReadsPeopleSoftAgain(t *testing.T) {
	w, dir := guarded(t)
	gone := w.staff(30)
	w.terminate(t, gone...)
	w.sync(t, adminapi.Sync{})
	h := w.one(t, 30)
	back := gone[11]
	if _, err := w.PS.Rehire(back, w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	if err := w.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, On: "all"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := cli.Main(t.Context(), app.Env{Args: []string{"--data", dir, "holds", "approve", "acme", h.ID, "--hash", h.Hash}, Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.HoldUnread || app.ExitCode(err) != app.ExitOutside {
		t.Fatalf("PeopleSoft is down: %v: %s", err, out.String())
	}
	w.quiet(t) // the poller gives up
	w.PS.ClearFaults()
	mustSuspend(t, w)
	done, err := w.client.Approve(t.Context(), acme, w.one(t, 30).ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "plant closed"})
	if err != nil || done.State != "approved" || done.Items != 29 {
		t.Fatalf("%+v, %v", done, err)
	}
	w.settled(t)
	mustSuspend(t, w, slices.DeleteFunc(gone, func(k string) bool { return k == back })...)
	w.agree(t)
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Stage: audit.Operator, Ref: record.Ref{Kind: record.Employee}})
	if err != nil || !slices.ContainsFunc(rows, func(e adminapi.AuditEntry) bool { return strings.Contains(e.Detail, "29 of 30 are still true") }) {
		t.Errorf("the trail does not say what was read: %v", err)
	}
}

func TestAnApprovalWithoutReadingAgainIsAudited(t *testing.T) {
	w, dir := guarded(t)
	gone := w.staff(6)
	w.terminate(t, gone...)
	w.sync(t, adminapi.Sync{})
	h := w.one(t, 6)
	if err := w.PS.Fault(pssim.Fault{Kind: pssim.FaultStatus, On: "all"}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := cli.Main(t.Context(), app.Env{Args: []string{"--data", dir, "holds", "approve", "acme", h.ID, "--hash", h.Hash, "--without-reread"}, Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	until(t, time.Minute, "they are suspended", func() bool { return len(w.suspended()) == len(gone) })
	mustSuspend(t, w, gone...)
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Stage: audit.Operator, Ref: record.Ref{Kind: record.Employee}})
	if err != nil || len(rows) != 6 || !strings.Contains(rows[0].Detail, "without reading PeopleSoft again") {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestAHoldOfWhichNothingIsTrueAnyMoreIsVoid(t *testing.T) {
	w, _ := guarded(t)
	gone := w.staff(6)
	w.terminate(t, gone...)
	w.sync(t, adminapi.Sync{})
	h := w.one(t, 6)
	for _, k := range gone {
		if _, err := w.PS.Rehire(k, w.PS.Today()); err != nil {
			t.Fatal(err)
		}
	}
	done, err := w.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim"})
	if err != nil || done.State != "void" {
		t.Fatalf("%+v, %v", done, err)
	}
	w.settled(t)
	mustSuspend(t, w)
}

// A hold of more records than are read one by one is compared with a full read.
func TestAnApprovalOfManyReadsEverythingAgain(t *testing.T) {
	w, _ := guarded(t)
	gone := w.staff(70)
	w.terminate(t, gone...)
	w.sync(t, adminapi.Sync{})
	h := w.one(t, len(gone))
	back := gone[3]
	if _, err := w.PS.Rehire(back, w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	done, err := w.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim"})
	if err != nil || done.State != "approved" {
		t.Fatalf("%+v, %v", done, err)
	}
	w.settled(t)
	if slices.Contains(w.suspended(), back) {
		t.Fatalf("%s was suspended although she is back", back)
	}
}
