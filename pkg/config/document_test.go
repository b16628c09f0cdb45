package config_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/schemas"
)

func goodTenants(t *testing.T) map[string]config.Tenant {
	t.Helper()
	all, err := schemas.Samples("config/good")
	if err != nil {
		t.Fatal(err)
	}
	all["tenant.yaml"] = sample(t, "tenant.yaml")
	out := map[string]config.Tenant{}
	for name, b := range all {
		f, problems := config.Decode(name, b)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, tenant := range f.Tenants {
			out[name+"/"+string(tenant.ID)] = tenant
		}
	}
	return out
}

func TestDocumentsComeBackAsTheyWere(t *testing.T) {
	for name, tenant := range goodTenants(t) {
		t.Run(name, func(t *testing.T) {
			doc, err := config.Doc(tenant)
			if err != nil {
				t.Fatal(err)
			}
			back, err := config.FromDoc(doc)
			if err != nil {
				t.Fatal(err)
			}
			again, err := config.Doc(back)
			if err != nil || !bytes.Equal(doc, again) {
				t.Fatalf("%v\n%s\n%s", err, doc, again)
			}
			if diff, err := config.Diff(tenant, back); err != nil || len(diff) > 0 {
				t.Fatalf("%v %v", diff, err)
			}
			if back.Zone().String() != tenant.Zone().String() || !reflect.DeepEqual(back.Secrets(), tenant.Secrets()) {
				t.Fatal("zone or secrets differ")
			}
		})
	}
}

// TestADocumentIsATenantFile feeds documents to the strict decoder: JSON is YAML, and a document must be a file that
// the operator could have written.
func TestADocumentIsATenantFile(t *testing.T) {
	for name, tenant := range goodTenants(t) {
		doc, err := config.Doc(tenant)
		if err != nil {
			t.Fatal(err)
		}
		if tenant.PeopleSoft.FSCM != nil && tenant.PeopleSoft.FSCM.Vendors.Type == config.Generic {
			continue // written-out defaults of the other query type are refused in a file
		}
		f, problems := config.Decode(name, doc)
		if len(problems) > 0 {
			t.Fatalf("%s: %v\n%s", name, problems, doc)
		}
		if diff, err := config.Diff(tenant, f.Tenants[0]); err != nil || len(diff) > 0 {
			t.Errorf("%s: %v %v", name, diff, err)
		}
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	good, err := config.Doc(goodTenants(t)["tenant.yaml/acme"])
	if err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]string{
		"nothing":                    "",
		"an empty object":            "{}",
		"not JSON":                   "tenant: acme",
		"a key of a later version":   strings.Replace(string(good), `"tenant":`, `"later":1,"tenant":`, 1),
		"a value that breaks a rule": strings.Replace(string(good), "https://acme.zendesk.com", "http://acme.zendesk.com", 1),
		"a secret in the clear":      strings.Replace(string(good), "env:ACME_PS_PASSWORD", "hunter2", 1),
	} {
		t.Run(name, func(t *testing.T) {
			if doc == string(good) {
				t.Fatal("the case changed nothing")
			}
			_, err := config.FromDoc([]byte(doc))
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Fatal("the error shows the secret")
			}
		})
	}
}

func TestDiffNamesWhatChanged(t *testing.T) {
	before := goodTenants(t)["tenant.yaml/acme"]
	text := strings.NewReplacer("max_rows: 1000, prompts: { from: FROM_DTTM, to: TO_DTTM, after: LAST_EMPLID }", "max_rows: 500",
		"per_org: [EMP, CWR]", "per_org: [EMP]", "title: user_fields.job_title", "location: user_fields.site").Replace(string(sample(t, "tenant.yaml")))
	f, problems := config.Decode("x", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got, err := config.Diff(before, f.Tenants[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Change{
		{"employees.scope.per_org", `["EMP","CWR"]`, `["EMP"]`},
		{"employees.user.location", "", "user_fields.site"},
		{"employees.user.title", "user_fields.job_title", ""},
		{"peoplesoft.hcm.employees.max_rows", "1000", "500"},
		{"peoplesoft.hcm.employees.prompts.after", "LAST_EMPLID", ""},
		{"peoplesoft.hcm.employees.prompts.from", "FROM_DTTM", ""},
		{"peoplesoft.hcm.employees.prompts.to", "TO_DTTM", ""},
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
	if all, err := config.Diff(config.Tenant{}, before); err != nil || len(all) < 40 || all[0].Before != "" {
		t.Fatalf("a new tenant differs in %d settings, %v", len(all), err)
	}
}
