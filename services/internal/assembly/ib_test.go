package assembly

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ml-connector/ml-connector/pkg/bus/natsbus"
	"github.com/ml-connector/ml-connector/pkg/bus/natsembed"
	"github.com/ml-connector/ml-connector/pkg/config"
	"github.com/ml-connector/ml-connector/pkg/secret"
	"github.com/ml-connector/ml-connector/pkg/store/sqlitestore"
	"github.com/ml-connector/ml-connector/pkg/tenant"
	"github.com/ml-connector/ml-connector/pkg/vault"
	"github.com/ml-connector/ml-connector/services/ib-listener/listener"
)

const ibTenant = `tenant: acme
timezone: America/Chicago
peoplesoft:
  hcm:
    base_url: http://127.0.0.1:9
    node: PSFT_HR
    auth: { basic: { username: MLCONN } }
    employees: { query: ML_EMPLOYEES }
  ib:
    nodes: [PSFT_HR]
    auth: { basic: { username: psft }, header: { name: X-ML-Key }, node_password: {} }
    aliases: { ACME_PERSON: PERSON_BASIC_SYNC }
zendesk:
  base_url: http://127.0.0.1:9
  auth: { client_credentials: { client_id: ml_connector } }
`

// testCore is a core on a real store, vault and broker.
func testCore(t *testing.T) *Core {
	t.Helper()
	dir := t.TempDir()
	st, err := sqlitestore.Open(t.Context(), filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	keys, err := vault.Open(t.Context(), vault.Options{KeyFile: filepath.Join(dir, "key"), Create: true}, st)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := natsembed.Start(t.Context(), natsembed.Options{Dir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Shutdown(context.Background()) })
	b, err := natsbus.Connect(t.Context(), natsbus.Options{InProcess: srv})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return &Core{Store: st, Bus: b, Keys: keys, Log: slog.New(slog.DiscardHandler), Now: time.Now}
}

func (c *Core) apply(t *testing.T, file string) {
	t.Helper()
	decoded, problems := config.Decode("t.yaml", []byte(file))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	doc, err := config.Doc(decoded.Tenants[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Store.PutTenant(t.Context(), decoded.Tenants[0].Tenant(), doc, nil); err != nil {
		t.Fatal(err)
	}
}

// TestTheIngressFollowsSettingsAndCredentials changes them and looks at what is answered after each reload.
func TestTheIngressFollowsSettingsAndCredentials(t *testing.T) {
	c := testCore(t)
	in := c.Ingress()
	srv := httptest.NewServer(in.Handler())
	defer srv.Close()
	prints, doors := map[tenant.ID]string{}, map[tenant.ID]*listener.Door{}
	n := 0
	post := func(change func(*http.Request)) int {
		n++
		body := `<?xml version="1.0"?><ACME_PERSON><FieldTypes/><MsgData><Transaction><PERSON class="R"><EMPLID>0001</EMPLID></PERSON></Transaction></MsgData></ACME_PERSON>`
		r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/ib/acme", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "text/xml")
		r.Header.Set("From", "PSFT_HR")
		r.Header.Set("ExternalOperationName", "ACME_PERSON.VERSION_1")
		r.Header.Set("TransactionID", strings.Repeat("x", n))
		change(r)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	basic := func(password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("psft", password) }
	}
	set := func(p vault.Purpose, v string) {
		if err := c.Keys.Seal(t.Context(), "acme", p, secret.New(v)); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name   string
		do     func()
		sign   func(*http.Request)
		status int
		fails  bool
	}{
		{"there are no tenants", func() {}, basic("a"), 401, false},
		{"credentials are missing", func() { c.apply(t, ibTenant) }, basic("a"), 503, true},
		{"one credential is there", func() { set(vault.IBPassword, "a") }, basic("a"), 503, true},
		{"all are there", func() { set(vault.IBHeader, "h"); set(vault.IBNodePassword, "n") }, basic("a"), 200, false},
		{"the header", func() {}, func(r *http.Request) { r.Header.Set("X-ML-Key", "h") }, 200, false},
		{"the node password in a header", func() {}, func(r *http.Request) { r.Header.Set("Password", "n") }, 200, false},
		{"the password was changed", func() { set(vault.IBPassword, "b") }, basic("a"), 401, false},
		{"the new password", func() {}, basic("b"), 200, false},
		{"the header was taken out", func() { c.apply(t, strings.Replace(ibTenant, ", header: { name: X-ML-Key }", "", 1)) }, func(r *http.Request) { r.Header.Set("X-ML-Key", "h") }, 401, false},
		{"the node may send no more", func() { c.apply(t, strings.Replace(ibTenant, "nodes: [PSFT_HR]", "nodes: [OTHER]", 1)) }, basic("b"), 403, false},
		{"the ingress was taken out", func() {
			c.apply(t, ibTenant[:strings.Index(ibTenant, "  ib:")]+ibTenant[strings.Index(ibTenant, "zendesk:"):])
		}, basic("b"), 401, false},
	} {
		step.do()
		if err := in.reload(t.Context(), prints, doors); (err != nil) != step.fails {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := post(step.sign); got != step.status {
			t.Fatalf("%s: status %d, want %d", step.name, got, step.status)
		}
	}
}
