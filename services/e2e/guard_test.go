package e2e

import (
	"bytes"
	"errors"
	"fmt"
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
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// guarded is a company of 250 that was loaded, and whose first load is over.
func guarded(t *testing.T) (w *world, dir string) {
	t.Helper()
	w, dir = &world{Company: newCompany(t, 250, 20)}, t.TempDir()
	w.judge = demo.NewJudge(w.Company)
	w.start(t, dir, "")
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	return w, dir
}

// staff are active employees to whom nothing else happens by itself.
func (w *world) staff(n int) (keys []string) {
	for _, e := range w.PS.Truth("").Employees {
		if e.Active && e.InScope && e.NextChange == "" && e.Email != "" && len(e.PerOrg) == 1 && len(keys) < n {
			keys = append(keys, e.EmplID)
		}
	}
	return keys
}

func (w *world) terminate(t *testing.T, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if _, err := w.PS.Terminate(k, w.PS.Today()); err != nil {
			t.Fatal(err)
		}
	}
}

// suspended are the employees that were suspended, by what Zendesk saw.
func (w *world) suspended() (keys []string) {
	for _, e := range w.ZD.Effects() {
		if id, ok := strings.CutPrefix(e.ExternalID, "psft:emp:"); ok && e.Verb == "suspend" {
			keys = append(keys, id)
		}
	}
	slices.Sort(keys)
	return keys
}

func (w *world) stopped(t *testing.T) []adminapi.Hold {
	t.Helper()
	s, err := w.client.Status(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	return s.Tenants[0].Waiting
}

// one is the only hold that waits.
func (w *world) one(t *testing.T, items int) adminapi.Hold {
	t.Helper()
	list := w.stopped(t)
	if len(list) != 1 || list[0].Items != items {
		t.Fatalf("want one hold of %d, got %+v", items, list)
	}
	return list[0]
}

func (w *world) problems(t *testing.T) (codes []string) {
	t.Helper()
	s, err := w.client.Status(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Tenants[0].Problems {
		codes = append(codes, p.Code)
	}
	return codes
}

// settled waits until no alert is open and nothing is in flight.
func (w *world) settled(t *testing.T) {
	t.Helper()
	until(t, time.Minute, "the alert closes", func() bool { return len(w.problems(t)) == 0 })
	w.quiet(t)
}

func mustSuspend(t *testing.T, w *world, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := w.suspended(); !slices.Equal(got, want) {
		t.Fatalf("suspended %v, want %v", got, want)
	}
}

func TestAMassTerminationWaitsForAPerson(t *testing.T) {
	w, dir := guarded(t)
	gone := w.staff(31)
	stays := gone[30]
	gone = gone[:30]
	w.terminate(t, gone...)
	if _, err := w.PS.ChangeTitle(stays, "Keeper of the Books", w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{})
	mustSuspend(t, w)
	h := w.one(t, 30)
	if h.Change != "suspend" || h.State != "waiting" || !slices.Contains(w.problems(t), "GUARD_SUSPEND") {
		t.Fatalf("hold %+v, problems %v", h, w.problems(t))
	}
	if u, ok := w.ZD.UserByExternalID("psft:emp:" + stays); !ok || u.UserFields["job_title"] != "Keeper of the Books" {
		t.Errorf("other changes do not flow on: %+v", u)
	}
	detail, err := w.client.Hold(t.Context(), acme, h.ID)
	if err != nil || len(detail.Records) != 30 || !slices.ContainsFunc(detail.Records[0].Changes, func(c audit.Change) bool {
		return c.Field == "state" && c.Before == "active" && c.After == "suspended"
	}) {
		t.Fatalf("detail %+v, %v", detail, err)
	}

	w.stop()
	w.start(t, dir, "")
	w.sync(t, adminapi.Sync{Full: true})
	mustSuspend(t, w)
	if again := w.one(t, 30); again.Hash != h.Hash {
		t.Fatalf("a restart and a full read changed the hold: %+v", again)
	}

	back := gone[7]
	if _, err := w.PS.Rehire(back, w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{})
	now := w.one(t, 29)
	_, err = w.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim"})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Code != fault.HoldChanged || app.ExitCode(err) != app.ExitGuard {
		t.Fatalf("an approval of what is not there any more: %v", err)
	}
	mustSuspend(t, w)
	done, err := w.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: now.Hash, By: "kim", Reason: "plant closed"})
	if err != nil || done.State != "approved" || done.By != "kim" {
		t.Fatalf("%+v, %v", done, err)
	}
	w.settled(t)
	mustSuspend(t, w, slices.DeleteFunc(slices.Clone(gone), func(k string) bool { return k == back })...)
	w.agree(t)
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Ref: record.Ref{Kind: record.Employee, Key: gone[0]}})
	if err != nil || !slices.ContainsFunc(rows, func(e adminapi.AuditEntry) bool {
		return e.Verb == "approve" && e.Cause == "person/kim" && strings.Contains(e.Detail, "plant closed") && strings.Contains(e.Detail, now.Hash)
	}) {
		t.Errorf("the approval is not in the record's story: %v", err)
	}
}

func TestARejectedHoldLeavesZendeskAsItIs(t *testing.T) {
	w, dir := guarded(t)
	gone := w.staff(12)
	w.terminate(t, gone...)
	w.sync(t, adminapi.Sync{})
	h := w.one(t, 12)
	if _, err := w.client.Reject(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim", Reason: "wrong file"}); err != nil {
		t.Fatal(err)
	}
	w.settled(t)
	w.stop()
	w.start(t, dir, "")
	w.sync(t, adminapi.Sync{Full: true})
	mustSuspend(t, w)
	if list := w.stopped(t); len(list) != 0 {
		t.Fatalf("it waits again: %+v", list)
	}
	// The source takes one back and terminates again: that is new.
	if _, err := w.PS.Rehire(gone[0], w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{})
	w.terminate(t, gone[0])
	w.sync(t, adminapi.Sync{})
	mustSuspend(t, w, gone[0])
}

func TestAFewLeaversADayPassAndASlowDripIsCaught(t *testing.T) {
	w, _ := guarded(t)
	gone := w.staff(8)
	var passed []string
	for i := 0; i < 8; i += 2 { // max(3, 2 % of about 200) is 4
		w.terminate(t, gone[i:i+2]...)
		w.sync(t, adminapi.Sync{})
		if i < 4 {
			passed = append(passed, gone[i:i+2]...)
		}
		mustSuspend(t, w, passed...)
	}
	if h := w.one(t, 4); h.Passed != 4 {
		t.Errorf("hold %+v", h)
	}
}

func TestEverybodyTerminatedSuspendsNobody(t *testing.T) {
	w, _ := guarded(t)
	all := w.staff(1000)
	w.terminate(t, all...)
	w.sync(t, adminapi.Sync{Full: true})
	mustSuspend(t, w)
	w.one(t, len(all))
}

func TestMassHiresAndMassChangesOfAddressWait(t *testing.T) {
	w, _ := guarded(t)
	users := len(w.ZD.Users())
	for i, k := range w.staff(30) {
		if _, err := w.PS.ChangeEmail(k, fmt.Sprintf("moved.%d@example.com", i)); err != nil {
			t.Fatal(err)
		}
	}
	w.sync(t, adminapi.Sync{})
	if h := w.one(t, 30); h.Change != "email" {
		t.Fatalf("hold %+v", h)
	}
	for _, u := range w.ZD.Users() {
		if strings.HasPrefix(value(u.Email), "moved.") {
			t.Fatalf("%s was moved", value(u.ExternalID))
		}
	}
	hire(t, w, 0, 15)
	w.sync(t, adminapi.Sync{})
	if n := len(w.ZD.Users()); n != users+15 {
		t.Fatalf("%d users after 15 hires, want %d", n, users+15)
	}
	hire(t, w, 15, 15)
	w.sync(t, adminapi.Sync{})
	if n := len(w.ZD.Users()); n != users+15 || len(w.stopped(t)) != 2 {
		t.Fatalf("%d users, holds %+v", n, w.stopped(t))
	}
	for _, h := range w.stopped(t) {
		if _, err := w.client.Approve(t.Context(), acme, h.ID, adminapi.Decision{Hash: h.Hash, By: "kim"}); err != nil {
			t.Fatal(err)
		}
	}
	w.settled(t)
	w.agree(t)
}

func hire(t *testing.T, w *world, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		if _, err := w.PS.Hire(pssim.NewHire{First: "Kit", Last: fmt.Sprintf("Newcomer%d", i)}, w.PS.Today()); err != nil {
			t.Fatal(err)
		}
	}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// The command line shows a hold, refuses a stale hash with exit code 4 and decides on the present one.
func TestHoldsOnTheCommandLine(t *testing.T) {
	w, dir := guarded(t)
	w.terminate(t, w.staff(6)...)
	w.sync(t, adminapi.Sync{})
	h := w.one(t, 6)
	command := func(args ...string) (string, int) {
		var out bytes.Buffer
		err := cli.Main(t.Context(), app.Env{Args: append([]string{"--data", dir}, args...), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }})
		return out.String(), app.ExitCode(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"status says so":           {[]string{"status", "acme"}, app.ExitOK, "hold " + h.ID + ": 6 records wait"},
		"the list":                 {[]string{"holds", "list", "acme"}, app.ExitOK, h.ID},
		"what waits":               {[]string{"holds", "show", "acme", h.ID}, app.ExitOK, `state: "active" -> "suspended"`},
		"an unknown hold":          {[]string{"holds", "show", "acme", "suspend-99"}, app.ExitInput, ""},
		"a hash of something else": {[]string{"holds", "approve", "acme", h.ID, "--hash", "beef"}, app.ExitGuard, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if out, code := command(c.args...); code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d: %s", code, out)
			}
		})
	}
	if out, code := command("holds", "approve", "acme", h.ID, "--reason", "plant closed", "--json"); code != app.ExitOK || !strings.Contains(out, `"state": "approved"`) {
		t.Fatalf("exit code %d: %s", code, out)
	}
	w.settled(t)
	w.agree(t)
}
