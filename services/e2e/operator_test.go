package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/adminapi"
	"github.com/ml-connector/ml-connector/pkg/audit"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/secret"
	zdsim "github.com/ml-connector/ml-connector/pkg/sim/zendesk"
)

// Two tenants that write one account would take each other's users for their own, by the same external ids.
func TestOneZendeskAccountBelongsToOneTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30, 5)
	w.apply(t)
	values := map[string]map[string]string{"globex": w.values()[string(acme)]}
	second := strings.Replace(w.TenantFile(), "tenant: acme", "tenant: globex", 1)
	for name, c := range map[string]struct{ file, refused string }{
		"a second tenant is refused":           {second, "is written for the tenants"},
		"also with a slash at the end":         {strings.Replace(second, w.ZDURL, w.ZDURL+"/", 1), "is written for the tenants"},
		"both in one file are refused as well": {w.TenantFile() + "---\n" + second, "is written for the tenants"},
		"one that only observes harms nobody":  {"mode: observe\n" + second, ""},
		"the tenant itself may be changed":     {w.TenantFile() + "guard: { create: { floor: 50 } }\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "two.yaml", File: c.file, Actor: "test", Values: values})
			switch {
			case c.refused == "" && err != nil:
				t.Error(err)
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused) || !strings.Contains(fault.NextOf(err), "mode: observe")):
				t.Errorf("%v, next %s", err, fault.NextOf(err))
			}
		})
	}
}

func TestAMissingFieldIsToldInStatusUntilCheckFixMakesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 60, 5)
	file := w.TenantFile() + "employees:\n  user: { department: user_fields.department, title: user_fields.job_title, company: user_fields.employer }\n"
	if _, err := w.client.Apply(t.Context(), adminapi.Apply{Name: "e2e.yaml", File: file, Actor: "test", Values: w.values()}); err != nil {
		t.Fatal(err)
	}
	w.sync(t, adminapi.Sync{Full: true})
	told := func() (s adminapi.TenantStatus, p adminapi.Problem, is bool) {
		all, err := w.client.Status(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		s = all.Tenants[0]
		i := slices.IndexFunc(s.Warnings, func(p adminapi.Problem) bool { return p.Code == string(fault.TargetFieldMissing) })
		if i >= 0 {
			p = s.Warnings[i]
		}
		return s, p, i >= 0
	}
	until(t, 20*time.Second, "status tells of the field", func() bool { _, _, is := told(); return is })
	s, p, _ := told()
	if !strings.Contains(p.Detail, "user_fields.employer") || strings.Contains(p.Detail, "department") || !strings.Contains(p.Next, "check acme --fix") {
		t.Errorf("%+v", p)
	}
	if len(s.Problems) > 0 || s.Findings[string(fault.TargetFieldMissing)] > 0 || s.Linked["employees/active"] == 0 {
		t.Errorf("a missing field stops nothing and is told once: problems %+v, findings %v, linked %v", s.Problems, s.Findings, s.Linked)
	}
	if _, err := w.client.Check(t.Context(), acme, true); err != nil {
		t.Fatal(err)
	}
	if _, p, is := told(); is {
		t.Errorf("after check --fix status says %+v", p)
	}
}

// Whoever unlocks an account sets the same password again: it must be tried, and the trail must tell who set it.
func TestACredentialThatIsSetAgainIsANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 30, 5)
	w.apply(t)
	version := func() (n int64) {
		list, err := w.sys.Core.Store.Credentials(t.Context(), acme)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Purpose == "zendesk.client_secret" {
				n = c.Version
			}
		}
		return n
	}
	w.apply(t)
	if version() != 1 {
		t.Errorf("version %d after the same file was applied twice: equal values restart nothing", version())
	}
	w.ZD.Fault(zdsim.Fault{Status: 401, Times: -1, Body: `{"error":"invalid_token"}`})
	if _, err := w.client.Sync(t.Context(), acme, adminapi.Sync{Full: true}); err != nil {
		t.Fatal(err)
	}
	until(t, 30*time.Second, "status tells that nothing is asked", func() bool {
		s, err := w.client.Status(t.Context(), acme)
		return err == nil && s.Tenants[0].Breaker != "closed" && s.Tenants[0].Breaker != "" && slices.ContainsFunc(s.Tenants[0].Problems, func(p adminapi.Problem) bool {
			return p.Code == string(fault.TargetAuth) && strings.Contains(p.Next, "credential set acme zendesk.client_secret")
		})
	})
	w.ZD.ClearFaults()
	if err := w.client.SetCredential(t.Context(), acme, "zendesk.client_secret", secret.New(w.Secrets["DEMO_ZD_SECRET"]), "dana"); err != nil {
		t.Fatal(err)
	}
	if version() != 2 {
		t.Errorf("version %d after the credential was set by hand, want 2", version())
	}
	w.quiet(t)
	w.agree(t)
	rows, err := w.client.Audit(t.Context(), acme, audit.Query{Stage: audit.Operator, Cause: "person/dana"})
	if err != nil || len(rows) != 1 || rows[0].Verb != "set credential" || rows[0].Detail != "zendesk.client_secret" {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestABrokenTrailNamesTheEntryThatStandsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 10, 2)
	w.apply(t)
	w.sync(t, adminapi.Sync{Full: true})
	forged := audit.Checkpoint{Position: 2, Hash: strings.Repeat("0", 64)}
	var v adminapi.Verified
	until(t, 20*time.Second, "the trail is sealed", func() (ok bool) {
		var err error
		v, err = w.client.VerifyAudit(t.Context(), acme, []audit.Checkpoint{forged})
		return err == nil && v.Bad == 2 && strings.Contains(v.Why, "another hash")
	})
	if v.OK || v.Entry == nil || v.Entry.Position != 2 || v.Entry.Stage == "" || v.Entry.ID == "" {
		t.Errorf("%+v, entry %+v", v, v.Entry)
	}
	if _, err := w.client.Resume(t.Context(), acme, adminapi.Resume{By: "dana", Reason: "nothing"}); err == nil || !strings.Contains(fault.NextOf(err), "ml-connector status acme") {
		t.Errorf("%v, next %s", err, fault.NextOf(err))
	}
}
