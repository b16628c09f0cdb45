package e2e

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/services/ml-connector/demo"
)

// The play of `ml-connector demo --headless --once --json`, with the summary that a script reads.
func TestTheDemoEndsWithZendeskEqualToPeopleSoft(t *testing.T) {
	var out bytes.Buffer
	err := demo.Play(t.Context(), demo.Options{Employees: 250, Vendors: 40, Seed: 7, Once: true, Headless: true, JSON: true, Log: logger(), Out: &out})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	var s demo.Summary
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if !s.OK || s.Users < 180 || s.Orgs < 15 || s.Deletes != 0 || s.Second != 0 || len(s.Acts) != 7 {
		t.Fatalf("summary %+v", s)
	}
	if s.Findings["MISSING_EMAIL"] == 0 {
		t.Error("missing emails were not flagged")
	}
}

func TestASecondSyncWritesNothing(t *testing.T) {
	w := newWorld(t, 300, 60)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	before := w.ZD.Counters().Writes
	w.sync(t, adminapi.Sync{Full: true})
	w.sync(t, adminapi.Sync{})
	if after := w.ZD.Counters().Writes; after != before {
		t.Fatalf("%d writes without a change", after-before)
	}
	w.agree(t)
}

func TestTheAuditTellsARecordsWholeStory(t *testing.T) {
	w := newWorld(t, 100, 20)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	w.agree(t)
	var who string
	for _, e := range w.PS.Truth("").Employees {
		if e.Active && e.InScope && e.NextChange == "" && e.Email != "" {
			who = e.EmplID
			break
		}
	}
	if _, err := w.PS.Terminate(who, w.PS.Today()); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{})
	w.agree(t)
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Ref: record.Ref{Kind: record.Employee, Key: who}})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range rows {
		told = append(told, r.Stage+" "+r.Outcome+" "+r.Verb)
		if r.Outcome == "applied" && (len(r.Changes) == 0 || r.Request == "" || r.Cause == "") {
			t.Errorf("an applied change without its story: %+v", r)
		}
		if r.Outcome == "resolved" && len(r.Explain) == 0 {
			t.Errorf("a decision without reasons: %+v", r)
		}
	}
	want := map[string]bool{"zendesk-writer applied create": false, "zendesk-writer applied suspend": false}
	for _, s := range told {
		if _, ok := want[s]; ok {
			want[s] = true
		}
	}
	for s, seen := range want {
		if !seen {
			t.Errorf("the story lacks %q; it has %q", s, told)
		}
	}
}

// What breaks when two instances live in one process is a hidden global.
func TestTwoSystemsSideBySide(t *testing.T) {
	a, b := newWorld(t, 100, 20), newWorld(t, 120, 20)
	a.apply(t)
	b.apply(t)
	a.sync(t, adminapi.Sync{Full: true})
	b.sync(t, adminapi.Sync{Full: true})
	a.agree(t)
	b.agree(t)
}
