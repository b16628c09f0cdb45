package assembly

import (
	"testing"

	"github.com/ml-connector/ml-connector/pkg/check"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/fault"
	"github.com/ml-connector/ml-connector/pkg/record"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/source"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
)

const twoSources = `tenant: acme
timezone: America/Chicago
peoplesoft:
  hcm:
    base_url: http://127.0.0.1:9
    node: PSFT_HR
    auth: { basic: { username: MLCONN } }
    employees: { query: ML_EMPLOYEES }
  fscm:
    base_url: http://127.0.0.1:9
    node: PSFT_EP
    auth: { basic: { username: MLCONN } }
    vendors: { query: ML_VENDORS }
zendesk:
  base_url: http://127.0.0.1:9
  auth: { client_credentials: { client_id: ml_connector } }
`

func TestASourceWithoutItsCredentialIsShutAndTheOtherOpen(t *testing.T) {
	c, acme := testCore(t), tenant.ID("acme")
	file, problems := config.Decode("acme.yaml", []byte(twoSources))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if err := c.Keys.Seal(t.Context(), acme, vault.HCMPassword, secret.New("a password")); err != nil {
		t.Fatal(err)
	}
	sources, err := c.sources(t.Context(), acme, file.Tenants[0])
	if err != nil || len(sources) != 2 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	if _, isShut := sources[0].source.(shut); isShut {
		t.Error("the database with its password is shut")
	}
	vendors := sources[1].source
	if steps := vendors.Check(t.Context(), acme, record.Vendor); len(steps) != 1 || steps[0].State != check.Failed || steps[0].Code != string(fault.NoCredential) || steps[0].Next == "" {
		t.Errorf("steps %+v", steps)
	}
	if _, err := vendors.Read(t.Context(), acme, source.Window{Kind: record.Vendor}); fault.CodeOf(err) != fault.NoCredential {
		t.Errorf("read: %v", err)
	}
	if _, err := vendors.(source.KeyReader).ReadKey(t.Context(), acme, record.Ref{Kind: record.Vendor, Key: "SHARE/1"}); fault.CodeOf(err) != fault.NoCredential {
		t.Errorf("read by key: %v", err)
	}
}
