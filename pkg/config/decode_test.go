package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/schemas"
)

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := schemas.FS.ReadFile("samples/config/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, name string) config.File {
	t.Helper()
	f, problems := config.Decode(name, sample(t, name))
	if err := problems.Err(); err != nil {
		t.Fatalf("%s has problems:\n%v", name, err)
	}
	return f
}

func TestTheSampleOfTheDesignDecodes(t *testing.T) {
	f := decode(t, "tenant.yaml")
	if len(f.Tenants) != 1 {
		t.Fatalf("%d tenants, want 1", len(f.Tenants))
	}
	got := f.Tenants[0]
	if got.Tenant() != "acme" || got.Zone().String() != "America/Chicago" {
		t.Errorf("tenant %s in zone %s", got.Tenant(), got.Zone())
	}
	hcm := got.PeopleSoft.HCM
	if hcm.BaseURL != "https://hr.acme.example:8443" || hcm.Auth.Basic.Username != "MLCONN" || hcm.Auth.Basic.Password != "env:ACME_PS_PASSWORD" {
		t.Errorf("hcm = %+v", hcm)
	}
	if q := hcm.Employees; q.Query != "ML_EMPLOYEES" || q.Owner != "PUBLIC" || q.Layout != "2006-01-02" || q.Prompts.After != "LAST_EMPLID" {
		t.Errorf("employees query = %+v", q)
	}
	if s := got.PeopleSoft.Schedule; s.Full != "0 2 * * *" || s.Overlap.Duration != 15*time.Minute {
		t.Errorf("schedule = %+v", s)
	}
	if d, ok := got.PeopleSoft.Schedule.Employees.Interval(); !ok || d != 5*time.Minute {
		t.Errorf("employees every %v %v", d, ok)
	}
	if !reflect.DeepEqual(got.Employees, config.Defaults().Employees) || !reflect.DeepEqual(got.Guard, config.Defaults().Guard) {
		t.Error("the sample shows other values than the defaults")
	}
	if got.Zendesk.Adopt != nil || got.Zendesk.Webhook.Secret != "env:ACME_ZD_WEBHOOK_SECRET" {
		t.Errorf("zendesk = %+v", got.Zendesk)
	}
}

// TestCommentedAlternativesDecode replaces each live auth line by the commented one below it.
func TestCommentedAlternativesDecode(t *testing.T) {
	lines := strings.Split(string(sample(t, "tenant.yaml")), "\n")
	tried := 0
	for i, line := range lines {
		alt, ok := strings.CutPrefix(strings.TrimSpace(line), "# auth: ")
		if !ok {
			continue
		}
		alt = alt[:strings.LastIndex(alt, "}")+1]
		live := i
		for !strings.HasPrefix(strings.TrimSpace(lines[live]), "auth: ") {
			live--
		}
		changed := append([]string{}, lines...)
		changed[live] = lines[live][:strings.Index(lines[live], "auth: ")] + "auth: " + alt
		if _, problems := config.Decode("x", []byte(strings.Join(changed, "\n"))); len(problems) > 0 {
			t.Errorf("%s\n%v", alt, problems)
		}
		tried++
	}
	if tried != 3 {
		t.Fatalf("%d alternatives tried, want 3", tried)
	}
}

func TestGoodSamplesDecode(t *testing.T) {
	all, err := schemas.Samples("config/good")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d samples, %v", len(all), err)
	}
	for name := range all {
		t.Run(name, func(t *testing.T) { decode(t, "good/"+name) })
	}
}

func TestGenericSourceAndSeveralTenants(t *testing.T) {
	f := decode(t, "good/vendors-over-rest.yaml")
	if len(f.Tenants) != 2 || f.Tenants[1].ID != "fin-2" {
		t.Fatalf("tenants = %+v", f.Tenants)
	}
	q := f.Tenants[0].PeopleSoft.FSCM.Vendors
	if q.Type != config.Generic || q.Page != config.Keyset || q.RowPath != "data.items" || q.Fields["VENDOR_ID"] != "id" {
		t.Errorf("query = %+v", q)
	}
	if s := f.Tenants[0].Vendors.Scope; s.Keys[0] != "SHARE/0000000011" || len(s.Class) != 1 {
		t.Errorf("scope = %+v", s)
	}
}

func TestProblemsAreOneConfigFault(t *testing.T) {
	_, problems := config.Decode("a.yaml", []byte("tenant: A\nzone: x\n"))
	err := problems.Err()
	if fault.KindOf(err) != fault.Config || fault.CodeOf(err) != fault.BadConfig {
		t.Fatalf("kind %s code %s", fault.KindOf(err), fault.CodeOf(err))
	}
	if config.Problems(nil).Err() != nil {
		t.Fatal("no problems must be no error")
	}
}
